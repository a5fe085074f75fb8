/* The interpreter: a stack of activations, each running one verb at a time. Everything here is
 * driven by events; nothing calls a verb from within another verb's function: what follows from a
 * result is done by session_advance(), from the loop. */
#include "base/log.h"
#include "base/mem.h"
#include "session/room_private.h"
#include <stdio.h>
#include <string.h>

enum { VERB_MEMORY_CHUNK = 256, VERB_MEMORY_MAX = 256 * 1024 };

/* --- what a verb reads of itself --- */

const struct node *activation_node(const struct activation *a)
{
    return a->node;
}

const void *activation_args(const struct activation *a)
{
    return a->node->args;
}

struct arena *activation_arena(struct activation *a)
{
    return &a->arena;
}

/* --- push and pop --- */

struct activation *activation_new(struct session *s, enum activation_kind kind)
{
    struct activation *a = mem_alloc(sizeof *a);

    if (a == NULL)
        return NULL;
    a->session = s;
    a->kind = kind;
    arena_init(&a->arena, VERB_MEMORY_CHUNK, VERB_MEMORY_MAX);
    a->use = s->top != NULL ? s->top->use : USE_FLOW;
    a->below = s->top;
    s->top = a;
    return a;
}

unsigned activation_depth(const struct activation *a)
{
    unsigned n = 0;

    for (a = a->below; a != NULL; a = a->below)
        n++;
    return n;
}

/* Ends the running verb: stop once, then its requests, then its memory. */
static void end_verb(struct activation *a, const char *how)
{
    const struct verb *verb = a->verb;

    if (verb == NULL)
        return;
    a->verb = NULL; /* deaf from here on */
    if (verb->stop != NULL)
        verb->stop(a, a->state);
    if (a->echo) {
        a->echo = false;
        if (a->session->channel != NULL && !a->session->channel_over)
            channel_echo(a->session->channel, false);
    }
    if (a->joins) {
        a->joins = false;
        session_unjoin(a->session);
    }
    request_cancel_all(a);
    journal_add(a->session, "verb_end", "{s:s, s:s}", "name", verb->schema.name, "how", how);
    a->state = NULL;
    arena_free(&a->arena);
    if (a->handler != NULL)
        a->node = NULL; /* a handler's nodes live in that arena */
}

static void drop_handler(struct activation *a)
{
    if (a->handler != NULL)
        a->session->rt->parts.handlers->free(a->handler);
    a->handler = NULL;
    a->waits = false;
    a->outcome_got = webhook_params_free(a->outcome_got);
}

static void pop(struct activation *a, const char *how)
{
    struct session *s = a->session;
    struct activation **at = &s->top;

    end_verb(a, how);
    if (a->fetch != NULL)
        fetch_document_cancel(a->fetch);
    drop_handler(a);
    mem_free(a->broken);
    webhook_params_free(a->params);
    while (*at != a)
        at = &(*at)->below;
    *at = a->below;
    document_unref(a->document);
    webhook_params_free(a->go_params);
    mem_free(a->go_url);
    arena_free(&a->arena);
    mem_free(a);
}

void activation_pop_above(struct activation *a, const char *how)
{
    while (a->session->top != a)
        pop(a->session->top, how);
}

int activation_push_url(struct session *s, const char *url, bool get, enum http_trust trust,
                        enum document_use use, struct error *err)
{
    struct activation *a = activation_new(s, ACTIVATION_DOCUMENT);
    int rc;

    if (a == NULL)
        return error_nomem(err);
    a->use = use;
    rc = fetch_document(a, url, get, trust, NULL, err);
    if (rc != 0)
        pop(a, "error");
    return rc;
}

/* --- results --- */

static void settle(struct activation *a, enum verb_result result);

/* A handler inside a document (<Lua>) leads away from all of it. */
static void hand_down(struct activation *a)
{
    struct activation *below = a->below;

    webhook_params_free(below->go_params);
    mem_free(below->go_url);
    below->go_params = a->go_params;
    below->go_url = a->go_url;
    below->go_get = a->go_get;
    a->go_params = NULL;
    a->go_url = NULL;
    settle(below, VERB_GO);
}

static void go(struct activation *a)
{
    struct session *s = a->session;
    struct webhook_params *params = a->go_params;
    char *url = a->go_url;
    struct error err = {0};

    /* At the end of the call there is only a farewell, which moves nothing below: that is being
     * unwound, or gone. */
    if (a->kind == ACTIVATION_HANDLER && a->children_of != 0 && !a->guest &&
        s->phase == SESSION_RUNNING) {
        hand_down(a);
        return;
    }
    a->go_params = NULL;
    a->go_url = NULL;
    a->next = NULL;
    drop_handler(a);
    a->kind = ACTIVATION_DOCUMENT;
    if (url == NULL) {
        session_say_problem(s, true, 12400, NULL, "out of memory before the next document");
        webhook_params_free(params);
        activation_failed(a);
    } else if (s->phase != SESSION_RUNNING) {
        fetch_farewell(s, url, a->go_get, params);
        pop(a, "go");
    } else if (fetch_document(a, url, a->go_get, HTTP_DOCUMENT, params, &err) != 0) {
        session_say_problem(s, true, err.twilio != 0 ? err.twilio : 11100, url, err.text);
        activation_failed(a);
    }
    mem_free(url);
}

/* A handler gets the result itself, unless it named an action (Redirect is nothing but one). */
static bool leads_away(const struct activation *a)
{
    if (a->stays)
        return false;
    return a->go_away || a->handler == NULL || a->node == NULL ||
           attr_find(a->node->schema, "action") == NULL || node_has(a->node, "action");
}

static void keep_outcome(struct activation *a, enum verb_result result)
{
    a->outcome = result;
    webhook_params_free(a->outcome_got);
    a->outcome_got = a->go_params;
    a->go_params = NULL;
    mem_free(a->go_url);
    a->go_url = NULL;
    if (a->session->phase != SESSION_RUNNING)
        pop(a, "hangup"); /* a hang-up ends the handler where it stands */
}

/* What a verb's answer means for its activation. */
static void settle(struct activation *a, enum verb_result result)
{
    static const char *const names[] = {
        [VERB_DONE] = "done", [VERB_GO] = "go",       [VERB_LEAVE] = "leave",
        [VERB_END] = "end",   [VERB_ERROR] = "error",
    };
    struct session *s = a->session;
    bool away;

    if (result == VERB_WAIT || result == VERB_PASS)
        return;
    away = leads_away(a);
    a->go_away = a->stays = false;
    activation_pop_above(a, "stopped");
    end_verb(a, names[result]);
    switch (result) {
    case VERB_GO:
        if (away)
            go(a);
        else
            keep_outcome(a, result);
        break;
    case VERB_LEAVE:
        a->next = NULL;
        a->left = true;
        drop_handler(a);
        break;
    case VERB_END:
        a->next = NULL;
        if (s->phase != SESSION_RUNNING) {
            pop(a, "end"); /* the end is here already */
            break;
        }
        session_finish(s,
                       s->end_cause == CAUSE_BUSY && s->answered == 0 ? CALL_BUSY
                       : s->answered == 0                             ? CALL_NO_ANSWER
                                                                      : CALL_COMPLETED,
                       s->end_cause, "flow");
        return; /* the session may be gone */
    default:
        if (a->handler != NULL)
            keep_outcome(a, result);
        break;
    }
    task_post(&s->advance);
}

/* --- running --- */

static void journal_verb(struct activation *a)
{
    json_t *attrs = json_object();
    const char *const *w;

    for (w = a->node->written; attrs != NULL && w != NULL && *w != NULL; w += 2)
        json_object_set_new(attrs, w[0], json_string(w[1]));
    journal_add(a->session, "verb", "{s:s, s:i, s:i, s:o}", "name", a->node->schema->name, "line",
                a->node->line, "depth", (int)activation_depth(a), "attrs",
                attrs != NULL ? attrs : json_null());
}

static void start_verb(struct activation *a, const struct node *node)
{
    /* A verb's schema is its first member (session/verb.h). */
    const struct verb *verb = (const struct verb *)(const void *)node->schema;
    struct session *s = a->session;

    a->node = node;
    if (!nested_allows(a, verb))
        return;
    if (verb->start == NULL) {
        session_warn(a, 13750, "<%s> is not in this version of Almon: it is left out",
                     node->schema->name);
        return;
    }
    if ((verb->flags & VERB_KEEPS_RINGING) == 0)
        session_answer(s);
    journal_verb(a);
    a->state = arena_alloc(&a->arena, verb->state_size > 0 ? verb->state_size : 1);
    if (a->state == NULL) {
        session_warn(a, 12400, "out of memory: <%s> is left out", node->schema->name);
        return;
    }
    a->verb = verb;
    settle(a, verb->start(a, node->args, a->state));
}

/* What ran on top of a verb is over: its verb is told. */
static void children_over(struct activation *a, enum children_end how)
{
    struct event ev = {.type = EVENT_CHILDREN, .children = how};
    struct request *r = request_find(a->session, a->children_of);

    pop(a, how == CHILDREN_FAILED ? "error" : "done");
    if (r != NULL)
        request_answer(r, &ev);
}

/* The last verb of a document is done. */
static void document_over(struct activation *a)
{
    struct session *s = a->session;
    bool failed;

    if (a->children_of != 0) {
        children_over(a, a->failed ? CHILDREN_FAILED : a->left ? CHILDREN_LEFT : CHILDREN_DONE);
        return;
    }
    failed = a->failed;
    pop(a, failed ? "error" : "done");
    if (s->top != NULL || s->phase != SESSION_RUNNING)
        return; /* what is below goes on: it waited for this, or holds the next verb */
    if (s->room != NULL) {
        room_announced(s->room, failed);
        return;
    }
    if (s->leg != NULL) {
        leg_ready(s);
        return;
    }
    session_answer(s); /* an empty document answers and hangs up */
    session_finish(s, CALL_COMPLETED, CAUSE_NORMAL, "flow");
}

/* --- handlers --- */

static void run_on_top(struct activation *a, struct document *d)
{
    struct session *s = a->session;
    struct activation *above =
        activation_depth(a) < HANDLER_MAX_NESTING ? activation_new(s, ACTIVATION_DOCUMENT) : NULL;

    a->outcome = VERB_DONE;
    if (above != NULL) {
        above->is_fallback = a->is_fallback;
        activation_document(above, d);
        return;
    }
    document_unref(d);
    a->outcome = VERB_ERROR;
    session_warn(a, 12400, "documents and handlers are nested more than %d deep, or out of memory",
                 HANDLER_MAX_NESTING);
}

/* `text` may be the activation's own. */
static void handler_broke(struct activation *a, const char *why)
{
    struct activation *broken = a;
    char *kept = handler_text(why, HANDLER_MAX_TEXT);
    const char *text = kept != NULL ? kept : "out of memory";

    /* A guest that breaks fails for the verb below, which knows what to do without it; else the
     * whole stack goes. Handlers below whose state has died with it are told when they are resumed.
     */
    if (a->at_end || a->session->phase != SESSION_RUNNING) {
        session_say_problem(a->session, true, 82002, handler_url(a), text);
        pop(a, "error");
        mem_free(kept);
        return;
    }
    while (broken->below != NULL && !broken->guest)
        broken = broken->below;
    activation_pop_above(broken, "error");
    end_verb(broken, "error");
    drop_handler(broken);
    broken->kind = ACTIVATION_DOCUMENT;
    broken->next = NULL;
    fetch_fallback(broken, handler_url(broken), 82002, text);
    mem_free(kept);
}

/* `d` takes the handler's place; that of <Lua> is the whole document it stands in. */
static void become(struct activation *a, struct document *d)
{
    struct activation *to = a->children_of != 0 && !a->guest ? a->below : a;

    activation_pop_above(to, "go");
    end_verb(to, "go");
    drop_handler(to);
    to->kind = ACTIVATION_DOCUMENT;
    activation_document(to, d);
}

/* One turn of the handler on top. */
static void step_handler(struct activation *a)
{
    const struct handler_type *type = a->session->rt->parts.handlers;
    struct handler_outcome outcome = {.how = a->outcome, .params = a->outcome_got};
    struct handler_step step = {0};

    type->resume(a->handler, &outcome, &step);
    a->outcome = VERB_ERROR; /* until it is known better */
    a->outcome_got = webhook_params_free(a->outcome_got);
    switch (step.result) {
    case HANDLER_VERB:
        start_verb(a, step.node);
        break;
    case HANDLER_WAIT:
        a->waits = true;
        break;
    case HANDLER_DONE:
        drop_handler(a); /* it is over when it is next looked at */
        break;
    case HANDLER_RUN:
        run_on_top(a, step.document);
        break;
    case HANDLER_BECOME:
        become(a, step.document);
        break;
    case HANDLER_FAILED:
        handler_broke(a, step.text != NULL ? step.text : "out of memory");
        break;
    }
    mem_free(step.text);
}

void session_advance(void *arg)
{
    struct session *s = arg;
    struct activation *a;
    const struct node *node;

    while ((a = s->top) != NULL && a->verb == NULL && a->fetch == NULL && !a->waits) {
        if (a->broken != NULL && s->phase == SESSION_RUNNING) {
            handler_broke(a, a->broken);
            return;
        }
        if (a->handler != NULL && (s->phase == SESSION_RUNNING || a->at_end)) {
            step_handler(a);
            task_post(&s->advance); /* as below: other sessions run in between */
            return;
        }
        if (a->next == NULL || s->phase != SESSION_RUNNING) {
            document_over(a);
            continue;
        }
        node = a->next;
        a->next = node->next;
        if (node->schema != NULL) {
            start_verb(a, node);
            /* What ended within start goes on through the task: no recursion, and a chain of
             * instant verbs lets other sessions run in between. */
            if (a == s->top && a->verb == NULL && a->fetch == NULL)
                task_post(&s->advance);
            return;
        }
    }
    session_free_if_done(s);
}

void session_deliver(struct session *s, struct activation *a, const struct event *ev)
{
    struct activation *below;
    enum verb_result r;

    if (ev->request != 0) {
        if (a->verb != NULL)
            settle(a, a->verb->on_event(a, a->state, ev));
        return;
    }
    for (a = s->top; a != NULL; a = below) {
        below = a->below;
        if (a->verb == NULL || a->verb->on_event == NULL)
            continue;
        r = a->verb->on_event(a, a->state, ev);
        if (r != VERB_PASS) {
            settle(a, r);
            return;
        }
    }
}

/* --- the end of the stack --- */

/* What flows asked to be run after the call waits below what is still ending. */
static void push_at_end(struct session *s)
{
    const struct handler_type *type = s->rt->parts.handlers;
    struct activation *a = activation_new(s, ACTIVATION_HANDLER), **at = &s->top;

    if (a == NULL)
        return;
    a->at_end = true;
    a->handler = type->at_end(a);
    if (a->handler == NULL) {
        pop(a, "done");
        return;
    }
    s->top = a->below;
    while (*at != NULL)
        at = &(*at)->below;
    *at = a;
    a->below = NULL;
}

void activation_tell(struct session *s, const struct event *ev)
{
    for (struct activation *a = s->top; a != NULL; a = a->below)
        if (a->verb != NULL && a->verb->on_event != NULL)
            a->verb->on_event(a, a->state, ev);
}

void activation_unwind(struct session *s, bool tell)
{
    static const struct event hangup = {.type = EVENT_HANGUP};
    struct activation *a, *below;
    enum verb_result r;

    for (a = s->top; a != NULL; a = below) {
        below = a->below;
        if (tell && a->verb != NULL && a->verb->on_event != NULL) {
            r = a->verb->on_event(a, a->state, &hangup);
            if (r == VERB_WAIT)
                continue; /* it has something to finish */
            if (r == VERB_GO) {
                settle(a, r); /* says farewell and pops */
                continue;
            }
        }
        pop(a, tell ? "hangup" : "stopped");
    }
    if (tell && s->script != NULL)
        push_at_end(s);
}

/* --- documents arrive --- */

void activation_document(struct activation *a, struct document *d)
{
    struct session *s = a->session;
    const struct node *n;
    int verbs = 0;

    for (n = d->root->children; n != NULL; n = n->next)
        verbs += n->schema != NULL;
    s->rt->stats.documents++;
    journal_add(s, "document", "{s:i, s:s, s:i}", "n", s->documents, "url", d->url, "verbs", verbs);
    document_unref(a->document);
    a->document = d;
    a->next = d->root->children;
    task_post(&s->advance);
}

void activation_failed(struct activation *a)
{
    struct session *s = a->session;

    a->next = NULL;
    if (a->guest) {
        a->failed = true; /* its verb is told from the loop */
        task_post(&s->advance);
        return;
    }
    /* Nothing more can be said to the caller: an unanswered call fails, an answered one ends. */
    session_finish(s, s->answered == 0 ? CALL_FAILED : CALL_COMPLETED, CAUSE_ERROR, "flow");
}
