/* What a gateway tells of a call besides its states: sound before the answer, facts for the
 * webhooks, and transfers in both directions. */
#include "tests/unit/bridge_stand.h"
#include <string.h>

struct ear {
    struct stand stand;
    struct str said;
    struct channel *channel;
    bool takes;
};

static void say(struct ear *e, const char *word)
{
    str_addf(&e->said, "%s;", word);
}

static void on_answered(void *arg)
{
    say(arg, "answered");
}

static void on_ringing(void *arg)
{
    say(arg, "ringing");
}

static void on_early(void *arg)
{
    say(arg, "early");
}

static void on_digit(void *arg, char digit, unsigned ms)
{
    (void)arg;
    (void)digit;
    (void)ms;
}

static void on_ended(void *arg, enum cause cause)
{
    str_addf(&((struct ear *)arg)->said, "ended %s;", cause_name(cause));
}

static void on_started(void *arg, uint32_t request)
{
    (void)arg;
    (void)request;
}

static void on_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    (void)arg;
    (void)request;
    (void)how;
    (void)frames;
}

static void on_tapped(void *arg, uint32_t request, const struct tap_result *result)
{
    (void)arg;
    (void)request;
    (void)result;
}

static void on_released(void *arg)
{
    ((struct ear *)arg)->channel = NULL;
}

static void on_facts(void *arg, const char *const *params)
{
    for (; *params != NULL; params += 2)
        str_addf(&((struct ear *)arg)->said, "%s=%s;", params[0], params[1]);
}

static void on_referred(void *arg, const char *to, const char *const *params)
{
    struct ear *e = arg;

    (void)params;
    str_addf(&e->said, "referred %s;", to);
    channel_refer_answer(e->channel, 202, 0);
    channel_refer_answer(e->channel, 202, 200);
}

static void on_refer_status(void *arg, unsigned response, unsigned notify)
{
    str_addf(&((struct ear *)arg)->said, "status %u %u;", response, notify);
}

static const struct channel_handlers channel_events = {.answered = on_answered,
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
                                                       .released = on_released};

/* A call to the gateway, whose number is *number. */
static bool ear_up(struct ear *e, uint32_t *number)
{
    struct offer o = {.from = "+1", .to = "+2", .codec = CODEC_PCMU};

    *e = (struct ear){.said = STR_INIT(4096)};
    if (!stand_up(&e->stand) || !stand_join(&e->stand, "out", "secret") ||
        bridge_offer(e->stand.bridge, "out", &o, &e->channel, NULL) != 0)
        return false;
    channel_bind(e->channel, &channel_events, e);
    stand_run(&e->stand, 10);
    *number = 2147483649u;
    return e->channel != NULL;
}

static void ear_down(struct ear *e)
{
    stand_down(&e->stand);
    str_free(&e->said);
}

UNIT(early_media_is_told_once_after_the_ringing)
{
    struct ear e;
    uint32_t n;

    ok(ear_up(&e, &n));
    client_ringing(e.stand.client, n);
    client_ringing_with(e.stand.client, n, true, NULL);
    client_ringing_with(e.stand.client, n, true, NULL); /* a mistake, answered as one */
    client_answer(e.stand.client, n);
    stand_run(&e.stand, 10);
    ok_str(str_text(&e.said), "ringing;early;answered;");
    ok(strstr(str_text(&e.stand.heard), "wrong-state") != NULL);
out:
    ear_down(&e);
}

UNIT(facts_come_before_the_state_they_came_with_and_only_known_names_pass)
{
    static const char *const rings[] = {"SipCallId", "abc@host", "Password", "x", NULL};
    static const char *const ends[] = {"SipResponseCode", "486", NULL};
    struct ear e;
    uint32_t n;

    ok(ear_up(&e, &n));
    client_ringing_with(e.stand.client, n, true, rings);
    client_hangup_with(e.stand.client, n, CAUSE_BUSY, ends);
    stand_run(&e.stand, 10);
    ok_str(str_text(&e.said), "SipCallId=abc@host;ringing;early;SipResponseCode=486;ended busy;");
out:
    ear_down(&e);
}

UNIT(a_transfer_that_the_far_end_wants_is_answered_twice)
{
    struct ear e;
    uint32_t n;

    ok(ear_up(&e, &n));
    client_refer(e.stand.client, n, "sip:carol@example.com", NULL); /* too early */
    client_answer(e.stand.client, n);
    client_refer(e.stand.client, n, "sip:carol@example.com", NULL);
    stand_run(&e.stand, 10);
    ok_str(str_text(&e.said), "answered;referred sip:carol@example.com;");
    ok(strstr(str_text(&e.stand.heard), "wrong-state") != NULL);
    ok(strstr(str_text(&e.stand.heard), "refer 2147483649 202 0;refer 2147483649 202 200;") !=
       NULL);
out:
    ear_down(&e);
}

UNIT(a_transfer_that_we_want_is_answered_by_the_gateway)
{
    struct ear e;
    uint32_t n;

    ok(ear_up(&e, &n));
    ok_int(channel_refer(e.channel, "sip:carol@example.com"), ERR_WRONG_STATE);
    client_answer(e.stand.client, n);
    stand_run(&e.stand, 10);
    ok(e.channel != NULL);
    ok_int(channel_refer(e.channel, "sip:carol@example.com"), 0);
    stand_run(&e.stand, 10);
    ok(strstr(str_text(&e.stand.heard), "refer to sip:carol@example.com;") != NULL);
    client_refer_status(e.stand.client, n, 202, 0);
    client_refer_status(e.stand.client, n, 202, 486);
    stand_run(&e.stand, 10);
    ok_str(str_text(&e.said), "answered;status 202 0;status 202 486;");
out:
    ear_down(&e);
}

UNIT_MAIN(CASE(early_media_is_told_once_after_the_ringing),
          CASE(facts_come_before_the_state_they_came_with_and_only_known_names_pass),
          CASE(a_transfer_that_the_far_end_wants_is_answered_twice),
          CASE(a_transfer_that_we_want_is_answered_by_the_gateway))
