/* The disk thread: everything that writes files for calls runs here, in order, so that no loop ever
 * waits for a disk. Queues are bounded. */
#ifndef ALMON_BASE_DISK_H
#define ALMON_BASE_DISK_H

#include "base/error.h"
#include "base/loop.h"
#include <stddef.h>

struct disk;
struct disk_job {
    void (*run)(struct disk_job *job);  /* on the disk thread */
    void (*done)(struct disk_job *job); /* on the loop, in the order of submission; may free it */
    struct link_node node;
};

/* `loop` is where `done` is called. `max_bytes` bounds what disk_append() may hold in memory. */
int disk_new(struct disk **dp, struct loop *loop, size_t max_bytes, struct error *err);
/* Finishes all that was submitted, calling every `done`. Returns NULL. */
struct disk *disk_free(struct disk *d);
/* Appends to a file, making it (mode 0600) and its folders (0700) when missing. The bytes are
 * copied. 0, ERR_LIMIT when too much waits already, ERR_NOMEM. A failing write leaves nothing of
 * its bytes, so that a full disk costs whole lines and never half of one; it is logged once a
 * minute at most and counted. */
int disk_append(struct disk *d, const char *path, const void *bytes, size_t n);
/* Removes a file, after all that was submitted before; one that is not there is no error. */
void disk_remove(struct disk *d, const char *path);
void disk_submit(struct disk *d, struct disk_job *job);
/* Calls `h` on the loop once all that was submitted before is on its way to the disk. */
int disk_sync(struct disk *d, void (*h)(void *arg), void *arg);

/* Makes a folder and its parents, mode 0700. Blocking; for start-up and the disk thread. */
int disk_make_folders(const char *path, struct error *err);

#endif
