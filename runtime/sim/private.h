/* Private to runtime/sim. */
#ifndef ALMON_SIM_PRIVATE_H
#define ALMON_SIM_PRIVATE_H

#include "base/arena.h"
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
    char *account, *token;
    struct sim_network *network; /* NULL: the web is what was written down */
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

    struct sim_row callers;  /* struct sim_caller * */
    struct sim_row callees;  /* struct sim_callee * */
    struct sim_row children; /* struct sim_child: sessions that the exchange offered */
    struct sim_row inboxes;  /* struct sim_inbox * */
    size_t texts_sent;
    void (*on_text)(const struct sim_text *t, void *arg);
    void *on_text_arg;
    struct sim_row hz; /* int: every tone that somebody sent */

    struct sim_row lines; /* struct sim_line */
    void (*on_line)(const struct sim_line *line, void *arg);
    void *on_line_arg;
};

/* web.c */
struct http_port sim_web_port(struct sim *s);
void sim_web_free(struct sim *s);

/* network.c */
int sim_network_new(struct sim_network **np, struct sim *s, struct error *err);
struct http_port sim_network_port(struct sim_network *n);
/* After all who use it. Accepts NULL, returns NULL. */
struct sim_network *sim_network_free(struct sim_network *n);

enum { SIM_OFFER_CHUNK = 1024, SIM_OFFER_BYTES = 128 * 1024 };

/* A party's part in one call, whoever called. */
struct sim_caller {
    struct sim *sim;
    uint32_t number;
    enum codec codec;
    bool answered, over;
    bool early; /* he may be heard before he answers */
    enum cause cause;
    char sid[SID_SIZE];
    char status[16];

    struct offer *offer;   /* what the exchange offered; NULL: he called */
    const char *from, *to; /* of who called himself */
    struct arena strings;  /* of these */
    struct sim_manner manner;
    int64_t offered_at;
    bool rung;
    struct timer plan; /* when the callee does the next thing of its manner */

    struct sim_row heard;    /* struct sim_heard */
    struct sim_row sound_at; /* int64_t: when frames of sound came */
    struct sim_row tones;    /* struct sim_tone: those he listens for */
    struct str digits;

    enum sim_sends sends;
    int hz;                 /* SIM_TONE: a sine; 0: a square wave of 1 kHz */
    size_t sent;            /* samples of the sine */
    struct audio *playing;  /* what he says instead; NULL: nothing */
    size_t played;          /* frames of it */
    char *refer_to;         /* whereto the exchange wants him to go; NULL: nowhere */
    struct sim_refer refer; /* what became of his own wish */
    bool heeded;            /* somebody counts his silence */
    int64_t first;          /* loop_now() when the mouth began: it moves every 20 ms from there */
    struct timer mouth;
};

/* caller.c */
extern const struct client_handlers sim_client_events;
struct sim_caller *sim_caller_new(struct sim *s, enum codec codec);
struct sim_caller *sim_caller_free(struct sim_caller *c);
/* NULL when there is none of that number. */
struct sim_caller *sim_caller_of(struct sim *s, uint32_t number);
/* From now on the exchange's. */
int sim_caller_keep(struct sim_caller *c, struct error *err);
/* The call is answered, by either side. */
void sim_caller_begin(struct sim_caller *c);
/* He is heard from now on, though he has not answered. */
void sim_caller_begin_early(struct sim_caller *c);
/* Their link is gone. */
void sim_callers_lost(struct sim *s);
void sim_callers_free(struct sim *s);
/* A journal line says something about a caller: which session is his, its status. */
void sim_callers_read(struct sim *s, const struct sim_line *line);

/* callee.c */
void sim_callee_offered(void *arg, uint32_t number, const struct offer *offer);
void sim_callee_acts(void *arg); /* timer `plan` */
/* The session of an outgoing leg begins, and changes before its offer has arrived. */
void sim_callee_begins(struct sim *s, const char *sid, const char *to);
void sim_callee_becomes(struct sim *s, const char *sid, const char *status);
/* All identities are registered, over a new link. */
void sim_callees_register(struct sim *s);
void sim_callees_free(struct sim *s);

/* refer.c: of struct client_handlers */
void sim_refer_asked(void *arg, uint32_t number, const char *to);
void sim_refer_status(void *arg, uint32_t number, unsigned response, unsigned notify);

/* text.c: of struct client_handlers */
void sim_text_comes(void *arg, const struct bridge_text *t);
void sim_text_status(void *arg, const struct bridge_text_status *s);
/* The session of a message that somebody sent. */
void sim_text_begins(struct sim *s, const char *sid, const char *from, const char *to);
void sim_texts_free(struct sim *s);

/* tone.c */
/* The next frame of what he sends, in his codec. */
void sim_tone_frame(struct sim_caller *c, void *bytes);
void sim_tone_hear(struct sim_caller *c, const void *bytes);

#endif
