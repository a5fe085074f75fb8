#include "bridge/wire.h"
#include "base/mem.h"
#include "bridge/scan.h"
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* --- the table of fields --- */

enum kind {
    KIND_CHANNEL, /* uint32_t, 1 to 2^32-1 */
    KIND_UINT,    /* uint32_t, 0 to max */
    KIND_BOOL,
    KIND_NAME,   /* letters, digits and -_.: */
    KIND_STRING, /* printable, one line */
    KIND_WORD,   /* printable, no spaces, not empty */
    KIND_TEXT,   /* printable, newlines and tabs allowed */
    KIND_DIGITS, /* 0-9 A-D * # w W */
    KIND_CODEC,
    KIND_DTMF,  /* "events" or "audio" as bool */
    KIND_STATE, /* "begin" or "end" as bool */
    KIND_CAUSE,
    KIND_PARAMS
};

#define IN(type) (1u << WIRE_##type)
#define CALL                                                                                       \
    (IN(OFFER) | IN(RING) | IN(ANSWER) | IN(DTMF) | IN(HANGUP) | IN(PROMPT) | IN(QUALITY) |        \
     IN(REFER) | IN(REFER_STATUS))

/* `must` and `may` are sets of message types. The channel stands first, so that a message that is
 * bad further on can still be answered with its channel's number. */
static const struct field {
    const char *name;
    enum kind kind;
    unsigned must, may;
    uint32_t max; /* of a number, or bytes of a string */
    size_t offset;
} fields[] = {
#define FIELD(name, member, kind, must, may, max)                                                  \
    {                                                                                              \
        name, KIND_##kind, must, may, max, offsetof(struct wire_msg, member)                       \
    }
    FIELD("channel", channel, CHANNEL, CALL, IN(ERROR), 0),
    FIELD("version", version, UINT, IN(HELLO) | IN(WELCOME), 0, 1000000),
    FIELD("gateway", gateway, NAME, IN(HELLO), 0, 64),
    FIELD("token", token, STRING, IN(HELLO), 0, 256),
    FIELD("software", software, STRING, 0, IN(HELLO) | IN(WELCOME), 128),
    FIELD("prompts", prompts, BOOL, 0, IN(HELLO), 0),
    FIELD("max_channels", max_channels, UINT, IN(WELCOME), 0, 1000000),
    FIELD("originate", originate, BOOL, IN(WELCOME), 0, 0),
    FIELD("terminate", terminate, BOOL, IN(WELCOME), 0, 0),
    FIELD("from", from, STRING, IN(OFFER) | IN(MESSAGE), 0, 256),
    FIELD("to", to, STRING, IN(OFFER) | IN(MESSAGE) | IN(REFER), 0, 256),
    FIELD("early", early, BOOL, 0, IN(RING), 0),
    FIELD("response", response, UINT, 0, IN(REFER_STATUS), 699),
    FIELD("notify", notify, UINT, 0, IN(REFER_STATUS), 699),
    FIELD("codec", codec, CODEC, IN(OFFER), 0, 0),
    FIELD("dtmf", dtmf_events, DTMF, 0, IN(OFFER), 0),
    FIELD("forwarded_from", forwarded_from, STRING, 0, IN(OFFER), 256),
    FIELD("caller_name", caller_name, STRING, 0, IN(OFFER), 256),
    FIELD("call_token", call_token, STRING, 0, IN(OFFER), 1024),
    FIELD("params", params, PARAMS, 0,
          IN(OFFER) | IN(RING) | IN(ANSWER) | IN(HANGUP) | IN(REFER) | IN(MESSAGE),
          WIRE_PARAM_BYTES),
    FIELD("trunk", trunk, STRING, 0, IN(OFFER), 256),
    FIELD("user", user, STRING, 0, IN(OFFER), 256),
    FIELD("password", password, STRING, 0, IN(OFFER), 256),
    FIELD("identity", identity, WORD, IN(REGISTER) | IN(UNREGISTER) | IN(REGISTERED), 0,
          WIRE_IDENTITY_MAX),
    FIELD("digits", digits, DIGITS, IN(DTMF), 0, WIRE_DIGITS_MAX),
    FIELD("duration", duration_ms, UINT, 0, IN(DTMF), 60000),
    FIELD("cause", cause, CAUSE, IN(HANGUP), 0, 0),
    FIELD("state", begin, STATE, IN(PROMPT), 0, 0),
    FIELD("id", id, NAME, IN(MESSAGE) | IN(MESSAGE_STATUS), 0, 64),
    FIELD("body", body, TEXT, IN(MESSAGE), 0, 6400),
    FIELD("status", status, NAME, IN(MESSAGE_STATUS), 0, 32),
    FIELD("code", code, NAME, IN(ERROR), IN(MESSAGE_STATUS), 32),
    FIELD("text", text, TEXT, IN(ERROR), IN(PROMPT) | IN(MESSAGE_STATUS), 4096),
    FIELD("sent", quality.sent, UINT, 0, IN(QUALITY), UINT32_MAX),
    FIELD("received", quality.received, UINT, 0, IN(QUALITY), UINT32_MAX),
    FIELD("lost", quality.lost, UINT, 0, IN(QUALITY), UINT32_MAX),
    FIELD("late", quality.late, UINT, 0, IN(QUALITY), UINT32_MAX),
    FIELD("jitter_us", quality.jitter_us, UINT, 0, IN(QUALITY), 60000000),
    FIELD("round_trip_us", quality.round_trip_us, UINT, 0, IN(QUALITY), 60000000),
    FIELD("mos", quality.mos, UINT, 0, IN(QUALITY), 500),
    FIELD("remote_loss", quality.remote_loss, UINT, 0, IN(QUALITY), 10000),
    FIELD("remote_jitter_us", quality.remote_jitter_us, UINT, 0, IN(QUALITY), 60000000),
#undef FIELD
};
#define FIELD_COUNT (sizeof fields / sizeof *fields)

static const char *const type_names[WIRE_TYPE_COUNT] = {
    "hello",      "welcome",    "offer",   "ring",           "answer",       "dtmf",
    "hangup",     "prompt",     "message", "message_status", "error",        "register",
    "unregister", "registered", "quality", "refer",          "refer_status",
};

/* The webhook parameters a gateway may add to an offer. */
static const char *const param_names[] = {
    "FromCity",    "FromCountry",     "FromState",   "FromZip",     "SipCallId",
    "SipDomain",   "SipResponseCode", "SipSourceIp", "SipUsername", "StirPassportToken",
    "StirVerstat", "ToCity",          "ToCountry",   "ToState",     "ToZip",
};

const char *wire_type_name(enum wire_type t)
{
    return type_names[t];
}

/* --- reading --- */

/* A member of *m; both casts are sound since the offsets come from the struct itself. */
static void *member_of(struct wire_msg *m, const struct field *f)
{
    return (char *)m + f->offset;
}

static const void *member_in(const struct wire_msg *m, const struct field *f)
{
    return (const char *)m + f->offset;
}

static bool char_fits(enum kind kind, unsigned char c)
{
    switch (kind) {
    case KIND_NAME:
        return isalnum(c) || (c != '\0' && strchr("-_.:", c) != NULL);
    case KIND_DIGITS:
        return c != '\0' && strchr("0123456789ABCD*#wW", c) != NULL;
    case KIND_WORD:
        return c > 0x20 && c != 0x7f;
    case KIND_TEXT:
        return (c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t' || c == '\r';
    default:
        return c >= 0x20 && c != 0x7f;
    }
}

static bool string_fits(enum kind kind, const char *s, size_t n, size_t max)
{
    if (n > max || (n == 0 && (kind == KIND_NAME || kind == KIND_DIGITS || kind == KIND_WORD)))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!char_fits(kind, (unsigned char)s[i]))
            return false;
    return true;
}

bool wire_param_allowed(const char *name)
{
    if (strncmp(name, "SipHeader_", 10) == 0)
        return string_fits(KIND_NAME, name, strlen(name), 64) && name[10] != '\0';
    for (size_t i = 0; i < sizeof param_names / sizeof *param_names; i++)
        if (strcmp(param_names[i], name) == 0)
            return true;
    return false;
}

/* MediaUrl0 to MediaUrl9, MediaContentType0 … */
static bool is_media(const char *name)
{
    static const char *const names[] = {"MediaUrl", "MediaContentType"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);

        if (strncmp(name, names[i], n) == 0 && name[n] >= '0' && name[n] <= '9' &&
            name[n + 1] == '\0')
            return true;
    }
    return false;
}

/* What the exchange sends is the flow's own: names of parameters that a client knows. */
static bool param_allowed(const struct wire_msg *m, const char *name)
{
    if (m->type == WIRE_OFFER && (m->channel & WIRE_EXCHANGE_BIT) != 0)
        return string_fits(KIND_STRING, name, strlen(name), 64) && *name != '\0';
    return wire_param_allowed(name) || (m->type == WIRE_MESSAGE && is_media(name));
}

static bool read_params(struct wire_msg *m, const struct scan_member *v, size_t max)
{
    size_t n = 0;

    if (v->kind != SCAN_OBJECT || v->count > WIRE_PARAMS_MAX)
        return false;
    for (size_t i = 1; i <= v->count; i++) { /* they follow it in the list */
        if (v[i].kind != SCAN_STRING || !string_fits(KIND_STRING, v[i].string, v[i].len, max))
            return false;
        if (!param_allowed(m, v[i].name))
            continue;
        m->param_list[n++] = v[i].name;
        m->param_list[n++] = v[i].string;
    }
    m->param_list[n] = NULL;
    m->params = m->param_list;
    return true;
}

static bool read_number(uint32_t *out, const struct scan_member *v, int64_t min, int64_t max)
{
    if (v->kind != SCAN_INTEGER || v->number < min || v->number > max)
        return false;
    *out = (uint32_t)v->number;
    return true;
}

/* "events" / "audio", "begin" / "end". */
static bool read_either(bool *out, const struct scan_member *v, const char *yes, const char *no)
{
    if (v->kind != SCAN_STRING || (strcmp(v->string, yes) != 0 && strcmp(v->string, no) != 0))
        return false;
    *out = strcmp(v->string, yes) == 0;
    return true;
}

static bool read_codec(struct wire_msg *m, const struct scan_member *v)
{
    int n = v->kind == SCAN_STRING ? codec_find(v->string) : -1;

    if (n >= 0)
        m->codec = (enum codec)n;
    return n >= 0;
}

/* A word of a later version still ends the call. */
static bool read_cause(struct wire_msg *m, const struct scan_member *v)
{
    int n = v->kind == SCAN_STRING ? cause_find(v->string) : -1;

    m->cause = n >= 0 ? (enum cause)n : CAUSE_ERROR;
    return v->kind == SCAN_STRING;
}

static bool read_field(struct wire_msg *m, const struct field *f, const struct scan_member *v)
{
    void *to = member_of(m, f);

    switch (f->kind) {
    case KIND_CHANNEL:
        return read_number(to, v, 1, UINT32_MAX);
    case KIND_UINT:
        return read_number(to, v, 0, f->max);
    case KIND_BOOL:
        *(bool *)to = v->number != 0;
        return v->kind == SCAN_BOOL;
    case KIND_DTMF:
        return read_either(to, v, "events", "audio");
    case KIND_STATE:
        return read_either(to, v, "begin", "end");
    case KIND_CODEC:
        return read_codec(m, v);
    case KIND_CAUSE:
        return read_cause(m, v);
    case KIND_PARAMS:
        return read_params(m, v, f->max);
    case KIND_NAME:
    case KIND_STRING:
    case KIND_WORD:
    case KIND_TEXT:
    case KIND_DIGITS:
        *(const char **)to = v->string;
        return v->kind == SCAN_STRING && string_fits(f->kind, v->string, v->len, f->max);
    }
    return false;
}

/* What a field must be, for the message to the sender. */
static const char *describe(const struct field *f, char *buf, size_t size)
{
    switch (f->kind) {
    case KIND_CHANNEL:
        return "a whole number from 1 to 4294967295";
    case KIND_BOOL:
        return "true or false";
    case KIND_CODEC:
        return "one of PCMU, PCMA, L16/8000, L16/16000, L16/24000";
    case KIND_DTMF:
        return "\"events\" or \"audio\"";
    case KIND_STATE:
        return "\"begin\" or \"end\"";
    case KIND_CAUSE:
        return "a cause's name, such as \"normal\"";
    case KIND_PARAMS:
        return "an object of at most 32 strings of at most 1024 bytes each";
    case KIND_UINT:
        snprintf(buf, size, "a whole number from 0 to %lu", (unsigned long)f->max);
        break;
    case KIND_NAME:
        snprintf(buf, size, "1 to %lu letters, digits or any of -_.:", (unsigned long)f->max);
        break;
    case KIND_DIGITS:
        snprintf(buf, size, "1 to %lu of 0-9 A-D * # w W", (unsigned long)f->max);
        break;
    case KIND_WORD:
        snprintf(buf, size, "1 to %lu printable bytes without spaces", (unsigned long)f->max);
        break;
    case KIND_STRING:
    case KIND_TEXT:
        snprintf(buf, size, "a printable string of at most %lu bytes", (unsigned long)f->max);
        break;
    }
    return buf;
}

static int read_fields(struct wire_msg *m, const struct scan *s, struct error *err)
{
    unsigned bit = 1u << m->type;
    char buf[80];

    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *f = &fields[i];
        const struct scan_member *v;

        if (((f->must | f->may) & bit) == 0)
            continue;
        v = scan_find(s, f->name);
        if (v == NULL && (f->must & bit) == 0)
            continue;
        if (v == NULL)
            return error_set(err, ERR_INVALID, "%s: '%s' is missing; it is %s", type_names[m->type],
                             f->name, describe(f, buf, sizeof buf));
        if (!read_field(m, f, v))
            return error_set(err, ERR_INVALID, "%s: '%s' must be %s", type_names[m->type], f->name,
                             describe(f, buf, sizeof buf));
    }
    return 0;
}

static int read_type(struct wire_msg *m, const struct scan *s, struct error *err)
{
    const struct scan_member *type = scan_find(s, "type");

    if (type == NULL || type->kind != SCAN_STRING)
        return error_set(err, ERR_INVALID, "a message needs a string 'type', such as \"hello\"");
    for (int i = 0; i < WIRE_TYPE_COUNT; i++) {
        if (strcmp(type_names[i], type->string) == 0) {
            m->type = (enum wire_type)i;
            return 0;
        }
    }
    return error_set(err, ERR_INVALID, "no message has the type '%.40s'", type->string);
}

int wire_parse(struct wire_msg *m, const char *text, size_t len, struct error *err)
{
    struct scan s;
    int rc;

    memset(m, 0, sizeof *m);
    if (len > WIRE_TEXT_MAX)
        return error_set(err, ERR_INVALID, "a text message of %zu bytes; at most %d are allowed",
                         len, WIRE_TEXT_MAX);
    m->copy = mem_alloc(len + 1);
    if (m->copy == NULL)
        return error_nomem(err);
    memcpy(m->copy, text, len);
    rc = scan_object(&s, m->copy, len, WIRE_DEPTH_MAX, err);
    if (rc == 0)
        rc = read_type(m, &s, err);
    if (rc == 0)
        rc = read_fields(m, &s, err);
    if (rc != 0)
        wire_msg_free(m);
    return rc;
}

void wire_msg_free(struct wire_msg *m)
{
    mem_free(m->copy);
    m->copy = NULL;
}

/* --- writing --- */

static json_t *write_params(const char *const *params)
{
    json_t *o = json_object();

    for (size_t i = 0; o != NULL && params[i] != NULL; i += 2) {
        if (json_object_set_new(o, params[i], json_string(params[i + 1])) != 0) {
            json_decref(o);
            o = NULL;
        }
    }
    return o;
}

/* True when an optional field has nothing to say. */
static bool is_absent(const struct wire_msg *m, const struct field *f)
{
    const void *at = member_in(m, f);

    switch (f->kind) {
    case KIND_CHANNEL:
    case KIND_UINT:
        return *(const uint32_t *)at == 0;
    case KIND_BOOL:
    case KIND_DTMF:
    case KIND_STATE:
        return !*(const bool *)at;
    case KIND_CODEC:
    case KIND_CAUSE:
        return false;
    case KIND_PARAMS:
        return m->params == NULL || m->params[0] == NULL;
    case KIND_NAME:
    case KIND_STRING:
    case KIND_WORD:
    case KIND_TEXT:
    case KIND_DIGITS:
        return *(const char *const *)at == NULL;
    }
    return true;
}

static json_t *write_field(const struct wire_msg *m, const struct field *f)
{
    const void *at = member_in(m, f);

    switch (f->kind) {
    case KIND_CHANNEL:
    case KIND_UINT:
        return json_integer(*(const uint32_t *)at);
    case KIND_BOOL:
        return json_boolean(*(const bool *)at);
    case KIND_DTMF:
        return json_string(m->dtmf_events ? "events" : "audio");
    case KIND_STATE:
        return json_string(m->begin ? "begin" : "end");
    case KIND_CODEC:
        return json_string(codec_name(m->codec));
    case KIND_CAUSE:
        return json_string(cause_name(m->cause));
    case KIND_PARAMS:
        return write_params(m->params);
    case KIND_NAME:
    case KIND_STRING:
    case KIND_WORD:
    case KIND_TEXT:
    case KIND_DIGITS:
        return json_string(*(const char *const *)at);
    }
    return NULL;
}

static struct wire_text *text_new(size_t len)
{
    struct wire_text *t = mem_alloc(sizeof *t + len);

    if (t != NULL)
        t->len = len;
    return t;
}

static struct wire_text *text_from_json(const json_t *root)
{
    size_t n = json_dumpb(root, NULL, 0, JSON_COMPACT);
    struct wire_text *t;

    if (n == 0 || n > WIRE_TEXT_MAX)
        return NULL;
    t = text_new(n);
    if (t != NULL && json_dumpb(root, t->data, n, JSON_COMPACT) != n) {
        mem_free(t);
        t = NULL;
    }
    return t;
}

struct wire_text *wire_format(const struct wire_msg *m)
{
    json_t *root = json_object();
    unsigned bit = 1u << m->type;
    struct wire_text *t = NULL;

    if (root == NULL || json_object_set_new(root, "type", json_string(type_names[m->type])) != 0)
        goto out;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *f = &fields[i];

        if (((f->must | f->may) & bit) == 0 || ((f->may & bit) != 0 && is_absent(m, f)))
            continue;
        if (json_object_set_new(root, f->name, write_field(m, f)) != 0)
            goto out;
    }
    t = text_from_json(root);
out:
    json_decref(root);
    return t;
}

struct wire_text *wire_text(const char *text, size_t len)
{
    struct wire_text *t = text_new(len);

    if (t != NULL)
        memcpy(t->data, text, len);
    return t;
}

/* --- batches --- */

int wire_batch_next(const uint8_t *batch, size_t n, size_t *at, struct wire_record *r)
{
    const uint8_t *p = batch + *at;

    if (*at == n)
        return 0;
    if (n - *at < WIRE_HEADER)
        return ERR_INVALID;
    r->channel = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    r->len = (uint16_t)(p[4] << 8 | p[5]);
    r->audio = p + WIRE_HEADER;
    if (r->len > FRAME_BYTES_MAX || r->len > n - *at - WIRE_HEADER)
        return ERR_INVALID;
    *at += WIRE_HEADER + (size_t)r->len;
    return 1;
}

void wire_record_head(uint8_t out[WIRE_HEADER], uint32_t channel, size_t len)
{
    out[0] = (uint8_t)(channel >> 24);
    out[1] = (uint8_t)(channel >> 16);
    out[2] = (uint8_t)(channel >> 8);
    out[3] = (uint8_t)channel;
    out[4] = (uint8_t)(len >> 8);
    out[5] = (uint8_t)len;
}
