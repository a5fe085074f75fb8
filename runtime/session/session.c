/* A session: one leg with a CallSid, from the gateway's offer to its last callback. */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "bridge/wire.h"
#include "session/calls.h"
#include "session/message.h"
#include "session/room_private.h"
#include <stdio.h>
#include <string.h>

enum {
    SESSION_STRINGS_CHUNK = 512,
    SESSION_STRINGS_MAX = 64 * 1024,
    SESSION_ENDING_MS = 30 * 1000, /* longest time that verbs may take to finish after the end */
};

/* --- names --- */

const char *call_status_name(enum call_status s)
{
    static const char *const names[] = {
        [CALL_QUEUED] = "queued",       [CALL_INITIATED] = "initiated",
        [CALL_RINGING] = "ringing",     [CALL_IN_PROGRESS] = "in-progress",
        [CALL_COMPLETED] = "completed", [CALL_BUSY] = "busy",
        [CALL_FAILED] = "failed",       [CALL_NO_ANSWER] = "no-answer",
        [CALL_CANCELED] = "canceled",
    };

    return names[s];
}

bool call_status_is_final(enum call_status s)
{
    return s >= CALL_COMPLETED;
}

/* --- state --- */

/* What is said may quote what came from anywhere, cut somewhere. */
void session_say_problem(struct session *s, bool error, int code, const char *where,
                         const char *said)
{
    char text[ERROR_TEXT_MAX + 200], *place = mem_strdup(where);

    str_copy(text, sizeof text, said);
    utf8_clean(text);
    if (place != NULL)
        utf8_clean(place);
    if (error)
        s->rt->stats.errors++;
    else
        s->rt->stats.warnings++;
    journal_add(s, error ? "error" : "warn", "{s:i, s:s, s:s?}", "code", code, "text", text,
                "where", place);
    (error ? log_error : log_warn)("session", s->sid, "%s%s%d: %s", place != NULL ? place : "",
                                   place != NULL ? ": " : "", code, text);
    mem_free(place);
}

void session_set_status(struct session *s, enum call_status status)
{
    static const unsigned events[] = {
        [CALL_INITIATED] = CONFIG_EVENT_INITIATED,  [CALL_RINGING] = CONFIG_EVENT_RINGING,
        [CALL_IN_PROGRESS] = CONFIG_EVENT_ANSWERED, [CALL_COMPLETED] = CONFIG_EVENT_COMPLETED,
        [CALL_BUSY] = CONFIG_EVENT_COMPLETED,       [CALL_FAILED] = CONFIG_EVENT_COMPLETED,
        [CALL_NO_ANSWER] = CONFIG_EVENT_COMPLETED,  [CALL_CANCELED] = CONFIG_EVENT_COMPLETED,
    };
    enum call_status old = s->status;

    if (old == status || call_status_is_final(old))
        return;
    s->status = status;
    journal_add(s, "state", "{s:s, s:s}", "old", call_status_name(old), "new",
                call_status_name(status));
    callback_status(s, events[status]);
}

static int session_seconds(const struct session *s)
{
    int64_t us = s->answered == 0 ? 0 : loop_now(s->rt->parts.loop) - s->answered;

    return (int)((us + 999999) / 1000000); /* a begun second counts */
}

void session_answer(struct session *s)
{
    if (s->answered != 0 || s->phase != SESSION_RUNNING || s->channel_over || s->channel == NULL)
        return;
    channel_answer(s->channel);
    session_now_answered(s);
}

void session_now_answered(struct session *s)
{
    s->answered = loop_now(s->rt->parts.loop);
    if (s->answered == 0)
        s->answered = 1; /* virtual time begins at 0, which here means "not yet" */
    journal_add(s, "answer", "{}");
    session_set_status(s, CALL_IN_PROGRESS);
}

bool session_is_answered(const struct activation *a)
{
    return a->session->answered != 0;
}

void session_pick_up(struct activation *a)
{
    session_answer(a->session);
}

enum codec session_codec(const struct activation *a)
{
    const struct session *s = a->session;

    if (s->room != NULL)
        return s->room->codec;
    return s->channel != NULL ? channel_codec(s->channel) : CODEC_PCMU;
}

bool session_empty_record_falls_through(const struct activation *a)
{
    return a->session->config->config->recordings.empty_falls_through;
}

/* --- the end --- */

void session_settled(struct session *s)
{
    task_post(&s->advance);
}

/* Under the names that the bridge's README explains; NULL: its gateway told nothing. */
static json_t *quality_of(const struct session *s)
{
    struct wire_quality q;

    if (s->channel == NULL || !channel_quality(s->channel, &q))
        return NULL;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "sent", (json_int_t)q.sent,
                     "received", (json_int_t)q.received, "lost", (json_int_t)q.lost, "late",
                     (json_int_t)q.late, "jitter_us", (json_int_t)q.jitter_us, "round_trip_us",
                     (json_int_t)q.round_trip_us, "mos", (json_int_t)q.mos, "remote_loss",
                     (json_int_t)q.remote_loss, "remote_jitter_us", (json_int_t)q.remote_jitter_us);
}

void session_finish(struct session *s, enum call_status status, enum cause cause, const char *by)
{
    if (s->phase != SESSION_RUNNING)
        return;
    if (s->room != NULL) {
        room_finish(s->room, ENDING_API, NULL);
        return;
    }
    if (s->message != NULL) {
        message_finish(s);
        return;
    }
    s->phase = SESSION_ENDING;
    s->ended_from_outside = strcmp(by, "operator") == 0;
    s->seconds = session_seconds(s);
    s->ended_wall = loop_wall(s->rt->parts.loop);
    s->quality = quality_of(s);
    journal_add(s, "hangup", "{s:s, s:s, s:O*}", "cause", cause_name(cause), "by", by, "quality",
                s->quality);
    log_info("session", s->sid, "%s by %s (%s)", call_status_name(status), by, cause_name(cause));
    if (status == CALL_COMPLETED)
        s->rt->stats.completed++;
    else
        s->rt->stats.failed++;
    session_set_status(s, status);
    /* The channel ends before verbs are told: what they still record is over, too. */
    session_unjoin(s);
    if (s->channel != NULL && !s->channel_over) {
        s->channel_over = true;
        channel_hangup(s->channel, cause);
    }
    leg_over(s, cause);
    timer_start(&s->limit, SESSION_ENDING_MS);
    activation_unwind(s, true);
    session_settled(s);
}

void session_free_if_done(struct session *s)
{
    if (s->room != NULL && !room_is_done(s->room))
        return;
    if (s->phase == SESSION_RUNNING || s->top != NULL || s->callbacks_out > 0 ||
        !list_empty(&s->recordings) || s->channel != NULL || !list_empty(&s->attempts))
        return;
    if (s->message != NULL)
        message_forget(s);
    else
        journal_add(s, "end", "{s:s, s:i}", "status", call_status_name(s->status), "seconds",
                    s->seconds);
    if (s->room == NULL && s->message == NULL)
        calls_write(s);
    timer_stop(&s->limit);
    task_cancel(&s->advance);
    runtime_forget(s->rt, s);
    config_holder_unref(s->config);
    http_jar_free(&s->jar);
    if (s->script != NULL)
        s->rt->parts.handlers->forget(s->script);
    callback_forget(s);
    json_decref(s->quality);
    room_free(s->room);
    mem_free(s->flow_root);
    mem_free(s->journal_path);
    arena_free(&s->arena);
    mem_free(s);
}

static void limit_reached(void *arg)
{
    struct session *s = arg;

    if (s->phase == SESSION_RUNNING) {
        log_warn("session", s->sid, "longer than limits.call_seconds (%d): hung up",
                 s->config->config->limits.call_seconds);
        session_finish(s, s->answered != 0 ? CALL_COMPLETED : CALL_NO_ANSWER, CAUSE_NORMAL,
                       "limit");
        return;
    }
    activation_unwind(s, false);
    session_settled(s);
}

/* --- what the channel tells --- */

/* Outgoing calls only, and then once a channel became theirs while it still rang. */
static void on_answered(void *arg)
{
    leg_answered(arg);
}

static void on_ringing(void *arg)
{
    leg_ringing(arg);
}

static void on_facts(void *arg, const char *const *params)
{
    leg_facts(arg, params);
}

static void on_referred(void *arg, const char *to, const char *const *params)
{
    refer_asked(arg, to, params);
}

static void on_refer_status(void *arg, unsigned response, unsigned notify)
{
    refer_status(arg, response, notify);
}

static void on_early(void *arg)
{
    leg_early(arg);
}

static void on_digit(void *arg, char digit, unsigned duration_ms)
{
    struct session *s = arg;
    struct event ev = {.type = EVENT_DIGIT, .digit = {.key = digit, .duration_ms = duration_ms}};
    char key[2] = {digit, '\0'};

    journal_add(s, "digit", "{s:s, s:i}", "key", key, "ms", (int)duration_ms);
    session_pass_digit(s, digit);
    if (s->phase == SESSION_RUNNING && s->top != NULL)
        session_deliver(s, s->top, &ev);
}

static void on_ended(void *arg, enum cause cause)
{
    struct session *s = arg;

    s->channel_over = true;
    if (s->leg != NULL && s->answered == 0) {
        leg_failed(s, cause);
        return;
    }
    session_finish(s, s->answered != 0 ? CALL_COMPLETED : CALL_NO_ANSWER, cause,
                   cause == CAUSE_LINK_LOST ? "link"
                   : s->parent_sid != NULL  ? "callee"
                                            : "caller");
}

static void on_started(void *arg, uint32_t request)
{
    request_started(arg, request);
}

static void on_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    if (request == PASSED_DIGIT_REQUEST)
        return;
    if (request == LEG_DIGITS_REQUEST) {
        leg_digits_sent(arg);
        return;
    }
    request_played(arg, request, how, frames);
}

static void on_tapped(void *arg, uint32_t request, const struct tap_result *result)
{
    record_tapped(arg, request, result);
}

static void on_released(void *arg)
{
    struct session *s = arg;

    s->channel = NULL;
    if (s->routed)
        routes_give(s->rt->routes, s->account, &s->route);
    session_settled(s);
}

static const struct channel_handlers channel_events = {
    .answered = on_answered,
    .ringing = on_ringing,
    .early = on_early,
    .facts = on_facts,
    .referred = on_referred,
    .refer_status = on_refer_status,
    .digit = on_digit,
    .ended = on_ended,
    .started = on_started,
    .played = on_played,
    .tapped = on_tapped,
    .released = on_released,
};

/* --- the beginning --- */

/* Copies name, value, … NULL. NULL when there are none or memory is out. */
static const char *const *copy_pairs(struct arena *arena, const char *const *pairs)
{
    const char **copy;
    size_t n = 0;

    while (pairs != NULL && pairs[n] != NULL)
        n++;
    copy = n == 0 ? NULL : arena_alloc(arena, (n + 1) * sizeof *copy);
    for (size_t i = 0; copy != NULL && i < n; i++) {
        copy[i] = arena_strdup(arena, pairs[i]);
        if (copy[i] == NULL)
            return NULL;
    }
    return copy;
}

static char *copy_or_null(struct arena *arena, const char *text)
{
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

static int copy_offer(struct session *s, const struct offer *o)
{
    s->from = arena_strdup(&s->arena, o->from != NULL ? o->from : "anonymous");
    s->to = arena_strdup(&s->arena, o->to != NULL ? o->to : "");
    s->forwarded_from = copy_or_null(&s->arena, o->forwarded_from);
    s->caller_name = copy_or_null(&s->arena, o->caller_name);
    s->call_token = copy_or_null(&s->arena, o->call_token);
    s->offered = copy_pairs(&s->arena, o->params);
    s->hops = route_hops(s->offered);
    if (s->from == NULL || s->to == NULL ||
        (o->params != NULL && o->params[0] != NULL && s->offered == NULL))
        return ERR_NOMEM;
    return 0;
}

static void journal_start(struct session *s, const struct offer *o)
{
    char iso[32];
    json_t *params = json_object();
    bool child = s->parent_sid != NULL;
    json_t *settings = config_settings(s->config->config, child ? NULL : s->number);

    params_iso8601(s->began_wall, iso);
    for (const char *const *p = s->offered; params != NULL && p != NULL && *p != NULL; p += 2)
        json_object_set_new(params, p[0], json_string(p[1]));
    journal_add(s, "start",
                "{s:i, s:s, s:s, s:s, s:s, s:s, s:s?, s:s, s:b, s:s, s:I, s:I, s:s?, s:s?, s:s?, "
                "s:s?, s:s?, s:o, s:o}",
                "v", 1, "sid", s->sid, "account", s->account->sid, "direction", s->direction,
                "from", s->from, "to", s->to, "gateway", o->gateway, "codec", codec_name(o->codec),
                "dtmf_events", o->dtmf_events, "at", iso, "wall", (json_int_t)s->began_wall, "seed",
                (json_int_t)s->seed, "flow", child ? NULL : s->number->voice, "forwarded_from",
                s->forwarded_from, "caller_name", s->caller_name, "call_token", s->call_token,
                "parent", s->parent_sid, "params", params != NULL ? params : json_null(),
                "settings", settings != NULL ? settings : json_null());
}

struct session *session_make(struct runtime *rt, struct config_holder *config,
                             const struct config_number *number, const struct offer *o,
                             const char *prefix)
{
    struct session *s = mem_alloc(sizeof *s);

    if (s == NULL)
        return NULL;
    s->rt = rt;
    s->config = config_holder_ref(config);
    s->number = number;
    s->account = number->account;
    list_init(&s->requests);
    list_init(&s->recordings);
    list_init(&s->attempts);
    arena_init(&s->arena, SESSION_STRINGS_CHUNK, SESSION_STRINGS_MAX);
    timer_init(&s->limit, rt->parts.loop, limit_reached, s);
    task_init(&s->advance, rt->parts.loop, session_advance, s);
    s->began = loop_now(rt->parts.loop);
    s->began_wall = loop_wall(rt->parts.loop);
    s->seed = rng_u64(&rt->parts.rng) >> 1; /* fits a signed JSON integer */
    if (rt->parts.call_seed != 0)
        s->seed = rt->parts.call_seed;
    sid_make(s->sid, prefix, &rt->parts.rng);
    if (copy_offer(s, o) == 0 && map_set(&rt->by_sid, s->sid, s) == 0)
        return s;
    config_holder_unref(s->config);
    arena_free(&s->arena);
    mem_free(s);
    return NULL;
}

/* It is a call from now on. */
static void session_open(struct session *s, const struct offer *o)
{
    struct runtime *rt = s->rt;

    list_prepend(&rt->sessions, &s->in_sessions);
    rt->count++;
    rt->stats.calls++;
    journal_start(s, o);
    timer_start(&s->limit, (int64_t)s->config->config->limits.call_seconds * 1000);
    session_set_status(s, CALL_INITIATED);
}

void session_take_channel(struct session *s, struct channel *channel)
{
    s->channel = channel;
    s->channel_over = false;
    channel_bind(channel, &channel_events, s);
}

struct session *session_new(struct runtime *rt, struct channel *channel, const struct offer *o,
                            const struct config_number *number)
{
    struct session *s = session_make(rt, rt->config, number, o, "CA");

    if (s == NULL)
        return NULL;
    s->direction = "inbound";
    s->told.url = number->status_callback;
    s->told.get = number->status_callback_method != NULL &&
                  strcmp(number->status_callback_method, "GET") == 0;
    s->told.events = number->status_callback_events;
    s->told.trust = HTTP_OPERATOR;
    session_take_channel(s, channel);
    log_info("session", s->sid, "call from %s to %s over %s", s->from, s->to,
             o->gateway != NULL ? o->gateway : "?");
    session_open(s, o);
    session_set_status(s, CALL_RINGING);
    return s;
}

/* --- children --- */

struct session *session_new_child(struct session *parent, const struct offer *o)
{
    struct session *s = session_make(parent->rt, parent->config, parent->number, o, "CA");

    if (s == NULL)
        return NULL;
    s->direction = "outbound-dial";
    s->account = parent->account;
    s->parent_sid = arena_strdup(&s->arena, parent->sid);
    s->flow_root = mem_strdup(parent->flow_root);
    if (s->parent_sid != NULL && (parent->flow_root == NULL || s->flow_root != NULL))
        return s;
    session_drop_child(s);
    return NULL;
}

void session_drop_child(struct session *s)
{
    map_remove(&s->rt->by_sid, s->sid);
    config_holder_unref(s->config);
    arena_free(&s->arena);
    mem_free(s->flow_root);
    mem_free(s);
}

void session_start_child(struct session *s, const struct offer *o)
{
    log_info("session", s->sid, "call from %s to %s, for %s", s->from, s->to, s->parent_sid);
    session_open(s, o);
}

void session_begin(struct session *s)
{
    struct error err = {0};
    const struct config_number *n = s->number;
    bool get = n->voice_method != NULL && strcmp(n->voice_method, "GET") == 0;

    if (activation_push_url(s, n->voice, get, HTTP_OPERATOR, USE_FLOW, &err) == 0)
        return;
    session_say_problem(s, true, err.twilio, n->voice, err.text);
    session_finish(s, CALL_FAILED, CAUSE_ERROR, "flow");
}

/* --- a room's own --- */

struct session *session_new_room(const struct session *by, struct room *room)
{
    struct runtime *rt = by->rt;
    const struct offer o = {.from = "", .to = "conference"};
    struct session *s = session_make(rt, by->config, by->number, &o, "CF");

    if (s == NULL)
        return NULL;
    s->room = room;
    s->account = by->account;
    s->direction = "";
    s->status = CALL_IN_PROGRESS;
    s->answered = s->began + 1;
    list_prepend(&rt->sessions, &s->in_sessions);
    rt->count++;
    rt->room_sessions++;
    return s;
}
