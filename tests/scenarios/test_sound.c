/* Say, Play, Pause and Echo: what the caller hears, and for how long (twiml-voice.md §2). */
#include "tests/scenarios/rig.h"
#include "tests/unit/unit.h"

#include "session/runtime.h"
#include <stdio.h>
#include <string.h>

#define VOICE "http://app.test/voice"
static const char config[] = "number { '+1555*', voice = '" VOICE "' }\n";

/* The virtual milliseconds that a document takes from the call's offer to its end. */
static int64_t length_of(const char *markup, unsigned *frames)
{
    struct rig *r = rig_new(config);
    int64_t ms = -1;

    if (r == NULL)
        return -1;
    rig_web(r, VOICE, markup);
    rig_call(r, "+15550100", "+15550199");
    if (rig_ends(r) == CAUSE_NORMAL)
        ms = rig_now(r);
    if (frames != NULL)
        *frames = rig_frames(r);
    rig_free(r);
    return ms;
}

/* A wav file of `seconds` of a square wave, 8 kHz 16 bit; `room` holds 44 + 16000 * seconds. */
static size_t make_wav(unsigned char *room, unsigned seconds)
{
    static const unsigned char header[44] =
        "RIFF____WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0"
        "\2\0\x10\0data____";
    unsigned data = 16000 * seconds;

    memcpy(room, header, sizeof header);
    for (int i = 0; i < 4; i++) {
        room[4 + i] = (unsigned char)((data + 36) >> (8 * i));
        room[40 + i] = (unsigned char)(data >> (8 * i));
    }
    for (size_t i = 44; i < 44 + data; i += 2) {
        room[i] = 0;
        room[i + 1] = i % 16 < 8 ? 0x20 : 0xe0;
    }
    return 44 + data;
}

UNIT(a_loop_repeats_the_text)
{
    int64_t once = length_of("<Response><Say>Hello there.</Say></Response>", NULL);
    int64_t thrice = length_of("<Response><Say loop=\"3\">Hello there.</Say></Response>", NULL);

    ok(once > 400 && once < 2500);
    ok(thrice > 3 * once - 100 && thrice < 3 * once + 100);
out:;
}

/* loop="0" goes on until the caller has enough. */
UNIT(an_endless_loop_ends_with_the_call)
{
    static unsigned char wav[44 + 16000];
    static const char *const markup[] = {
        "<Response><Say loop=\"0\">Hello there.</Say></Response>",
        "<Response><Play loop=\"0\">http://1.2.3.4/tone.wav</Play></Response>",
    };
    struct rig *r = NULL;
    struct rig_answer audio = {
        .url = "http://1.2.3.4/tone.wav", .type = "audio/wav", .body = (char *)wav};

    audio.len = make_wav(wav, 1);
    for (size_t i = 0; i < sizeof markup / sizeof *markup; i++) {
        r = rig_new(config);
        ok(r != NULL);
        rig_answer(r, &audio);
        rig_web(r, VOICE, markup[i]);
        rig_call(r, "+15550100", "+15550199");
        rig_waits(r, 60000);
        ok(!rig_is_over(r) && rig_frames_within(r, 5000) > 100);
        rig_hangs_up(r);
        ok(rig_settles(r));
        r = rig_free(r);
    }
out:
    rig_free(r);
}

UNIT(breaks_last_as_long_as_they_say)
{
    int64_t none = length_of("<Response><Say>One two.</Say></Response>", NULL);
    int64_t two = length_of("<Response><Say>One <break time=\"2s\"/> two.</Say></Response>", NULL);

    ok(two - none > 1800 && two - none < 2400);
out:;
}

UNIT(a_slower_rate_takes_longer)
{
    int64_t usual =
        length_of("<Response><Say>This is a sentence of some length.</Say></Response>", NULL);
    int64_t slow = length_of("<Response><Say><prosody rate=\"x-slow\">This is a sentence of some "
                             "length.</prosody></Say></Response>",
                             NULL);

    ok(slow > usual * 5 / 4);
out:;
}

UNIT(a_pause_is_silent_and_exact)
{
    unsigned frames;
    int64_t with =
        length_of("<Response><Say>Hello.</Say><Pause length=\"4\"/></Response>", &frames);
    int64_t without = length_of("<Response><Say>Hello.</Say></Response>", NULL);

    ok(with - without >= 3980 && with - without <= 4040);
    ok(frames * 20 < without + 40);
out:;
}

UNIT(an_unknown_voice_is_warned_of_and_the_text_still_spoken)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Say voice=\"Polly.Joana\">Hello.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Hello."));
    ok(rig_journal(r, "warn", "13511") >= 1);
    ok(rig_journal(r, "warn", "Polly.Joanna") >= 1);
out:
    rig_free(r);
}

UNIT(an_empty_say_is_skipped)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Say> </Say><Say>After.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "After."));
    ok(rig_journal(r, "warn", "13520") >= 1);
out:
    rig_free(r);
}

UNIT(ssml_says_what_it_stands_for)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE,
            "<Response><Say>I work for <sub alias=\"the World Wide Web Consortium\">W3C"
            "</sub>, <emphasis>big</emphasis> <emphasis>world</emphasis>.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "I work for the World Wide Web Consortium, big world."));
out:
    rig_free(r);
}

UNIT(a_file_of_the_flow_is_played)
{
    static unsigned char wav[44 + 32000];
    struct rig *r = rig_new("number { '+1555*', voice = 'flow/a.xml' }\n");
    char path[400];
    FILE *f;

    ok(r != NULL);
    rig_file(r, "flow/a.xml", "<Response><Play loop=\"2\">sounds/tone.wav</Play></Response>");
    rig_file(r, "flow/sounds/tone.wav", "");
    snprintf(path, sizeof path, "%s/flow/sounds/tone.wav", rig_folder(r));
    f = fopen(path, "wb");
    ok(f != NULL);
    ok(fwrite(wav, make_wav(wav, 2), 1, f) == 1);
    ok(fclose(f) == 0);
    rig_call(r, "+15550100", "+15550199");
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok(rig_frames(r) >= 199 && rig_frames(r) <= 200);
    ok(rig_now(r) >= 3960 && rig_now(r) <= 4060);
out:
    rig_free(r);
}

UNIT(a_url_is_fetched_once_while_it_is_fresh)
{
    static unsigned char wav[44 + 16000];
    struct rig *r = rig_new(config);
    struct rig_answer audio = {.url = "http://1.2.3.4/tone.wav",
                               .type = "audio/wav",
                               .body = (char *)wav,
                               .cache_control = "max-age=3600"};

    ok(r != NULL);
    audio.len = make_wav(wav, 1);
    rig_answer(r, &audio);
    rig_web(r, VOICE,
            "<Response><Play>http://1.2.3.4/tone.wav</Play>"
            "<Play>http://1.2.3.4/tone.wav</Play></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok(rig_frames(r) >= 99 && rig_frames(r) <= 100);
    ok_int(rig_requests(r, "http://1.2.3.4/tone.wav"), 1);
    ok_str(rig_method(r, "http://1.2.3.4/tone.wav", 0), "GET");
    ok(rig_param(r, "http://1.2.3.4/tone.wav", 0, "CallSid") == NULL);
out:
    rig_free(r);
}

UNIT(what_is_no_audio_is_warned_of_and_skipped)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_answer(r, &(struct rig_answer){
                      .url = "http://1.2.3.4/page", .type = "text/html", .body = "<html/>"});
    rig_web(r, VOICE,
            "<Response><Play>http://1.2.3.4/page</Play><Play>http://1.2.3.4/none</Play>"
            "<Say>After.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "After."));
    ok_int(rig_journal(r, "warn", "13420"), 1);
    ok_int(rig_journal(r, "warn", "11210"), 1);
out:
    rig_free(r);
}

UNIT(digits_are_sent_as_events_where_the_channel_speaks_them)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Play digits=\"1w2\"/><Say>After.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "After."));
    ok_str(rig_digits_heard(r), "1w2");
out:
    rig_free(r);
}

UNIT(digits_are_sent_as_tones_elsewhere)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Play digits=\"1w2\"/></Response>");
    rig_call_as(r, &(struct offer){.to = "+15550100", .from = "+15550199", .codec = CODEC_PCMU});
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok_str(rig_digits_heard(r), "");
    ok(rig_frames(r) >= 40); /* two tones with their gaps, and half a second between */
out:
    rig_free(r);
}

UNIT(echo_gives_back_what_it_hears_until_the_end)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Echo/></Response>");
    rig_sends(r, 2);
    rig_call(r, "+15550100", "+15550199");
    rig_waits(r, 5000);
    ok(rig_frames(r) > 240 && rig_frames(r) <= 251);
    rig_sends(r, 1);
    rig_waits(r, 1000);
    ok(rig_frames_within(r, 900) == 0);
    ok(!rig_is_over(r));
    rig_hangs_up(r);
    ok(rig_settles(r));
out:
    rig_free(r);
}

UNIT(a_repeated_prompt_is_made_once)
{
    struct rig *r = rig_new(config);
    struct runtime_stats stats;

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Say>Same.</Say><Say>Same.</Say><Say>Same.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok(rig_settles(r));
    runtime_stats(rig_runtime(r), &stats);
    ok_int(stats.documents, 1);
    ok(rig_prompts_made(r) <= 1);
out:
    rig_free(r);
}

UNIT_MAIN(NO_TORTURE(a_loop_repeats_the_text), NO_TORTURE(an_endless_loop_ends_with_the_call),
          NO_TORTURE(breaks_last_as_long_as_they_say), NO_TORTURE(a_slower_rate_takes_longer),
          NO_TORTURE(a_pause_is_silent_and_exact),
          NO_TORTURE(an_unknown_voice_is_warned_of_and_the_text_still_spoken),
          NO_TORTURE(an_empty_say_is_skipped), NO_TORTURE(ssml_says_what_it_stands_for),
          NO_TORTURE(a_file_of_the_flow_is_played),
          NO_TORTURE(a_url_is_fetched_once_while_it_is_fresh),
          NO_TORTURE(what_is_no_audio_is_warned_of_and_skipped),
          NO_TORTURE(digits_are_sent_as_events_where_the_channel_speaks_them),
          NO_TORTURE(digits_are_sent_as_tones_elsewhere),
          NO_TORTURE(echo_gives_back_what_it_hears_until_the_end),
          NO_TORTURE(a_repeated_prompt_is_made_once))
