/* Media for Play: fetched with a plain GET, kept on disk by ETag, Last-Modified and Cache-Control,
 * given back as a file. Source: twiml-voice.md §2.2, threats.md D9, H1–H5. */
#ifndef ALMON_HTTP_FETCH_H
#define ALMON_HTTP_FETCH_H

#include "base/config.h"
#include "base/loop.h"
#include "http/exchange.h"

enum {
    FETCH_MAX_BYTES = 64 * 1024 * 1024,
    FETCH_MAX_MS = 60000,
};

struct fetched {
    int twilio; /* 0, 13420 (not audio), 11200 … */
    char text[300];
    const char *path; /* the file, unchanged while the handler runs and for a minute after */
    const char *mime; /* what the server said it is */
    const char *key;  /* changes when the content does: for caches of decoded audio */
    bool cached;      /* nothing was transferred */
};
typedef void fetch_h(const struct fetched *f, void *arg);

struct fetcher;
struct fetch;
/* `folder` is made when missing; `max_mb` bounds it (least recently used go first). */
int fetcher_new(struct fetcher **fp, struct loop *loop, struct http_port port, const char *folder,
                int max_mb, struct error *err);
void fetcher_set_config(struct fetcher *f, const struct config *config);
struct fetcher *fetcher_free(struct fetcher *f);

/* Several requests for one URL at once make one transfer. `h` is called exactly once on the loop,
 * never from within, unless cancelled. */
struct fetch *fetch_start(struct fetcher *f, const char *url, enum http_trust trust,
                          const char *own, fetch_h *h, void *arg, struct error *err);
void fetch_cancel(struct fetch *f);

#endif
