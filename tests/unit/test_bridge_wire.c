/* The wire format: what is read, what is refused and how that is said; batches; what waits on a
 * link; channel numbers. */
#include "base/mem.h"
#include "bridge/link.h"
#include "bridge/numbers.h"
#include "bridge/wire.h"
#include "tests/unit/unit.h"
#include <stdio.h>
#include <string.h>

#define OFFER "{\"type\":\"offer\",\"channel\":1,\"from\":\"+1\",\"to\":\"+2\",\"codec\":\"PCMU\""

/* --- texts --- */

UNIT(every_field_of_an_offer_is_read)
{
    static const char text[] =
        OFFER ",\"dtmf\":\"events\",\"forwarded_from\":\"+3\",\"caller_name\":\"A\","
              "\"call_token\":\"t\",\"params\":{\"FromCity\":\"Oslo\",\"Evil\":\"x\","
              "\"SipHeader_X-A\":\"b\",\"SipHeader_\":\"c\"},\"later\":[1]}";
    struct wire_msg m = {0};
    struct error err = {0};

    ok_rc(wire_parse(&m, text, sizeof text - 1, &err), &err);
    ok_int(m.type, WIRE_OFFER);
    ok_int(m.channel, 1);
    ok_str(m.from, "+1");
    ok_str(m.to, "+2");
    ok_int(m.codec, CODEC_PCMU);
    ok(m.dtmf_events);
    ok_str(m.forwarded_from, "+3");
    ok_str(m.caller_name, "A");
    ok_str(m.call_token, "t");
    ok_str(m.params[0], "FromCity");
    ok_str(m.params[1], "Oslo");
    ok_str(m.params[2], "SipHeader_X-A");
    ok(m.params[4] == NULL);
out:
    wire_msg_free(&m);
}

UNIT(escapes_are_read_as_the_characters_they_name)
{
    static const char text[] =
        "{\"type\" : \"error\", \"code\":\"x\",\"more\":{\"a\":[true,false,null,-1.5e+3,{}]},"
        "\"text\":\"\\\"\\\\\\/\\n\\t\\u00e9\\u20AC\\ud83d\\ude00\xc3\xa9.\"}";
    struct wire_msg m = {0};
    struct error err = {0};

    ok_rc(wire_parse(&m, text, sizeof text - 1, &err), &err);
    ok_str(m.text, "\"\\/\n\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9.");
out:
    wire_msg_free(&m);
}

UNIT(what_is_written_is_read_again)
{
    const char *const params[] = {"SipCallId", "a\"b\\c", NULL};
    struct wire_msg in = {.type = WIRE_OFFER,
                          .channel = 4294967295u,
                          .from = "sip:\xc3\xa9@x",
                          .to = "+2",
                          .codec = CODEC_L16_24,
                          .params = params};
    struct wire_text *t = wire_format(&in);
    struct wire_msg m = {0};
    struct error err = {0};

    ok(t != NULL);
    ok_rc(wire_parse(&m, t->data, t->len, &err), &err);
    ok(m.channel == in.channel && m.codec == CODEC_L16_24 && !m.dtmf_events);
    ok_str(m.from, in.from);
    ok_str(m.params[1], params[1]);
out:
    wire_msg_free(&m);
    mem_free(t);
}

/* A message of every type, so that a type that loses a field is noticed. */
UNIT(every_type_survives_the_way_there_and_back)
{
    struct wire_msg full = {.channel = 7,
                            .version = 1,
                            .max_channels = 5,
                            .duration_ms = 80,
                            .gateway = "g",
                            .token = "t",
                            .from = "+1",
                            .to = "+2",
                            .digits = "5w#",
                            .identity = "alice@home",
                            .trunk = "carrier one",
                            .user = "u",
                            .password = "p",
                            .cause = CAUSE_BUSY,
                            .id = "a-1",
                            .body = "hi\nthere",
                            .status = "failed",
                            .code = "x",
                            .text = "y",
                            .begin = true,
                            .quality = {1, 2, 3, 4, 5, 6, 412, 8, UINT32_MAX >> 8}};
    struct wire_text *t = NULL, *again = NULL;
    struct wire_msg m = {0};
    struct error err = {0};

    for (int i = 0; i < WIRE_TYPE_COUNT; i++) {
        full.type = (enum wire_type)i;
        t = wire_format(&full);
        ok(t != NULL);
        ok_rc(wire_parse(&m, t->data, t->len, &err), &err);
        again = wire_format(&m);
        ok(again != NULL && again->len == t->len && memcmp(again->data, t->data, t->len) == 0);
        wire_msg_free(&m);
        mem_free(t);
        mem_free(again);
        t = again = NULL;
    }
out:
    wire_msg_free(&m);
    mem_free(t);
    mem_free(again);
}

UNIT(a_mistake_is_named_in_a_sentence)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "a message is a JSON object"},
        {"{", "not JSON that we take"},
        {"nonsense", "a message is a JSON object"},
        {"[]", "a message is a JSON object"},
        {"{\"type\":5}", "a message needs a string 'type'"},
        {"{\"type\":\"dance\"}", "no message has the type 'dance'"},
        {"{\"type\":\"hello\",\"type\":\"hello\"}", "a key stands twice"},
        {"{\"type\":\"answer\"}", "answer: 'channel' is missing"},
        {"{\"type\":\"answer\",\"channel\":0}", "answer: 'channel' must be a whole number from 1"},
        {"{\"type\":\"answer\",\"channel\":-1}", "'channel' must be"},
        {"{\"type\":\"answer\",\"channel\":4294967296}", "'channel' must be"},
        {"{\"type\":\"answer\",\"channel\":1.5}", "'channel' must be"},
        {"{\"type\":\"answer\",\"channel\":\"1\"}", "'channel' must be"},
        {"{\"type\":\"answer\",\"channel\":99999999999999999999}", "'channel' must be"},
        {"{\"type\":\"offer\",\"channel\":1,\"from\":\"a\\nb\",\"to\":\"b\",\"codec\":\"PCMU\"}",
         "offer: 'from' must be a printable string of at most 256 bytes"},
        {"{\"type\":\"offer\",\"channel\":1,\"from\":\"\\u0000\",\"to\":\"b\"}",
         "not JSON that we take"},
        {OFFER ",\"dtmf\":\"maybe\"}", "'dtmf' must be \"events\" or \"audio\""},
        {OFFER ",\"params\":[]}", "'params' must be"},
        {OFFER ",\"params\":{\"FromCity\":5}}", "'params' must be"},
        {OFFER ",\"deep\":[[[[]]]]}", "nested too deep"},
        {"{\"type\":\"offer\",\"channel\":1,\"from\":\"a\",\"to\":\"b\",\"codec\":\"MP3\"}",
         "'codec' must be one of PCMU"},
        {"{\"type\":\"dtmf\",\"channel\":1,\"digits\":\"\"}", "'digits' must be 1 to 64"},
        {"{\"type\":\"dtmf\",\"channel\":1,\"digits\":\"5x\"}", "'digits' must be 1 to 64"},
        {"{\"type\":\"dtmf\",\"channel\":1,\"digits\":\"5\",\"duration\":60001}",
         "'duration' must be a whole number from 0 to 60000"},
        {"{\"type\":\"hangup\",\"channel\":1}", "'cause' is missing"},
        {"{\"type\":\"hangup\",\"channel\":1,\"cause\":7}", "'cause' must be"},
        {"{\"type\":\"hello\",\"version\":1,\"gateway\":\"a b\",\"token\":\"\"}",
         "'gateway' must be"},
        {"{\"type\":\"hello\",\"version\":1,\"gateway\":\"a\",\"token\":\"\",\"prompts\":1}",
         "'prompts' must be true or false"},
        {"{\"type\":\"prompt\",\"channel\":1,\"state\":\"middle\"}", "'state' must be"},
        {"{\"type\":\"answer\",\"channel\":1,\"x\":\"\xff\"}", "a string is not UTF-8"},
        {"{\"type\":\"answer\",\"channel\":1,\"x\":\"\xed\xa0\x80\"}", "not UTF-8"},
        {"{\"type\":\"answer\",\"channel\":1,\"x\":\"\xc0\x80\"}", "not UTF-8"},
        {"{\"x\":\"\\ud800\"}", "half of a pair"},
        {"{\"x\":\"\\udc00\"}", "half of a pair"},
        {"{\"x\":\"\\u12g4\"}", "four hex digits"},
        {"{\"x\":\"\\q\"}", "unknown escape"},
        {"{\"x\":\"a\nb\"}", "control character"},
        {"{\"x\":\"a", "a string does not end"},
        {"{\"x\":\"a\\", "unknown escape"},
        {"{\"x\":01}", "no JSON"},
        {"{\"x\":1.}", "no digit behind its point"},
        {"{\"x\":1e}", "no digit in its exponent"},
        {"{\"x\":tru}", "no JSON"},
        {"{\"x\" 1}", "a ':' is missing"},
        {"{\"x\":1 \"y\":2}", "a ',' or '}' is missing"},
        {"{\"x\":[1 2]}", "a ',' or ']' is missing"},
        {"{\"x\":1,}", "a key in quotes is missing"},
        {"{} {}", "something follows"},
    };
    struct wire_msg m = {0};
    struct error err;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        error_clear(&err);
        ok_int(wire_parse(&m, cases[i].text, strlen(cases[i].text), &err), ERR_INVALID);
        if (strstr(err.text, cases[i].why) == NULL)
            ok_str(err.text, cases[i].why);
    }
out:
    wire_msg_free(&m);
}

UNIT(a_bad_message_still_tells_its_channel)
{
    static const char text[] = "{\"type\":\"offer\",\"channel\":77}";
    struct wire_msg m = {0};

    ok(wire_parse(&m, text, sizeof text - 1, NULL) < 0);
    ok_int(m.channel, 77);
out:
    wire_msg_free(&m);
}

UNIT(an_unknown_cause_is_an_error_but_still_ends_the_call)
{
    static const char text[] = "{\"type\":\"hangup\",\"channel\":7,\"cause\":\"moonlight\"}";
    struct wire_msg m = {0};
    struct error err = {0};

    ok_rc(wire_parse(&m, text, sizeof text - 1, &err), &err);
    ok_int(m.cause, CAUSE_ERROR);
out:
    wire_msg_free(&m);
}

/* An offer whose `from` has n bytes. */
static int offer_of(size_t n, struct wire_msg *m, struct error *err)
{
    char text[WIRE_TEXT_MAX + 100], *p = text;

    p +=
        sprintf(p, "{\"type\":\"offer\",\"channel\":1,\"to\":\"b\",\"codec\":\"PCMU\",\"from\":\"");
    memset(p, 'a', n);
    p += n;
    p += sprintf(p, "\"}");
    return wire_parse(m, text, (size_t)(p - text), err);
}

UNIT(lengths_are_bounded_exactly)
{
    struct wire_msg m = {0};
    struct error err = {0};

    ok_rc(offer_of(256, &m, &err), &err);
    wire_msg_free(&m);
    ok_int(offer_of(257, &m, &err), ERR_INVALID);
    ok_int(offer_of(WIRE_TEXT_MAX, &m, &err), ERR_INVALID);
    ok(strstr(err.text, "at most 16384") != NULL);
out:
    wire_msg_free(&m);
}

UNIT(more_than_32_parameters_are_refused)
{
    struct error err = {0};
    struct wire_msg m = {0};
    char text[2048];
    int n;

    for (int count = 32; count <= 33; count++) {
        n = sprintf(text, "%s,\"params\":{\"SipHeader_0\":\"\"", OFFER);
        for (int i = 1; i < count; i++)
            n += sprintf(text + n, ",\"SipHeader_%d\":\"\"", i);
        n += sprintf(text + n, "}}");
        if (count == 32)
            ok_rc(wire_parse(&m, text, (size_t)n, &err), &err);
        else
            ok_int(wire_parse(&m, text, (size_t)n, &err), ERR_INVALID);
        wire_msg_free(&m);
    }
out:
    wire_msg_free(&m);
}

UNIT(causes_have_words_sip_statuses_and_call_statuses)
{
    for (int i = 0; i < CAUSE_COUNT; i++) {
        ok_int(cause_find(cause_name((enum cause)i)), i);
        ok(cause_sip((enum cause)i) >= 400);
        ok_str(cause_call_status((enum cause)i, 1), "completed");
    }
    ok_int(cause_find("moonlight"), -1);
    ok_int(cause_sip(CAUSE_BUSY), 486);
    ok_str(cause_call_status(CAUSE_BUSY, 0), "busy");
    ok_str(cause_call_status(CAUSE_NORMAL, 0), "canceled");
out:
    return;
}

/* --- batches --- */

UNIT(a_batch_is_the_bytes_of_the_specification)
{
    uint8_t batch[172] = {0, 0, 0, 1, 0, 0xa0};
    static const uint8_t second[6] = {0, 0, 1, 2, 0, 0};
    uint8_t head[WIRE_HEADER];
    struct wire_record r;
    size_t at = 0;

    memset(batch + 6, 0xff, 160);
    memcpy(batch + 166, second, 6);
    ok_int(wire_batch_next(batch, sizeof batch, &at, &r), 1);
    ok(r.channel == 1 && r.len == 160 && r.audio == batch + 6);
    ok_int(wire_batch_next(batch, sizeof batch, &at, &r), 1);
    ok(r.channel == 258 && r.len == 0);
    ok_int(wire_batch_next(batch, sizeof batch, &at, &r), 0);
    wire_record_head(head, 258, 0);
    ok(memcmp(head, second, 6) == 0);
out:
    return;
}

UNIT(a_batch_that_is_cut_short_or_too_long_ends_there)
{
    static const struct {
        uint8_t bytes[10];
        size_t n;
    } bad[] = {
        {{0}, 1},
        {{0, 0, 0, 1, 0}, 5},
        {{0, 0, 0, 1, 0, 5, 1, 2, 3, 4}, 10},
        {{0, 0, 0, 1, 3, 0xc1}, 6},
    };
    struct wire_record r;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t at = 0;

        ok_int(wire_batch_next(bad[i].bytes, bad[i].n, &at, &r), ERR_INVALID);
    }
out:
    return;
}

/* --- what waits on a link --- */

static void no_kick(struct link *l)
{
    (void)l;
}

static const struct link_ops no_ops = {.kick = no_kick};

/* Takes the next batch; counts its records and checks that their channels go on from *next. */
static bool take_batch(struct link *l, uint32_t *next, unsigned *records)
{
    uint8_t *bytes;
    size_t len, at = 0;
    bool is_text;
    struct wire_record r;

    if (!link_next(l, &bytes, &len, &is_text) || is_text || len > WIRE_BATCH_MAX)
        return false;
    memset(bytes - WIRE_PAD, 0xee, WIRE_PAD); /* as a WebSocket library does */
    while (wire_batch_next(bytes, len, &at, &r) > 0) {
        if (r.channel < *next || (r.len > 0 && r.audio[0] != (uint8_t)r.channel))
            return false;
        *next = r.channel + 1;
        ++*records;
    }
    link_sent(l);
    return at == len;
}

UNIT(frames_leave_in_the_order_and_the_batches_they_were_put)
{
    struct link l = {0};
    uint8_t frame[960];
    uint32_t put = 1, next = 1;
    unsigned got = 0;

    link_init(&l, &no_ops);
    link_reserve(&l, 10, 960);
    for (int round = 0; round < 2000; round++) { /* many times round the ring */
        for (int i = 0; i < round % 7; i++) {
            memset(frame, (int)(put & 0xff), sizeof frame);
            link_frame(&l, put, frame, (size_t)(round % 4) * 160);
            put++;
        }
        link_flush(&l);
        while (l.audio.sealed > 0)
            ok(take_batch(&l, &next, &got));
    }
    ok_int(got, put - 1);
    ok_int(link_dropped(&l), 0);
out:
    link_drain(&l);
}

UNIT(a_slow_reader_loses_the_oldest_audio_and_it_is_counted)
{
    struct link l = {0};
    uint8_t frame[160];
    uint32_t next = 1;
    unsigned got = 0;

    link_init(&l, &no_ops);
    link_reserve(&l, 10, 160);
    for (uint32_t i = 1; i <= 5000; i++) {
        memset(frame, (int)(i & 0xff), sizeof frame);
        link_frame(&l, i, frame, sizeof frame);
        if (i % 3 == 0)
            link_flush(&l);
    }
    link_flush(&l);
    while (l.audio.sealed > 0)
        ok(take_batch(&l, &next, &got));
    ok_int(next, 5001); /* the newest is there */
    ok(got > 300);
    ok_int(got + link_dropped(&l), 5000);
out:
    link_drain(&l);
}

UNIT(a_batch_never_passes_64_kilobytes)
{
    struct link l = {0};
    uint8_t frame[960] = {0};
    uint32_t next = 0;
    unsigned got = 0, batches = 0;

    link_init(&l, &no_ops);
    link_reserve(&l, 1000, 960);
    for (int i = 0; i < 300; i++)
        link_frame(&l, 256 * (uint32_t)(i + 1), frame, sizeof frame);
    link_flush(&l);
    while (l.audio.sealed > 0) {
        ok(take_batch(&l, &next, &got));
        batches++;
    }
    ok_int(got, 300);
    ok_int(batches, 5); /* 67 records of 966 bytes each, at most */
out:
    link_drain(&l);
}

UNIT(a_link_does_not_grow_with_the_calls_it_has_had)
{
    struct link l = {0};
    size_t size;

    link_init(&l, &no_ops);
    link_reserve(&l, 10, 960);
    size = l.audio.size;
    for (int call = 0; call < 10000; call++) {
        link_reserve(&l, 10, 960);
        link_unreserve(&l, 10, 960);
    }
    ok(size > 0 && l.audio.size == size);
out:
    link_drain(&l);
}

UNIT(a_growing_ring_keeps_what_waits)
{
    struct link l = {0};
    uint8_t frame[160];
    uint32_t next = 1;
    unsigned got = 0;

    link_init(&l, &no_ops);
    link_reserve(&l, 10, 160);
    for (uint32_t i = 1; i <= 100; i++) {
        memset(frame, (int)i, sizeof frame);
        link_frame(&l, i, frame, sizeof frame);
        if (i % 5 == 0)
            link_flush(&l);
        if (i % 20 == 0)
            link_reserve(&l, 500, 960);
    }
    link_flush(&l);
    while (l.audio.sealed > 0)
        ok(take_batch(&l, &next, &got));
    ok_int(got, 100);
out:
    link_drain(&l);
}

UNIT(calls_that_come_and_go_do_not_grow_the_ring)
{
    struct link l = {0};
    size_t size;

    link_init(&l, &no_ops);
    link_reserve(&l, 100, 960);
    size = l.audio.size;
    for (int i = 0; i < 10000; i++) {
        link_unreserve(&l, 100, 960);
        link_reserve(&l, 100, 960);
    }
    ok_int(l.audio.size, size);
out:
    link_drain(&l);
}

UNIT(texts_that_back_up_are_refused_not_dropped_silently)
{
    struct link l = {0};
    int n = 0, rc = 0;

    link_init(&l, &no_ops);
    while (rc == 0 && n < 10000) {
        struct wire_text *t = wire_text("{}", 2);

        ok(t != NULL);
        rc = link_text(&l, t);
        n++;
    }
    ok_int(rc, ERR_LIMIT);
    ok_int(n, LINK_TEXTS_MAX + 1);
out:
    link_drain(&l);
}

/* --- numbers --- */

UNIT(a_number_that_ended_is_remembered_for_the_grace_period)
{
    struct numbers n = {0};
    int object;

    ok(numbers_get(&n, 1) == NULL && !numbers_ended(&n, 1, 0));
    ok(numbers_add(&n, 1, &object, 0) == 0);
    ok(numbers_get(&n, 1) == &object);
    numbers_end(&n, 1, 1000);
    ok(numbers_get(&n, 1) == NULL);
    ok(numbers_ended(&n, 1, 1000 + NUMBERS_GRACE_US - 1));
    ok(!numbers_ended(&n, 1, 1000 + NUMBERS_GRACE_US));
    ok(numbers_add(&n, 1, &object, 1000 + NUMBERS_GRACE_US) == 0);
    ok(numbers_get(&n, 1) == &object);
out:
    numbers_free(&n);
}

UNIT(numbers_that_come_and_go_do_not_grow_the_table)
{
    struct numbers n = {0};
    int object;

    for (uint32_t i = 1; i <= 20000; i++) { /* one a second, ten seconds each */
        ok(numbers_add(&n, i, &object, i * (int64_t)1000000) == 0);
        if (i > 10)
            numbers_end(&n, i - 10, i * (int64_t)1000000);
    }
    ok(n.size <= 256);
    for (uint32_t i = 19991; i <= 20000; i++)
        ok(numbers_get(&n, i) == &object);
out:
    numbers_free(&n);
}

UNIT_MAIN(CASE(every_field_of_an_offer_is_read), CASE(escapes_are_read_as_the_characters_they_name),
          CASE(what_is_written_is_read_again), CASE(every_type_survives_the_way_there_and_back),
          CASE(a_mistake_is_named_in_a_sentence), CASE(a_bad_message_still_tells_its_channel),
          CASE(an_unknown_cause_is_an_error_but_still_ends_the_call),
          CASE(lengths_are_bounded_exactly), CASE(more_than_32_parameters_are_refused),
          CASE(causes_have_words_sip_statuses_and_call_statuses),
          CASE(a_batch_is_the_bytes_of_the_specification),
          CASE(a_batch_that_is_cut_short_or_too_long_ends_there),
          CASE(frames_leave_in_the_order_and_the_batches_they_were_put),
          CASE(a_slow_reader_loses_the_oldest_audio_and_it_is_counted),
          CASE(a_batch_never_passes_64_kilobytes),
          CASE(a_link_does_not_grow_with_the_calls_it_has_had),
          CASE(a_growing_ring_keeps_what_waits), CASE(calls_that_come_and_go_do_not_grow_the_ring),
          NO_TORTURE(texts_that_back_up_are_refused_not_dropped_silently),
          CASE(a_number_that_ended_is_remembered_for_the_grace_period),
          CASE(numbers_that_come_and_go_do_not_grow_the_table))
