/* A gateway that does wrong: each mistake is told with its code, costs nobody else anything, and
 * does what the specification says. The gateway here is a bare link, written to by hand. */
#include "base/log.h"
#include "base/mem.h"
#include "tests/unit/bridge_stand.h"
#include <stdio.h>
#include <string.h>

#define HELLO "{\"type\":\"hello\",\"version\":1,\"gateway\":\"gw\",\"token\":\"secret\"}"
#define OFFER(n, more)                                                                             \
    "{\"type\":\"offer\",\"channel\":" n ",\"from\":\"+1\",\"to\":\"+2\",\"codec\":\"PCMU\"" more  \
    "}"

struct bare {
    struct stand s;
    struct link *link;
    struct str got; /* every text, one a line */
    unsigned frames;
    bool closed;
};

static void on_opened(void *arg)
{
    (void)arg;
}

static void on_text(void *arg, const char *text, size_t len)
{
    struct bare *b = arg;

    str_addn(&b->got, text, len);
    str_addc(&b->got, '\n');
}

static void on_batch(void *arg, const uint8_t *bytes, size_t len)
{
    struct bare *b = arg;
    struct wire_record r;
    size_t at = 0;

    while (wire_batch_next(bytes, len, &at, &r) > 0)
        b->frames++;
}

static void on_closed(void *arg, const char *why)
{
    struct bare *b = arg;

    (void)why;
    b->closed = true;
}

static const struct link_handlers handlers = {
    .opened = on_opened, .text = on_text, .batch = on_batch, .closed = on_closed};

static bool bare_up(struct bare *b)
{
    struct error err = {0};

    str_init(&b->got, 1 << 20);
    ok(stand_up(&b->s));
    ok_rc(bridge_link_pair(b->s.bridge, b->s.control, &b->link, &err), &err);
    link_own(b->link, &handlers, b);
    stand_run(&b->s, 10);
    ok(!b->closed); /* closed at once means that memory was out */
    return true;
out:
    return false;
}

static void bare_down(struct bare *b)
{
    b->link = link_free(b->link);
    stand_down(&b->s);
    str_free(&b->got);
}

static void send_text(struct bare *b, const char *text)
{
    struct wire_text *t = wire_text(text, strlen(text));

    if (t != NULL)
        link_text(b->link, t);
}

/* Sends a text; true when the answer holds `want`. */
static bool answers(struct bare *b, const char *text, const char *want)
{
    str_reset(&b->got);
    send_text(b, text);
    stand_run(&b->s, 10);
    if (strstr(str_text(&b->got), want) == NULL)
        return unit_str(str_text(&b->got), want, __FILE__, __LINE__);
    return true;
}

UNIT(a_link_begins_with_a_good_hello_or_is_closed)
{
    static const struct {
        const char *text, *code;
    } cases[] = {
        {"{\"type\":\"answer\",\"channel\":1}", "\"code\":\"hello\""},
        {"{\"type\":\"hello\",\"version\":2,\"gateway\":\"gw\",\"token\":\"secret\"}",
         "\"code\":\"version\""},
        {"{\"type\":\"hello\",\"version\":1,\"gateway\":\"gw\",\"token\":\"secreT\"}",
         "\"code\":\"not-authorised\""},
        {"{\"type\":\"hello\",\"version\":1,\"gateway\":\"gw\",\"token\":\"\"}",
         "\"code\":\"not-authorised\""},
        {"{\"type\":\"hello\",\"version\":1,\"gateway\":\"nobody\",\"token\":\"\"}",
         "\"code\":\"not-authorised\""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bare b = {0};
        bool good = bare_up(&b) && answers(&b, cases[i].text, cases[i].code) &&
                    unit_ok(b.closed, "the link is closed", __FILE__, __LINE__);

        bare_down(&b);
        if (!good)
            return;
    }
}

UNIT(a_link_that_says_nothing_is_closed_after_five_seconds)
{
    struct bare b = {0};

    ok(bare_up(&b));
    stand_run(&b.s, 4900);
    ok(!b.closed);
    stand_run(&b.s, 200);
    ok(b.closed);
out:
    bare_down(&b);
}

UNIT(each_mistake_has_its_code_and_the_running_call_goes_on)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {HELLO, "\"wrong-state\""},
        {"garbage", "\"bad-message\""},
        {"{\"type\":\"dance\"}", "\"bad-message\""},
        {"{\"type\":\"welcome\",\"version\":1,\"max_channels\":1,\"originate\":true,"
         "\"terminate\":true}",
         "\"wrong-state\""},
        {"{\"type\":\"answer\",\"channel\":9}", "\"code\":\"unknown-channel\""},
        {"{\"type\":\"hangup\",\"channel\":9,\"cause\":\"normal\"}", "\"unknown-channel\""},
        {"{\"type\":\"answer\",\"channel\":1}", "\"wrong-state\""},
        {"{\"type\":\"ring\",\"channel\":1}", "\"wrong-state\""},
        {"{\"type\":\"dtmf\",\"channel\":1,\"digits\":\"5\"}", "\"wrong-state\""},
        {OFFER("1", ""), "\"code\":\"channel-in-use\""},
        {OFFER("2147483648", ""), "\"code\":\"bad-channel\""},
        {"{\"type\":\"offer\",\"channel\":5}", "\"channel\":5,\"code\":\"bad-message\""},
        {"{\"type\":\"message\",\"id\":\"m1\",\"from\":\"+1\",\"to\":\"+2\",\"body\":\"hi\"}",
         "\"id\":\"m1\",\"status\":\"failed\",\"code\":\"not-supported\""},
    };
    struct bare b = {0};
    struct bridge_stats stats;

    ok(bare_up(&b) && answers(&b, HELLO, "\"type\":\"welcome\""));
    ok(answers(&b, OFFER("1", ""), "\"type\":\"ring\""));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ok(answers(&b, cases[i].text, cases[i].want));
    ok_int(b.s.offered, 1);
    ok_int(b.s.ended, 0);
    ok(!b.closed);
    bridge_stats(b.s.bridge, &stats);
    ok_int(stats.bad_text, 12);
    ok_int(stats.channels, 1);
out:
    bare_down(&b);
}

UNIT(a_number_may_be_used_again_after_the_grace_period_only)
{
    struct bare b = {0};

    ok(bare_up(&b) && answers(&b, HELLO, "welcome") && answers(&b, OFFER("1", ""), "ring"));
    ok(answers(&b, "{\"type\":\"hangup\",\"channel\":1,\"cause\":\"normal\"}", ""));
    ok(answers(&b, OFFER("1", ""), "channel-in-use"));
    stand_run(&b.s, 5000);
    ok(answers(&b, OFFER("1", ""), "\"ring\""));
out:
    bare_down(&b);
}

/* Sends one record in a batch of its own. */
static void send_record(struct bare *b, uint32_t channel, size_t len)
{
    static const uint8_t audio[960];

    link_reserve(b->link, 10, 960);
    link_frame(b->link, channel, audio, len);
    link_flush(b->link);
    stand_run(&b->s, 20);
}

UNIT(wrong_audio_is_told_once_a_second_and_changes_nothing)
{
    struct bare b = {.s = {.answer_at_once = true}};

    ok(bare_up(&b) && answers(&b, HELLO, "welcome") && answers(&b, OFFER("1", ""), "answer"));
    str_reset(&b.got);
    send_record(&b, 1, 160);
    send_record(&b, 1, 0);
    ok_str(str_text(&b.got), "");
    for (int i = 0; i < 10; i++)
        send_record(&b, 1, 161);
    ok_str(str_text(&b.got),
           "{\"type\":\"error\",\"channel\":1,\"code\":\"bad-frame\",\"text\":\"a frame of 161 "
           "bytes is not 20 ms in this call's codec\"}\n");
    str_reset(&b.got);
    for (int i = 0; i < 10; i++)
        send_record(&b, 9, 160);
    ok_str(str_text(&b.got),
           "{\"type\":\"error\",\"channel\":9,\"code\":\"unknown-channel\",\"text\":\"audio for a "
           "channel without a call\"}\n");
    str_reset(&b.got);
    stand_run(&b.s, 1000);
    send_record(&b, 9, 160);
    ok(strstr(str_text(&b.got), "unknown-channel") != NULL);
    ok(!b.closed && b.s.ended == 0);
out:
    bare_down(&b);
}

UNIT(a_batch_of_garbage_is_told_and_the_records_before_it_count)
{
    struct bare b = {.s = {.answer_at_once = true}};
    static const uint8_t audio[160];
    struct bridge_stats stats;
    struct media_stats media;
    uint8_t *bytes;
    size_t len;
    bool is_text;

    ok(bare_up(&b) && answers(&b, HELLO, "welcome") && answers(&b, OFFER("1", ""), "answer"));
    link_reserve(b.link, 10, 960);
    link_frame(b.link, 1, audio, sizeof audio);
    link_frame(b.link, 1, audio, sizeof audio);
    link_flush(b.link);
    ok(link_next(b.link, &bytes, &len, &is_text) && len == 332);
    bytes[166 + 4] = 0x7f; /* the second record says that it is longer than the batch */
    str_reset(&b.got);
    stand_run(&b.s, 20);
    ok_str(str_text(&b.got), "{\"type\":\"error\",\"code\":\"bad-batch\",\"text\":\"a batch is cut "
                             "short or holds no record at byte 166\"}\n");
    bridge_stats(b.s.bridge, &stats);
    ok_int(stats.bad_batch, 1);
    media_stats(b.s.media, &media);
    ok_int(media.frames_in, 1);
out:
    bare_down(&b);
}

UNIT(audio_under_way_when_a_call_ends_is_no_mistake)
{
    struct bare b = {.s = {.answer_at_once = true}};

    ok(bare_up(&b) && answers(&b, HELLO, "welcome") && answers(&b, OFFER("1", ""), "answer"));
    ok(b.s.channel != NULL);
    channel_hangup(b.s.channel, CAUSE_NORMAL);
    stand_run(&b.s, 20);
    str_reset(&b.got);
    send_record(&b, 1, 160);
    ok(answers(&b, "{\"type\":\"hangup\",\"channel\":1,\"cause\":\"normal\"}", ""));
    ok_str(str_text(&b.got), "");
    stand_run(&b.s, 5000);
    send_record(&b, 1, 160);
    ok(strstr(str_text(&b.got), "unknown-channel") != NULL);
out:
    bare_down(&b);
}

UNIT(too_many_mistakes_close_the_link)
{
    struct bare b = {0};

    ok(bare_up(&b) && answers(&b, HELLO, "welcome"));
    for (int i = 0; i < 60; i++)
        send_text(&b, "x");
    stand_run(&b.s, 2500);
    ok(b.closed);
    ok(strstr(str_text(&b.got), "too-many-errors") != NULL);
out:
    bare_down(&b);
}

UNIT(a_mistake_now_and_then_is_forgiven)
{
    struct bare b = {0};

    ok(bare_up(&b) && answers(&b, HELLO, "welcome"));
    for (int i = 0; i < 200; i++)
        ok(answers(&b, "x", "bad-message") && (stand_run(&b.s, 1000), true));
    ok(!b.closed);
out:
    bare_down(&b);
}

UNIT(a_flood_of_messages_closes_the_link_and_no_other)
{
    static const char harmless[] = "{\"type\":\"message_status\",\"id\":\"a\",\"status\":\"b\"}";
    struct bare b = {0};
    uint32_t n;

    ok(bare_up(&b) && stand_join(&b.s, "gw", "secret") && stand_call(&b.s, &n));
    ok(answers(&b, HELLO, "welcome"));
    for (int round = 0; round < 100 && !b.closed; round++) {
        for (int i = 0; i < 4000 && !b.closed; i++)
            send_text(&b, harmless);
        stand_run(&b.s, 10);
    }
    stand_run(&b.s, 3000);
    ok(b.closed);
    ok(strstr(str_text(&b.got), "\"flood\"") != NULL);
    ok_int(b.s.ended, 0);
    ok(strstr(str_text(&b.s.heard), "closed") == NULL);
out:
    bare_down(&b);
}

UNIT(a_gateway_that_does_not_read_for_a_while_loses_the_oldest_audio_only)
{
    struct bare b = {.s = {.answer_at_once = true}};
    struct bridge_stats stats;
    struct audio *a = audio_new(CODEC_PCMU, 1000);

    ok(a != NULL && bare_up(&b) && answers(&b, HELLO, "welcome"));
    ok(answers(&b, OFFER("1", ""), "answer") && b.s.channel != NULL);
    ok_int(channel_play(b.s.channel, a, 1, NULL, 1), 0);
    link_pause(b.link, true);
    stand_run(&b.s, 18000);
    ok_int(b.frames, 0);
    link_pause(b.link, false);
    stand_run(&b.s, 10000);
    bridge_stats(b.s.bridge, &stats);
    ok(stats.dropped_batches > 0);
    ok_int(b.frames + stats.dropped_batches, 1000);
    ok(!b.closed);
out:
    audio_unref(a);
    bare_down(&b);
}

UNIT(a_gateway_that_never_reads_its_messages_is_unlinked)
{
    static const char message[] =
        "{\"type\":\"message\",\"id\":\"a\",\"from\":\"+1\",\"to\":\"+2\",\"body\":\"b\"}";
    struct bare b = {0};
    uint32_t n;

    ok(bare_up(&b) && stand_join(&b.s, "gw", "secret") && stand_call(&b.s, &n));
    ok(answers(&b, HELLO, "welcome"));
    link_pause(b.link, true);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 100; i++)
            send_text(&b, message);
        stand_run(&b.s, 20);
    }
    link_pause(b.link, false);
    stand_run(&b.s, 3000);
    ok(b.closed);
    ok_int(b.s.ended, 0); /* the other gateway's call goes on */
out:
    bare_down(&b);
}

/* What the exchange says of a mistake must itself be a message, whatever the mistake quotes. */
UNIT(a_mistake_in_any_script_is_told_and_the_link_stays)
{
    static const char *const types[] = {"ring\177", "€€€€€€€€€€€€€€€€", "x€€€€€€€€€€€€€€€€",
                                        "xx€€€€€€€€€€€€€€€€"};
    struct bare b = {0};
    struct str text = STR_INIT(1000);
    struct wire_msg m;

    ok(bare_up(&b) && answers(&b, HELLO, "welcome"));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        str_reset(&text);
        str_addf(&text, "{\"type\":\"%s\"}", types[i]);
        ok(!text.failed && answers(&b, str_text(&text), "no message has the type"));
        ok_int(wire_parse(&m, b.got.data, strcspn(b.got.data, "\n"), NULL), 0);
        wire_msg_free(&m);
        str_reset(&text);
        str_addf(&text, "{\"type\":\"register\",\"identity\":\"%s%s%s\"}", types[1], types[i],
                 types[2]);
        ok(!text.failed && answers(&b, str_text(&text), "error"));
        ok(!b.closed);
    }
out:
    str_free(&text);
    bare_down(&b);
}

static bool is_refused(struct bare *b, const struct offer *o, int code, const char *why)
{
    struct channel *c = NULL;
    struct bridge_stats stats;
    struct error err = {0};

    ok_int(bridge_offer(b->s.bridge, "gw", o, &c, &err), code);
    ok(strstr(err.text, why) != NULL);
    stand_run(&b->s, 10);
    bridge_stats(b->s.bridge, &stats);
    ok_int(stats.channels, 0);
    ok(!b->closed && b->got.len == 0);
    return true;
out:
    return false;
}

UNIT(a_call_that_no_message_can_carry_is_refused_at_once_and_the_link_stays)
{
    static const char *const lines[] = {"order", "4711\n4712", NULL};
    static const char *const bytes[] = {"SipHeader_X-Order", "\xff", NULL};
    char value[1001];
    const char *many[41] = {NULL};
    struct bare b = {0};
    struct offer o = {.from = "+1", .to = "client:a", .codec = CODEC_PCMU};

    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (size_t i = 0; i < 40; i += 2) {
        many[i] = &"abcdefghijklmnopqrst"[i / 2];
        many[i + 1] = value;
    }
    ok(bare_up(&b) && answers(&b, HELLO, "welcome"));
    str_reset(&b.got);
    o.params = many;
    ok(is_refused(&b, &o, ERR_LIMIT, "longer than 16384 bytes"));
    o.params = bytes;
    ok(is_refused(&b, &o, ERR_LIMIT, "no UTF-8"));
    o.params = lines;
    ok(is_refused(&b, &o, ERR_INVALID, "'params' must be"));
    o.params = NULL;
    o.user = value;
    ok(is_refused(&b, &o, ERR_INVALID, "'user' must be"));
out:
    bare_down(&b);
}

UNIT_MAIN(CASE(a_mistake_in_any_script_is_told_and_the_link_stays),
          CASE(a_call_that_no_message_can_carry_is_refused_at_once_and_the_link_stays),
          CASE(a_link_begins_with_a_good_hello_or_is_closed),
          CASE(a_link_that_says_nothing_is_closed_after_five_seconds),
          CASE(each_mistake_has_its_code_and_the_running_call_goes_on),
          CASE(a_number_may_be_used_again_after_the_grace_period_only),
          CASE(wrong_audio_is_told_once_a_second_and_changes_nothing),
          CASE(a_batch_of_garbage_is_told_and_the_records_before_it_count),
          CASE(audio_under_way_when_a_call_ends_is_no_mistake),
          CASE(too_many_mistakes_close_the_link), NO_TORTURE(a_mistake_now_and_then_is_forgiven),
          NO_TORTURE(a_flood_of_messages_closes_the_link_and_no_other),
          CASE(a_gateway_that_does_not_read_for_a_while_loses_the_oldest_audio_only),
          NO_TORTURE(a_gateway_that_never_reads_its_messages_is_unlinked))
