/* Status callbacks (webhooks.md §3): requests whose answers are ignored. */
#include "base/log.h"
#include "base/mem.h"
#include "session/private.h"
#include <stdio.h>
#include <string.h>

enum { CALLBACKS_AT_ONCE = 64 };

struct callback {
    struct session *session;
    char *url;
};

static void callback_done(const struct webhook_reply *reply, void *arg)
{
    struct callback *c = arg;
    struct session *s = c->session;

    journal_add(s, "callback_end", "{s:s, s:i, s:i}", "url", c->url, "status", reply->status,
                "code", reply->twilio);
    if (reply->warning != 0)
        session_say_problem(s, false, reply->warning, c->url, reply->warning_text);
    if (reply->twilio != 0)
        session_say_problem(s, false, 15003, c->url, reply->text);
    s->callbacks_out--;
    session_settled(s);
    mem_free(c->url);
    mem_free(c);
}

void callback_send(struct session *s, const char *event, const char *url, bool get,
                   enum http_trust trust, struct webhook_params *params)
{
    struct webhook_request rq = {.url = url,
                                 .get = get,
                                 .params = params,
                                 .trust = trust,
                                 .auth_token = s->account->token,
                                 .callback = true};
    struct callback *c = mem_alloc(sizeof *c);
    char own[300];
    struct error err = {0};

    rq.own = fetch_own(s, own, sizeof own);
    if (c != NULL)
        c->url = mem_strdup(url);
    if (params == NULL || c == NULL || c->url == NULL)
        error_nomem(&err);
    else if (s->callbacks_out >= CALLBACKS_AT_ONCE)
        error_set(&err, ERR_LIMIT, "%d callbacks of this call wait for an answer already",
                  CALLBACKS_AT_ONCE);
    else {
        c->session = s;
        journal_add(s, "callback", "{s:s, s:s}", "event", event, "url", url);
        if (webhook_start(s->rt->parts.webhooks, &rq, callback_done, c, &err) != NULL) {
            s->callbacks_out++;
            webhook_params_free(params);
            return;
        }
    }
    session_say_problem(s, false, 15003, url, err.text);
    if (c != NULL)
        mem_free(c->url);
    mem_free(c);
    webhook_params_free(params);
}

static int add_progress(struct session *s, struct webhook_params *p)
{
    char number[24], when[40];
    int rc;

    params_rfc2822(loop_wall(s->rt->parts.loop), when);
    snprintf(number, sizeof number, "%u", s->callback_sequence++);
    rc = webhook_params_add(p, "Timestamp", when);
    rc = rc != 0 ? rc : webhook_params_add(p, "CallbackSource", "call-progress-events");
    rc = rc != 0 ? rc : webhook_params_add(p, "SequenceNumber", number);
    if (rc != 0 || !call_status_is_final(s->status))
        return rc;
    snprintf(number, sizeof number, "%d", s->seconds);
    rc = webhook_params_add(p, "CallDuration", number);
    snprintf(number, sizeof number, "%d", (s->seconds + 59) / 60); /* billed minutes */
    return rc != 0 ? rc : webhook_params_add(p, "Duration", number);
}

/* --- the recording of which the last one tells --- */

struct recorded_call {
    char sid[SID_SIZE], seconds[16];
    char *url;
    struct webhook_params *held; /* the last callback: it waits until the recording is on disk */
};

static int add_recording(const struct recorded_call *r, struct webhook_params *p)
{
    int rc;

    if (r == NULL || r->url == NULL)
        return 0;
    rc = webhook_params_add(p, "RecordingUrl", r->url);
    rc = rc != 0 ? rc : webhook_params_add(p, "RecordingSid", r->sid);
    return rc != 0 ? rc : webhook_params_add(p, "RecordingDuration", r->seconds);
}

static void send_status(struct session *s, struct webhook_params *p)
{
    const struct status_target *t = &s->told;

    callback_send(s, call_status_name(s->status), t->url, t->get, t->trust, p);
}

/* True: `p` was taken and goes out when the recording is there; until then the session lives. */
static bool hold_last(struct session *s, struct webhook_params *p)
{
    if (s->told_recording == NULL)
        return false;
    if (s->recorded == NULL)
        s->recorded = mem_alloc(sizeof *s->recorded);
    if (s->recorded == NULL)
        return false;
    s->recorded->held = p;
    s->callbacks_out++;
    return true;
}

void callback_recorded(struct session *s, const struct recording *rec)
{
    struct recorded_call *r = s->recorded;
    struct webhook_params *held;

    s->told_recording = NULL;
    if (r == NULL && rec != NULL)
        s->recorded = r = mem_alloc(sizeof *r);
    if (r == NULL)
        return;
    if (rec != NULL) {
        memcpy(r->sid, rec->sid, sizeof r->sid);
        snprintf(r->seconds, sizeof r->seconds, "%d", rec->seconds);
        mem_free(r->url);
        r->url = mem_strdup(rec->url);
    }
    held = r->held;
    r->held = NULL;
    if (held == NULL)
        return;
    if (add_recording(r, held) != 0)
        held = webhook_params_free(held);
    s->callbacks_out--;
    send_status(s, held);
    session_settled(s);
}

void callback_forget(struct session *s)
{
    record_untold(s);
    if (s->recorded != NULL)
        mem_free(s->recorded->url);
    mem_free(s->recorded);
    s->recorded = NULL;
}

/* --- the call's progress --- */

void callback_status(struct session *s, unsigned event)
{
    const struct status_target *t = &s->told;
    struct webhook_params *p;
    bool last = call_status_is_final(s->status);

    if (t->url == NULL || (t->events & event) == 0)
        return;
    p = params_standard(s);
    if (p != NULL && (add_progress(s, p) != 0 || (last && add_recording(s->recorded, p) != 0)))
        p = webhook_params_free(p);
    if (p == NULL || !last || !hold_last(s, p))
        send_status(s, p);
}
