/* Private to queue.c and queue_then.c: who waits and who takes. */
#ifndef ALMON_SESSION_QUEUE_INSIDE_H
#define ALMON_SESSION_QUEUE_INSIDE_H

#include "session/private.h"
#include "session/queue.h"

struct queue {
    char sid[SID_SIZE];
    char *name, *account;
    int max;
    struct list waiting;      /* struct queued, who waits longest first */
    struct list takers;       /* struct taker, the same */
    int size;                 /* of `waiting` */
    unsigned users;           /* who wait, take, or talk with whom they met here */
    int64_t taken, waited_us; /* how many were taken, and their time in all */
    struct runtime *rt;
    struct link_node in_all;
};

/* Who took, or was taken, in the call that is replayed. */
struct ghost {
    char sid[SID_SIZE];
    char *url;
    enum flow_method method;
};

/* A caller, from his Enqueue until he leaves or is parted. */
struct queued {
    struct link_node node; /* in queue->waiting; unlinked once taken */
    struct queue *queue;
    struct request *request;
    struct taker *taker;
    struct ghost *ghost; /* in a replay: the other, who is not there; NULL: he is */
    bool joined;
    int64_t since, taken_at, joined_at;
    unsigned tell; /* bits of enum queue_stage */
    struct task task;
};

struct taker {
    struct link_node node; /* in queue->takers; unlinked once he has somebody */
    struct queue *queue;
    struct request *request;
    struct queued *queued;
    char *url;
    enum flow_method method;
    struct queue_event parted; /* what QUEUE_PARTED tells, when the caller is gone already */
    char parted_sid[SID_SIZE];
    unsigned tell;
    struct task task;
};

/* --- queue.c --- */

/* loop_now() of its runtime. */
int64_t queue_now(const struct queue *q);
struct session *queue_session_of(const struct request *r);
/* The next turn tells him. */
void queue_tell_caller(struct queued *m, enum queue_stage stage);
void queue_tell_taker(struct taker *t, enum queue_stage stage);
/* The taker's caller goes. */
void queue_part_taker(struct taker *t, struct queued *m);
void queue_free_queued(struct queued *m);

/* --- queue_then.c --- */

/* The two hear each other; they part, if they did. */
void queue_join_ghost(struct queued *m, const struct request *r);
void queue_part_ghost(const struct queued *m, const struct request *r);
/* He has gone. */
void queue_lay_ghost(struct queued *m);

#endif
