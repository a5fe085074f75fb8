/* almon.lua: the one configuration file of every Almon program. It is a Lua file that calls
 * `account{…}`, `number{…}` and so on, run in a bare state with an instruction limit, and checked
 * against one schema table (config.c) that covers every program. A mistake is reported with its
 * file and line; a program ignores the sections that are not its own.
 *
 *   account { sid = "AC0…", token = "secret" }
 *   gateway { name = "local", token = "secret" }
 *   number  { "+15550100", voice = "scripts/welcome.xml" }
 *
 * A loaded configuration is immutable; reload makes a new one and swaps the pointer. All strings
 * belong to it. Optional strings are NULL when absent. */
#ifndef ALMON_BASE_CONFIG_H
#define ALMON_BASE_CONFIG_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct config_account {
    const char *sid;   /* "AC" + 32 hex */
    const char *token; /* signs webhooks, opens REST */
    const char *name;
    /* Calls out, its ceilings against toll fraud: at once, new ones in a second, and where to. */
    int max_calls;                      /* default 1000 */
    int calls_per_second;               /* default 30 */
    int calls_per_day, minutes_per_day; /* over routes; default 0: no such ceiling */
    int messages_per_second;            /* default 30; more wait */
    int messages_per_day;               /* default 0: no such ceiling */
    const char *const *countries; /* "DE", or beginnings of numbers "+44900"; none: wherever a route
                                     leads, except to dear numbers */
    size_t n_countries;
    const char *const *caller_ids; /* numbers it may show besides its own: "+15550100", "+1555*" */
    size_t n_caller_ids;
    int line;
};

/* A method is "GET" or "POST". An event set is a bit mask of CONFIG_EVENT_*. */
enum {
    CONFIG_EVENT_INITIATED = 1,
    CONFIG_EVENT_RINGING = 2,
    CONFIG_EVENT_ANSWERED = 4,
    CONFIG_EVENT_COMPLETED = 8,
};

struct config_number {
    const char *pattern; /* "+15550100", or with '*' at the end for a prefix ("+1555*"), "*" = any;
                            the longest pattern that fits wins */
    const char *voice, *voice_method; /* URL, or a file relative to almon.lua's folder */
    const char *voice_fallback, *voice_fallback_method;
    const char *message, *message_method;
    const char *message_fallback, *message_fallback_method;
    bool opt_out; /* STOP, START and HELP are obeyed and answered (default true) */
    const char *status_callback, *status_callback_method;
    unsigned status_callback_events; /* default CONFIG_EVENT_COMPLETED */
    bool lua_in_webhooks; /* allow <Lua> and {{ }} in documents that a webhook returned */
    const struct config_account *account; /* default: the first account */
    int line;
};

struct config_gateway {
    const char *name;              /* what a link says in its hello */
    const char *token;             /* and proves */
    int max_channels;              /* default 10000 */
    bool originate;                /* may offer calls (default true) */
    bool terminate;                /* may be offered calls (default true) */
    const char *const *identities; /* that its links may register: "alice", "agent-*", "*"; none
                                      unless said, but for the phones of the SIP gateway */
    size_t n_identities;
    const char *dialect; /* "almon", the bridge's own protocol, or "asterisk" */
    const char *url;     /* asterisk: ws://ADDRESS:PORT/media, where we connect for `almon join` */
    int line;
};

/* Where calls that flows make may go: without a route to it nothing outside is called. */
struct config_route {
    const char *const *patterns; /* "+49*", "*" (all numbers), "101", "sip:*@example.com", "sip:*",
                                    "client:*"; session/route.h tells which fits best */
    size_t n_patterns;
    const char *gateway;                /* default "sip" */
    const char *trunk;                  /* told to the gateway; NULL: it chooses */
    int limit;                          /* calls at once, default 1000 */
    int calls_per_day, minutes_per_day; /* default 0: no such ceiling */
    const char *caller_id;              /* "keep", "owned", or the number that all its calls show */
    int line;
};

/* A flow that is dialled by a name of its own: <Dial><Application>. */
struct config_application {
    const char *sid; /* "AP…", or any name */
    const char *voice, *voice_method;
    int line;
};

/* A queue that is known before anybody is in it. */
struct config_queue {
    const char *name;
    int max; /* most who wait, default 1000 */
    int line;
};

/* Somebody that SIP calls come from or go to over an interconnect; for almon-sip. */
struct config_trunk {
    const char *name;
    const char *const *from; /* addresses and networks whose calls are taken without a password */
    size_t n_from;
    const char *to;              /* "sip:host[:port][;transport=…]": where calls go */
    const char *user, *password; /* what we answer to its challenges */
    bool registers;              /* `register`: tell `to` where we are */
    int probe;                   /* seconds between OPTIONS to it; 0: none */
    int patience;                /* seconds that a server may say nothing to a call */
    const char *proxy;           /* "sip:host[:port][;transport=…]": sent to this host instead */
    int max_calls;
    int session_expires;        /* seconds (RFC 4028); 0: none */
    int keep_alive;             /* seconds between empty lines to where we registered; 0: none */
    const char *const *headers; /* "Name: value", added to calls that go out */
    size_t n_headers;
    const char *caller_id;         /* "from", "asserted", "both" */
    const char *const *rewrite_in; /* "old:new": beginnings of numbers */
    size_t n_rewrite_in;
    const char *const *rewrite_out;
    size_t n_rewrite_out;
    bool nat;              /* its true media address may be learnt from its packets */
    const char *srtp;      /* "off", "optional", "required" */
    const char *srtp_keys; /* what our offers agree on keys by: "sdes", "dtls" */
    bool ice;              /* our offers speak ICE; theirs are always answered */
    int line;
};

/* A SIP phone that registers with a password; "client:NAME" in calls. */
struct config_phone {
    const char *name, *password;
    const char *number; /* caller id of its calls instead of client:NAME */
    int max_calls;
    bool nat;
    const char *srtp, *srtp_keys; /* as a trunk's */
    bool ice;
    int line;
};

struct config {
    const char *path; /* of almon.lua */
    const char
        *folder; /* its folder: what relative names are relative to; flows may not leave it */

    const struct config_account *accounts;
    size_t n_accounts; /* at least 1 */
    const struct config_number *numbers;
    size_t n_numbers;
    const struct config_gateway *gateways;
    size_t n_gateways;
    const struct config_route *routes; /* in the order of the file */
    size_t n_routes;
    const struct config_queue *queues;
    size_t n_queues;
    const struct config_application *applications;
    size_t n_applications;

    struct {
        const char *state;      /* folder, default "state" */
        const char *public_url; /* no slash at the end; default http:// and `http` */
        const char *http;       /* "host:port" for REST and recordings, default "127.0.0.1:8080" */
        const char *bridge;     /* "host:port" for the media bridge, default "127.0.0.1:8081" */
        const char *log;        /* log_set_levels() spec, default "info" */
    } server;

    struct {
        const char *const
            *allow; /* "10.0.0.0/8", "[::1]:3000", "host:port": reachable from documents */
        size_t n_allow;
        int timeout_ms; /* whole webhook, default and most 15000 */
        const char *ca_file;
    } http;

    struct {
        const char *voice;    /* default voice of Say; default "man" */
        const char *language; /* default "en-US" */
        int cache_mb;         /* audio kept in memory, default 64 */
        int disk_mb;          /* and on disk, default 512 */
    } speech;

    struct {
        bool open; /* `public`: recordings served without Basic auth; default false */
        bool empty_falls_through; /* Record without any sound goes to the next verb instead of its
                                     action (legacy); default false */
    } recordings;

    struct {
        int calls;               /* at once, default 10000 */
        int documents_per_call;  /* default 500 */
        int call_seconds;        /* default 14400 */
        int late_ms;             /* refuse new calls while frames are later than this, default 60 */
        int journal_kb;          /* per call, default 4096 */
        int rooms, room_members; /* conferences, default 1000; callers in each, default 250 */
        int queues;              /* names of queues that are kept, default 10000 */
        int lua_memory_kb;       /* for the handlers of one call, default 8192 */
    } limits;

    struct {
        const char *gateway; /* which gateway{…} almon-sip is, default "sip" */
        const char *const
            *listen; /* "udp:0.0.0.0:5060", "tcp:…", "tls:…"; default udp and tcp 5060 */
        size_t n_listen;
        const char *domain;  /* of our addresses and the realm of passwords, default "almon" */
        const char *address; /* how the world reaches us, an IP address; default: this machine's */
        const char *dns;     /* the name server; NULL: the system's */
        const char *tls_certificate; /* PEM, certificate and key */
        int rtp_port_min, rtp_port_max;
        int max_calls;
        int requests_per_second; /* from one address, new calls and registrations */
        int session_expires;     /* of calls to phones and addresses, seconds; 0: none */
        const char *digest;      /* how phones prove passwords: "md5", "sha256", "both" */
    } sip;
    const struct config_trunk *trunks;
    size_t n_trunks;
    const struct config_phone *phones;
    size_t n_phones;

    struct arena arena;
};

/* Called for each problem: one line, "almon.lua:12: number: unknown key 'voise'; did you mean
 * 'voice'?". */
typedef void config_report_h(int line, const char *text, void *arg);

/* Reads and checks `path`. On error every problem has been reported, *cp is not touched and *err
 * holds the first. */
int config_load(struct config **cp, const char *path, config_report_h *report, void *arg,
                struct error *err);
/* The same for text in memory; `path` is for messages and the folder. A pure function of its bytes
 * (the fuzzer's door). */
int config_parse(struct config **cp, const char *text, size_t len, const char *path,
                 config_report_h *report, void *arg, struct error *err);
struct config *config_free(struct config *c);

/* --- settings that a call can feel, for its journal and for running it again (config_felt.c) ---
 */

/* Those of this number (NULL: none) and configuration that are not as they come: { "limits": {
 * "call_seconds": 60 } }; "number" is a section, too. A new object; NULL when memory is out. */
json_t *config_settings(const struct config *c, const struct config_number *n);
/* The same as almon.lua would say it: for the number's own braces, and beside it. What is no such
 * setting is left out; a wrong value is found by config_parse(). */
void config_settings_text(const json_t *settings, struct str *number, struct str *beside);

/* The number entry that fits `number` best, NULL when none does. */
const struct config_number *config_find_number(const struct config *c, const char *number);
const struct config_account *config_find_account(const struct config *c, const char *sid);
const struct config_application *config_find_application(const struct config *c, const char *sid);
const struct config_queue *config_find_queue(const struct config *c, const char *name);
const struct config_gateway *config_find_gateway(const struct config *c, const char *name);
/* True when the gateway is an Asterisk; NULL is none. */
bool config_is_asterisk(const struct config_gateway *g);

/* True when `text` is `pattern`, or begins with it where that ends in '*'. */
bool config_pattern_fits(const char *pattern, const char *text);
/* True when links of `gateway` may register client:`identity`: its `identities` say so, or, when it
 * has none and is the gateway of sip{…}, it is the name of a phone. */
bool config_may_register(const struct config *c, const char *gateway, const char *identity);

/* Prints the reference of the file from the schema table, for `almon help almon.lua`. */
struct str;
void config_help(struct str *out);

#endif
