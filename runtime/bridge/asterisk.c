#include "bridge/asterisk.h"
#include "base/mem.h"
#include "base/str.h"
#include "bridge/scan.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define EVENT_DEPTH_MAX 4

static const struct {
    const char *name;
    enum asterisk_kind kind;
} events[] = {
    {"MEDIA_START", ASTERISK_START},
    {"DTMF_END", ASTERISK_DIGIT},
    {"MEDIA_XOFF", ASTERISK_XOFF},
    {"MEDIA_XON", ASTERISK_XON},
    {"STATUS", ASTERISK_STATUS},
    {"MEDIA_BUFFERING_COMPLETED", ASTERISK_BUFFERED},
    {"MEDIA_MARK_PROCESSED", ASTERISK_MARKED},
    {"ERROR", ASTERISK_ERROR},
};

/* --- values --- */

static bool is_printable(const char *s, size_t max)
{
    size_t n = strlen(s);

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return false;
    return n > 0 && n <= max;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Copies `n` bytes, with %XX made one byte when `decode`. False when it does not fit. */
static bool copy_value(const char *from, size_t n, bool decode, char *out, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        char c = from[i];

        if (decode && c == '%' && i + 2 < n && hex_digit(from[i + 1]) >= 0 &&
            hex_digit(from[i + 2]) >= 0) {
            c = (char)(hex_digit(from[i + 1]) << 4 | hex_digit(from[i + 2]));
            i += 2;
        }
        if (c == '\0' || len + 1 >= size)
            return false;
        out[len++] = c;
    }
    out[len] = '\0';
    return true;
}

bool asterisk_pair(const char *pairs, size_t len, char sep, bool decode, const char *name,
                   char *out, size_t size)
{
    size_t n = strlen(name), at = 0;

    while (at < len) {
        const char *p = pairs + at, *end = memchr(p, sep, len - at);
        size_t whole = end != NULL ? (size_t)(end - p) : len - at;

        if (whole > n && memcmp(p, name, n) == 0 && p[n] == '=')
            return copy_value(p + n + 1, whole - n - 1, decode, out, size) &&
                   is_printable(out, size - 1);
        at += whole + 1;
    }
    return false;
}

int asterisk_codec(const char *format)
{
    static const struct {
        const char *name;
        enum codec codec;
    } codecs[] = {{"ulaw", CODEC_PCMU},
                  {"alaw", CODEC_PCMA},
                  {"slin", CODEC_L16_8},
                  {"slin16", CODEC_L16_16},
                  {"slin24", CODEC_L16_24}};

    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (strcmp(codecs[i].name, format) == 0)
            return (int)codecs[i].codec;
    return -1;
}

static bool is_digit(const char *s, size_t len)
{
    return len == 1 && strchr("0123456789ABCD*#", s[0]) != NULL;
}

/* --- one field, from either format --- */

/* `number` is what a JSON number was; a plain text gives strings only. */
static bool read_count(const char *s, const struct scan_member *v, uint32_t *out)
{
    long n;

    if (v != NULL) {
        if (v->kind != SCAN_INTEGER || v->number < 0 || v->number > 1000000)
            return false;
        *out = (uint32_t)v->number;
        return true;
    }
    if (!str_to_long(s, 0, 1000000, &n))
        return false;
    *out = (uint32_t)n;
    return true;
}

static int want(bool good, const char *name, const char *what, struct error *err)
{
    return good ? 0 : error_set(err, ERR_INVALID, "Asterisk's '%s' must be %s", name, what);
}

/* Reads the value of one field: `s` is its text, `v` its JSON member or NULL. Unknown names pass.
 */
static int read_field(struct asterisk_event *e, const char *name, const char *s, size_t len,
                      const struct scan_member *v, struct error *err)
{
    bool text = v == NULL || v->kind == SCAN_STRING;

    if (strcmp(name, "channel_id") == 0) {
        e->channel_id = s;
        return want(text && is_printable(s, ASTERISK_NUMBER_MAX), name, "a printable string", err);
    }
    if (strcmp(name, "format") == 0) {
        e->format = s;
        return want(text && is_printable(s, 64), name, "a codec's name", err);
    }
    if (strcmp(name, "correlation_id") == 0) {
        e->id = s;
        return want(text, name, "a string", err);
    }
    if (strcmp(name, "error_text") == 0) {
        e->text = s;
        return want(text, name, "a string", err);
    }
    if (strcmp(name, "digit") == 0) {
        if (text && is_digit(s, len))
            e->digit = s[0];
        return want(e->digit != '\0', name, "one of 0-9 A-D * #", err);
    }
    if (strcmp(name, "optimal_frame_size") == 0)
        return want(read_count(s, v, &e->frame_bytes), name, "a number of bytes", err);
    if (strcmp(name, "queue_length") == 0)
        return want(read_count(s, v, &e->queue_length), name, "a number of frames", err);
    return 0;
}

static enum asterisk_kind kind_of(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (strlen(events[i].name) == len && memcmp(events[i].name, name, len) == 0)
            return events[i].kind;
    return ASTERISK_OTHER;
}

/* What each event cannot do without. */
static int check_event(const struct asterisk_event *e, struct error *err)
{
    if (e->kind == ASTERISK_START && (e->format == NULL || e->channel_id == NULL))
        return error_set(err, ERR_INVALID, "MEDIA_START without %s",
                         e->format == NULL ? "a format" : "a channel_id");
    if (e->kind == ASTERISK_DIGIT && e->digit == '\0')
        return error_set(err, ERR_INVALID, "DTMF_END without a digit");
    return 0;
}

/* --- plain text: WORD name:value name:value … --- */

static int parse_plain(struct asterisk_event *e, char *text, struct error *err)
{
    char *rest = text + strcspn(text, " "), *end;
    int rc = 0;

    e->kind = kind_of(text, (size_t)(rest - text));
    if (*rest != '\0')
        *rest++ = '\0';
    if (e->kind == ASTERISK_BUFFERED || e->kind == ASTERISK_MARKED)
        e->id = rest; /* alone, without a name */
    while (e->id == NULL && rc == 0 && *rest != '\0') {
        char *value;
        size_t n;

        /* The text of an error goes on to the end. */
        end =
            strncmp(rest, "error_text:", 11) == 0 ? rest + strlen(rest) : rest + strcspn(rest, " ");
        if (*end != '\0')
            *end++ = '\0';
        n = strcspn(rest, ":");
        value = rest[n] == ':' ? rest + n + 1 : rest + n;
        if (rest[n] == ':')
            rest[n] = '\0';
        rc = read_field(e, rest, value, strlen(value), NULL, err);
        rest = end;
    }
    return rc;
}

/* --- JSON --- */

/* The dial plan writes Set(__ALMON_TO=…): the underscores say who inherits it. */
static const char *bare_name(const char *name)
{
    for (int i = 0; i < 2 && *name == '_'; i++)
        name++;
    return name;
}

/* "peer/c(ulaw)f(json)v(to=%2B1555,from=…)": the string that was dialled is this call's own. (The
 * parameters of the WebSocket's address are not: Asterisk shares them between calls.) */
static void read_dialled(struct asterisk_event *e, char *dialled)
{
    char *options = strchr(dialled, '/');
    char *v = options != NULL ? strstr(options, "v(") : NULL;
    char *end = v != NULL ? strchr(v, ')') : NULL;
    static const char *const names[] = {"to", "from"};
    const char **const fields[] = {&e->to, &e->from};
    char value[2][ASTERISK_NUMBER_MAX + 1];
    bool found[2];
    size_t n = 0;

    if (end == NULL)
        return;
    for (int i = 0; i < 2; i++)
        found[i] = asterisk_pair(v + 2, (size_t)(end - v - 2), ',', true, names[i], value[i],
                                 sizeof value[i]);
    for (int i = 0; i < 2; i++) {
        if (!found[i] || *fields[i] != NULL)
            continue;
        /* Decoded they are shorter than they were written, name and all. */
        memcpy(dialled + n, value[i], strlen(value[i]) + 1);
        *fields[i] = dialled + n;
        n += strlen(value[i]) + 1;
    }
}

static void read_variable(struct asterisk_event *e, const struct scan_member *v, size_t *n_params)
{
    const char *name = bare_name(v->name);
    const struct {
        const char *name;
        const char **field;
    } own[] = {{"ALMON_TO", &e->to},
               {"ALMON_FROM", &e->from},
               {"ALMON_CALLER_NAME", &e->caller_name},
               {"ALMON_FORWARDED_FROM", &e->forwarded_from}};

    if (v->kind != SCAN_STRING)
        return;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (strcmp(name, own[i].name) != 0)
            continue;
        if (is_printable(v->string, ASTERISK_NUMBER_MAX))
            *own[i].field = v->string;
        return;
    }
    if (*n_params < WIRE_PARAMS_MAX && wire_param_allowed(name) &&
        is_printable(v->string, WIRE_PARAM_BYTES)) {
        e->params[2 * *n_params] = name;
        e->params[2 * *n_params + 1] = v->string;
        ++*n_params;
    }
}

static void read_variables(struct asterisk_event *e, struct scan *s)
{
    const struct scan_member *all = scan_find(s, "channel_variables");
    size_t n_params = 0;

    if (all == NULL || all->kind != SCAN_OBJECT)
        return;
    for (size_t i = 1; i <= all->count; i++)
        read_variable(e, &all[i], &n_params);
    for (size_t i = 1; i <= all->count; i++)
        if (strcmp(all[i].name, "DIALEDPEERNUMBER") == 0 && all[i].kind == SCAN_STRING)
            read_dialled(e, e->copy + (all[i].string - e->copy));
}

static int parse_json(struct asterisk_event *e, size_t len, struct error *err)
{
    const struct scan_member *event;
    struct scan s;
    int rc = scan_object(&s, e->copy, len, EVENT_DEPTH_MAX, err);

    e->json = true;
    if (rc != 0)
        return rc;
    event = scan_find(&s, "event");
    if (event == NULL || event->kind != SCAN_STRING)
        return error_set(err, ERR_INVALID, "a message of Asterisk's without a string 'event'");
    e->kind = kind_of(event->string, event->len);
    for (size_t i = 0; rc == 0 && i < s.count; i++)
        if (s.list[i].level == 1)
            rc = read_field(e, s.list[i].name, s.list[i].string, s.list[i].len, &s.list[i], err);
    if (rc == 0 && e->kind == ASTERISK_START)
        read_variables(e, &s);
    return rc;
}

int asterisk_parse(struct asterisk_event *e, const char *text, size_t len, struct error *err)
{
    int rc;

    memset(e, 0, sizeof *e);
    if (len > WIRE_TEXT_MAX)
        return error_set(err, ERR_INVALID, "a text message of %zu bytes; at most %d are allowed",
                         len, WIRE_TEXT_MAX);
    if (memchr(text, '\0', len) != NULL)
        return error_set(err, ERR_INVALID, "a text message with a U+0000 in it");
    e->copy = mem_strndup(text, len);
    if (e->copy == NULL)
        return error_nomem(err);
    rc = len > 0 && text[0] == '{' ? parse_json(e, len, err) : parse_plain(e, e->copy, err);
    if (rc == 0)
        rc = check_event(e, err);
    if (rc != 0)
        asterisk_event_free(e);
    return rc;
}

void asterisk_event_free(struct asterisk_event *e)
{
    mem_free(e->copy);
    e->copy = NULL;
}

/* --- writing --- */

struct wire_text *asterisk_command(const char *command, const char *id, bool json)
{
    char text[ASTERISK_COMMAND_MAX + 1];
    int n;

    if (json)
        n = snprintf(text, sizeof text, "{\"command\":\"%s\"%s%s%s}", command,
                     id != NULL ? ",\"correlation_id\":\"" : "", id != NULL ? id : "",
                     id != NULL ? "\"" : "");
    else
        n = snprintf(text, sizeof text, "%s%s%s", command, id != NULL ? " " : "",
                     id != NULL ? id : "");
    return n > 0 && n < (int)sizeof text ? wire_text(text, (size_t)n) : NULL;
}
