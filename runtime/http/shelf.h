/* Private to the room: the folder of fetched files, what is known of each, and which go when it is
 * full. An item is two files: NAME.N with the bytes and NAME.json with the rest; a new version has
 * a new N, so a file never changes under somebody who reads it. */
#ifndef ALMON_HTTP_SHELF_H
#define ALMON_HTTP_SHELF_H

#include "base/list.h"
#include "base/loop.h"
#include "base/map.h"
#include "http/exchange.h"

enum {
    SHELF_ITEMS = 10000,
    SHELF_GRACE_MS = 60000, /* a file that is no longer wanted stays so long */
    SHELF_PATH = 600,
};

struct shelf_item {
    char name[33];
    char file[56];
    char mime[64], etag[256], modified[64];
    int64_t fresh_until; /* milliseconds since 1970; in the past: ask the server first */
    int64_t size, used;
    unsigned pins; /* being revalidated: stays */
    struct link_node node;
};

struct shelf {
    struct loop *loop;
    char *folder;
    int64_t bytes, max_bytes;
    uint64_t serial;
    struct map items;
    struct list order;   /* the least recently used first */
    struct list retired; /* files to be removed, oldest first */
    struct timer timer;
};

/* Makes the folder when missing and reads what an earlier run left. */
int shelf_open(struct shelf *s, struct loop *loop, const char *folder, int64_t max_bytes,
               struct error *err);
/* Safe on a shelf that is all zero. */
void shelf_close(struct shelf *s);
struct shelf_item *shelf_find(struct shelf *s, const char *name);
/* For a transfer to write to: on the same disk, and of a name of its own. */
void shelf_temporary(struct shelf *s, char path[SHELF_PATH]);
/* Takes the file at `temporary`; an older version of `name` is retired. `keep` false: the file is
 * only lent for the grace time and no item is made. Writes its final path. */
int shelf_put(struct shelf *s, const char *name, const char *temporary,
              const struct shelf_item *facts, bool keep, char path[SHELF_PATH], struct error *err);
/* The item was used now. */
void shelf_touch(struct shelf *s, struct shelf_item *item);
/* It was confirmed by the server and is fresh anew. */
void shelf_refresh(struct shelf *s, struct shelf_item *item, int64_t fresh_until);
void shelf_path(const struct shelf *s, const char *file, char path[SHELF_PATH]);

#endif
