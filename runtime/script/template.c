#include "script/template.h"

#include <stdbool.h>
#include <string.h>

struct filling {
    const char *at, *end;
    int line;
    struct str *out;
    template_value_h *h;
    void *arg;
    struct error *err;
};

static bool begins(const struct filling *f, const char *what)
{
    size_t n = strlen(what);

    return (size_t)(f->end - f->at) >= n && memcmp(f->at, what, n) == 0;
}

/* Moves on over `n` bytes, counting lines; `copy` them. */
static void pass(struct filling *f, size_t n, bool copy)
{
    if (copy)
        str_addn(f->out, f->at, n);
    for (; n > 0; n--)
        f->line += *f->at++ == '\n';
}

/* Copies up to and including `what`, or all that is left. */
static void copy_past(struct filling *f, const char *what)
{
    const char *found = memmem(f->at, (size_t)(f->end - f->at), what, strlen(what));

    pass(f, found != NULL ? (size_t)(found - f->at) + strlen(what) : (size_t)(f->end - f->at),
         true);
}

/* The end of a Lua string that begins at `at` with a quote: behind its quote, or NULL. */
static const char *string_end(const char *at, const char *end)
{
    char quote = *at++;

    for (; at < end && *at != quote; at++)
        if (*at == '\\' && at + 1 < end)
            at++;
    return at < end ? at + 1 : NULL;
}

/* Where the expression that begins at `at` ends: its "}}"; NULL when it has none. */
static const char *expression_end(const char *at, const char *end)
{
    int open = 0;

    while (at != NULL && at < end) {
        if (*at == '"' || *at == '\'') {
            at = string_end(at, end);
            continue;
        }
        if (*at == '{')
            open++;
        if (*at == '}' && open-- == 0)
            return at + 1 < end && at[1] == '}' ? at : NULL;
        at++;
    }
    return NULL;
}

static int fill_one(struct filling *f)
{
    const char *expression = f->at + 2, *end = expression_end(expression, f->end);
    int rc;

    if (end == NULL)
        return error_set_twilio(f->err, ERR_INVALID, 12100,
                                "{{ without its }}: an expression of Lua stands between");
    rc = f->h(expression, (size_t)(end - expression), f->line, f->out, f->arg, f->err);
    if (rc == 0)
        pass(f, (size_t)(end + 2 - f->at), false);
    return rc;
}

/* True at the '<' of <Lua …>. */
static bool at_lua(const struct filling *f)
{
    return begins(f, "<Lua") && f->end - f->at > 4 && strchr(" \t\r\n>/", f->at[4]) != NULL;
}

/* The tag of <Lua> as it is, and what it holds. */
static void copy_lua(struct filling *f)
{
    char quote = '\0', last = '\0';

    while (f->at < f->end && (quote != '\0' || *f->at != '>')) {
        if (quote == '\0' && (*f->at == '"' || *f->at == '\''))
            quote = *f->at;
        else if (*f->at == quote)
            quote = '\0';
        last = *f->at;
        pass(f, 1, true);
    }
    if (last != '/')
        copy_past(f, "</Lua");
}

int template_fill(const char *text, size_t len, struct str *out, template_value_h *h, void *arg,
                  int *line, struct error *err)
{
    struct filling f = {
        .at = text, .end = text + len, .line = 1, .out = out, .h = h, .arg = arg, .err = err};
    const char *next;
    int rc = 0;

    while (rc == 0 && f.at < f.end && !out->failed) {
        if (begins(&f, "<!--"))
            copy_past(&f, "-->");
        else if (begins(&f, "<![CDATA["))
            copy_past(&f, "]]>");
        else if (at_lua(&f))
            copy_lua(&f);
        else if (begins(&f, "{{"))
            rc = fill_one(&f);
        else {
            next = f.at + 1;
            while (next < f.end && *next != '<' && *next != '{')
                next++;
            pass(&f, (size_t)(next - f.at), true);
        }
    }
    *line = f.line;
    if (rc == 0 && out->failed)
        rc = error_set_twilio(err, ERR_LIMIT, 11750,
                              "with its {{ }} filled in it is larger than %zu bytes", out->max);
    return rc;
}
