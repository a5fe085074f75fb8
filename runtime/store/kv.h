/* Values that survive a restart: key → value, with expiry and atomic increment. What Lua's `kv`
 * module stands on.
 *
 * Each operation is asked on the control loop and answers exactly once on it, never before the
 * asking function has returned, and only once it is on the disk: what was answered survives
 * `kill -9` and a power cut. Operations are done in the order in which they were asked. In virtual
 * time an answer costs no time. */
#ifndef ALMON_STORE_KV_H
#define ALMON_STORE_KV_H

#include "base/error.h"
#include "base/loop.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KV_SPACE_MAX = 256,          /* bytes of a namespace */
    KV_KEY_MAX = 256,            /* bytes of a key */
    KV_VALUE_MAX = 64 * 1024,    /* bytes of a value */
    KV_KEYS_MAX = 100000,        /* keys of one namespace, */
    KV_SPACE_BYTES = 64 << 20,   /* and bytes of its keys and values together */
    KV_LIST_MAX = 1000,          /* pairs in one answer of kv_list() */
    KV_LIST_BYTES = 1024 * 1024, /* and bytes of their keys and values together */
};

struct kv;
struct store;
struct kv_op; /* an operation that has not answered yet */

struct kv_pair {
    const char *key, *value; /* NUL-terminated; a value may also hold NUL */
    size_t key_len, value_len;
};

/* All of it is gone when the handler returns. */
struct kv_answer {
    const struct error *err; /* NULL: it worked */
    const char *value; /* get: NULL when there is no such key. increment: the number as text */
    size_t value_len;
    int64_t number;              /* increment: the new number */
    bool found;                  /* get, delete: there was such a key */
    const struct kv_pair *pairs; /* list: sorted by key, bytewise */
    size_t count;
    bool more; /* list: there are further ones; ask again `after` the last key */
};
typedef void kv_h(void *arg, const struct kv_answer *answer);

/* `path` is the database's file, made (with its folders, for the owner only) when missing; NULL
 * keeps all in memory, for tests. Blocking; at start-up. ERR_INVALID: the file is no database of
 * ours or is damaged. */
int kv_open(struct kv **kvp, struct loop *loop, const char *path, struct error *err);
/* Finishes what was asked, its handlers called. Accepts NULL; returns NULL. */
struct kv *kv_close(struct kv *kv);
/* The database that it lies in, for other resources: there is one file, and one thread. */
struct store *kv_store(const struct kv *kv);

/* A namespace is an account and a flow's folder; one never sees another's keys. All text is copied.
 * Each returns the pending operation; or NULL with `err` set (a name or value that is empty or too
 * long: ERR_INVALID; too much waits already: ERR_LIMIT; ERR_NOMEM), and then `h` is not called.
 *
 * `ttl_ms` is how long the key lives, by the loop's wall clock; 0 is for ever. */
struct kv_op *kv_get(struct kv *kv, const char *space, const char *key, kv_h *h, void *arg,
                     struct error *err);
/* Answers ERR_LIMIT when the namespace would hold more than it may. */
struct kv_op *kv_set(struct kv *kv, const char *space, const char *key, const void *value,
                     size_t len, int64_t ttl_ms, kv_h *h, void *arg, struct error *err);
struct kv_op *kv_delete(struct kv *kv, const char *space, const char *key, kv_h *h, void *arg,
                        struct error *err);
/* Adds `by` to a whole number; a missing key counts from 0. `ttl_ms` is for a key that this makes:
 * one that exists keeps its own, so that "at most five an hour" is one call. A value that is no
 * whole number, or would pass 64 bits, answers ERR_INVALID and stays as it is. */
struct kv_op *kv_increment(struct kv *kv, const char *space, const char *key, int64_t by,
                           int64_t ttl_ms, kv_h *h, void *arg, struct error *err);
/* Keys that begin with `prefix` ("" for all) and come after `after` ("" for the first), `most` at
 * most (1 … KV_LIST_MAX). */
struct kv_op *kv_list(struct kv *kv, const char *space, const char *prefix, const char *after,
                      size_t most, kv_h *h, void *arg, struct error *err);

/* The handler will not be called; what was asked is done nevertheless. Only before it answered. */
void kv_forget(struct kv_op *op);

#endif
