/* The sections of almon.lua that almon-sip reads. */
#include "base/config.h"
#include "base/config_schema.h"

static const char *const caller_ids[] = {"from", "asserted", "both", NULL};
static const char *const secrecies[] = {"off", "optional", "required", NULL};
static const char *const digests[] = {"md5", "sha256", "both", NULL};
static const char *const key_ways[] = {"sdes", "dtls", NULL};

#define AT(field) .offset = offsetof(struct config, field)
const struct config_key config_sip_keys[] = {
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
     .help = "The IP address of the router that forwards our ports, behind NAT."},
    {.name = "dns",
     .type = CONFIG_TEXT,
     AT(sip.dns),
     .help = "The name server that is asked, '192.0.2.53' or '192.0.2.53:53'; the system's when "
             "absent."},
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
    {.name = "session_expires",
     .type = CONFIG_INT,
     .def = "1800",
     .min = 0,
     .max = 86400,
     AT(sip.session_expires),
     .help = "Seconds in which calls to phones and SIP addresses are refreshed, at least 90; one "
             "whose far end is gone is found out. 0: no timer."},
    {.name = "digest",
     .type = CONFIG_CHOICE,
     .choices = digests,
     .def = "md5",
     AT(sip.digest),
     .help = "How phones prove passwords: 'md5', 'sha256', or 'both' (older phones fail at that)."},
    {.name = NULL},
};
#undef AT

/* How sound goes to a trunk and to a phone. */
#define SOUND_KEYS(nat_def)                                                                        \
    {.name = "nat",                                                                                \
     .type = CONFIG_BOOL,                                                                          \
     .def = nat_def,                                                                               \
     AT(nat),                                                                                      \
     .help = "Its sound may come from another address than it says."},                             \
        {.name = "srtp",                                                                           \
         .type = CONFIG_CHOICE,                                                                    \
         .choices = secrecies,                                                                     \
         .def = "optional",                                                                        \
         AT(srtp),                                                                                 \
         .help = "Encrypted sound: 'off', taken when offered, or 'required'."},                    \
        {.name = "srtp_keys",                                                                      \
         .type = CONFIG_CHOICE,                                                                    \
         .choices = key_ways,                                                                      \
         .def = "sdes",                                                                            \
         AT(srtp_keys),                                                                            \
         .help =                                                                                   \
             "What our offers agree on keys by: 'sdes' (wants TLS) or 'dtls'; either is taken."},  \
    {                                                                                              \
        .name = "ice", .type = CONFIG_BOOL, .def = "false", AT(ice),                               \
        .help = "Our offers speak ICE; one that is offered is always answered."                    \
    }

#define AT(field) .offset = offsetof(struct config_trunk, field)
const struct config_key config_trunk_keys[] = {
    {.name = "name",
     .type = CONFIG_TEXT,
     .required = true,
     AT(name),
     .help = "What it is called in logs, and in trunk:NAME."},
    {.name = "from",
     .type = CONFIG_LIST,
     AT(from),
     .help = "Addresses and networks whose calls are taken: '192.0.2.7', '10.0.0.0/8', '::1'; "
             "'self' is this machine."},
    {.name = "to",
     .type = CONFIG_TEXT,
     AT(to),
     .check = config_check_sip_host,
     .help = "Where calls go: 'sip:host', 'sip:host:port;transport=tcp'."},
    {.name = "user", .type = CONFIG_TEXT, AT(user), .help = "Our name there."},
    {.name = "password", .type = CONFIG_TEXT, AT(password), .help = "What answers its challenges."},
    {.name = "register",
     .type = CONFIG_BOOL,
     .def = "false",
     AT(registers),
     .help = "Register with `to`, so that its calls find us behind NAT."},
    {.name = "probe",
     .type = CONFIG_INT,
     .def = "30",
     .min = 0,
     .max = 3600,
     AT(probe),
     .help = "Seconds between questions (OPTIONS) whether it is there; while it does not answer it "
             "gets no calls. 0: it is not asked."},
    {.name = "patience",
     .type = CONFIG_INT,
     .def = "4",
     .min = 1,
     .max = 32,
     AT(patience),
     .help =
         "Seconds after which a server of it that has said nothing at all to a call is left for "
         "the next one, then for the next route."},
    {.name = "proxy",
     .type = CONFIG_TEXT,
     AT(proxy),
     .check = config_check_sip_host,
     .help = "Requests go to this host instead: 'sip:host:port;transport=tcp'."},
    {.name = "max_calls",
     .type = CONFIG_INT,
     .def = "1000",
     .min = 1,
     .max = 30000,
     AT(max_calls),
     .help = "Calls at once, both ways together."},
    {.name = "session_expires",
     .type = CONFIG_INT,
     .def = "1800",
     .min = 0,
     .max = 86400,
     AT(session_expires),
     .help = "Seconds in which calls to it are refreshed, at least 90; longer where it asks for "
             "that. 0: no timer."},
    {.name = "keep_alive",
     .type = CONFIG_INT,
     .def = "25",
     .min = 0,
     .max = 3600,
     AT(keep_alive),
     .help = "Seconds between the empty lines that keep NAT open towards where we registered. 0: "
             "none."},
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
    SOUND_KEYS("false"),
    {.name = NULL},
};
#undef AT

#define AT(field) .offset = offsetof(struct config_phone, field)
const struct config_key config_phone_keys[] = {
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
    SOUND_KEYS("true"),
    {.name = NULL},
};
#undef AT
