/* What a past call found that others had made so: conferences that had begun or were full, queues
 * that somebody waited in, its own place in one; and what answered a party it called. The others
 * are not there in a replay: the runtime asks here instead. */
#include "sim/private.h"
#include "sim/replay_private.h"
#include <string.h>

/* The room that was entered at `i`: had it begun? */
static int entered(const struct past *p, size_t i)
{
    for (i++; i < p->n_lines; i++) {
        const char *stage =
            strcmp(p->lines[i].e, "room") == 0 ? past_text(&p->lines[i], "stage") : NULL;

        if (stage != NULL)
            return strcmp(stage, "talks") == 0 ? RUNTIME_BEGUN : RUNTIME_OPEN;
    }
    return RUNTIME_OPEN;
}

/* What the line says about such a coming; RUNTIME_NOT_KNOWN when it says nothing. */
static int outcome(const struct past *p, size_t i, enum runtime_asked what)
{
    static const char *const come[] = {"conference", "enqueue", "take"};
    const struct past_line *l = &p->lines[i];
    const char *event = past_text(l, "event");
    int64_t code = past_number(l, "code");

    if (strcmp(l->e, "refused") == 0 && past_number(l, "what") == (int64_t)what)
        return code > RUNTIME_BEGUN && code < 100000 ? (int)code : RUNTIME_NOT_KNOWN;
    if (strcmp(l->e, come[what]) != 0)
        return RUNTIME_NOT_KNOWN;
    if (what != RUNTIME_ENTERS)
        return RUNTIME_OPEN;
    return event != NULL && strcmp(event, "participant-join") == 0 ? entered(p, i)
                                                                   : RUNTIME_NOT_KNOWN;
}

static struct party *party_of(struct replay *r, const char *sid)
{
    for (size_t i = 0; i < r->n_parties; i++)
        party_look(&r->parties[i]);
    return replay_party(r, sid);
}

static int found(void *arg, const char *sid, enum runtime_asked what)
{
    struct party *p = party_of(arg, sid);
    size_t n = p != NULL ? p->asked[what]++ : 0;
    int then;

    for (size_t i = 0; p != NULL && p->past != NULL && i < p->past->n_lines; i++) {
        then = outcome(p->past, i, what);
        if (then != RUNTIME_NOT_KNOWN && n-- == 0)
            return then;
    }
    return RUNTIME_NOT_KNOWN;
}

static bool place(void *arg, const char *sid, struct queue_place *out)
{
    struct party *p = party_of(arg, sid);
    size_t n = p != NULL ? p->placed++ : 0;

    for (size_t i = 0; p != NULL && p->past != NULL && i < p->past->n_lines; i++) {
        const struct past_line *l = &p->past->lines[i];

        if (strcmp(l->e, "place") != 0 || n-- > 0)
            continue;
        out->position = (int)past_number(l, "position");
        out->size = (int)past_number(l, "size");
        out->average = (int)past_number(l, "average");
        out->max = (int)past_number(l, "max");
        return true;
    }
    return false;
}

static const char *answered_by(void *arg, const char *sid, int *ms, int64_t *after_ms)
{
    struct party *p = party_of(arg, sid);
    int64_t answered = 0;
    bool over = false;

    for (size_t i = 0; p != NULL && p->past != NULL && i < p->past->n_lines; i++) {
        const struct past_line *l = &p->past->lines[i];

        if (strcmp(l->e, "answer") == 0)
            answered = l->t;
        over = over || strcmp(l->e, "hangup") == 0;
        if (strcmp(l->e, "amd") != 0)
            continue;
        *ms = (int)past_number(l, "ms");
        /* Once the call is over media tells that nothing will be heard any more. */
        *after_ms = over ? PAST_MS : l->t > answered ? l->t - answered : 0;
        return past_text(l, "verdict");
    }
    return NULL;
}

void replay_then(struct replay *r)
{
    runtime_set_then(sim_runtime(r->sim),
                     &(struct runtime_then){
                         .found = found, .place = place, .answered_by = answered_by, .arg = r});
}
