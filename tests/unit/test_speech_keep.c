/* The two caches of prompts: audio in memory, and WAV files on disk; and reading WAV leniently. */
#include "base/disk.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/cache.h"
#include "speech/keep.h"
#include "speech/wav.h"
#include "unit.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

UNIT(the_least_recently_used_audio_goes_first)
{
    struct audio_cache *c = NULL;
    struct audio *a[12] = {NULL}, *got = NULL;
    struct error err = {0};
    char key[8];

    /* Room for about ten of a second each. */
    ok_rc(audio_cache_new(&c, 10 * 8400, &err), &err);
    for (int i = 0; i < 12; i++) {
        a[i] = audio_new(CODEC_PCMU, 50);
        ok(a[i] != NULL);
        snprintf(key, sizeof key, "%d", i);
        audio_cache_put(c, key, a[i]);
        got = audio_cache_get(c, "0"); /* always in use */
        ok(got == a[0]);
        got = audio_unref(got);
    }
    ok(audio_cache_bytes(c) <= 10 * 8400);
    ok(audio_cache_get(c, "1") == NULL);
    got = audio_cache_get(c, "11");
    ok(got == a[11]);
out:
    if (got != NULL)
        audio_unref(got);
    for (int i = 0; i < 12; i++)
        if (a[i] != NULL)
            audio_unref(a[i]);
    audio_cache_free(c);
}

UNIT(audio_that_would_crowd_out_all_others_is_not_kept)
{
    struct audio_cache *c = NULL;
    struct audio *a = NULL;
    struct error err = {0};

    ok_rc(audio_cache_new(&c, 10000, &err), &err);
    a = audio_new(CODEC_PCMU, 50);
    ok(a != NULL);
    audio_cache_put(c, "big", a);
    ok(audio_cache_get(c, "big") == NULL);
    ok_int(audio_cache_bytes(c), 0);
out:
    if (a != NULL)
        audio_unref(a);
    audio_cache_free(c);
}

UNIT(a_key_put_again_is_replaced_while_lent_audio_lives_on)
{
    struct audio_cache *c = NULL;
    struct audio *a = NULL, *b = NULL, *lent = NULL, *got = NULL;
    struct error err = {0};

    ok_rc(audio_cache_new(&c, 1 << 20, &err), &err);
    ok((a = audio_new(CODEC_PCMU, 1)) != NULL && (b = audio_new(CODEC_PCMU, 2)) != NULL);
    audio_cache_put(c, "k", a);
    lent = audio_cache_get(c, "k");
    ok(lent == a);
    audio_cache_put(c, "k", b);
    got = audio_cache_get(c, "k");
    ok(got == b);
    c = audio_cache_free(c);
    ok_int(lent->frames, 1);
    ok_int(got->frames, 2);
out:
    if (lent != NULL)
        audio_unref(lent);
    if (got != NULL)
        audio_unref(got);
    if (a != NULL)
        audio_unref(a);
    if (b != NULL)
        audio_unref(b);
    audio_cache_free(c);
}

#define KEY_A "000102030405060708090a0b0c0d0e0f"
#define KEY_B "100102030405060708090a0b0c0d0e0f"
#define KEY_C "200102030405060708090a0b0c0d0e0f"

static void set_age(const char *folder, const char *name, int seconds)
{
    char path[400];
    struct timespec times[2];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (stat(path, &st) != 0)
        return;
    times[0] = times[1] = st.st_mtim;
    times[0].tv_sec = times[1].tv_sec -= seconds;
    utimensat(AT_FDCWD, path, times, 0);
}

UNIT(what_is_kept_comes_back_and_the_longest_unused_go_first)
{
    int16_t samples[1000] = {1, -2, 3};
    struct espeak_sound sound = {samples, 1000, 22050}, got = {0};
    const char *folder = unit_folder();
    struct error err = {0};
    uint64_t bytes = 0, left = 0;

    ok_rc(keep_save(folder, KEY_A, &sound, &bytes, &err), &err);
    ok_int(bytes, 2044);
    ok_rc(keep_save(folder, KEY_B, &sound, &bytes, &err), &err);
    ok_rc(keep_save(folder, KEY_C, &sound, &bytes, &err), &err);
    set_age(folder, KEY_A ".wav", 300);
    set_age(folder, KEY_B ".wav", 200);
    set_age(folder, KEY_C ".wav", 100);
    ok(keep_load(folder, KEY_A, &got)); /* used just now: B is the oldest */
    ok_int(got.count, 1000);
    ok_int(got.rate, 22050);
    ok(memcmp(got.samples, samples, sizeof samples) == 0);
    mem_free(got.samples);
    got.samples = NULL;
    ok_rc(keep_sweep(folder, 10000, &left, &err), &err);
    ok_int(left, 3 * 2044);
    ok_rc(keep_sweep(folder, 5000, &left, &err), &err);
    ok_int(left, 2 * 2044);
    ok(!keep_load(folder, KEY_B, &got));
    ok(keep_load(folder, KEY_C, &got));
out:
    mem_free(got.samples);
}

UNIT(a_prompt_in_a_codec_comes_back_whole_or_not_at_all)
{
    struct audio *audio = NULL, *got = NULL;
    const char *folder = unit_folder();
    struct error err = {0};
    uint64_t bytes = 0, left = 0;
    char path[400];

    ok_rc(audio_from_tone(&audio, CODEC_PCMA, 440, 100, 0.5, &err), &err);
    ok_rc(keep_save_coded(folder, KEY_A, audio, &bytes, &err), &err);
    ok_int(bytes, 16 + 5 * 160);
    ok(!keep_load_coded(folder, KEY_A, CODEC_PCMU, &got));
    ok(keep_load_coded(folder, KEY_A, CODEC_PCMA, &got));
    ok_int(got->frames, 5);
    ok(memcmp(got->data, audio->data, audio->bytes) == 0);
    got = audio_unref(got);
    ok_rc(keep_sweep(folder, 10000, &left, &err), &err);
    ok_int(left, 816); /* it counts, and is no rest of a writer that died */
    snprintf(path, sizeof path, "%s/%s.pcma", folder, KEY_A);
    ok_int(truncate(path, 700), 0);
    ok(!keep_load_coded(folder, KEY_A, CODEC_PCMA, &got));
    ok_rc(keep_sweep(folder, 100, &left, &err), &err);
    ok_int(left, 0);
out:
    audio_unref(got);
    audio_unref(audio);
}

UNIT(half_a_file_is_no_prompt_and_strangers_are_left_alone)
{
    int16_t samples[100] = {0};
    struct espeak_sound sound = {samples, 100, 22050}, got = {0};
    const char *folder = unit_folder();
    struct error err = {0};
    uint64_t bytes, left;
    char path[400];

    ok_rc(keep_save(folder, KEY_A, &sound, &bytes, &err), &err);
    snprintf(path, sizeof path, "%s/%s.wav", folder, KEY_A);
    ok_int(truncate(path, 100), 0);
    ok(!keep_load(folder, KEY_A, &got));
    snprintf(path, sizeof path, "%s/%s.Ab12cd", folder, KEY_B); /* a writer that died */
    close(open(path, O_CREAT | O_WRONLY, 0600));
    set_age(folder, KEY_B ".Ab12cd", 7200);
    snprintf(path, sizeof path, "%s/mine.wav", folder);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    ok_rc(keep_sweep(folder, 0, &left, &err), &err);
    ok_int(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/%s.Ab12cd", folder, KEY_B);
    ok(access(path, F_OK) != 0);
    ok(keep_sweep("/nowhere/at/all", 0, &left, &err) != 0);
    ok(keep_save("/nowhere/at/all", KEY_A, &sound, &bytes, &err) != 0);
out:
    mem_free(got.samples);
}

UNIT(wav_of_unknown_length_is_as_long_as_it_is)
{
    uint8_t bytes[WAV_HEADER_BYTES + 7] = {0};
    int16_t samples[3];
    struct error err = {0};
    struct wav w;

    wav_header(bytes, 22050, 0x3ffff000);
    bytes[44] = 1;
    bytes[46] = 0xff;
    bytes[47] = 0xff;
    ok_rc(wav_parse(&w, bytes, sizeof bytes, &err), &err);
    ok_int(w.rate, 22050);
    ok_int(w.samples, 3); /* an odd byte at the end is none */
    wav_samples(&w, bytes, samples);
    ok_int(samples[0], 1);
    ok_int(samples[1], -1);
    for (size_t n = 0; n < WAV_HEADER_BYTES; n++)
        ok(wav_parse(&w, bytes, n, &err) != 0);
    bytes[22] = 2; /* stereo */
    ok_int(wav_parse(&w, bytes, sizeof bytes, &err), ERR_INVALID);
out:;
}

UNIT_MAIN(CASE(the_least_recently_used_audio_goes_first),
          CASE(audio_that_would_crowd_out_all_others_is_not_kept),
          CASE(a_key_put_again_is_replaced_while_lent_audio_lives_on),
          CASE(what_is_kept_comes_back_and_the_longest_unused_go_first),
          CASE(a_prompt_in_a_codec_comes_back_whole_or_not_at_all),
          CASE(half_a_file_is_no_prompt_and_strangers_are_left_alone),
          CASE(wav_of_unknown_length_is_as_long_as_it_is))
