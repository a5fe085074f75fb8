#include "sim/party.h"

#include "base/mem.h"
#include "sim/private.h"
#include "sim/replay_private.h"
#include <stdio.h>
#include <string.h>

/* When each verb of one name began. */
struct begun {
    struct sim_row at; /* int64_t */
};

int party_init(struct party *p, struct sim *s, const struct past *past, struct error *err)
{
    *p = (struct party){.sim = s, .past = past};
    p->given = mem_alloc((past != NULL ? past->n_inputs : 0) + 1);
    return p->given != NULL ? 0 : error_nomem(err);
}

static void forget_verb(const char *key, void *value, void *arg)
{
    struct begun *b = value;

    (void)key;
    (void)arg;
    mem_free(b->at.items);
    mem_free(b);
}

void party_free(struct party *p)
{
    map_each(&p->verbs, forget_verb, NULL);
    map_free(&p->verbs);
    mem_free(p->given);
}

void party_look(struct party *p)
{
    if (p->caller != NULL || p->callee == NULL)
        return;
    p->caller = sim_callee_call(p->callee, p->nth);
    if (p->caller != NULL)
        p->began = sim_now(p->sim);
}

void party_verb(struct party *p, const char *name)
{
    struct begun *b = map_get(&p->verbs, name);
    int64_t *at;

    if (b == NULL && (b = mem_alloc(sizeof *b)) != NULL && map_set(&p->verbs, name, b) != 0) {
        mem_free(b);
        b = NULL;
    }
    at = b != NULL ? sim_row_add(&b->at, sizeof *at, PAST_LINES) : NULL;
    if (at != NULL)
        *at = sim_now(p->sim);
}

/* INT64_MAX while the input's verb has not begun. */
static int64_t due(const struct party *p, const struct past_input *in)
{
    const struct begun *b = in->verb != NULL ? map_get(&p->verbs, in->verb) : NULL;

    if (in->verb == NULL)
        return p->began + in->t;
    if (b == NULL || b->at.count <= in->nth)
        return INT64_MAX;
    return ((const int64_t *)b->at.items)[in->nth] + in->offset;
}

int64_t party_due(const struct party *p, size_t *input)
{
    int64_t at, when = INT64_MAX;

    for (size_t i = 0; p->past != NULL && p->caller != NULL && i < p->past->n_inputs; i++) {
        at = p->given[i] ? INT64_MAX : due(p, &p->past->inputs[i]);
        if (at < when) {
            when = at;
            *input = i;
        }
    }
    return when;
}

/* A flow's file lies elsewhere now. */
static const char *moved(const struct party *p, const char *url, char *out, size_t size)
{
    const char *below = url != NULL && p->old_root != NULL ? replay_below(p->old_root, url) : url;

    if (below == url)
        return url;
    return (size_t)snprintf(out, size, "%s/%s", p->new_root, below) < size ? out : url;
}

void party_give(struct party *p, size_t input)
{
    char file[REPLAY_PATH];
    const struct past_input *in = &p->past->inputs[input];
    const char *sid = sim_caller_sid(p->caller);
    struct runtime *rt = sim_runtime(p->sim);
    const char *text = moved(p, in->text, file, sizeof file);

    p->given[input] = true;
    switch (in->kind) {
    case PAST_KEY:
        sim_caller_press(p->caller, in->text);
        break;
    case PAST_CALLER_HANGUP:
        /* A callee who was not answered yet has refused by its manner. */
        if (p->callee == NULL || sim_caller_is_answered(p->caller))
            sim_caller_hangup(p->caller);
        break;
    case PAST_LINK: /* all are on one; in a replay nobody calls after it */
        if (!sim_caller_is_over(p->caller))
            sim_break_link(p->sim, NULL);
        break;
    case PAST_QUEUE:
        runtime_queue_stage(rt, sid,
                            &(struct runtime_queue_stage){.stage = in->stage,
                                                          .other = in->other,
                                                          .url = text,
                                                          .get = in->get,
                                                          .waited = in->waited},
                            NULL);
        break;
    case PAST_OPERATOR_HANGUP:
        runtime_hangup(rt, sid, NULL);
        break;
    case PAST_REDIRECT:
        runtime_redirect(rt, sid, text, NULL);
        break;
    case PAST_SPEAKS:
        sim_caller_sends(p->caller, SIM_TONE);
        break;
    case PAST_QUIET:
        sim_caller_sends(p->caller, SIM_SILENCE);
        break;
    case PAST_ROOM:
        runtime_room_stage(rt, sid, in->stage, text, in->get, NULL);
        break;
    case PAST_REFERS:
        sim_caller_refers(p->caller, in->text, NULL);
        break;
    case PAST_REFER_STATUS:
        sim_caller_refer_answers(p->caller, in->response, in->notify);
        break;
    }
    sim_run(p->sim, 0, NULL, NULL);
}

bool party_is_over(const struct party *p)
{
    return p->caller == NULL || sim_caller_is_over(p->caller);
}

/* --- callees --- */

static const struct past_line *hangup_of(const struct past *p)
{
    for (size_t i = 0; p != NULL && i < p->n_lines; i++)
        if (strcmp(p->lines[i].e, "hangup") == 0)
            return &p->lines[i];
    return NULL;
}

/* Why the callee itself refused; -1 when it did not. */
static int refusal(const struct past_child *child)
{
    const struct past_line *l = hangup_of(child->past);
    const char *by = l != NULL ? past_text(l, "by") : NULL;
    const char *cause = l != NULL ? past_text(l, "cause") : NULL;

    if (child->answered >= 0 || child->status == NULL)
        return -1;
    if (by != NULL)
        return strcmp(by, "callee") == 0 && cause != NULL ? cause_find(cause) : -1;
    /* Without its journal the outcome must do. Who did not answer at all was given up by the flow.
     */
    if (strcmp(child->status, "busy") == 0)
        return CAUSE_BUSY;
    return strcmp(child->status, "failed") == 0 ? CAUSE_ERROR : -1;
}

void party_manner(const struct past_child *child, struct sim_manner *out)
{
    int cause = refusal(child);

    *out = (struct sim_manner){.address = child->to,
                               .rings_ms = (int)child->rang,
                               .answers_ms = (int)child->answered,
                               .early = child->early,
                               .refuses_ms = cause >= 0 ? (int)child->ended : -1,
                               .cause = cause >= 0 ? (enum cause)cause : CAUSE_ERROR};
}
