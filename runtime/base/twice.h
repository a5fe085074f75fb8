/* A guard against a fault of libwebsockets 4.1.6 on libuv: when a context ends, its wake-up eventfd
 * is closed twice, at once and again when the loop has closed its handle. In between the number may
 * belong to somebody else: a connection, a journal. The guard finds the number when the context is
 * made, and occupies it between the two closings. */
#ifndef ALMON_BASE_TWICE_H
#define ALMON_BASE_TWICE_H

#include <stdint.h>

enum { TWICE_MOST = 1024 }; /* numbers beyond are not guarded */

struct twice {
    uint64_t open[TWICE_MOST / 64]; /* numbers in use before */
    int fd;                         /* the eventfd; -1: none found */
};

/* Just before the context is made, and just after, in the same thread. */
void twice_before(struct twice *t);
void twice_after(struct twice *t);
/* Just after the first lws_context_destroy(). */
void twice_hold(struct twice *t);

#endif
