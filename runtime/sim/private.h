/* Private to runtime/sim. */
#ifndef ALMON_SIM_PRIVATE_H
#define ALMON_SIM_PRIVATE_H

#include "base/list.h"
#include "base/str.h"
#include "bridge/client.h"
#include "media/cache.h"
#include "session/journal.h"
#include "sim/sim.h"

/* A row that grows to a maximum. */
struct sim_row {
    void *items;
    size_t count, room;
};
/* Room for one more item of `size` bytes, zeroed and counted; NULL when `max` is reached or memory
 * is out. Items move when the row grows. */
void *sim_row_add(struct sim_row *row, size_t size, size_t max);

struct sim {
    char *folder, *state, *path;
    char *account;
    struct vtime *vtime;
    struct loop *loop; /* control */
    struct loop *far;  /* the callers' side */
    struct disk *disk;
    struct media *media;
    struct speech *speech;
    struct webhooks *webhooks;
    struct fetcher *fetcher;
    struct kv *kv;
    struct audio_cache *audio;
    struct runtime *runtime;
    struct bridge *bridge;
    struct bridge_client *client;
    struct rng rng;
    struct journal_watch *watch;
    config_report_h *report;
    void *report_arg;
    bool ready, closed; /* closed: whoever is being closed said so */

    struct sim_row answers;  /* struct web_answer * */
    struct sim_row requests; /* struct sim_request * */
    struct list exchanges;   /* struct web_exchange, under way */

    struct sim_row callers; /* struct sim_caller * */

    struct sim_row lines; /* struct sim_line */
    void (*on_line)(const struct sim_line *line, void *arg);
    void *on_line_arg;
};

/* web.c */
struct http_port sim_web_port(struct sim *s);
void sim_web_free(struct sim *s);

/* caller.c */
extern const struct client_handlers sim_client_events;
void sim_callers_free(struct sim *s);
/* A journal line says something about a caller: which session is his, its status. */
void sim_callers_read(struct sim *s, const struct sim_line *line);

#endif
