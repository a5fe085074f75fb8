/* Parties that the exchange calls: what they do when they are called, as the exchange sees it, and
 * the tones by which they are told apart. The offers are made by hand, on the bridge. */
#include "media/audio.h"
#include "tests/scenarios/rig.h"
#include "tests/unit/unit.h"
#include <stdio.h>
#include <string.h>

/* The exchange's end of one call. */
struct leg {
    struct channel *channel;
    char said[200];
    int64_t at[3]; /* when it rang, was answered, ended */
    struct rig *rig;
    bool released;
};

static void note(struct leg *l, const char *what, int at)
{
    size_t n = strlen(l->said);

    snprintf(l->said + n, sizeof l->said - n, "%s;", what);
    if (at >= 0)
        l->at[at] = rig_now(l->rig);
}

static void on_ringing(void *arg)
{
    note(arg, "rings", 0);
}

static void on_answered(void *arg)
{
    note(arg, "answers", 1);
}

static void on_ended(void *arg, enum cause cause)
{
    note(arg, cause_name(cause), 2);
}

static void on_digit(void *arg, char digit, unsigned ms)
{
    (void)ms;
    note(arg, (char[2]){digit, '\0'}, -1);
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
    ((struct leg *)arg)->released = true;
}

static const struct channel_handlers events = {.answered = on_answered,
                                               .ringing = on_ringing,
                                               .digit = on_digit,
                                               .ended = on_ended,
                                               .started = on_started,
                                               .played = on_played,
                                               .tapped = on_tapped,
                                               .released = on_released};

static bool offer(struct leg *l, struct rig *r, const char *to)
{
    const char *params[] = {"SipHeader_X-Ticket", "4711", NULL};
    struct offer o = {
        .from = "+15550100", .to = to, .codec = CODEC_PCMU, .dtmf_events = true, .params = params};
    struct error err = {0};

    *l = (struct leg){.rig = r};
    if (bridge_offer(sim_bridge(rig_sim(r)), "local", &o, &l->channel, &err) != 0) {
        fprintf(stderr, "# offer: %s\n", err.text);
        return false;
    }
    channel_bind(l->channel, &events, l);
    return true;
}

UNIT(a_callee_rings_and_answers_in_its_own_time)
{
    struct rig *r = rig_new("");
    struct sim_manner m = {
        .address = "+15550101", .rings_ms = 1000, .answers_ms = 3000, .refuses_ms = -1};
    struct sim_callee *bob;
    struct sim_caller *call;
    struct leg leg;

    ok(r != NULL);
    bob = rig_callee(r, &m);
    ok(offer(&leg, r, "+15550101"));
    call = rig_called(r, bob, 0);
    ok(call != NULL && strcmp(sim_caller_offer(call)->from, "+15550100") == 0);
    ok(strcmp(sim_caller_offer(call)->params[1], "4711") == 0);
    rig_waits(r, 5000);
    ok(strcmp(leg.said, "rings;answers;") == 0);
    ok(leg.at[0] == 1000 && leg.at[1] == 3000);
    sim_caller_press(call, "5#");
    sim_caller_hangup(call);
    rig_waits(r, 100);
    ok(strcmp(leg.said, "rings;answers;5;#;normal;") == 0);
    ok(leg.released && sim_caller_is_over(call));
out:
    rig_free(r);
}

UNIT(a_callee_refuses_in_every_way)
{
    static const enum cause causes[] = {CAUSE_BUSY,       CAUSE_REJECTED,   CAUSE_NO_ANSWER,
                                        CAUSE_UNROUTABLE, CAUSE_CONGESTION, CAUSE_ERROR};
    struct rig *r = rig_new("");
    struct sim_manner m = {.address = "client:bob", .rings_ms = 100, .answers_ms = -1};
    char want[64];
    struct leg leg;

    ok(r != NULL);
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        m.refuses_ms = 2000;
        m.cause = causes[i];
        rig_callee(r, &m);
        ok(offer(&leg, r, "client:bob"));
        rig_waits(r, 3000);
        snprintf(want, sizeof want, "rings;%s;", cause_name(causes[i]));
        ok(strcmp(leg.said, want) == 0);
        ok(leg.at[2] - leg.at[0] == 1900);
    }
    ok(offer(&leg, r, "client:nobody"));
    rig_waits(r, 100);
    ok(strcmp(leg.said, "unroutable;") == 0);
out:
    rig_free(r);
}

UNIT(the_longest_address_that_fits_is_called)
{
    struct rig *r = rig_new("");
    struct sim_manner m = {.address = "+1555*", .rings_ms = 0, .answers_ms = -1, .refuses_ms = -1};
    struct sim_callee *all, *one;
    struct leg legs[3];

    ok(r != NULL);
    all = rig_callee(r, &m);
    m.address = "+15550101";
    one = rig_callee(r, &m);
    ok(rig_callee(r, &m) == one); /* other manners, the same party */
    ok(offer(&legs[0], r, "+15550101") && offer(&legs[1], r, "+15550102"));
    ok(offer(&legs[2], r, "+15550103"));
    rig_waits(r, 100);
    ok(sim_callee_call(one, 0) != NULL && sim_callee_call(one, 1) == NULL);
    ok(sim_callee_call(all, 1) != NULL && sim_callee_call(all, 2) == NULL);
    ok(strcmp(sim_caller_offer(sim_callee_call(all, 1))->to, "+15550103") == 0);
    for (int i = 0; i < 3; i++)
        channel_hangup(legs[i].channel, CAUSE_CANCELED);
    rig_waits(r, 100);
    ok(sim_caller_is_over(sim_callee_call(all, 0)));
    ok(sim_caller_cause(sim_callee_call(one, 0)) == CAUSE_CANCELED);
out:
    rig_free(r);
}

UNIT(a_party_hears_the_tone_that_is_played_to_it_and_no_other)
{
    struct rig *r = rig_new("");
    struct sim_manner m = {.address = "+1555*", .rings_ms = -1, .answers_ms = 0, .refuses_ms = -1};
    struct audio *tone = NULL;
    struct sim_callee *bob;
    struct sim_caller *call;
    struct leg leg;

    ok(r != NULL);
    bob = rig_callee(r, &m);
    ok(offer(&leg, r, "+15550101"));
    call = rig_called(r, bob, 0);
    ok(call != NULL && !sim_caller_hears_tone(call, 450, 1) &&
       !sim_caller_hears_tone(call, 700, 1));
    rig_waits(r, 100);
    ok(audio_from_tone(&tone, CODEC_PCMU, 450, 1000, 0.2, NULL) == 0);
    ok(channel_play(leg.channel, tone, 1, NULL, 1) == 0);
    ok(rig_hears_tone(r, call, 450));
    rig_waits(r, 1000);
    ok(!sim_caller_hears_tone(call, 450, 1)); /* it is over */
    ok(sim_caller_tone(call, 450)->frames == 50 && sim_caller_tone(call, 700)->frames == 0);
    channel_echo(leg.channel, true);
    sim_caller_sends_tone(call, 700);
    ok(rig_hears_tone(r, call, 700));
    ok(sim_caller_tone(call, 450)->frames == 50);
    sim_caller_sends_tone(call, 0);
    rig_waits(r, 200);
    ok(!sim_caller_hears_tone(call, 700, 1));
out:
    rig_free(r);
    audio_unref(tone);
}

UNIT_MAIN(NO_TORTURE(a_callee_rings_and_answers_in_its_own_time),
          NO_TORTURE(a_callee_refuses_in_every_way),
          NO_TORTURE(the_longest_address_that_fits_is_called),
          NO_TORTURE(a_party_hears_the_tone_that_is_played_to_it_and_no_other))
