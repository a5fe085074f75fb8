#include "base/config_scan.h"

#include "base/error.h"
#include <stdbool.h>
#include <string.h>

enum { DEPTH_MAX = 100 };

enum token { TOKEN_END, TOKEN_NAME, TOKEN_STRING, TOKEN_EQUALS, TOKEN_OTHER };

struct scanner {
    struct arena *arena;
    const char *at, *end;
    int line;
    bool nomem;

    /* the token read last */
    enum token token;
    char symbol; /* of TOKEN_OTHER: its character, 0 for anything longer */
    const char *text;
    size_t len;
    int token_line;

    struct scan_call *first, **last;
    size_t n;
};

/* --- tokens --- */

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char peek(const struct scanner *s, size_t ahead)
{
    return (size_t)(s->end - s->at) > ahead ? s->at[ahead] : '\0';
}

static void step(struct scanner *s)
{
    s->line += *s->at == '\n';
    s->at++;
}

/* At `[`: the number of equals signs of a long bracket `[==[`, or -1 when it is none. */
static int long_bracket(const struct scanner *s)
{
    size_t n = 1;

    while (peek(s, n) == '=')
        n++;
    return peek(s, n) == '[' ? (int)n - 1 : -1;
}

static void skip_long(struct scanner *s, int level)
{
    s->at += level + 2;
    for (; s->at < s->end; step(s)) {
        size_t n = 1;

        if (*s->at != ']')
            continue;
        while (peek(s, n) == '=')
            n++;
        if ((int)n - 1 == level && peek(s, n) == ']') {
            s->at += n + 1;
            return;
        }
    }
}

static void skip_blanks(struct scanner *s)
{
    while (s->at < s->end) {
        if (*s->at == '-' && peek(s, 1) == '-') {
            int level;

            s->at += 2;
            level = peek(s, 0) == '[' ? long_bracket(s) : -1;
            if (level >= 0)
                skip_long(s, level);
            while (level < 0 && s->at < s->end && *s->at != '\n')
                s->at++;
        } else if (*s->at == ' ' || (*s->at >= '\t' && *s->at <= '\r')) {
            step(s);
        } else {
            return;
        }
    }
}

/* At a quote; a string does not pass the end of its line. */
static void read_string(struct scanner *s)
{
    char quote = *s->at++;

    s->token = TOKEN_STRING;
    s->text = s->at;
    while (s->at < s->end && *s->at != quote && *s->at != '\n') {
        if (*s->at == '\\' && s->at + 1 < s->end)
            step(s);
        step(s);
    }
    s->len = (size_t)(s->at - s->text);
    if (s->at < s->end && *s->at == quote)
        s->at++;
}

static void read_word(struct scanner *s)
{
    s->token = is_digit(*s->at) ? TOKEN_OTHER : TOKEN_NAME;
    s->text = s->at;
    while (s->at < s->end && (is_name_start(*s->at) || is_digit(*s->at)))
        s->at++;
    s->len = (size_t)(s->at - s->text);
}

static void next(struct scanner *s)
{
    skip_blanks(s);
    s->token_line = s->line;
    s->symbol = '\0';
    if (s->at == s->end) {
        s->token = TOKEN_END;
    } else if (is_name_start(*s->at) || is_digit(*s->at)) {
        read_word(s);
    } else if (*s->at == '"' || *s->at == '\'') {
        read_string(s);
    } else if (*s->at == '[' && long_bracket(s) >= 0) {
        s->token = TOKEN_OTHER;
        skip_long(s, long_bracket(s));
    } else if (*s->at == '=' && peek(s, 1) != '=') {
        s->token = TOKEN_EQUALS;
        s->at++;
    } else {
        s->token = TOKEN_OTHER;
        s->symbol = *s->at;
        /* ==, ~=, <=, >= are no assignment */
        s->at += peek(s, 1) == '=' && strchr("=~<>", *s->at) != NULL ? 2 : 1;
    }
}

/* --- calls --- */

static void *take(struct scanner *s, size_t size)
{
    void *p = arena_alloc(s->arena, size);

    if (p == NULL)
        s->nomem = true;
    return p;
}

static struct scan_call *add_call(struct scanner *s, const char *name, size_t len, int line)
{
    struct scan_call *c = take(s, sizeof *c);

    if (c == NULL)
        return NULL;
    c->name = name;
    c->len = len;
    c->line = line;
    *s->last = c;
    s->last = &c->next;
    s->n++;
    return c;
}

static void add_key(struct scanner *s, struct scan_call *c, const char *name, size_t len, int index,
                    int line)
{
    struct scan_key *k = c == NULL ? NULL : take(s, sizeof *k);

    if (k == NULL)
        return;
    *k = (struct scan_key){.next = c->keys, .name = name, .len = len, .index = index, .line = line};
    c->keys = k;
}

/* Reads the start of a field up to its `=`, and notes its key. */
static void read_field(struct scanner *s, struct scan_call *c, int *values)
{
    struct scanner mark = *s;
    const char *name = s->text;
    size_t len = s->len;
    int line = s->token_line;
    bool keyed = false;

    if (s->token == TOKEN_NAME) {
        next(s);
        keyed = s->token == TOKEN_EQUALS;
    } else if (s->symbol == '[') {
        next(s);
        name = s->text;
        len = s->len;
        keyed = s->token == TOKEN_STRING;
        next(s);
        keyed = keyed && s->symbol == ']';
        next(s);
        keyed = keyed && s->token == TOKEN_EQUALS;
    }
    if (keyed) {
        add_key(s, c, name, len, 0, line);
        next(s);
        return;
    }
    *s = mark; /* a value: its tokens are still to be read */
    if (mark.symbol != '[')
        add_key(s, c, NULL, 0, ++*values, line);
}

static void read_table(struct scanner *s, struct scan_call *c, int depth);

/* Reads one token, and what it opens. */
static void read_item(struct scanner *s, int depth)
{
    const char *name = s->text;
    size_t len = s->len;
    int line = s->token_line;

    if (s->token == TOKEN_NAME) {
        bool call;

        next(s);
        call = s->symbol == '(' || s->token == TOKEN_STRING;
        if (s->symbol == '(')
            next(s);
        if (s->symbol == '{')
            read_table(s, add_call(s, name, len, line), depth);
        else if (call)
            add_call(s, name, len, line);
    } else if (s->symbol == '{') {
        read_table(s, NULL, depth);
    } else {
        next(s);
    }
}

/* At `{`; leaves the token after the `}`. */
static void read_table(struct scanner *s, struct scan_call *c, int depth)
{
    int values = 0;
    bool field = true;

    next(s);
    while (s->token != TOKEN_END && s->symbol != '}' && !s->nomem && depth < DEPTH_MAX) {
        if (s->symbol == ',' || s->symbol == ';') {
            field = true;
            next(s);
        } else if (field) {
            field = false;
            read_field(s, c, &values);
        } else {
            read_item(s, depth + 1);
        }
    }
    next(s);
}

int config_scan(struct scan *scan, struct arena *arena, const char *text, size_t len)
{
    struct scanner s = {.arena = arena, .at = text, .end = text + len, .line = 1};
    struct scan_call *c;
    size_t i = 0;

    s.last = &s.first;
    next(&s);
    while (s.token != TOKEN_END && !s.nomem)
        read_item(&s, 0);
    scan->n = s.n;
    scan->calls = take(&s, s.n * sizeof *scan->calls);
    if (s.nomem)
        return ERR_NOMEM;
    for (c = s.first; c != NULL; c = c->next)
        scan->calls[i++] = c;
    return 0;
}

static bool is_named(const char *text, size_t len, const char *name)
{
    return text != NULL && strlen(name) == len && memcmp(text, name, len) == 0;
}

int config_scan_line(const struct scan *s, const char *name, int line, const char *key, int index)
{
    size_t low = 0, high = s->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (s->calls[middle]->line < line)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < s->n && s->calls[low]->line == line; low++) {
        if (!is_named(s->calls[low]->name, s->calls[low]->len, name))
            continue;
        for (struct scan_key *k = s->calls[low]->keys; k != NULL; k = k->next)
            if (key == NULL ? k->index == index : is_named(k->name, k->len, key))
                return k->line;
    }
    return line;
}
