#include "base/config_schema.h"

#include "base/config.h"
#include "base/country.h"
#include <string.h>

static const char *const methods[] = {"POST", "GET", NULL};
static const char *const events[] = {"initiated", "ringing", "answered", "completed", NULL};
static const char *const dialects[] = {"almon", "asterisk", NULL};
static const char *const caller_ids[] = {"from", "asserted", "both", NULL};
static const char *const secrecies[] = {"off", "optional", "required", NULL};
static const char *const key_ways[] = {"sdes", "dtls", NULL};

static bool is_digits(const char *text, size_t n)
{
    return n > 0 && strspn(text, "0123456789") == n;
}

static const char *check_country(const char *text)
{
    return country_known(text) || (text[0] == '+' && is_digits(text + 1, strlen(text + 1)))
               ? NULL
               : "a country's two letters, as DE, or a beginning as +49";
}

/* "+15550100", and with '*' at the end all that begin so. */
static const char *check_own_number(const char *text)
{
    size_t n = strcspn(text, "*");

    return text[0] == '+' && is_digits(text + 1, n - 1) && (text[n] == '\0' || text[n + 1] == '\0')
               ? NULL
               : "a number as +15550100, perhaps with * at its end";
}

static const char *check_caller_id(const char *text)
{
    return strcmp(text, "keep") == 0 || strcmp(text, "owned") == 0 ||
                   (text[0] == '+' && is_digits(text + 1, strlen(text + 1)))
               ? NULL
               : "keep, owned, or a number as +15550100";
}

/* session/route.h says what they mean. */
static const char *check_route_pattern(const char *text)
{
    const char *star = strchr(text, '*');
    size_t last = strlen(text) - 1;
    bool fine;

    if (strpbrk(text, " \t\r\n<>\"") != NULL)
        fine = false;
    else if (strncmp(text, "sip:", 4) == 0)
        fine = text[4] != '\0' &&
               (star == NULL || (star == text + 4 && strchr(star + 1, '*') == NULL &&
                                 (star[1] == '\0' || star[1] == '@')));
    else if (strncmp(text, "client:", 7) == 0)
        fine = text[7] != '\0' && (star == NULL || star == text + last);
    else
        fine = strspn(text, "+0123456789*#") == last + 1 &&
               (strrchr(text, '+') == NULL || strrchr(text, '+') == text) &&
               (star == NULL || star == text + last);
    return fine ? NULL : "as '+49*', '*', '101', 'sip:*@example.com', 'sip:*' or 'client:*'";
}

/* What bridge/README.md lets an identity be, and '*' at the end. */
static const char *check_identity(const char *text)
{
    size_t n = strcspn(text, "*");

    return strpbrk(text, " \t\r\n") == NULL && (text[n] == '\0' || text[n + 1] == '\0') &&
                   strlen(text) <= 256
               ? NULL
               : "a name without spaces, perhaps with * at its end";
}

#define AT(field) .offset = offsetof(struct config_account, field)
static const struct config_key account_keys[] = {
    {.name = "sid",
     .type = CONFIG_SID,
     .required = true,
     AT(sid),
     .help = "Who it is: AC and 32 hexadecimal digits."},
    {.name = "token",
     .type = CONFIG_TEXT,
     .required = true,
     AT(token),
     .help = "The secret that signs webhooks and opens the REST API."},
    {.name = "name", .type = CONFIG_TEXT, AT(name), .help = "A name for people."},
    {.name = "max_calls",
     .type = CONFIG_INT,
     .def = "1000",
     .min = 0,
     .max = 1000000,
     AT(max_calls),
     .help = "Calls that its flows have made, at once."},
    {.name = "calls_per_second",
     .type = CONFIG_INT,
     .def = "10",
     .min = 1,
     .max = 100000,
     AT(calls_per_second),
     .help = "New calls that its flows make through routes, in one second."},
    {.name = "countries",
     .type = CONFIG_LIST,
     .check = check_country,
     AT(countries),
     .help =
         "Where it may call: 'DE', 'US', or how numbers begin: '+44900'. When absent, wherever "
         "a route leads. Premium-rate and satellite numbers only when their beginning is here."},
    {.name = "caller_ids",
     .type = CONFIG_LIST,
     .check = check_own_number,
     AT(caller_ids),
     .help = "Numbers that it may show as caller besides those of its number{…}: '+15550100', "
             "'+1555*'."},
    {.name = NULL},
};
#undef AT

#define AT(field) .offset = offsetof(struct config_queue, field)
static const struct config_key queue_keys[] = {
    {.name = "name",
     .type = CONFIG_TEXT,
     .required = true,
     .first = true,
     AT(name),
     .help = "As Enqueue and Queue say it."},
    {.name = "max",
     .type = CONFIG_INT,
     .def = "1000",
     .min = 1,
     .max = 100000,
     AT(max),
     .help = "Most callers who wait in it."},
    {.name = NULL},
};
#undef AT

#define AT(field) .offset = offsetof(struct config_gateway, field)
static const struct config_key gateway_keys[] = {
    {.name = "name",
     .type = CONFIG_TEXT,
     .required = true,
     AT(name),
     .help = "What the gateway says it is when it connects."},
    {.name = "token",
     .type = CONFIG_TEXT,
     .required = true,
     AT(token),
     .help = "The secret that proves it."},
    {.name = "max_channels",
     .type = CONFIG_INT,
     .def = "10000",
     .min = 1,
     .max = 100000,
     AT(max_channels),
     .help = "Most calls at once on its link."},
    {.name = "originate",
     .type = CONFIG_BOOL,
     .def = "true",
     AT(originate),
     .help = "It may bring calls in."},
    {.name = "terminate",
     .type = CONFIG_BOOL,
     .def = "true",
     AT(terminate),
     .help = "Calls may be sent out through it."},
    {.name = "identities",
     .type = CONFIG_LIST,
     .check = check_identity,
     AT(identities),
     .help = "Who may be reached at it as client:NAME: 'alice', 'agent-*', '*'. None when absent; "
             "the gateway of sip{…} has the phones."},
    {.name = "dialect",
     .type = CONFIG_CHOICE,
     .choices = dialects,
     .def = "almon",
     AT(dialect),
     .help = "What it speaks: the bridge's own protocol, or that of Asterisk's WebSocket channel."},
    {.name = "url",
     .type = CONFIG_TEXT,
     AT(url),
     .help = "For `almon join`: Asterisk's own 'ws://127.0.0.1:8088/media'."},
    {.name = NULL},
};
#undef AT

#define AT(field) .offset = offsetof(struct config_route, field)
static const struct config_key route_keys[] = {
    {.name = "pattern",
     .type = CONFIG_LIST,
     .check = check_route_pattern,
     .required = true,
     .first = true,
     AT(patterns),
     .help = "Who is called by it, one or a list: '+49*', '*' for all numbers, '101', "
             "'sip:*@example.com', 'sip:*', 'client:*'. Of several routes the longest that fits is "
             "tried first, then in the order of the file."},
    {.name = "gateway",
     .type = CONFIG_TEXT,
     .def = "sip",
     AT(gateway),
     .help = "The gateway that makes the call."},
    {.name = "trunk",
     .type = CONFIG_TEXT,
     AT(trunk),
     .help = "The trunk{…} it takes; the gateway chooses when absent."},
    {.name = "limit",
     .type = CONFIG_INT,
     .def = "1000",
     .min = 0,
     .max = 1000000,
     AT(limit),
     .help = "Calls at once; more go to the next route that fits."},
    {.name = "caller_id",
     .type = CONFIG_TEXT,
     .check = check_caller_id,
     .def = "keep",
     AT(caller_id),
     .help = "Who seems to call: keep (the number that the flow shows), owned (the same, but only "
             "a number of the account's own), or one number for all."},
    {.name = NULL},
};
#undef AT

#define AT(field) .offset = offsetof(struct config_number, field)
#define METHOD(key, of)                                                                            \
    {                                                                                              \
        .name = #key, .type = CONFIG_CHOICE, .choices = methods, .def = "POST", AT(key),           \
        .help = "How " of " is asked."                                                             \
    }
static const struct config_key number_keys[] = {
    {.name = "pattern",
     .type = CONFIG_PATTERN,
     .required = true,
     .first = true,
     AT(pattern),
     .help = "The number; with * at the end, all that begin so. The longest that fits wins."},
    {.name = "voice",
     .type = CONFIG_FLOW,
     AT(voice),
     .help = "What a call hears: a URL, or a file below the folder of almon.lua."},
    METHOD(voice_method, "voice"),
    {.name = "voice_fallback",
     .type = CONFIG_FLOW,
     AT(voice_fallback),
     .help = "Asked instead when voice fails."},
    METHOD(voice_fallback_method, "voice_fallback"),
    {.name = "message",
     .type = CONFIG_FLOW,
     AT(message),
     .help = "What answers a message: a URL or a file."},
    METHOD(message_method, "message"),
    {.name = "message_fallback",
     .type = CONFIG_FLOW,
     AT(message_fallback),
     .help = "Asked instead when message fails."},
    METHOD(message_fallback_method, "message_fallback"),
    {.name = "status_callback",
     .type = CONFIG_URL,
     AT(status_callback),
     .help = "Told how each call goes."},
    METHOD(status_callback_method, "status_callback"),
    {.name = "status_callback_events",
     .type = CONFIG_EVENTS,
     .choices = events,
     .def = "completed",
     AT(status_callback_events),
     .help = "What it is told of: one, or a list."},
    {.name = "lua_in_webhooks",
     .type = CONFIG_BOOL,
     .def = "false",
     .felt = true,
     AT(lua_in_webhooks),
     .help = "Documents from webhooks may hold <Lua> and {{ }}."},
    {.name = "account",
     .type = CONFIG_ACCOUNT,
     AT(account),
     .help = "The sid of the account that owns it; the first account when absent."},
    {.name = NULL},
};
#undef AT

#define AT(field) .offset = offsetof(struct config_application, field)
static const struct config_key application_keys[] = {
    {.name = "sid",
     .type = CONFIG_TEXT,
     .required = true,
     .first = true,
     AT(sid),
     .help = "As <Application> says it: AP and 32 hexadecimal digits, or any name."},
    {.name = "voice",
     .type = CONFIG_FLOW,
     .required = true,
     AT(voice),
     .help = "Its flow: a URL, or a file below the folder of almon.lua."},
    METHOD(voice_method, "voice"),
    {.name = NULL},
};
#undef METHOD
#undef AT

#define AT(field) .offset = offsetof(struct config, field)
static const struct config_key server_keys[] = {
    {.name = "state",
     .type = CONFIG_TEXT,
     .def = "state",
     AT(server.state),
     .help = "The folder of journals, recordings and the store."},
    {.name = "public_url",
     .type = CONFIG_URL,
     AT(server.public_url),
     .help = "How the world reaches this server; http:// and the address of `http` when absent."},
    {.name = "http",
     .type = CONFIG_ADDRESS,
     .def = "127.0.0.1:8080",
     AT(server.http),
     .help = "Where REST and recordings are served."},
    {.name = "bridge",
     .type = CONFIG_ADDRESS,
     .def = "127.0.0.1:8081",
     AT(server.bridge),
     .help = "Where gateways connect."},
    {.name = "log",
     .type = CONFIG_LEVELS,
     .def = "info",
     AT(server.log),
     .help = "debug, info, warn or error; single parts as in 'info,bridge=debug'."},
    {.name = NULL},
};

static const struct config_key http_keys[] = {
    {.name = "allow",
     .type = CONFIG_LIST,
     AT(http.allow),
     .help = "Private networks and hosts that documents may reach: '10.0.0.0/8', 'host:port'."},
    {.name = "timeout_ms",
     .type = CONFIG_INT,
     .def = "15000",
     .min = 100,
     .max = 15000,
     .felt = true,
     AT(http.timeout_ms),
     .help = "Most time for one webhook."},
    {.name = "ca_file",
     .type = CONFIG_TEXT,
     AT(http.ca_file),
     .help = "Certificates to trust instead of the system's."},
    {.name = NULL},
};

static const struct config_key speech_keys[] = {
    {.name = "voice",
     .type = CONFIG_TEXT,
     .def = "man",
     .felt = true,
     AT(speech.voice),
     .help = "The voice of Say when it names none."},
    {.name = "language",
     .type = CONFIG_TEXT,
     .def = "en-US",
     .felt = true,
     AT(speech.language),
     .help = "And its language."},
    {.name = "cache_mb",
     .type = CONFIG_INT,
     .def = "64",
     .min = 1,
     .max = 65536,
     AT(speech.cache_mb),
     .help = "Megabytes of audio kept in memory."},
    {.name = "disk_mb",
     .type = CONFIG_INT,
     .def = "512",
     .min = 0,
     .max = 1048576,
     AT(speech.disk_mb),
     .help = "And on disk."},
    {.name = NULL},
};

static const struct config_key recordings_keys[] = {
    {.name = "public",
     .type = CONFIG_BOOL,
     .def = "false",
     AT(recordings.open),
     .help = "Recordings are served without the account's password."},
    {.name = "empty_falls_through",
     .type = CONFIG_BOOL,
     .def = "false",
     .felt = true,
     AT(recordings.empty_falls_through),
     .help = "A Record that heard nothing goes on to the next verb, not to its action."},
    {.name = NULL},
};

static const struct config_key limits_keys[] = {
    {.name = "calls",
     .type = CONFIG_INT,
     .def = "10000",
     .min = 1,
     .max = 1000000,
     AT(limits.calls),
     .help = "Calls at once."},
    {.name = "documents_per_call",
     .type = CONFIG_INT,
     .def = "500",
     .min = 1,
     .max = 1000000,
     .felt = true,
     AT(limits.documents_per_call),
     .help = "Documents that one call may fetch: the end of a Redirect that goes in circles."},
    {.name = "call_seconds",
     .type = CONFIG_INT,
     .def = "14400",
     .min = 1,
     .max = 604800,
     .felt = true,
     AT(limits.call_seconds),
     .help = "Longest call."},
    {.name = "late_ms",
     .type = CONFIG_INT,
     .def = "60",
     .min = 1,
     .max = 10000,
     AT(limits.late_ms),
     .help = "New calls are refused while audio is later than this."},
    {.name = "journal_kb",
     .type = CONFIG_INT,
     .def = "4096",
     .min = 16,
     .max = 1048576,
     .felt = true,
     AT(limits.journal_kb),
     .help = "Longest journal of one call."},
    {.name = "rooms",
     .type = CONFIG_INT,
     .def = "1000",
     .min = 1,
     .max = 100000,
     AT(limits.rooms),
     .help = "Conferences at once."},
    {.name = "room_members",
     .type = CONFIG_INT,
     .def = "250",
     .min = 2,
     .max = 10000,
     AT(limits.room_members),
     .help = "Callers in one conference."},
    {.name = "lua_memory_kb",
     .type = CONFIG_INT,
     .def = "8192",
     .min = 128,
     .max = 1048576,
     .felt = true,
     AT(limits.lua_memory_kb),
     .help = "Memory for the Lua of one call."},
    {.name = NULL},
};
static const struct config_key sip_keys[] = {
    {.name = "gateway",
     .type = CONFIG_TEXT,
     .def = "sip",
     AT(sip.gateway),
     .help = "The gateway{…} that almon-sip is on the bridge."},
    {.name = "listen",
     .type = CONFIG_LIST,
     AT(sip.listen),
     .help = "Where it listens: 'udp:0.0.0.0:5060', 'tcp:…', 'tls:…'; udp and tcp 5060 when "
             "absent."},
    {.name = "domain",
     .type = CONFIG_TEXT,
     .def = "almon",
     AT(sip.domain),
     .help = "The host in our addresses, and the realm of passwords."},
    {.name = "address",
     .type = CONFIG_TEXT,
     AT(sip.address),
     .help = "The IP address that others send sound to, when it is not this machine's own."},
    {.name = "tls_certificate",
     .type = CONFIG_TEXT,
     AT(sip.tls_certificate),
     .help = "A PEM file with certificate and key, for 'tls:'."},
    {.name = "rtp_port_min",
     .type = CONFIG_INT,
     .def = "16384",
     .min = 1024,
     .max = 65534,
     AT(sip.rtp_port_min),
     .help = "First port of sound; a call takes two."},
    {.name = "rtp_port_max",
     .type = CONFIG_INT,
     .def = "32767",
     .min = 1025,
     .max = 65535,
     AT(sip.rtp_port_max),
     .help = "Last port of sound."},
    {.name = "max_calls",
     .type = CONFIG_INT,
     .def = "5000",
     .min = 1,
     .max = 30000,
     AT(sip.max_calls),
     .help = "Calls at once; more are refused with 503."},
    {.name = "requests_per_second",
     .type = CONFIG_INT,
     .def = "50",
     .min = 1,
     .max = 100000,
     AT(sip.requests_per_second),
     .help = "New requests that one address may send; more are dropped."},
    {.name = NULL},
};
#undef AT

#define AT(field) .offset = offsetof(struct config_trunk, field)
static const struct config_key trunk_keys[] = {
    {.name = "name",
     .type = CONFIG_TEXT,
     .required = true,
     AT(name),
     .help = "What it is called in logs, and in trunk:NAME."},
    {.name = "from",
     .type = CONFIG_LIST,
     AT(from),
     .help = "Addresses and networks whose calls are taken: '192.0.2.7', '10.0.0.0/8', '::1'."},
    {.name = "to",
     .type = CONFIG_TEXT,
     AT(to),
     .help = "Where calls go: 'sip:host', 'sip:host:port;transport=tcp'."},
    {.name = "user", .type = CONFIG_TEXT, AT(user), .help = "Our name there."},
    {.name = "password", .type = CONFIG_TEXT, AT(password), .help = "What answers its challenges."},
    {.name = "register",
     .type = CONFIG_BOOL,
     .def = "false",
     AT(registers),
     .help = "Register with `to`, so that its calls find us behind NAT."},
    {.name = "proxy",
     .type = CONFIG_TEXT,
     AT(proxy),
     .help = "Requests go to this host instead: 'sip:host:port;transport=tcp'."},
    {.name = "max_calls",
     .type = CONFIG_INT,
     .def = "1000",
     .min = 1,
     .max = 30000,
     AT(max_calls),
     .help = "Calls at once, both ways together."},
    {.name = "headers",
     .type = CONFIG_LIST,
     AT(headers),
     .help = "Added to calls that go out: 'X-Name: value'."},
    {.name = "caller_id",
     .type = CONFIG_CHOICE,
     .choices = caller_ids,
     .def = "from",
     AT(caller_id),
     .help = "Where the caller's number stands: From, P-Asserted-Identity, or both."},
    {.name = "rewrite_in",
     .type = CONFIG_LIST,
     AT(rewrite_in),
     .help = "How its numbers begin, and shall: '00:+', '0:+49'; the first that fits."},
    {.name = "rewrite_out",
     .type = CONFIG_LIST,
     AT(rewrite_out),
     .help = "The same for numbers that it gets: '+:00'."},
    {.name = "nat",
     .type = CONFIG_BOOL,
     .def = "false",
     AT(nat),
     .help = "Its sound may come from another address than it says."},
    {.name = "srtp",
     .type = CONFIG_CHOICE,
     .choices = secrecies,
     .def = "optional",
     AT(srtp),
     .help = "Encrypted sound: 'off', taken when offered, or 'required'."},
    {.name = "srtp_keys",
     .type = CONFIG_CHOICE,
     .choices = key_ways,
     .def = "sdes",
     AT(srtp_keys),
     .help = "What our offers agree on keys by: 'sdes' (wants TLS) or 'dtls'; either is taken."},
    {.name = "ice",
     .type = CONFIG_BOOL,
     .def = "false",
     AT(ice),
     .help = "Our offers speak ICE; one that is offered is always answered."},
    {.name = NULL},
};
#undef AT

#define AT(field) .offset = offsetof(struct config_phone, field)
static const struct config_key phone_keys[] = {
    {.name = "name",
     .type = CONFIG_TEXT,
     .required = true,
     AT(name),
     .help = "Its user name; calls from it are from client:NAME."},
    {.name = "password", .type = CONFIG_TEXT, .required = true, AT(password), .help = "Proves it."},
    {.name = "number",
     .type = CONFIG_TEXT,
     AT(number),
     .help = "The caller's number of its calls, instead of client:NAME."},
    {.name = "max_calls",
     .type = CONFIG_INT,
     .def = "4",
     .min = 1,
     .max = 1000,
     AT(max_calls),
     .help = "Calls at once."},
    {.name = "nat",
     .type = CONFIG_BOOL,
     .def = "true",
     AT(nat),
     .help = "Its sound may come from another address than it says."},
    {.name = "srtp",
     .type = CONFIG_CHOICE,
     .choices = secrecies,
     .def = "optional",
     AT(srtp),
     .help = "Encrypted sound: 'off', taken when offered, or 'required'."},
    {.name = "srtp_keys",
     .type = CONFIG_CHOICE,
     .choices = key_ways,
     .def = "sdes",
     AT(srtp_keys),
     .help = "What our offers agree on keys by: 'sdes' (wants TLS) or 'dtls'; either is taken."},
    {.name = "ice",
     .type = CONFIG_BOOL,
     .def = "false",
     AT(ice),
     .help = "Our offers speak ICE; one that is offered is always answered."},
    {.name = NULL},
};
#undef AT

#define ITEMS(type, array)                                                                         \
    .repeatable = true, .size = sizeof(struct type), .items = offsetof(struct config, array),      \
    .n_items = offsetof(struct config, n_##array), .line = offsetof(struct type, line)

/* The order of the reference; a new section is an entry here and a struct in config.h. */
const struct config_section config_sections[] = {
    {.name = "account",
     .help = "Who owns numbers and calls. At least one.",
     .keys = account_keys,
     .unique = &account_keys[0],
     ITEMS(config_account, accounts)},
    {.name = "number",
     .help = "A number, and the flow that answers it.",
     .keys = number_keys,
     .unique = &number_keys[0],
     ITEMS(config_number, numbers)},
    {.name = "gateway",
     .help = "A program that brings calls over the bridge, and takes them.",
     .keys = gateway_keys,
     .unique = &gateway_keys[0],
     ITEMS(config_gateway, gateways)},
    {.name = "route",
     .help = "Where calls that flows make may go. Without a route to it no number and no sip: "
             "address is ever called; client:NAME is reached where it is registered.",
     .keys = route_keys,
     ITEMS(config_route, routes)},
    {.name = "application",
     .help = "A flow that other flows dial by its name.",
     .keys = application_keys,
     .unique = &application_keys[0],
     ITEMS(config_application, applications)},
    {.name = "queue",
     .help = "A queue that may be dialled before anybody is in it.",
     .keys = queue_keys,
     .unique = &queue_keys[0],
     ITEMS(config_queue, queues)},
    {.name = "server", .help = "Where Almon lives and listens.", .keys = server_keys},
    {.name = "http", .help = "Webhooks and media from elsewhere.", .keys = http_keys},
    {.name = "speech", .help = "How Say sounds.", .keys = speech_keys},
    {.name = "recordings", .help = "What Record leaves.", .keys = recordings_keys},
    {.name = "limits", .help = "Bounds that keep one flow from hurting all.", .keys = limits_keys},
    {.name = "sip", .help = "The SIP gateway, almon-sip.", .keys = sip_keys},
    {.name = "trunk",
     .help = "A carrier or another exchange that almon-sip has calls with.",
     .keys = trunk_keys,
     .unique = &trunk_keys[0],
     ITEMS(config_trunk, trunks)},
    {.name = "phone",
     .help = "A SIP phone that registers with almon-sip.",
     .keys = phone_keys,
     .unique = &phone_keys[0],
     ITEMS(config_phone, phones)},
};
const size_t config_n_sections = sizeof config_sections / sizeof *config_sections;
