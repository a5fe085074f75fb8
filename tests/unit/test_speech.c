/* Speech from the outside: prompts are made, kept, joined and cancelled; a bad engine is survived.
 * The tests that need the real engine are skipped under torture, as are all that start processes.
 */
#include "base/disk.h"
#include "base/mem.h"
#include "base/str.h"
#include "speech/espeak.h"
#include "speech/speech.h"
#include "speech/voices.h"
#include "unit.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct answer {
    int called;
    struct audio *audio;
    struct error err;
    int *order; /* counts answers over all */
    int place;
};

static void on_answer(struct audio *audio, const struct error *err, void *arg)
{
    struct answer *a = arg;

    a->called++;
    a->audio = audio != NULL ? audio_ref(audio) : NULL;
    if (err != NULL)
        a->err = *err;
    if (a->order != NULL)
        a->place = ++*a->order;
}

struct bed {
    struct vtime *vt;
    struct loop *loop;
    struct speech *speech;
    struct error err;
    char folder[300], path[4096];
};

static int bed_loop(struct bed *b)
{
    int rc = vtime_new(&b->vt, &b->err);

    return rc != 0 ? rc : loop_new(&b->loop, b->vt, &b->err);
}

static int bed_open(struct bed *b)
{
    int rc = bed_loop(b);

    snprintf(b->folder, sizeof b->folder, "%s/speech", unit_folder());
    str_copy(b->path, sizeof b->path, getenv("PATH"));
    return rc != 0 ? rc : speech_new(&b->speech, b->loop, NULL, b->folder, &b->err);
}

static void bed_close(struct bed *b)
{
    speech_free(b->speech);
    loop_free(b->loop);
    vtime_free(b->vt);
    if (b->path[0] != '\0')
        setenv("PATH", b->path, 1);
}

static void bed_run(struct bed *b)
{
    vtime_run(b->vt, loop_now(b->loop) + 1000000, NULL, NULL);
}

/* An espeak-ng of our own, found before the real one. */
static bool fake_engine(struct bed *b, const char *script)
{
    char folder[300], file[320], path[4500];
    bool good;
    FILE *f;

    snprintf(folder, sizeof folder, "%s/bin", unit_folder());
    snprintf(file, sizeof file, "%s/espeak-ng", folder);
    mkdir(folder, 0700);
    f = fopen(file, "we");
    if (f == NULL)
        return false;
    fprintf(f, "#!/bin/sh\n%s\n", script);
    good = fclose(f) == 0 && chmod(file, 0700) == 0;
    str_copy(b->path, sizeof b->path, getenv("PATH"));
    snprintf(path, sizeof path, "%s:%s", folder, b->path);
    setenv("PATH", path, 1);
    return good;
}

static struct utterance plain(struct speech_piece *piece, const char *text)
{
    *piece = (struct speech_piece){.text = text};
    return (struct utterance){.pieces = piece, .count = 1};
}

/* Says one text and waits. */
static struct audio *say(struct bed *b, const char *text, enum codec codec)
{
    struct answer a = {0};
    struct speech_piece piece;
    struct utterance u = plain(&piece, text);

    if (speech_say(b->speech, &u, codec, on_answer, &a, &b->err) == NULL)
        return NULL;
    bed_run(b);
    if (a.audio == NULL)
        b->err = a.err;
    return a.called == 1 ? a.audio : audio_unref(a.audio);
}

static struct speech_stats stats(struct bed *b)
{
    struct speech_stats s;

    speech_stats(b->speech, &s);
    return s;
}

UNIT(a_prompt_is_spoken_once_and_then_remembered)
{
    struct bed b = {0};
    struct audio *first = NULL, *again = NULL, *cached = NULL;
    struct speech_piece piece;
    struct utterance u = plain(&piece, "Welcome to Almon.");

    ok_rc(bed_open(&b), &b.err);
    first = say(&b, u.pieces->text, CODEC_PCMU);
    ok(first != NULL);
    /* About a second of speech: not a click, not a minute. */
    ok(first->codec == CODEC_PCMU && first->frames > 40 && first->frames < 150);
    ok_int(first->bytes, first->frames * 160);
    again = say(&b, u.pieces->text, CODEC_PCMU);
    ok(again == first);
    cached = speech_cached(b.speech, &u, CODEC_PCMU);
    ok(cached == first);
    ok_int(stats(&b).made, 1);
    ok_int(stats(&b).from_memory, 1);
out:
    audio_unref(cached);
    audio_unref(again);
    audio_unref(first);
    bed_close(&b);
}

UNIT(the_disk_remembers_for_the_next_start_and_other_codecs)
{
    struct bed b = {0};
    struct audio *first = NULL, *other = NULL, *again = NULL;

    ok_rc(bed_open(&b), &b.err);
    first = say(&b, "Hello there.", CODEC_L16_16);
    ok(first != NULL);
    other = say(&b, "Hello there.", CODEC_PCMA);
    ok(other != NULL && other->codec == CODEC_PCMA);
    ok_int(stats(&b).made, 1);
    ok_int(stats(&b).from_disk, 1);
    b.speech = speech_free(b.speech);
    ok_rc(speech_new(&b.speech, b.loop, NULL, b.folder, &b.err), &b.err);
    again = say(&b, "Hello there.", CODEC_L16_16);
    ok(again != NULL && again->bytes == first->bytes);
    ok(memcmp(again->data, first->data, first->bytes) == 0);
    ok_int(stats(&b).made, 0);
    ok_int(stats(&b).from_disk, 1);
out:
    audio_unref(first);
    audio_unref(other);
    audio_unref(again);
    bed_close(&b);
}

UNIT(the_disk_holds_no_more_than_it_may)
{
    struct config config = {.speech = {.cache_mb = 1, .disk_mb = 0}};
    struct bed b = {0};
    struct audio *first = NULL, *other = NULL;

    ok_rc(bed_open(&b), &b.err);
    speech_set_config(b.speech, &config);
    first = say(&b, "Nothing of this is kept.", CODEC_L16_16);
    other = say(&b, "Nothing of this is kept.", CODEC_PCMA);
    ok(first != NULL && other != NULL);
    ok_int(stats(&b).made, 2);
    ok_int(stats(&b).from_disk, 0);
out:
    audio_unref(first);
    audio_unref(other);
    bed_close(&b);
}

UNIT(the_same_text_is_the_same_samples_each_time)
{
    struct bed b = {0}, c = {0};
    struct audio *first = NULL, *again = NULL, *other = NULL;

    ok_rc(bed_open(&b), &b.err);
    other = say(&b, "Something else comes before.", CODEC_L16_8);
    first = say(&b, "For sales, press one.", CODEC_L16_8);
    ok_rc(bed_loop(&c), &c.err);
    snprintf(c.folder, sizeof c.folder, "%s/another", unit_folder());
    ok_rc(speech_new(&c.speech, c.loop, NULL, c.folder, &c.err), &c.err);
    again = say(&c, "For sales, press one.", CODEC_L16_8);
    ok(first != NULL && again != NULL && first->bytes == again->bytes);
    ok(memcmp(first->data, again->data, first->bytes) == 0);
    ok_int(stats(&c).made, 1);
out:
    audio_unref(first);
    audio_unref(again);
    audio_unref(other);
    bed_close(&c);
    bed_close(&b);
}

UNIT(equal_prompts_asked_together_are_made_once_and_answered_in_order)
{
    struct bed b = {0};
    struct answer a[4] = {{0}};
    struct speech_piece piece, second_piece;
    struct utterance u = plain(&piece, "One moment please.");
    struct utterance v = plain(&second_piece, "Thank you.");
    int order = 0;

    for (size_t i = 0; i < 4; i++)
        a[i].order = &order;
    ok_rc(bed_open(&b), &b.err);
    for (size_t i = 0; i < 3; i++)
        ok(speech_say(b.speech, &u, CODEC_PCMU, on_answer, &a[i], &b.err) != NULL);
    ok(speech_say(b.speech, &v, CODEC_PCMU, on_answer, &a[3], &b.err) != NULL);
    ok_int(a[0].called, 0); /* never from within */
    bed_run(&b);
    for (int i = 0; i < 4; i++) {
        ok_int(a[i].called, 1);
        ok_int(a[i].place, i + 1);
    }
    ok(a[0].audio == a[1].audio && a[1].audio == a[2].audio && a[3].audio != a[0].audio);
    ok_int(stats(&b).made, 2);
out:
    for (size_t i = 0; i < 4; i++)
        audio_unref(a[i].audio);
    bed_close(&b);
}

UNIT(what_is_cancelled_is_not_answered)
{
    struct bed b = {0};
    struct answer a[8] = {{0}};
    struct speech_request *r[8];
    struct speech_piece piece;
    char text[40];

    ok_rc(bed_open(&b), &b.err);
    for (size_t i = 0; i < 8; i++) {
        struct utterance u = plain(&piece, text);

        snprintf(text, sizeof text, "Prompt %zu", i);
        r[i] = speech_say(b.speech, &u, CODEC_PCMU, on_answer, &a[i], &b.err);
        ok(r[i] != NULL);
    }
    for (size_t i = 0; i < 8; i += 2)
        speech_cancel(r[i]);
    bed_run(&b);
    for (size_t i = 0; i < 8; i++)
        ok_int(a[i].called, (int)(i % 2));
    /* Those that no worker had begun were not made at all. */
    ok(stats(&b).made < 8);
out:
    for (size_t i = 0; i < 8; i++)
        audio_unref(a[i].audio);
    bed_close(&b);
}

UNIT(freeing_forgets_what_is_under_way)
{
    struct bed b = {0};
    struct answer a[5] = {{0}};
    struct audio *made = NULL;
    struct speech_piece piece;
    char text[40];

    ok_rc(bed_open(&b), &b.err);
    made = say(&b, "Prompt 0", CODEC_PCMU);
    for (size_t i = 0; i < 5; i++) {
        struct utterance u = plain(&piece, text);

        snprintf(text, sizeof text, "Prompt %zu", i);
        ok(speech_say(b.speech, &u, CODEC_PCMU, on_answer, &a[i], &b.err) != NULL);
    }
    b.speech = speech_free(b.speech);
    bed_run(&b);
    for (size_t i = 0; i < 5; i++)
        ok_int(a[i].called, 0);
out:
    audio_unref(made);
    bed_close(&b);
}

/* The longest run of exact silence, in milliseconds, leaving the ends out. */
static int longest_silence(const struct audio *a)
{
    const int16_t *s = (const int16_t *)(const void *)a->data;
    int rate = codec_rate(a->codec), best = 0, now = 0;
    size_t n = a->bytes / 2, end = n;

    while (end > 0 && abs(s[end - 1]) < 80)
        end--;
    for (size_t i = 0; i < end; i++) {
        now = abs(s[i]) < 80 ? now + 1 : 0;
        best = now > best ? now : best;
    }
    return best * 1000 / rate;
}

UNIT(a_break_lasts_as_long_as_asked_at_any_rate_of_speech)
{
    static const int asked[] = {200, 1000, 3000};
    static const char *const rates[] = {NULL, "x-slow", "200%"};
    struct bed b = {0};
    struct answer a = {0};

    ok_rc(bed_open(&b), &b.err);
    for (size_t i = 0; i < 9; i++) {
        struct speech_piece p[] = {
            {.text = "Nine", .rate = rates[i / 3]},
            {.kind = PIECE_BREAK, .break_ms = asked[i % 3]},
            {.text = "roses", .rate = rates[i / 3]},
        };
        struct utterance u = {.pieces = p, .count = 3};
        int heard;

        a = (struct answer){0};
        ok(speech_say(b.speech, &u, CODEC_L16_16, on_answer, &a, &b.err) != NULL);
        bed_run(&b);
        ok(a.audio != NULL);
        heard = longest_silence(a.audio);
        if (heard < asked[i % 3] - 20 || heard > asked[i % 3] + 60)
            fprintf(stderr, "asked %d ms, heard %d ms\n", asked[i % 3], heard);
        ok(heard >= asked[i % 3] - 20 && heard <= asked[i % 3] + 60);
        a.audio = audio_unref(a.audio);
    }
out:
    audio_unref(a.audio);
    bed_close(&b);
}

/* How long, and how loud, each stretch of speech between silences of 150 ms is. */
struct stretch {
    int ms, peak;
};

static size_t find_stretches(const struct audio *a, struct stretch *out, size_t max)
{
    const int16_t *s = (const int16_t *)(const void *)a->data;
    size_t per_ms = (size_t)codec_rate(a->codec) / 1000, n = 0, quiet = 0, start = 0;
    int peak = 0;

    for (size_t i = 0; i < a->bytes / 2; i++) {
        int level = abs(s[i]);

        quiet = level < 80 ? quiet + 1 : 0;
        if (level >= 80 && peak == 0)
            start = i;
        peak = level >= 80 && level > peak ? level : peak;
        if (peak > 0 && (quiet > 150 * per_ms || i + 1 == a->bytes / 2)) {
            if (n < max)
                out[n] = (struct stretch){(int)((i - quiet - start) / per_ms), peak};
            n++;
            peak = 0;
        }
    }
    return n;
}

UNIT(prosody_is_heard_sentence_by_sentence)
{
    static const struct speech_piece pieces[] = {
        {.text = "This is normal. "},
        {.text = "This is normal. ", .volume = "-12dB"},
        {.text = "This is normal. ", .rate = "60%"},
        {.text = "This is normal."},
    };
    struct utterance u = {.pieces = pieces, .count = 4};
    struct stretch t[4] = {{0, 0}};
    struct bed b = {0};
    struct answer a = {0};

    ok_rc(bed_open(&b), &b.err);
    ok(speech_say(b.speech, &u, CODEC_L16_16, on_answer, &a, &b.err) != NULL);
    bed_run(&b);
    ok(a.audio != NULL);
    ok_int(find_stretches(a.audio, t, 4), 4);
    ok(t[1].peak * 3 < t[0].peak && t[1].peak * 6 > t[0].peak);
    ok(t[2].ms * 10 > t[0].ms * 14 && t[2].ms * 10 < t[0].ms * 19);
    ok(abs(t[3].ms - t[0].ms) < 60 && t[3].peak * 10 > t[0].peak * 8);
out:
    if (a.audio != NULL)
        audio_unref(a.audio);
    bed_close(&b);
}

UNIT(a_prompt_begins_at_once_and_ends_soon_after_the_last_word)
{
    struct bed b = {0};
    struct audio *a = NULL;
    const int16_t *s;
    size_t first = 0, last;

    ok_rc(bed_open(&b), &b.err);
    a = say(&b, "Good morning.", CODEC_L16_16);
    ok(a != NULL);
    s = (const int16_t *)(const void *)a->data;
    while (abs(s[first]) < 80)
        first++;
    for (last = a->bytes / 2; abs(s[last - 1]) < 80; last--)
        ;
    ok(first < 16 * 25);
    ok(a->bytes / 2 - last > 16 * 100 && a->bytes / 2 - last < 16 * 250);
out:
    audio_unref(a);
    bed_close(&b);
}

UNIT(hostile_text_is_only_text)
{
    static const char *const texts[] = {
        "--stdout -w /tmp/almon-hostile.wav",
        "</speak><audio src=\"/etc/passwd\"/><speak>",
        "`touch /tmp/almon-hostile.wav` $(touch /tmp/almon-hostile.wav) ; | &",
        "\x01\x02\x03 -f /etc/passwd",
        "\xed\xa0\x80 \xff\xfe lone surrogate",
        "[[h@l'oU]] [[[[ ]]]] ]]>",
        "<!-- <![CDATA[ &unknown; &#0; &#x1; %s%n",
    };
    struct bed b = {0};
    struct audio *a = NULL;

    ok_rc(bed_open(&b), &b.err);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        a = say(&b, texts[i], CODEC_PCMU);
        ok(a != NULL);
        a = audio_unref(a);
    }
    ok(access("/tmp/almon-hostile.wav", F_OK) != 0);
    ok_int(stats(&b).made, sizeof texts / sizeof *texts);
out:
    audio_unref(a);
    bed_close(&b);
}

UNIT(an_engine_that_is_missing_is_named_with_the_way_to_get_it)
{
    struct bed b = {0};

    str_copy(b.path, sizeof b.path, getenv("PATH"));
    setenv("PATH", unit_folder(), 1);
    ok_rc(bed_loop(&b), &b.err);
    ok_int(speech_new(&b.speech, b.loop, NULL, unit_folder(), &b.err), ERR_MISSING);
    ok(strstr(b.err.text, "espeak-ng") != NULL && strstr(b.err.text, "apt-get install") != NULL);
out:
    bed_close(&b);
}

#define FAKE_VERSION                                                                               \
    "case \"$1\" in --version) echo 'eSpeak NG text-to-speech: 9.9  Data at: /x'; exit;; "         \
    "--voices) exit;; esac\n"

static bool touch(const char *name)
{
    char file[400];
    FILE *f;

    snprintf(file, sizeof file, "%s/bin/%s", unit_folder(), name);
    f = fopen(file, "we");
    return f != NULL && fclose(f) == 0;
}

/* Calls go on while the engine is asked: this one does not answer before we say so. */
UNIT(a_reload_does_not_wait_for_the_engine_and_learns_of_new_voices)
{
    struct bed b = {0};
    struct speech_voice v;
    int64_t end;

    voices_read(NULL);
    ok(fake_engine(&b, "case \"$1\" in --version)\n"
                       "  echo 'eSpeak NG text-to-speech: 9.9  Data at: /x'; exit;; esac\n"
                       "if [ -e \"${0%/*}/new\" ]; then\n"
                       "  for i in 0 1 2 3 4 5 6 7 8 9; do [ -e \"${0%/*}/go\" ] || sleep 1; done\n"
                       "  echo ' 5 tlh --/M Klingon x/tlh'\n"
                       "fi\n"
                       "echo ' 5 en-us --/M English x/en'"));
    ok_rc(loop_new(&b.loop, NULL, &b.err), &b.err);
    snprintf(b.folder, sizeof b.folder, "%s/speech", unit_folder());
    ok_rc(speech_new(&b.speech, b.loop, NULL, b.folder, &b.err), &b.err);
    ok_int(speech_pick(NULL, "tlh", &v, &b.err), ERR_MISSING);
    ok(touch("new"));
    speech_set_config(b.speech, NULL);
    speech_set_config(b.speech, NULL);
    ok_int(speech_pick(NULL, "tlh", &v, &b.err), ERR_MISSING); /* not yet */
    ok_rc(speech_pick(NULL, "en-US", &v, &b.err), &b.err);     /* and what there was stays */
    ok(touch("go"));
    end = loop_now(b.loop) + 20000000;
    while (speech_pick(NULL, "tlh", &v, &b.err) != 0 && loop_now(b.loop) < end)
        loop_turn(b.loop, true);
    ok_rc(speech_pick(NULL, "tlh", &v, &b.err), &b.err);
out:
    bed_close(&b);
    voices_read(NULL);
}

UNIT(an_engine_that_dies_half_way_is_an_error_and_nothing_is_kept)
{
    struct bed b = {0}, c = {0};
    struct audio *a = NULL;

    ok(fake_engine(&b, FAKE_VERSION "printf 'RIFF0000WAVEfmt '; kill -9 $$"));
    ok_rc(bed_loop(&b), &b.err);
    snprintf(b.folder, sizeof b.folder, "%s/speech", unit_folder());
    ok_rc(speech_new(&b.speech, b.loop, NULL, b.folder, &b.err), &b.err);
    a = say(&b, "Hello.", CODEC_PCMU);
    ok(a == NULL);
    ok(strstr(b.err.text, "signal 9") != NULL);
    ok_int(stats(&b).failed, 1);
    /* The next one is asked of the engine again. */
    a = say(&b, "Hello.", CODEC_PCMU);
    ok(a == NULL);
    ok_int(stats(&b).failed, 2);
out:
    audio_unref(a);
    bed_close(&b);
    bed_close(&c);
}

UNIT(an_engine_that_hangs_is_killed)
{
    struct bed b = {0};
    struct audio *a = NULL;
    char file[320], pid[32] = "";
    FILE *f;

    /* It says who it is, and then nothing any more. */
    ok(fake_engine(&b, FAKE_VERSION "echo $$ >\"$0.pid\"; exec sleep 60"));
    ok_rc(bed_loop(&b), &b.err);
    snprintf(b.folder, sizeof b.folder, "%s/speech", unit_folder());
    ok_rc(speech_new(&b.speech, b.loop, NULL, b.folder, &b.err), &b.err);
    espeak_set_patience(300);
    a = say(&b, "Hello.", CODEC_PCMU);
    ok(a == NULL);
    ok_int(b.err.code, ERR_TIMEOUT);
    snprintf(file, sizeof file, "%s/bin/espeak-ng.pid", unit_folder());
    ok((f = fopen(file, "re")) != NULL);
    ok(fgets(pid, sizeof pid, f) != NULL);
    fclose(f);
    ok(kill(atoi(pid), 0) != 0); /* and it is gone */
out:
    espeak_set_patience(0);
    if (a != NULL)
        audio_unref(a);
    bed_close(&b);
}

UNIT(an_engine_that_does_not_read_or_talks_nonsense_is_an_error)
{
    static const char *const scripts[] = {
        FAKE_VERSION "exec 0<&-; echo this is not a wav file",
        FAKE_VERSION "exit 3",
        FAKE_VERSION "head -c 100000 /dev/zero",
    };
    struct bed b = {0};
    struct audio *a = NULL;
    struct str text = STR_INIT(8192);

    /* More than a socket takes at once would hang a careless writer. */
    for (size_t i = 0; i < 4000; i++)
        str_addc(&text, i % 10 == 9 ? ' ' : '&');
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        b = (struct bed){0};
        ok(fake_engine(&b, scripts[i]));
        ok_rc(bed_loop(&b), &b.err);
        snprintf(b.folder, sizeof b.folder, "%s/speech", unit_folder());
        ok_rc(speech_new(&b.speech, b.loop, NULL, b.folder, &b.err), &b.err);
        a = say(&b, str_text(&text), CODEC_PCMU);
        ok(a == NULL && b.err.text[0] != '\0');
        bed_close(&b);
    }
    b = (struct bed){0};
out:
    audio_unref(a);
    str_free(&text);
    bed_close(&b);
}

UNIT(too_many_waiting_prompts_are_refused)
{
    static struct answer a[1100];
    struct bed b = {0};
    struct speech_piece piece;
    char text[40];
    size_t n = 0;

    memset(a, 0, sizeof a);
    ok(fake_engine(&b, FAKE_VERSION "exit 1"));
    ok_rc(bed_loop(&b), &b.err);
    snprintf(b.folder, sizeof b.folder, "%s/speech", unit_folder());
    ok_rc(speech_new(&b.speech, b.loop, NULL, b.folder, &b.err), &b.err);
    for (; n < 1100; n++) {
        struct utterance u = plain(&piece, text);

        snprintf(text, sizeof text, "Prompt %zu", n);
        if (speech_say(b.speech, &u, CODEC_PCMU, on_answer, &a[n], &b.err) == NULL)
            break;
    }
    ok(n >= 1000 && n < 1010);
    ok_int(b.err.code, ERR_LIMIT);
out:
    bed_close(&b);
}

UNIT_MAIN(NO_TORTURE(a_prompt_is_spoken_once_and_then_remembered),
          NO_TORTURE(the_disk_remembers_for_the_next_start_and_other_codecs),
          NO_TORTURE(the_disk_holds_no_more_than_it_may),
          NO_TORTURE(the_same_text_is_the_same_samples_each_time),
          NO_TORTURE(equal_prompts_asked_together_are_made_once_and_answered_in_order),
          NO_TORTURE(what_is_cancelled_is_not_answered),
          NO_TORTURE(freeing_forgets_what_is_under_way),
          NO_TORTURE(a_break_lasts_as_long_as_asked_at_any_rate_of_speech),
          NO_TORTURE(prosody_is_heard_sentence_by_sentence),
          NO_TORTURE(a_prompt_begins_at_once_and_ends_soon_after_the_last_word),
          NO_TORTURE(hostile_text_is_only_text),
          NO_TORTURE(an_engine_that_is_missing_is_named_with_the_way_to_get_it),
          NO_TORTURE(a_reload_does_not_wait_for_the_engine_and_learns_of_new_voices),
          NO_TORTURE(an_engine_that_dies_half_way_is_an_error_and_nothing_is_kept),
          NO_TORTURE(an_engine_that_hangs_is_killed),
          NO_TORTURE(an_engine_that_does_not_read_or_talks_nonsense_is_an_error),
          NO_TORTURE(too_many_waiting_prompts_are_refused))
