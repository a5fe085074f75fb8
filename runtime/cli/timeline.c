#include "cli/timeline.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What is said of each event: text with {key} for the value of a field; what stands in [] is left
 * out when its field is absent, empty or 0. An event that is not here is printed with all its
 * fields. A new event of the journal deserves a line here. */
static const struct {
    const char *event, *shape;
} shapes[] = {
    {"amd", "{verdict} answered, clear after {ms} ms"},
    {"answer", "answered"},
    {"callback", "{event} to {url}"},
    {"callback_end", "{url}: {status}[, {code}]"},
    {"conference", "{event}[ {name}][ {call}][, {detail}]"},
    {"cut", "the journal is full; only the end follows"},
    {"dial", "{to}, from {from}: {sid}"},
    {"digit", "{key}[, {ms} ms]"},
    {"digits", "sends {digits}"},
    {"document", "{n}: {url}, {verbs} verbs"},
    {"end", "{status}, {seconds} s"},
    {"enqueue", "{name}, as number {size}"},
    {"error", "{code} {text}[ ({where})]"},
    {"failure", "{code} {text}"},
    {"file", "{path}, {bytes} bytes"},
    {"handler", "{n}: {url}"},
    {"hangup", "by {by}: {cause}"},
    {"join", "talks with {sid}"},
    {"leg", "{stage}[: {status}][, {seconds} s] {sid}"},
    {"log", "{level}: {text}"},
    {"known", "it was sent before the restart, as {sid}"},
    {"kv", "{op} {key}[: {value}]"},
    {"message", "\"{body}\" from {from} to {to}: {sid}"},
    {"message_status", "{status}[ {code}][: {text}]"},
    {"offer", "to {to} by {gateway}[, {trunk}][, {codec}]"},
    {"opt_out", "says {what}: it is obeyed"},
    {"part", "no more with {sid}"},
    {"play", "{text} ({frames} frames[, {loops} times])"},
    {"played", "{how}[, {frames} frames]"},
    {"queue", "{stage}[ {sid}][, waited {waited} s]"},
    {"recording", "{sid} {state}[, {seconds} s], {url}"},
    {"redirect", "to {url}[ by {by}]"},
    {"refer", "asks to call {to}"},
    {"refer_status", "{response}[, then {notify}]"},
    {"referred", "is asked to call {to}"},
    {"reply", "{status} {type} in {ms} ms"},
    {"request", "{method} {url}"},
    {"resume", "goes on after a restart: {direction} from {from} to {to}, {status}: \"{body}\""},
    {"room", "{stage}[, hears {url}]"},
    {"say", "\"{text}\"[ ({voice})]"},
    {"start", "{direction} from {from} to {to}[ by {gateway}][, {codec}][, {at}][: \"{body}\"]"},
    {"state", "{old} to {new}"},
    {"take", "waits for somebody in {name}"},
    {"verb", "<{name}>[ at line {line}]"},
    {"verb_end", "<{name}> {how}"},
    {"warn", "{code} {text}[ ({where})]"},
};

void timeline_text(struct str *out, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    for (; *p != '\0'; p++) {
        /* C0, DEL, and in UTF-8 (c2 80 to c2 9f) C1 */
        bool c1 = *p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f;

        if (*p == '\n') {
            str_add(out, "\\n");
        } else if (*p < 0x20 || *p == 0x7f || c1) {
            str_addf(out, "\\x%02x", c1 ? p[1] : *p);
            p += c1;
        } else {
            str_addc(out, (char)*p);
        }
    }
}

static void add_value(struct str *out, const json_t *value)
{
    if (json_is_string(value))
        timeline_text(out, json_string_value(value));
    else if (json_is_integer(value))
        str_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        str_addf(out, "%g", json_real_value(value));
    else if (json_is_boolean(value))
        str_add(out, json_is_true(value) ? "yes" : "no");
    else
        str_add(out, value == NULL || json_is_null(value) ? "-" : "…");
}

/* The name in "{name}…" at `shape`; returns what follows it. */
static const char *read_key(const char *shape, char key[32])
{
    size_t n = strcspn(shape + 1, "}");

    snprintf(key, 32, "%.*s", (int)n, shape + 1);
    return shape + 1 + n + 1;
}

static bool says_nothing(const json_t *value)
{
    return value == NULL || json_is_null(value) ||
           (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_string(value) && json_string_length(value) == 0);
}

static void add_shaped(struct str *out, const char *shape, const json_t *line)
{
    char key[32];

    while (*shape != '\0') {
        if (*shape == '[') {
            read_key(shape + strcspn(shape, "{"), key);
            shape += says_nothing(json_object_get(line, key)) ? strcspn(shape, "]") : 1;
        } else if (*shape == '{') {
            shape = read_key(shape, key);
            add_value(out, json_object_get(line, key));
        } else {
            size_t n = strcspn(shape, "[{]");

            str_addn(out, shape, n);
            shape += n + (shape[n] == ']');
        }
    }
}

static void add_all(struct str *out, json_t *line)
{
    const char *key, *gap = "";
    json_t *value;

    json_object_foreach(line, key, value)
    {
        if (strcmp(key, "t") == 0 || strcmp(key, "e") == 0)
            continue;
        str_add(out, gap);
        timeline_text(out, key);
        str_addc(out, '=');
        add_value(out, value);
        gap = " ";
    }
}

void timeline_add(struct str *out, json_t *line)
{
    const char *event = json_string_value(json_object_get(line, "e"));
    json_int_t t = json_integer_value(json_object_get(line, "t"));
    json_int_t depth = json_integer_value(json_object_get(line, "depth"));
    size_t i = 0, start;

    if (event == NULL)
        event = "?";
    str_addf(out, "%4" PRId64 ".%03d  ", (int64_t)(t / 1000), (int)(t % 1000));
    start = out->len;
    timeline_text(out, event);
    do
        str_addc(out, ' ');
    while (out->len < start + 14 && !out->failed);
    for (json_int_t d = 0; d < depth && d < 8; d++)
        str_add(out, "  ");
    while (i < sizeof shapes / sizeof *shapes && strcmp(shapes[i].event, event) != 0)
        i++;
    if (i < sizeof shapes / sizeof *shapes)
        add_shaped(out, shapes[i].shape, line);
    else
        add_all(out, line);
}
