/* The two readers of text that know nothing of Lua: patterns and {{ }}. */
#include "base/mem.h"
#include "script/pattern.h"
#include "script/template.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* --- patterns --- */

struct found {
    const char *text, *pattern;
    int from, to;         /* 1-based, both included; 0: nothing */
    const char *captures; /* with '|' between; a position as a number */
};

static void write_captures(const struct pattern *p, char *out, size_t size)
{
    size_t n = 0;

    out[0] = '\0';
    for (int i = 0; i < p->captures && n < size; i++) {
        const struct pattern_capture *c = &p->capture[i];

        if (c->len == PATTERN_POSITION)
            n += (size_t)snprintf(out + n, size - n, "%s%d", i > 0 ? "|" : "",
                                  (int)(c->at - p->text) + 1);
        else
            n +=
                (size_t)snprintf(out + n, size - n, "%s%.*s", i > 0 ? "|" : "", (int)c->len, c->at);
    }
}

UNIT(patterns_find_what_they_should)
{
    static const struct found all[] = {
        {"hello world", "o w", 5, 7, ""},
        {"hello", "l+", 3, 4, ""},
        {"hello", "xl*", 0, 0, ""},
        {"hello", "l-o", 3, 5, ""},
        {"key = 42", "(%a+)%s*=%s*(%d+)", 1, 8, "key|42"},
        {"  trim  ", "^%s*(.-)%s*$", 1, 8, "trim"},
        {"f(a(b)c)d", "%b()", 2, 8, ""},
        {"THE (quick) fox", "%f[%a]%a+%f[%A]", 1, 3, ""},
        {"THE (quick) fox", "%f[%l]%l+", 6, 10, ""},
        {"abc", "()b()", 2, 2, "2|3"},
        {"say \"it\" now", "([\"'])(.-)%1", 5, 8, "\"|it"},
        {"a]b", "[]]", 2, 2, ""},
        {"a-z", "[a%-]+", 1, 2, ""},
        {"2026-11-22", "^(%d%d%d%d)-(%d%d)-(%d%d)$", 1, 10, "2026|11|22"},
        {"abc", "[^a-b]", 3, 3, ""},
        {"aXb", "%u", 2, 2, ""},
        {"colour color", "colou?r", 1, 6, ""},
        {"abc", "^b", 0, 0, ""},
        {"a.b", "%.", 2, 2, ""},
        {"", "", 1, 0, ""},
        {"x^y", "x^y", 1, 3, ""},
        {"$5", "$5", 1, 2, ""},
    };
    char captures[200];

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const struct found *f = &all[i];
        const char *at, *end = NULL;
        bool anchored = f->pattern[0] == '^';
        struct pattern p;

        pattern_init(&p, f->text, strlen(f->text), f->pattern, strlen(f->pattern), 10000);
        at = pattern_search(&p, f->text, f->pattern + anchored, anchored, &end);
        ok_str(p.mistake, NULL);
        ok_int(at != NULL ? at - f->text + 1 : 0, f->from);
        if (at == NULL)
            continue;
        ok_int(end - f->text, f->to);
        write_captures(&p, captures, sizeof captures);
        ok_str(captures, f->captures);
    }
out:;
}

UNIT(mistakes_in_patterns_are_said)
{
    static const char *const bad[][2] = {
        {"[a", "missing ']'"},     {"%", "ends with '%'"},       {"(a", NULL},
        {"a)", "pattern capture"}, {"%b(", "arguments to '%b'"}, {"%fa", "missing '['"},
        {"%1", "capture index"},   {"(a%1)", "capture index"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *end;
        struct pattern p;

        pattern_init(&p, "aaa", 3, bad[i][0], strlen(bad[i][0]), 10000);
        pattern_search(&p, "aaa", bad[i][0], false, &end);
        if (bad[i][1] == NULL)
            ok_int(p.capture[0].len, PATTERN_OPEN); /* who takes the captures says it */
        else
            ok(p.mistake != NULL && strstr(p.mistake, bad[i][1]) != NULL);
    }
out:;
}

UNIT(a_pattern_ends_when_its_steps_are_used)
{
    char text[601];
    const char *end, *pattern = ".-.-.-.-b";
    struct pattern p;

    memset(text, 'a', 600);
    text[600] = '\0';
    pattern_init(&p, text, 600, pattern, strlen(pattern), 100000);
    ok(pattern_search(&p, text, pattern, false, &end) == NULL);
    ok(p.out_of_steps);
    ok_str(p.mistake, NULL);
out:;
}

/* --- {{ }} --- */

/* Writes the expression between brackets. */
static int show(const char *expression, size_t len, int line, struct str *out, void *arg,
                struct error *err)
{
    (void)arg;
    (void)err;
    str_addf(out, "[%.*s@%d]", (int)len, expression, line);
    return 0;
}

UNIT(braces_are_found_where_they_count)
{
    static const char *const all[][2] = {
        {"plain {text} < & >", "plain {text} < & >"},
        {"a {{ x }} b\n{{y}}", "a [ x @1] b\n[y@2]"},
        {"{{ {a = {1}}.a[1] }}", "[ {a = {1}}.a[1] @1]"},
        {"{{ '}}' .. \"\\\"}}\" }}", "[ '}}' .. \"\\\"}}\" @1]"},
        {"<!-- {{ no }} -->{{ a }}", "<!-- {{ no }} -->[ a @1]"},
        {"<![CDATA[{{ no }}]]>{{ a }}", "<![CDATA[{{ no }}]]>[ a @1]"},
        {"<Lua>t = {{1}, {2}}</Lua>{{ a }}", "<Lua>t = {{1}, {2}}</Lua>[ a @1]"},
        {"<Lua src=\"a>b\"/>{{ a }}", "<Lua src=\"a>b\"/>[ a @1]"},
        {"<Luax>{{ a }}</Luax>", "<Luax>[ a @1]</Luax>"},
    };
    struct str out = STR_INIT(1000);
    struct error err = {0};
    int line;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        str_reset(&out);
        ok_rc(template_fill(all[i][0], strlen(all[i][0]), &out, show, NULL, &line, &err), &err);
        ok_str(str_text(&out), all[i][1]);
    }
out:
    str_free(&out);
}

UNIT(braces_without_an_end_name_their_line)
{
    static const char *const all[] = {"\n\n{{ a", "\n\n{{ 'a }}", "\n\n{{ { }}", "\n\n{{ a } }"};
    struct str out = STR_INIT(1000);
    struct error err = {0};
    int line;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        str_reset(&out);
        ok(template_fill(all[i], strlen(all[i]), &out, show, NULL, &line, &err) == ERR_INVALID);
        ok_int(line, 3);
        ok_int(err.twilio, 12100);
    }
out:
    str_free(&out);
}

UNIT(a_filled_text_has_a_bound)
{
    struct str out = STR_INIT(10);
    struct error err = {0};
    int line;

    ok(template_fill("{{ a }}{{ b }}", 14, &out, show, NULL, &line, &err) < 0);
    ok(err.text[0] != '\0');
out:
    str_free(&out);
}

UNIT_MAIN(CASE(patterns_find_what_they_should), CASE(mistakes_in_patterns_are_said),
          CASE(a_pattern_ends_when_its_steps_are_used), CASE(braces_are_found_where_they_count),
          CASE(braces_without_an_end_name_their_line), CASE(a_filled_text_has_a_bound))
