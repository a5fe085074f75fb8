/* The Lua modules of stdlib/, embedded: `make` turns them into one C file
 * (runtime/script/embed.sh). A handler reaches them with `require "menu"`; what each does is in
 * stdlib/README.md.
 *
 * Pure modules need nothing but the language. The others are faces over halves in C, which the host
 * offers to `require` under these names (and to nobody but stdlib: a handler uses the face):
 *
 *   almon.schema  the tables: schema.Say = { text = true, attributes = { voice = true, … },
 *                 children = { break = true, … } }, for every element
 *   almon.json    encode(value) → text | nil, why; decode(text) → value | nil, why; null
 *   almon.kv      get(key) → text | nil; set(key, text, ttl_ms); delete(key) → was there;
 *                 increment(key, by, ttl_ms) → number; list(prefix, after, most) →
 *                 { {key, text}, … }, more. Each waits; each answers nil, why when it failed
 *   almon.http    request { method, url, headers, body, timeout_ms } → { status, headers, body,
 *                 url } | nil, why. Waits. The keys of `headers` are lower case in answers
 *   almon.log     write(level, text), level "debug" | "info" | "warn" | "error"
 *   almon.time    now() → milliseconds since 1970-01-01T00:00:00Z, by the loop's clock
 */
#ifndef ALMON_SCRIPT_STDLIB_H
#define ALMON_SCRIPT_STDLIB_H

#include <stddef.h>

struct script_stdlib {
    const char *name; /* "menu" for stdlib/menu.lua; NULL ends the list */
    const char *text;
    size_t len;
};

extern const struct script_stdlib script_stdlib[];

#endif
