/* Which lines of a Lua file can run: read from what Lua itself compiled it to, the dump of Lua 5.4
 * (lundump.c of its source describes it). Nothing else tells lines of functions that never came to
 * be. */
#include "sim/cover.h"

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

enum {
    DUMP_BYTES = 16 << 20,
    HEADER_BYTES = 4 + 1 + 1 + 6 + 3, /* signature, version, format, data, three sizes */
    ABSOLUTE = -0x80,                 /* a line that is told in the table of absolute lines */
    DEEPEST = 200,
    OP_TAILCALL = 69, /* what follows it is a return that never runs */
};

struct dump {
    const unsigned char *at, *end;
    bool failed;
    bool *lines;
    int max;
};

static const unsigned char *take(struct dump *d, size_t n)
{
    const unsigned char *at = d->at;

    if (d->failed || (size_t)(d->end - d->at) < n) {
        d->failed = true;
        return NULL;
    }
    d->at += n;
    return at;
}

static unsigned take_byte(struct dump *d)
{
    const unsigned char *b = take(d, 1);

    return b != NULL ? *b : 0;
}

/* Seven bits a byte, the highest first, the last byte marked. */
static size_t take_size(struct dump *d)
{
    size_t n = 0;
    unsigned b;

    do {
        b = take_byte(d);
        n = n << 7 | (b & 0x7f);
    } while ((b & 0x80) == 0 && !d->failed && n < DUMP_BYTES);
    if (n > DUMP_BYTES)
        d->failed = true;
    return n;
}

static void skip_string(struct dump *d)
{
    size_t n = take_size(d); /* one more than its length; 0 is none */

    take(d, n > 0 ? n - 1 : 0);
}

static void skip_constants(struct dump *d)
{
    size_t n = take_size(d);

    for (size_t i = 0; i < n && !d->failed; i++)
        switch (take_byte(d)) {
        case LUA_TNUMBER:        /* an integer */
        case LUA_TNUMBER | 0x10: /* a float */
            take(d, 8);
            break;
        case LUA_TSTRING:
        case LUA_TSTRING | 0x10:
            skip_string(d);
            break;
        default:
            break;
        }
}

static bool is_tail_call(const unsigned char *code, size_t i)
{
    uint32_t instruction;

    memcpy(&instruction, code + 4 * i, 4);
    return (instruction & 0x7f) == OP_TAILCALL;
}

/* The lines of one function: a difference for each instruction, or a place in a second table. The
 * last instruction is the return that stands for `end`, which need not run. */
static void read_lines(struct dump *d, const unsigned char *code, size_t n_code, int line)
{
    size_t n = take_size(d), n_absolute;
    const unsigned char *deltas = take(d, n);
    struct dump absolute;

    n_absolute = take_size(d);
    absolute = *d;
    for (size_t i = 0; i < n_absolute && !d->failed; i++) {
        take_size(d);
        take_size(d);
    }
    for (size_t i = 0; i + 1 < n && !d->failed; i++) {
        if ((signed char)deltas[i] == ABSOLUTE) {
            take_size(&absolute); /* the instruction: they stand in order */
            line = (int)take_size(&absolute);
        } else {
            line += (signed char)deltas[i];
        }
        if (line > 0 && line <= d->max && i > 0 && i <= n_code && !is_tail_call(code, i - 1))
            d->lines[line] = true;
    }
}

static void read_function(struct dump *d, int depth)
{
    const unsigned char *code;
    size_t n, n_code;
    int line;

    skip_string(d);
    line = (int)take_size(d);
    take_size(d);
    take(d, 3); /* parameters, vararg, stack */
    n_code = take_size(d);
    code = take(d, n_code * 4);
    skip_constants(d);
    take(d, take_size(d) * 3); /* upvalues */
    n = take_size(d);
    for (size_t i = 0; i < n && !d->failed && depth < DEEPEST; i++)
        read_function(d, depth + 1);
    read_lines(d, code, n_code, line);
    n = take_size(d); /* local variables */
    for (size_t i = 0; i < n && !d->failed; i++) {
        skip_string(d);
        take_size(d);
        take_size(d);
    }
    n = take_size(d); /* names of upvalues */
    for (size_t i = 0; i < n && !d->failed; i++)
        skip_string(d);
}

static int write_bytes(lua_State *L, const void *bytes, size_t n, void *out)
{
    (void)L;
    str_addn(out, bytes, n);
    return ((struct str *)out)->failed;
}

bool cover_lua_lines(const char *path, bool *lines, int max)
{
    lua_State *L = luaL_newstate();
    struct str bytes = STR_INIT(DUMP_BYTES);
    struct dump d = {.lines = lines, .max = max};

    if (L == NULL)
        return false;
    d.failed = luaL_loadfilex(L, path, "t") != LUA_OK || lua_dump(L, write_bytes, &bytes, 0) != 0 ||
               bytes.failed;
    d.at = (const unsigned char *)str_text(&bytes);
    d.end = d.at + bytes.len;
    take(&d, HEADER_BYTES + sizeof(lua_Integer) + sizeof(lua_Number) + 1);
    read_function(&d, 0);
    str_free(&bytes);
    lua_close(L);
    return !d.failed;
}
