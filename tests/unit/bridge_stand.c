#include "tests/unit/bridge_stand.h"

#include "base/loop.h"
#include <stdio.h>

/* --- the exchange's side --- */

static void on_word(struct stand *s, const char *word)
{
    str_add(&s->said, word);
}

static void on_answered(void *arg)
{
    on_word(arg, "answered;");
}

static void on_ringing(void *arg)
{
    on_word(arg, "ringing;");
}

static void on_digit(void *arg, char digit, unsigned duration_ms)
{
    struct stand *s = arg;

    (void)duration_ms;
    str_addf(&s->said, "digit %c;", digit);
}

static void on_ended(void *arg, enum cause cause)
{
    struct stand *s = arg;

    s->ended++;
    str_addf(&s->said, "ended %s;", cause_name(cause));
}

static void on_started(void *arg, uint32_t request)
{
    struct stand *s = arg;

    str_addf(&s->said, "started %u;", request);
}

static void on_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    struct stand *s = arg;

    str_addf(&s->said, "played %u %s %u;", request,
             how == PLAY_ENDED     ? "ended"
             : how == PLAY_STOPPED ? "stopped"
                                   : "failed",
             frames);
}

static void on_tapped(void *arg, uint32_t request, const struct tap_result *result)
{
    struct stand *s = arg;

    str_addf(&s->said, "tapped %u %u;", request, result->frames);
}

static void on_released(void *arg)
{
    struct stand *s = arg;

    s->released++;
    s->channel = NULL;
}

static const struct channel_handlers channel_handlers = {.answered = on_answered,
                                                         .ringing = on_ringing,
                                                         .digit = on_digit,
                                                         .ended = on_ended,
                                                         .started = on_started,
                                                         .played = on_played,
                                                         .tapped = on_tapped,
                                                         .released = on_released};

static void on_offered(void *arg, struct channel *c, const struct offer *o)
{
    struct stand *s = arg;

    s->offered++;
    str_addf(&s->said, "offered %s %s %s;", o->gateway, o->from, o->to);
    if (s->deaf)
        return;
    s->channel = c;
    channel_bind(c, &channel_handlers, s);
    if (s->answer_at_once)
        channel_answer(c);
}

static const struct bridge_handlers bridge_handlers = {.offered = on_offered};

/* --- the gateway's side --- */

static void client_ready(void *arg)
{
    struct stand *s = arg;

    str_add(&s->heard, "ready;");
}

static void client_closed(void *arg, const char *why)
{
    struct stand *s = arg;

    str_copy(s->why, sizeof s->why, why);
    str_add(&s->heard, "closed;");
}

static void client_rings(void *arg, uint32_t number)
{
    struct stand *s = arg;

    str_addf(&s->heard, "ring %u;", number);
}

static void client_answered(void *arg, uint32_t number)
{
    struct stand *s = arg;

    str_addf(&s->heard, "answer %u;", number);
}

static void client_ended(void *arg, uint32_t number, enum cause cause)
{
    struct stand *s = arg;

    str_addf(&s->heard, "hangup %u %s;", number, cause_name(cause));
}

static void client_heard(void *arg, uint32_t number, const void *bytes, size_t len)
{
    struct stand *s = arg;
    int64_t now = loop_now(s->control) / 1000;

    (void)number;
    (void)bytes;
    (void)len;
    if (s->frames++ == 0)
        s->first = now;
    else if (now - s->last != 20)
        s->uneven = true;
    s->last = now;
}

static void client_digits_heard(void *arg, uint32_t number, const char *digits)
{
    struct stand *s = arg;

    str_addf(&s->heard, "dtmf %u %s;", number, digits);
}

static void client_prompt(void *arg, uint32_t number, bool began, const char *text)
{
    struct stand *s = arg;

    str_addf(&s->heard, "prompt %u %s '%s';", number, began ? "begin" : "end", text);
}

static void client_offered(void *arg, uint32_t number, const struct offer *o)
{
    struct stand *s = arg;

    str_addf(&s->heard, "offer %u %s %s;", number, o->from, o->to);
}

static void client_registered(void *arg, const char *identity)
{
    struct stand *s = arg;

    str_addf(&s->heard, "registered %s;", identity);
}

static void client_error(void *arg, uint32_t number, const char *code, const char *text)
{
    struct stand *s = arg;

    (void)text;
    str_addf(&s->heard, "error %u %s;", number, code);
}

static void client_refer_wanted(void *arg, uint32_t number, const char *to)
{
    (void)number;
    str_addf(&((struct stand *)arg)->heard, "refer to %s;", to);
}

static void client_refer_told(void *arg, uint32_t number, unsigned response, unsigned notify)
{
    str_addf(&((struct stand *)arg)->heard, "refer %u %u %u;", number, response, notify);
}

static const struct client_handlers client_handlers = {.ready = client_ready,
                                                       .refer = client_refer_wanted,
                                                       .refer_status = client_refer_told,
                                                       .closed = client_closed,
                                                       .ringing = client_rings,
                                                       .answered = client_answered,
                                                       .ended = client_ended,
                                                       .audio = client_heard,
                                                       .digits = client_digits_heard,
                                                       .prompt = client_prompt,
                                                       .offered = client_offered,
                                                       .registered = client_registered,
                                                       .error = client_error};

/* --- up and down --- */

void stand_run(struct stand *s, int64_t ms)
{
    vtime_run(s->vtime, loop_now(s->control) + ms * 1000, NULL, NULL);
}

static bool build(struct stand *s, bool live)
{
    struct error err = {0};

    str_init(&s->said, 65536);
    str_init(&s->heard, 65536);
    s->gateways[0] = (struct config_gateway){
        .name = "gw", .token = "secret", .max_channels = 3, .originate = true, .terminate = true};
    s->gateways[1] = (struct config_gateway){
        .name = "out", .token = "secret", .max_channels = 3, .terminate = true};
    s->gateways[2] = (struct config_gateway){.name = "pbx",
                                             .token = "secret",
                                             .max_channels = 2,
                                             .originate = true,
                                             .terminate = true,
                                             .dialect = "asterisk"};
    s->config = (struct config){.gateways = s->gateways, .n_gateways = 3};
    if (!live)
        ok_rc(vtime_new(&s->vtime, &err), &err);
    ok_rc(loop_new(&s->control, s->vtime, &err), &err);
    ok_rc(media_new(&s->media, s->control, s->vtime, 0, &err), &err);
    ok_rc(bridge_new(&s->bridge, s->control, s->media, &s->config, live ? "127.0.0.1:0" : NULL,
                     &bridge_handlers, s, &err),
          &err);
    return true;
out:
    return false;
}

bool stand_up(struct stand *s)
{
    return build(s, false);
}

bool stand_up_live(struct stand *s)
{
    return build(s, true);
}

int stand_connect(struct stand *s, const char *url, struct error *err)
{
    struct client_options o = {.url = url, .name = "gw", .token = "secret", .prompts = true};

    return client_new(&s->client, s->control, &o, &client_handlers, s, err);
}

bool stand_join_live(struct stand *s)
{
    struct error err = {0};
    char url[64];

    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", bridge_port(s->bridge));
    ok_rc(stand_connect(s, url, &err), &err);
    return true;
out:
    return false;
}

bool stand_knock(struct stand *s, const char *name, const char *token)
{
    struct error err = {0};
    struct client_options o = {.bridge = s->bridge, .name = name, .token = token, .prompts = true};

    ok_rc(client_new(&s->client, s->control, &o, &client_handlers, s, &err), &err);
    stand_run(s, 10);
    return true;
out:
    return false;
}

bool stand_join(struct stand *s, const char *name, const char *token)
{
    ok(stand_knock(s, name, token));
    ok_str(str_text(&s->heard), "ready;");
    return true;
out:
    return false;
}

bool stand_call(struct stand *s, uint32_t *number)
{
    struct error err = {0};
    struct offer o = {.from = "+1", .to = "+2", .codec = CODEC_PCMU, .dtmf_events = true};
    unsigned before = s->offered;

    ok_rc(client_offer(s->client, &o, number, &err), &err);
    stand_run(s, 10);
    ok(s->offered == before + 1);
    ok(s->deaf || s->channel != NULL);
    return true;
out:
    return false;
}

static void on_bridge_closed(void *arg)
{
    struct stand *s = arg;

    s->bridge_closed = true;
}

/* Turns until all is closed, at most 20 s. */
static void close_live(struct stand *s)
{
    int64_t end = loop_now(s->control) + 20 * 1000000;

    while ((!s->bridge_closed || link_ws_alive() > 0) && loop_now(s->control) < end)
        loop_turn(s->control, true);
}

void stand_down(struct stand *s)
{
    s->client = client_free(s->client);
    if (s->bridge != NULL) {
        bridge_close(s->bridge, on_bridge_closed, s);
        if (s->vtime == NULL)
            close_live(s);
        else
            stand_run(s, 20000);
        unit_ok(s->bridge_closed, "the bridge closes within 20 s", __FILE__, __LINE__);
        s->bridge = bridge_free(s->bridge);
    }
    s->media = media_free(s->media);
    s->control = loop_free(s->control);
    s->vtime = vtime_free(s->vtime);
    str_free(&s->said);
    str_free(&s->heard);
}
