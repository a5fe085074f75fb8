/* Calls over the bridge in virtual time: what each side is told, and when. */
#include "base/mem.h"
#include "tests/unit/bridge_stand.h"
#include <string.h>

static bool plays(struct stand *s, int frames, const char *text, uint32_t request)
{
    struct audio *a = audio_new(CODEC_PCMU, (size_t)frames);
    struct error err = {0};
    int rc;

    ok(a != NULL);
    rc = channel_play(s->channel, a, 1, text, request);
    audio_unref(a);
    if (rc != 0)
        error_set(&err, rc, "the play was refused");
    ok_rc(rc, &err);
    return true;
out:
    return false;
}

UNIT(a_call_is_offered_rings_is_answered_and_hangs_up)
{
    struct stand s = {0};
    uint32_t n;

    ok(stand_up(&s) && stand_join(&s, "gw", "secret") && stand_call(&s, &n));
    ok_str(str_text(&s.said), "offered gw +1 +2;");
    ok_str(str_text(&s.heard), "ready;ring 1;");
    channel_answer(s.channel);
    ok(channel_is_answered(s.channel));
    stand_run(&s, 10);
    ok_str(str_text(&s.heard), "ready;ring 1;answer 1;");
    client_hangup(s.client, n, CAUSE_NORMAL);
    stand_run(&s, 10);
    ok_str(str_text(&s.said), "offered gw +1 +2;ended normal;");
    ok_int(s.released, 1);
out:
    stand_down(&s);
}

UNIT(our_hangup_tells_the_gateway_why)
{
    struct stand s = {0};
    uint32_t n;

    ok(stand_up(&s) && stand_join(&s, "gw", "secret") && stand_call(&s, &n));
    channel_hangup(s.channel, CAUSE_BUSY);
    stand_run(&s, 10);
    ok_str(str_text(&s.heard), "ready;ring 1;hangup 1 busy;");
    ok_int(s.ended, 0);
    ok_int(s.released, 1);
out:
    stand_down(&s);
}

UNIT(a_prompt_comes_as_one_frame_each_20_ms_between_its_begin_and_its_end)
{
    struct stand s = {.answer_at_once = true};
    uint32_t n;

    ok(stand_up(&s) && stand_join(&s, "gw", "secret") && stand_call(&s, &n));
    ok(plays(&s, 50, "Welcome\nto Almon", 7));
    stand_run(&s, 2000);
    ok_int(s.frames, 50);
    ok(!s.uneven);
    ok_str(str_text(&s.heard), "ready;answer 1;prompt 1 begin 'Welcome to Almon';"
                               "prompt 1 end 'Welcome to Almon';");
    ok_str(str_text(&s.said), "offered gw +1 +2;started 7;played 7 ended 50;");
out:
    stand_down(&s);
}

UNIT(a_play_that_is_stopped_says_how_much_was_heard)
{
    struct stand s = {.answer_at_once = true};
    uint32_t n;

    ok(stand_up(&s) && stand_join(&s, "gw", "secret") && stand_call(&s, &n));
    ok(plays(&s, 500, NULL, 7));
    stand_run(&s, 1000);
    ok(s.channel != NULL);
    channel_play_stop(s.channel, 7);
    stand_run(&s, 1000);
    ok(s.frames >= 49 && s.frames <= 51);
    ok(strstr(str_text(&s.said), "played 7 stopped") != NULL);
out:
    stand_down(&s);
}

UNIT(digits_of_the_caller_arrive_one_by_one)
{
    struct stand s = {.answer_at_once = true};
    uint32_t n;

    ok(stand_up(&s) && stand_join(&s, "gw", "secret") && stand_call(&s, &n));
    client_digits(s.client, n, "1w2#");
    stand_run(&s, 10);
    ok_str(str_text(&s.said), "offered gw +1 +2;digit 1;digit 2;digit #;");
out:
    stand_down(&s);
}

UNIT(digits_that_we_send_are_done_when_they_have_been_dialled)
{
    struct stand s = {.answer_at_once = true};
    uint32_t n;

    ok(stand_up(&s) && stand_join(&s, "gw", "secret") && stand_call(&s, &n));
    ok_int(channel_send_digits(s.channel, "12w", 9), 0);
    stand_run(&s, 880);
    ok_str(str_text(&s.heard), "ready;answer 1;dtmf 1 12w;");
    ok_str(str_text(&s.said), "offered gw +1 +2;");
    stand_run(&s, 40);
    ok_str(str_text(&s.said), "offered gw +1 +2;played 9 ended 45;");
    ok(s.channel != NULL);
    ok_int(channel_send_digits(s.channel, "x", 10), ERR_INVALID);
out:
    stand_down(&s);
}

UNIT(digits_beyond_one_message_go_when_those_before_have_been_dialled)
{
    struct stand s = {.answer_at_once = true};
    char digits[101];
    uint32_t n;
    int rc;

    memset(digits, '5', 100);
    digits[100] = '\0';
    ok(stand_up(&s) && stand_join(&s, "gw", "secret") && stand_call(&s, &n));
    rc = channel_send_digits(s.channel, digits, 5);
    ok(rc == 0);
    ok(s.channel != NULL);
    rc = channel_send_digits(s.channel, "7a", 6);
    ok(rc == 0);
    stand_run(&s, 12700);
    digits[64] = '\0';
    ok(strstr(str_text(&s.heard), digits) != NULL);
    ok(strstr(str_text(&s.heard), "7A") == NULL);
    stand_run(&s, 7500); /* 100 digits of 200 ms are over */
    ok(strstr(str_text(&s.said), "played 5 ended 1000;") != NULL);
    ok(strstr(str_text(&s.heard), "dtmf 1 7A;") != NULL);
    stand_run(&s, 500);
    ok(strstr(str_text(&s.said), "played 6 ended 20;") != NULL);
    /* what waits is not sent once it is stopped */
    digits[64] = '5';
    ok(s.channel != NULL);
    rc = channel_send_digits(s.channel, digits, 7);
    ok(rc == 0);
    stand_run(&s, 100);
    ok(s.channel != NULL);
    str_reset(&s.heard);
    channel_play_stop(s.channel, 7);
    stand_run(&s, 20000);
    ok(strstr(str_text(&s.said), "played 7 stopped 0;") != NULL);
    ok_str(str_text(&s.heard), "");
    ok(s.channel == NULL || channel_send_digits(s.channel, "1x", 8) == ERR_INVALID);
out:
    stand_down(&s);
}

UNIT(a_hangup_answers_every_request_before_the_channel_is_released)
{
    struct stand s = {.answer_at_once = true};
    uint32_t n;

    ok(stand_up(&s) && stand_join(&s, "gw", "secret") && stand_call(&s, &n));
    ok(plays(&s, 500, "a", 1) && plays(&s, 500, "b", 2));
    ok_int(channel_send_digits(s.channel, "5", 3), 0);
    stand_run(&s, 100);
    client_hangup(s.client, n, CAUSE_NORMAL);
    stand_run(&s, 100);
    ok(strstr(str_text(&s.said), "played 1 stopped") != NULL);
    ok(strstr(str_text(&s.said), "played 2 stopped 0") != NULL);
    ok(strstr(str_text(&s.said), "played 3 stopped") != NULL);
    ok_int(s.released, 1);
out:
    stand_down(&s);
}

UNIT(what_the_caller_says_comes_back_as_echo)
{
    struct stand s = {.answer_at_once = true};
    uint8_t frame[160] = {1, 2, 3};
    uint32_t n;

    ok(stand_up(&s) && stand_join(&s, "gw", "secret") && stand_call(&s, &n));
    channel_echo(s.channel, true);
    stand_run(&s, 10);
    for (int i = 0; i < 10; i++) {
        client_audio(s.client, n, frame, sizeof frame);
        client_flush(s.client);
        stand_run(&s, 20);
    }
    stand_run(&s, 200);
    ok(s.frames >= 9);
out:
    stand_down(&s);
}

UNIT(a_broken_link_ends_its_calls_with_link_lost)
{
    struct stand s = {0};
    uint32_t n;

    ok(stand_up(&s) && stand_join(&s, "gw", "secret") && stand_call(&s, &n));
    s.client = client_free(s.client);
    stand_run(&s, 100);
    ok_str(str_text(&s.said), "offered gw +1 +2;ended link-lost;");
    ok_int(s.released, 1);
out:
    stand_down(&s);
}

UNIT(a_closing_exchange_ends_calls_normally_and_closes_links)
{
    struct stand s = {0};
    uint32_t n;

    ok(stand_up(&s) && stand_join(&s, "gw", "secret") && stand_call(&s, &n));
    stand_down(&s);
    return;
out:
    stand_down(&s);
}

UNIT(a_channel_that_nobody_binds_is_ended_with_an_error)
{
    struct stand s = {.deaf = true};
    uint32_t n;

    ok(stand_up(&s) && stand_join(&s, "gw", "secret") && stand_call(&s, &n));
    ok_str(str_text(&s.heard), "ready;hangup 1 error;");
out:
    stand_down(&s);
}

UNIT(a_gateway_has_no_more_channels_than_it_may)
{
    struct stand s = {0};
    struct offer o = {.from = "+1", .to = "+2", .codec = CODEC_PCMU};
    struct error err = {0};
    uint32_t n;

    ok(stand_up(&s) && stand_join(&s, "gw", "secret"));
    ok(stand_call(&s, &n) && stand_call(&s, &n) && stand_call(&s, &n));
    ok_rc(client_offer(s.client, &o, &n, &err), &err);
    stand_run(&s, 10);
    ok(strstr(str_text(&s.heard), "hangup 4 congestion;") != NULL);
    ok_int(s.offered, 3);
out:
    stand_down(&s);
}

UNIT(overload_refuses_new_calls_and_keeps_the_running_ones)
{
    struct stand s = {0};
    struct offer o = {.from = "+1", .to = "+2", .codec = CODEC_PCMU};
    struct error err = {0};
    uint32_t n;

    ok(stand_up(&s) && stand_join(&s, "gw", "secret") && stand_call(&s, &n));
    bridge_refuse(s.bridge, true);
    ok_rc(client_offer(s.client, &o, &n, &err), &err);
    stand_run(&s, 10);
    ok_str(str_text(&s.heard), "ready;ring 1;hangup 2 congestion;");
    ok_int(s.ended, 0);
out:
    stand_down(&s);
}

UNIT(a_gateway_without_the_right_may_not_offer_calls)
{
    struct stand s = {0};
    struct offer o = {.from = "+1", .to = "+2", .codec = CODEC_PCMU};
    struct error err = {0};
    uint32_t n;

    ok(stand_up(&s) && stand_join(&s, "out", "secret"));
    ok_rc(client_offer(s.client, &o, &n, &err), &err);
    stand_run(&s, 10);
    ok_str(str_text(&s.heard), "ready;hangup 1 rejected;");
    ok_int(s.offered, 0);
out:
    stand_down(&s);
}

static void sink_word(void *arg)
{
    (void)arg;
}

struct fate {
    bool answered, released;
};

static void sink_answered(void *arg)
{
    ((struct fate *)arg)->answered = true;
}

static void sink_released(void *arg)
{
    ((struct fate *)arg)->released = true;
}

static void sink_digit(void *arg, char digit, unsigned ms)
{
    (void)arg;
    (void)digit;
    (void)ms;
}

static void sink_ended(void *arg, enum cause cause)
{
    (void)arg;
    (void)cause;
}

UNIT(an_outgoing_call_is_offered_to_the_gateway_and_answered_there)
{
    static const struct channel_handlers h = {.answered = sink_answered,
                                              .ringing = sink_word,
                                              .digit = sink_digit,
                                              .ended = sink_ended,
                                              .released = sink_released};
    struct stand s = {0};
    struct offer o = {.from = "+1", .to = "+2", .codec = CODEC_PCMA};
    struct error err = {0};
    struct channel *c;
    struct fate fate = {0};

    ok(stand_up(&s) && stand_join(&s, "out", "secret"));
    ok_int(bridge_offer(s.bridge, "nobody", &o, &c, NULL), ERR_MISSING);
    ok_rc(bridge_offer(s.bridge, "out", &o, &c, &err), &err);
    channel_bind(c, &h, &fate);
    stand_run(&s, 10);
    ok_str(str_text(&s.heard), "ready;offer 2147483649 +1 +2;");
    client_ringing(s.client, 2147483649u);
    client_answer(s.client, 2147483649u);
    stand_run(&s, 10);
    ok(fate.answered && !fate.released);
    channel_hangup(c, CAUSE_NORMAL);
    stand_run(&s, 10);
    ok_str(str_text(&s.heard), "ready;offer 2147483649 +1 +2;hangup 2147483649 normal;");
out:
    stand_down(&s);
}

UNIT(a_gateway_that_links_again_waits_longer_each_time)
{
    ok_int(client_backoff(0), 0);
    ok_int(client_backoff(1), 500);
    ok_int(client_backoff(2), 1000);
    ok_int(client_backoff(100), 16000);
out:
    return;
}

UNIT_MAIN(CASE(a_call_is_offered_rings_is_answered_and_hangs_up),
          CASE(our_hangup_tells_the_gateway_why),
          CASE(a_prompt_comes_as_one_frame_each_20_ms_between_its_begin_and_its_end),
          CASE(a_play_that_is_stopped_says_how_much_was_heard),
          CASE(digits_of_the_caller_arrive_one_by_one),
          CASE(digits_that_we_send_are_done_when_they_have_been_dialled),
          CASE(digits_beyond_one_message_go_when_those_before_have_been_dialled),
          CASE(a_hangup_answers_every_request_before_the_channel_is_released),
          CASE(what_the_caller_says_comes_back_as_echo),
          CASE(a_broken_link_ends_its_calls_with_link_lost),
          CASE(a_closing_exchange_ends_calls_normally_and_closes_links),
          CASE(a_channel_that_nobody_binds_is_ended_with_an_error),
          CASE(a_gateway_has_no_more_channels_than_it_may),
          CASE(overload_refuses_new_calls_and_keeps_the_running_ones),
          CASE(a_gateway_without_the_right_may_not_offer_calls),
          CASE(an_outgoing_call_is_offered_to_the_gateway_and_answered_there),
          CASE(a_gateway_that_links_again_waits_longer_each_time))
