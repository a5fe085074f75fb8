/* Asterisk's WebSocket channel as a gateway, in virtual time: the other end of the link says what
 * the reference's transcripts of a real Asterisk say. */
#include "base/mem.h"
#include "bridge/asterisk.h"
#include "tests/unit/bridge_stand.h"
#include <stdio.h>
#include <string.h>

/* --- an Asterisk --- */

struct pbx {
    struct stand stand;
    struct link *link;
    struct str heard; /* its commands, each with a ';' */
    unsigned messages, bytes;
    bool no_marks; /* an old one */
    bool json;
    bool closed;
};

static void pbx_say(struct pbx *x, const char *text)
{
    struct wire_text *t = wire_text(text, strlen(text));

    if (t != NULL && x->link != NULL)
        link_text(x->link, t);
    else
        mem_free(t);
}

static void pbx_hears(void *arg, const char *text, size_t len)
{
    struct pbx *x = arg;
    char answer[80];

    str_addn(&x->heard, text, len);
    str_addc(&x->heard, ';');
    if (x->no_marks || len > 100)
        return;
    if (len == 14 && memcmp(text, "MARK_MEDIA bye", len) == 0)
        pbx_say(x, "MEDIA_MARK_PROCESSED bye");
    if (len == 24 && memcmp(text, "STOP_MEDIA_BUFFERING bye", len) == 0)
        pbx_say(x, "MEDIA_BUFFERING_COMPLETED bye");
    snprintf(answer, sizeof answer, "%.*s", (int)len, text);
    if (strcmp(answer, "{\"command\":\"MARK_MEDIA\",\"correlation_id\":\"bye\"}") == 0)
        pbx_say(x, "{\"event\":\"MEDIA_MARK_PROCESSED\",\"channel_id\":\"1.2\","
                   "\"correlation_id\":\"bye\"}");
}

static void pbx_listens(void *arg, const uint8_t *bytes, size_t len)
{
    struct pbx *x = arg;

    (void)bytes;
    x->messages++;
    x->bytes += (unsigned)len;
}

static void pbx_opened(void *arg)
{
    (void)arg;
}

static void pbx_closed(void *arg, const char *why)
{
    struct pbx *x = arg;

    (void)why;
    x->closed = true;
    x->link = link_free(x->link);
}

static const struct link_handlers pbx_handlers = {
    .opened = pbx_opened, .text = pbx_hears, .batch = pbx_listens, .closed = pbx_closed};

static bool pbx_connect(struct pbx *x, const char *user, const char *password, const char *path,
                        const char *query)
{
    struct link_request *r = mem_alloc(sizeof *r);
    struct error err = {0};

    ok(r != NULL);
    str_copy(r->user, sizeof r->user, user);
    str_copy(r->password, sizeof r->password, password);
    str_copy(r->path, sizeof r->path, path);
    str_copy(r->query, sizeof r->query, query);
    ok_rc(bridge_asterisk_pair(x->stand.bridge, x->stand.control, r, &x->link, &err), &err);
    link_own(x->link, &pbx_handlers, x);
    stand_run(&x->stand, 10);
    return true;
out:
    return false;
}

static bool pbx_up(struct pbx *x)
{
    str_init(&x->heard, 65536);
    return stand_up(&x->stand);
}

static void pbx_down(struct pbx *x)
{
    x->link = link_free(x->link);
    stand_down(&x->stand);
    str_free(&x->heard);
}

#define START                                                                                      \
    "MEDIA_START connection_id:peer channel:WebSocket/peer/0x7f channel_id:1.2 format:ulaw "       \
    "optimal_frame_size:160 ptime:20"

/* A call in plain text, up to the offer. */
static bool pbx_call(struct pbx *x)
{
    ok(pbx_up(x) && pbx_connect(x, "pbx", "secret", "/media", "to=+1555\nfrom=+1666\n"));
    pbx_say(x, START);
    stand_run(&x->stand, 10);
    ok_str(str_text(&x->stand.said), "offered pbx +1666 +1555;");
    ok(x->stand.channel != NULL);
    return true;
out:
    return false;
}

static bool pbx_plays(struct pbx *x, size_t frames)
{
    struct audio *a =
        x->stand.channel != NULL ? audio_new(channel_codec(x->stand.channel), frames) : NULL;
    int rc;

    ok(a != NULL);
    rc = channel_play(x->stand.channel, a, 1, NULL, 7);
    audio_unref(a);
    ok(rc == 0);
    return true;
out:
    return false;
}

/* Says `n` frames' worth of audio cut into messages of `cut` bytes. */
static void pbx_speaks(struct pbx *x, size_t bytes, size_t cut)
{
    uint8_t audio[2000];

    if (x->link == NULL)
        return;
    memset(audio, 0x7f, sizeof audio);
    link_reserve(x->link, 50, 960);
    for (; bytes > 0 && x->link != NULL; bytes -= cut < bytes ? cut : bytes) {
        link_frame(x->link, 1, audio, cut < bytes ? cut : bytes);
        link_flush(x->link);
    }
}

/* --- calls --- */

UNIT(a_call_of_asterisk_is_offered_answered_heard_and_hung_up_after_its_last_words)
{
    struct pbx x = {0};

    ok(pbx_call(&x));
    ok(x.stand.channel != NULL);
    channel_answer(x.stand.channel);
    ok(pbx_plays(&x, 25));
    stand_run(&x.stand, 400);
    pbx_say(&x, "DTMF_END digit:5 channel_id:1.2");
    stand_run(&x.stand, 200);
    ok_str(str_text(&x.stand.said), "offered pbx +1666 +1555;started 7;digit 5;played 7 ended 25;");
    ok_int(x.messages, 25);
    ok_int(x.bytes, 25 * 160);
    ok_str(str_text(&x.heard), "ANSWER;");
    ok(x.stand.channel != NULL);
    channel_hangup(x.stand.channel, CAUSE_NORMAL);
    stand_run(&x.stand, 10);
    ok_str(str_text(&x.heard), "ANSWER;MARK_MEDIA bye;HANGUP;");
    ok(!x.closed); /* that is Asterisk's part … */
    stand_run(&x.stand, 1100);
    ok(x.closed); /* … but not for ever */
    ok_int(x.stand.released, 1);
out:
    pbx_down(&x);
}

UNIT(json_is_answered_in_json_and_its_variables_say_who_calls_whom)
{
    static const char start[] =
        "{\"event\":\"MEDIA_START\",\"connection_id\":\"peer\",\"channel\":\"WebSocket/peer/0x7f\","
        "\"channel_id\":\"1.2\",\"format\":\"slin16\",\"optimal_frame_size\":640,\"ptime\":20,"
        "\"channel_variables\":{\"DIALEDPEERNUMBER\":\"peer/c(slin16)f(json)v(to=%2B9,from=8)\","
        "\"__ALMON_TO\":\"+1555\",\"ALMON_FROM\":\"client:bob\"}}";
    struct pbx x = {0};

    ok(pbx_up(&x) && pbx_connect(&x, "pbx", "secret", "/+1777", "to=+1888\n"));
    pbx_say(&x, start);
    stand_run(&x.stand, 10);
    ok_str(str_text(&x.stand.said), "offered pbx client:bob +1555;");
    ok(x.stand.channel != NULL);
    ok_int(channel_codec(x.stand.channel), CODEC_L16_16);
    ok(x.stand.channel != NULL);
    channel_answer(x.stand.channel);
    ok(pbx_plays(&x, 2));
    stand_run(&x.stand, 100);
    ok_int(x.bytes, 2 * 640);
    pbx_say(&x, "{\"event\":\"DTMF_END\",\"channel_id\":\"1.2\",\"digit\":\"#\"}");
    stand_run(&x.stand, 10);
    ok(strstr(str_text(&x.stand.said), "digit #;") != NULL);
    ok(x.stand.channel != NULL);
    channel_hangup(x.stand.channel, CAUSE_NORMAL);
    stand_run(&x.stand, 10);
    ok_str(str_text(&x.heard), "{\"command\":\"ANSWER\"};"
                               "{\"command\":\"MARK_MEDIA\",\"correlation_id\":\"bye\"};"
                               "{\"command\":\"HANGUP\"};");
out:
    pbx_down(&x);
}

/* The parameters of the address are shared between an Asterisk's calls; what was dialled is not. */
UNIT(the_string_that_was_dialled_goes_before_the_address)
{
    struct pbx x = {0};

    ok(pbx_up(&x) && pbx_connect(&x, "pbx", "secret", "/media", "to=+1888\nfrom=+1999\n"));
    pbx_say(&x, "{\"event\":\"MEDIA_START\",\"channel_id\":\"1.2\",\"format\":\"alaw\","
                "\"channel_variables\":{\"DIALEDPEERNUMBER\":\"peer/f(json)v(to=%2B1555)\"}}");
    stand_run(&x.stand, 10);
    ok_str(str_text(&x.stand.said), "offered pbx +1999 +1555;");
out:
    pbx_down(&x);
}

UNIT(a_number_may_stand_at_the_end_of_the_address)
{
    struct pbx x = {0};

    ok(pbx_up(&x) && pbx_connect(&x, "pbx", "secret", "/flows/+1555", ""));
    pbx_say(&x, START);
    stand_run(&x.stand, 10);
    ok_str(str_text(&x.stand.said), "offered pbx anonymous +1555;");
out:
    pbx_down(&x);
}

UNIT(when_the_caller_hangs_up_the_call_ends_normally)
{
    struct pbx x = {0};

    ok(pbx_call(&x));
    ok(x.stand.channel != NULL);
    channel_answer(x.stand.channel);
    stand_run(&x.stand, 100);
    ok(x.link != NULL);
    link_shut(x.link, LINK_CLOSE_NORMAL, "");
    stand_run(&x.stand, 100);
    ok_str(str_text(&x.stand.said), "offered pbx +1666 +1555;ended normal;");
    ok_int(x.stand.released, 1);
out:
    pbx_down(&x);
}

UNIT(a_connection_that_breaks_ends_the_call_with_link_lost)
{
    struct pbx x = {0};

    ok(pbx_call(&x));
    x.link = link_free(x.link);
    stand_run(&x.stand, 100);
    ok_str(str_text(&x.stand.said), "offered pbx +1666 +1555;ended link-lost;");
out:
    pbx_down(&x);
}

UNIT(a_refused_call_is_hung_up_at_once)
{
    struct pbx x = {0};

    ok(pbx_call(&x));
    ok(x.stand.channel != NULL);
    channel_hangup(x.stand.channel, CAUSE_BUSY);
    stand_run(&x.stand, 10);
    ok_str(str_text(&x.heard), "HANGUP;");
out:
    pbx_down(&x);
}

UNIT(an_asterisk_that_knows_no_marks_is_hung_up_all_the_same)
{
    struct pbx x = {.no_marks = true};

    ok(pbx_call(&x));
    ok(x.stand.channel != NULL);
    channel_answer(x.stand.channel);
    stand_run(&x.stand, 10);
    ok(x.stand.channel != NULL);
    channel_hangup(x.stand.channel, CAUSE_NORMAL);
    stand_run(&x.stand, 900);
    ok_str(str_text(&x.heard), "ANSWER;MARK_MEDIA bye;");
    stand_run(&x.stand, 200);
    ok_str(str_text(&x.heard), "ANSWER;MARK_MEDIA bye;HANGUP;");
out:
    pbx_down(&x);
}

/* --- audio --- */

UNIT(audio_that_is_cut_otherwise_becomes_whole_frames_again)
{
    struct pbx x = {0};

    ok(pbx_call(&x));
    ok(x.stand.channel != NULL);
    channel_answer(x.stand.channel);
    ok(x.stand.channel != NULL);
    channel_echo(x.stand.channel, true);
    stand_run(&x.stand, 10);
    pbx_speaks(&x, 480, 240); /* 30 ms each */
    pbx_speaks(&x, 320, 320);
    pbx_speaks(&x, 100, 100); /* and what is less than a frame waits */
    stand_run(&x.stand, 200);
    ok_int(x.messages, 5);
    ok_int(x.bytes, 5 * 160);
    ok_str(str_text(&x.heard), "ANSWER;"); /* and nobody complains */
out:
    pbx_down(&x);
}

UNIT(audio_before_the_start_is_no_mistake)
{
    struct pbx x = {0};
    struct bridge_stats stats;

    ok(pbx_up(&x) && pbx_connect(&x, "pbx", "secret", "/media", "to=+1555\n"));
    pbx_speaks(&x, 1600, 160);
    stand_run(&x.stand, 50);
    pbx_say(&x, START);
    stand_run(&x.stand, 10);
    ok_str(str_text(&x.stand.said), "offered pbx anonymous +1555;");
    bridge_stats(x.stand.bridge, &stats);
    ok_int(stats.bad_text + stats.bad_batch, 0);
out:
    pbx_down(&x);
}

UNIT(frames_that_are_no_whole_number_of_its_own_are_joined_over_there)
{
    struct pbx x = {0};

    ok(pbx_up(&x) && pbx_connect(&x, "pbx", "secret", "/media", "to=+1555\n"));
    pbx_say(&x, "MEDIA_START channel_id:1.2 format:ulaw optimal_frame_size:240 ptime:30");
    stand_run(&x.stand, 10);
    ok(x.stand.channel != NULL);
    channel_answer(x.stand.channel);
    stand_run(&x.stand, 10);
    ok(x.stand.channel != NULL);
    channel_hangup(x.stand.channel, CAUSE_NORMAL);
    stand_run(&x.stand, 10);
    ok_str(str_text(&x.heard), "START_MEDIA_BUFFERING;ANSWER;STOP_MEDIA_BUFFERING bye;HANGUP;");
out:
    pbx_down(&x);
}

UNIT(an_asterisk_without_room_gets_no_audio_until_it_has)
{
    struct pbx x = {0};
    unsigned before;

    ok(pbx_call(&x));
    ok(x.stand.channel != NULL);
    channel_answer(x.stand.channel);
    ok(pbx_plays(&x, 100));
    stand_run(&x.stand, 500);
    pbx_say(&x, "MEDIA_XOFF");
    stand_run(&x.stand, 10);
    before = x.messages;
    stand_run(&x.stand, 500);
    ok_int(x.messages, before);
    ok_str(str_text(&x.heard), "ANSWER;FLUSH_MEDIA;");
    pbx_say(&x, "MEDIA_XON");
    stand_run(&x.stand, 2000);
    ok(x.messages > before + 40 && x.messages < 80);
    /* The exchange is the clock: the prompt ended when it would have. */
    ok(strstr(str_text(&x.stand.said), "played 7 ended 100;") != NULL);
out:
    pbx_down(&x);
}

UNIT(a_queue_that_has_grown_is_flushed_since_it_would_be_a_delay_for_ever)
{
    struct pbx x = {0};

    ok(pbx_call(&x));
    ok(x.stand.channel != NULL);
    channel_answer(x.stand.channel);
    stand_run(&x.stand, 5100);
    ok_str(str_text(&x.heard), "ANSWER;GET_STATUS;");
    pbx_say(&x, "STATUS channel_id:1.2 queue_length:3 xon_level:800 xoff_level:900 "
                "queue_full:false bulk_media:false media_paused:false");
    stand_run(&x.stand, 10);
    ok_str(str_text(&x.heard), "ANSWER;GET_STATUS;");
    pbx_say(&x, "STATUS channel_id:1.2 queue_length:90 xon_level:800 xoff_level:900 "
                "queue_full:false bulk_media:false media_paused:false");
    stand_run(&x.stand, 10);
    ok_str(str_text(&x.heard), "ANSWER;GET_STATUS;FLUSH_MEDIA;");
out:
    pbx_down(&x);
}

UNIT(digits_to_the_far_end_are_tones_since_there_is_no_word_for_them)
{
    struct pbx x = {0};

    ok(pbx_call(&x));
    ok(x.stand.channel != NULL);
    channel_answer(x.stand.channel);
    ok(x.stand.channel != NULL);
    ok(channel_send_digits(x.stand.channel, "12", 9) == 0);
    stand_run(&x.stand, 1000);
    ok(x.messages >= 15);
    ok(strstr(str_text(&x.stand.said), "played 9 ended") != NULL);
out:
    pbx_down(&x);
}

/* --- who may --- */

static void refused(const char *user, const char *password)
{
    struct pbx x = {0};

    ok(pbx_up(&x) && pbx_connect(&x, user, password, "/+1555", ""));
    pbx_say(&x, START);
    stand_run(&x.stand, 100);
    ok_int(x.stand.offered, 0);
    ok(x.closed);
out:
    pbx_down(&x);
}

UNIT(a_wrong_name_or_password_is_refused)
{
    refused("pbx", "guess");
    refused("other", "secret");
    refused("", "");
    refused("gw", "secret"); /* no Asterisk */
}

UNIT(an_asterisk_may_not_speak_the_bridges_own_protocol)
{
    struct stand s = {0};

    ok(stand_up(&s) && stand_knock(&s, "pbx", "secret"));
    ok_str(str_text(&s.heard), "error 0 not-authorised;closed;");
out:
    stand_down(&s);
}

UNIT(calls_beyond_max_channels_are_hung_up)
{
    struct pbx x = {0};
    struct link *first[2] = {0};

    ok(pbx_call(&x));
    first[0] = x.link;
    ok(pbx_connect(&x, "pbx", "secret", "/+1555", ""));
    pbx_say(&x, START);
    stand_run(&x.stand, 10);
    ok_int(x.stand.offered, 2);
    first[1] = x.link;
    ok(pbx_connect(&x, "pbx", "secret", "/+1555", ""));
    pbx_say(&x, START);
    stand_run(&x.stand, 10);
    ok_int(x.stand.offered, 2);
    ok_str(str_text(&x.heard), "HANGUP;");
out:
    link_free(first[0]);
    link_free(first[1]);
    pbx_down(&x);
}

UNIT(a_connection_that_says_nothing_is_closed)
{
    struct pbx x = {0};

    ok(pbx_up(&x) && pbx_connect(&x, "pbx", "secret", "/+1555", ""));
    stand_run(&x.stand, 4900);
    ok(!x.closed);
    stand_run(&x.stand, 200);
    ok(x.closed);
out:
    pbx_down(&x);
}

UNIT(a_call_with_a_codec_we_have_not_or_without_a_number_is_hung_up)
{
    struct pbx x = {0};

    ok(pbx_up(&x) && pbx_connect(&x, "pbx", "secret", "/+1555", ""));
    pbx_say(&x, "MEDIA_START channel_id:1.2 format:g722 optimal_frame_size:160 ptime:20");
    stand_run(&x.stand, 10);
    ok_str(str_text(&x.heard), "HANGUP;");
    x.link = link_free(x.link);
    ok(pbx_connect(&x, "pbx", "secret", "/media", ""));
    pbx_say(&x, START);
    stand_run(&x.stand, 10);
    ok_str(str_text(&x.heard), "HANGUP;HANGUP;");
    ok_int(x.stand.offered, 0);
out:
    pbx_down(&x);
}

/* A peer of our own cannot dial: calls go out through Asterisk's own ARI. */
UNIT(a_link_that_is_a_call_is_never_offered_another)
{
    struct pbx x = {0};
    struct offer o = {.from = "+1", .to = "+2", .codec = CODEC_PCMU};
    struct channel *c;

    ok(pbx_call(&x));
    ok_int(bridge_offer(x.stand.bridge, "pbx", &o, &c, NULL), ERR_MISSING);
out:
    pbx_down(&x);
}

/* --- the parser --- */

UNIT(events_are_read_as_they_stand_in_the_transcripts)
{
    static const struct {
        const char *text;
        enum asterisk_kind kind;
        int rc;
    } rows[] = {
        {"MEDIA_XOFF", ASTERISK_XOFF, 0},
        {"{\"event\":\"MEDIA_XON\",\"channel_id\":\"1.2\"}", ASTERISK_XON, 0},
        {"QUEUE_DRAINED", ASTERISK_OTHER, 0},
        {"SOMETHING_NEW of:1 it", ASTERISK_OTHER, 0},
        {"MEDIA_BUFFERING_COMPLETED utt-1", ASTERISK_BUFFERED, 0},
        {"MEDIA_MARK_PROCESSED", ASTERISK_MARKED, 0},
        {"ERROR channel_id:1.2 error_text:it: is not so\n", ASTERISK_ERROR, 0},
        {"DTMF_END digit:x channel_id:1.2", ASTERISK_DIGIT, ERR_INVALID},
        {"DTMF_END", ASTERISK_DIGIT, ERR_INVALID},
        {"DTMF_END digit:12", ASTERISK_DIGIT, ERR_INVALID},
        {"MEDIA_START channel_id:1.2", ASTERISK_START, ERR_INVALID},
        {"MEDIA_START format:ulaw", ASTERISK_START, ERR_INVALID},
        {"MEDIA_START channel_id:1.2 format:ulaw optimal_frame_size:-1", 0, ERR_INVALID},
        {"{\"event\":\"DTMF_END\",\"digit\":5}", ASTERISK_DIGIT, ERR_INVALID},
        {"{\"event\":7}", ASTERISK_OTHER, ERR_INVALID},
        {"{\"event\":", ASTERISK_OTHER, ERR_INVALID},
        {"", ASTERISK_OTHER, 0},
    };
    struct asterisk_event e = {0};
    struct error err;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int rc;

        err = (struct error){0};
        rc = asterisk_parse(&e, rows[i].text, strlen(rows[i].text), &err);
        ok(rc != ERR_NOMEM);
        ok_int(rc, rows[i].rc);
        if (rc == 0)
            ok_int(e.kind, rows[i].kind);
        if (e.kind == ASTERISK_ERROR)
            ok_str(e.text, "it: is not so\n");
        asterisk_event_free(&e);
    }
out:
    asterisk_event_free(&e);
}

UNIT(a_command_never_is_longer_than_asterisk_reads)
{
    struct wire_text *t = asterisk_command("MARK_MEDIA",
                                           "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                                           "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                                           true);

    ok(t == NULL);
    t = asterisk_command("MARK_MEDIA", "m1", false);
    ok(t != NULL && t->len == 13);
    ok(memcmp(t->data, "MARK_MEDIA m1", 13) == 0);
out:
    mem_free(t);
}

UNIT_MAIN(CASE(a_call_of_asterisk_is_offered_answered_heard_and_hung_up_after_its_last_words),
          CASE(json_is_answered_in_json_and_its_variables_say_who_calls_whom),
          CASE(the_string_that_was_dialled_goes_before_the_address),
          CASE(a_number_may_stand_at_the_end_of_the_address),
          CASE(when_the_caller_hangs_up_the_call_ends_normally),
          CASE(a_connection_that_breaks_ends_the_call_with_link_lost),
          CASE(a_refused_call_is_hung_up_at_once),
          CASE(an_asterisk_that_knows_no_marks_is_hung_up_all_the_same),
          CASE(audio_that_is_cut_otherwise_becomes_whole_frames_again),
          CASE(audio_before_the_start_is_no_mistake),
          CASE(frames_that_are_no_whole_number_of_its_own_are_joined_over_there),
          CASE(an_asterisk_without_room_gets_no_audio_until_it_has),
          CASE(a_queue_that_has_grown_is_flushed_since_it_would_be_a_delay_for_ever),
          CASE(digits_to_the_far_end_are_tones_since_there_is_no_word_for_them),
          CASE(a_wrong_name_or_password_is_refused),
          CASE(an_asterisk_may_not_speak_the_bridges_own_protocol),
          CASE(calls_beyond_max_channels_are_hung_up),
          CASE(a_connection_that_says_nothing_is_closed),
          CASE(a_call_with_a_codec_we_have_not_or_without_a_number_is_hung_up),
          CASE(a_link_that_is_a_call_is_never_offered_another),
          CASE(events_are_read_as_they_stand_in_the_transcripts),
          CASE(a_command_never_is_longer_than_asterisk_reads))
