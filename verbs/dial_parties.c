/* Dial's parties: numbers, clients and SIP addresses, called at once or one after another. The
 * first who answers is joined to the caller; the others are canceled (twiml-voice.md §5.2). */
#include "verbs/dial.h"
#include "verbs/dial_party.h"
#include "verbs/verbs.h"

#include <string.h>

enum {
    PARTIES_MAX = 10,
    PARTIES_GRACE_MS = 5000, /* Twilio adds it to every timeout (§5) */
};

struct party {
    const struct node *node; /* NULL: the text of the Dial */
    const struct node *uri;  /* of a Sip with several <Uri>: the one being called */
    uint32_t leg;            /* request; 0: not called, or over */
    bool prepares;           /* something comes between its answer and its being joined */
};

struct parties {
    struct party all[PARTIES_MAX];
    int count, next;     /* next: not yet called */
    struct party *taken; /* who answered */
    bool joined;         /* … and talks with the caller */
    bool left;           /* the caller is gone: those who were called are yet to end */
    uint32_t ring, timeout, limit;
    const char *status; /* the weightiest outcome so far */
    char sid[35];       /* of the last party that ended; of who was taken, when one was */
};

/* --- calling --- */

static int parties_weight(const char *status)
{
    static const char *const order[] = {"failed", "canceled", "no-answer", "busy", "completed"};

    for (int i = 0; i < (int)(sizeof order / sizeof *order); i++)
        if (strcmp(order[i], status) == 0)
            return i;
    return -1;
}

static void parties_note(struct parties *p, const char *status)
{
    if (p->status == NULL || parties_weight(status) > parties_weight(p->status))
        p->status = status;
}

static bool parties_call(struct activation *a, struct dial *d, struct party *one)
{
    struct leg_party party = {.from = d->args->caller_id};

    if (dial_party_read(a, one->node, one->uri, &party))
        one->leg = session_dial(a, &party);
    one->prepares = party.url != NULL || party.send_digits != NULL;
    return one->leg != 0;
}

/* The next <Uri> of a Sip whose former one failed. */
static bool parties_call_again(struct activation *a, struct dial *d, struct party *one)
{
    while ((one->uri = dial_party_next_uri(one->node, one->uri)) != NULL)
        if (parties_call(a, d, one))
            return true;
    return false;
}

static bool parties_any(const struct parties *p)
{
    for (int i = 0; i < p->count; i++)
        if (p->all[i].leg != 0)
            return true;
    return false;
}

static void parties_start_timeout(struct activation *a, struct dial *d, struct parties *p)
{
    session_cancel(a, p->timeout);
    p->timeout = session_timer(a, (int64_t)d->args->timeout * 1000 + PARTIES_GRACE_MS);
}

/* Calls all who are still to be called, or only the next one of a sequence; false when nobody could
 * be. */
static bool parties_go_on(struct activation *a, struct dial *d, struct parties *p)
{
    bool called = false;

    while (p->next < p->count && !(called && d->args->sequential)) {
        struct party *one = &p->all[p->next++];

        one->uri = dial_party_next_uri(one->node, NULL);
        if (parties_call(a, d, one) || parties_call_again(a, d, one))
            called = true;
        else
            parties_note(p, "failed");
    }
    if (called)
        parties_start_timeout(a, d, p);
    return called;
}

/* --- the end --- */

static void parties_ring_stop(struct activation *a, struct parties *p)
{
    session_cancel(a, p->ring);
    p->ring = 0;
}

static enum verb_result parties_finish(struct activation *a, struct dial *d, struct parties *p,
                                       const struct leg_event *leg)
{
    char seconds[16];

    parties_ring_stop(a, p); /* the Dial may still wait for its recording */
    if (*p->sid != '\0')
        session_go_param(a, "DialCallSid", p->sid);
    if (leg != NULL && !leg->redirected) {
        snprintf(seconds, sizeof seconds, "%d", leg->seconds);
        session_go_param(a, "DialCallDuration", seconds);
    }
    session_go_param(a, "DialBridged", p->joined ? "true" : "false");
    if (leg != NULL)
        session_go_facts(a, leg);
    return dial_finish(a, d, p->status != NULL ? p->status : "failed");
}

/* --- ringing --- */

/* What the caller hears meanwhile. Who is not answered yet hears what his own network plays, unless
 * a country's tone is asked for. */
static void parties_ring(struct activation *a, struct dial *d, struct parties *p)
{
    const char *country = dial_ring_tone(d);

    if (p->ring == 0 && (session_is_answered(a) || country != NULL))
        p->ring = session_ring(a, country);
}

/* The far end's own sound before its answer is heard instead of our ringing, when there is only one
 * who could send it. */
static void parties_early(struct activation *a, struct dial *d, struct parties *p,
                          struct party *one)
{
    if (p->count > 1 && !d->args->sequential)
        return;
    if (session_is_answered(a) && session_join(a, one->leg))
        parties_ring_stop(a, p);
}

/* --- events --- */

static struct party *parties_find(struct parties *p, uint32_t request)
{
    for (int i = 0; i < p->count; i++)
        if (p->all[i].leg == request)
            return &p->all[i];
    return NULL;
}

static enum verb_result parties_answered(struct activation *a, struct dial *d, struct parties *p,
                                         struct party *one)
{
    if (p->taken != NULL) {
        /* Two at the same moment: the first was quicker. */
        session_leg_hangup(a, one->leg, false);
        return VERB_WAIT;
    }
    p->taken = one;
    p->next = p->count;
    session_cancel(a, p->timeout);
    p->timeout = 0;
    for (int i = 0; i < p->count; i++)
        if (&p->all[i] != one && p->all[i].leg != 0)
            session_leg_hangup(a, p->all[i].leg, false);
    if (one->prepares)
        parties_ring(a, d, p); /* also when he was heard while it rang */
    return VERB_WAIT;
}

static enum verb_result parties_ready(struct activation *a, struct dial *d, struct parties *p,
                                      struct party *one)
{
    if (p->taken != one)
        return VERB_WAIT;
    session_pick_up(a);
    parties_ring_stop(a, p);
    p->joined = session_join(a, one->leg);
    dial_reached(a, d, DIAL_ANSWERED);
    session_record_told_by(a, d->recording, one->leg);
    p->limit = session_timer(a, (int64_t)d->args->time_limit * 1000);
    return VERB_WAIT;
}

static enum verb_result parties_ended(struct activation *a, struct dial *d, struct parties *p,
                                      struct party *one, const struct leg_event *leg)
{
    bool failed = strcmp(leg->status, "failed") == 0;

    one->leg = 0;
    if (p->taken != NULL && p->taken != one)
        return VERB_WAIT;
    if (p->taken == NULL && failed && !p->left && parties_call_again(a, d, one))
        return VERB_WAIT;
    strncpy(p->sid, leg->sid, sizeof p->sid - 1);
    parties_note(p, leg->status);
    if (p->taken == one) {
        p->status = leg->status;
        return parties_finish(a, d, p, leg);
    }
    if (parties_any(p) || parties_go_on(a, d, p))
        return VERB_WAIT;
    if (p->left)
        p->status = "canceled";
    return parties_finish(a, d, p, leg);
}

/* The callee wants the caller transferred: the document at referUrl decides what becomes of that.
 * The callee's call ends with the Dial. */
static enum verb_result parties_referred(struct activation *a, struct dial *d, struct parties *p,
                                         struct party *one, const struct leg_event *leg)
{
    bool take = p->taken == one && p->joined && d->args->refer_url != NULL;

    if (!take)
        session_warn(a, 13802, "%s to be transferred to %s: declined",
                     d->args->refer_url == NULL ? "no referUrl, but the called party asks"
                                                : "a party that is not talking yet asks",
                     leg->refer_to);
    session_leg_refer(a, one->leg, take);
    if (!take)
        return VERB_WAIT;
    session_go_param(a, "ReferTransferTarget", leg->refer_to);
    for (const char *const *s = leg->refer_params; s != NULL && *s != NULL; s += 2)
        if (strncmp(s[0], "Sip", 3) == 0)
            session_go_param(a, s[0], s[1]);
    return session_go_away(a, d->args->refer_url, d->args->refer_method);
}

static enum verb_result parties_leg(struct activation *a, struct dial *d, struct parties *p,
                                    const struct event *ev)
{
    struct party *one = parties_find(p, ev->request);

    if (one == NULL || (p->left && ev->leg.stage < LEG_ENDED && ev->leg.stage != LEG_ANSWERED))
        return VERB_WAIT;
    switch (ev->leg.stage) {
    case LEG_RINGING:
        if (ev->leg.early)
            parties_early(a, d, p, one);
        else
            parties_ring(a, d, p);
        dial_reached(a, d, DIAL_RINGING);
        return VERB_WAIT;
    case LEG_ANSWERED:
        return parties_answered(a, d, p, one);
    case LEG_READY:
        return parties_ready(a, d, p, one);
    case LEG_REFERRED:
        return parties_referred(a, d, p, one, &ev->leg);
    case LEG_ENDED:
        break;
    }
    return parties_ended(a, d, p, one, &ev->leg);
}

/* Nobody answered in time: those who ring are given up, and their ends bring what follows. */
static enum verb_result parties_timer(struct activation *a, struct parties *p, uint32_t request)
{
    bool limit = request == p->limit;

    if (limit)
        p->limit = 0;
    else
        p->timeout = 0;
    for (int i = 0; i < p->count; i++)
        if (p->all[i].leg != 0)
            session_leg_hangup(a, p->all[i].leg, true);
    return VERB_WAIT;
}

/* The caller is gone: the others with him. Once they have ended the action is told, and its answer
 * ignored. */
static enum verb_result parties_hangup(struct activation *a, struct parties *p)
{
    p->left = true;
    p->next = p->count;
    for (int i = 0; i < p->count; i++)
        if (p->all[i].leg != 0)
            session_leg_hangup(a, p->all[i].leg, false);
    return VERB_WAIT;
}

static enum verb_result parties_start(struct activation *a, struct dial *d)
{
    struct parties *p = d->state;
    const struct node *dial = activation_node(a);

    if (*dial->text != '\0')
        p->count++; /* all[0].node stays NULL */
    for (const struct node *n = dial->children; n != NULL && p->count < PARTIES_MAX; n = n->next)
        if (n->schema != NULL && dial_is_party(n))
            p->all[p->count++].node = n;
    if (!d->args->answer_on_bridge)
        session_pick_up(a);
    if (!parties_go_on(a, d, p))
        return parties_finish(a, d, p, NULL);
    return VERB_WAIT;
}

static enum verb_result parties_on_event(struct activation *a, struct dial *d,
                                         const struct event *ev)
{
    struct parties *p = d->state;

    switch (ev->type) {
    case EVENT_LEG:
        return parties_leg(a, d, p, ev);
    case EVENT_TIMER:
        return parties_timer(a, p, ev->request);
    case EVENT_PLAYED:
        if (ev->request == p->ring)
            p->ring = 0;
        return VERB_WAIT;
    case EVENT_HANGUP:
        return parties_hangup(a, p);
    case EVENT_DIGIT:
        if (ev->digit.key != '*' || !d->args->hangup_on_star || p->taken == NULL)
            return VERB_PASS;
        session_leg_hangup(a, p->taken->leg, false);
        return VERB_WAIT;
    default:
        return VERB_PASS;
    }
}

const struct dial_noun dial_parties = {
    .state_size = sizeof(struct parties),
    .start = parties_start,
    .on_event = parties_on_event,
};
