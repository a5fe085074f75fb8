/* Journal lines as a person reads them. */
#include "sim/tell.h"

#include "base/mem.h"
#include "base/utf8.h"
#include <jansson.h>
#include <string.h>

/* What went wrong is told at length: its end says why. */
enum { VALUE_MAX = 70, LINE_MAX_BYTES = 230, PROBLEM_MAX = 400, PROBLEM_LINE_MAX = 800 };

/* The first `max` bytes at most, not ending within a character. */
static size_t cut(const char *text, size_t len, size_t max)
{
    if (len <= max)
        return len;
    while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
        max--;
    return max;
}

static void tell_text(struct str *out, const char *text, size_t max)
{
    size_t len = strlen(text), n = cut(text, len, max);

    str_addc(out, '"');
    for (size_t i = 0; i < n; i++)
        str_addc(out, (unsigned char)text[i] < ' ' ? ' ' : text[i]);
    str_add(out, n < len ? "…\"" : "\"");
}

static void tell_value(struct str *out, const char *key, const json_t *v, size_t max)
{
    const char *k;
    json_t *inner;

    if (json_is_null(v))
        return;
    if (json_is_object(v)) {
        json_object_foreach((json_t *)(uintptr_t)v, k,
                            inner) if (!json_is_string(inner) || json_string_length(inner) > 0)
            tell_value(out, k, inner, max);
        return;
    }
    str_addf(out, " %s=", key);
    if (json_is_string(v))
        tell_text(out, json_string_value(v), max);
    else if (json_is_integer(v))
        str_addf(out, "%lld", (long long)json_integer_value(v));
    else
        str_add(out, json_is_true(v) ? "true" : "false");
}

static bool is_problem(const char *e)
{
    return e != NULL && (strcmp(e, "error") == 0 || strcmp(e, "warn") == 0);
}

/* Returns how long the line may become. */
static size_t tell_whole(struct str *line, const char *text)
{
    json_t *j = json_loads(text, 0, NULL);
    const char *key, *e = json_string_value(json_object_get(j, "e"));
    long long ms = json_integer_value(json_object_get(j, "t"));
    size_t max = is_problem(e) ? PROBLEM_MAX : VALUE_MAX;
    json_t *value;

    str_addf(line, "%5lld.%03lld  %-9s", ms / 1000, ms % 1000, e != NULL ? e : "?");
    json_object_foreach(j, key, value) if (strcmp(key, "t") != 0 && strcmp(key, "e") != 0)
        tell_value(line, key, value, max);
    json_decref(j);
    return max == PROBLEM_MAX ? PROBLEM_LINE_MAX : LINE_MAX_BYTES;
}

void tell_line(struct str *out, const char *text)
{
    struct str line = STR_INIT(1 << 20);
    size_t n;

    n = tell_whole(&line, text);
    n = cut(str_text(&line), line.len, n);
    str_addn(out, str_text(&line), n);
    str_add(out, n < line.len ? "…\n" : "\n");
    str_free(&line);
}

void tell_last(struct str *out, const struct sim *s, const char *sid, size_t n)
{
    size_t i = sim_lines(s), seen = 0;
    const struct sim_line *line;

    while (i > 0 && seen < n) {
        line = sim_line_at(s, --i);
        seen += *sid == '\0' || strcmp(line->sid, sid) == 0;
    }
    for (; (line = sim_line_at(s, i)) != NULL; i++)
        if (*sid == '\0' || strcmp(line->sid, sid) == 0)
            tell_line(out, line->text);
}

bool tell_short(const char *text, bool (*wanted)(const char *e), char *out, size_t size)
{
    json_t *j = json_loads(text, 0, NULL);
    const char *e = json_string_value(json_object_get(j, "e"));
    bool shown = e != NULL && wanted(e);
    struct str line = STR_INIT(1 << 16);
    static const char *const keys[] = {"name", "attrs", "method", "url",   "path",  "code",
                                       "text", "sid",   "state",  "event", "cause", "by"};

    if (shown && strcmp(e, "verb") != 0)
        str_add(&line, e);
    for (size_t i = 0; shown && i < sizeof keys / sizeof *keys; i++) {
        const json_t *v = json_object_get(j, keys[i]);

        if (json_is_string(v))
            str_addf(&line, "%s%s", line.len > 0 ? " " : "", json_string_value(v));
        else if (v != NULL)
            tell_value(&line, keys[i], v, VALUE_MAX);
    }
    str_copy(out, size, str_text(&line));
    utf8_clean(out);
    str_free(&line);
    json_decref(j);
    return shown;
}
