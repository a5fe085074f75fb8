/* Codecs, conversion, files. */
#include "base/mem.h"
#include "media/file.h"
#include "tests/unit/media_stand.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double pi = 3.14159265358979323846;

UNIT(codecs_are_found_by_name_and_keep_their_sizes)
{
    ok_int(codec_find("pcmu"), CODEC_PCMU);
    ok_int(codec_find("L16/24000"), CODEC_L16_24);
    ok_int(codec_find("L16"), -1);
    ok_int(codec_frame_bytes(CODEC_PCMA), 160);
    ok_int(codec_frame_bytes(CODEC_L16_16), 640);
    ok_int(codec_frame_bytes(CODEC_L16_24), FRAME_BYTES_MAX);
out:;
}

/* Values of ITU-T G.711: each byte stands for a value that becomes this byte again; the error is at
 * most half a step. */
UNIT(g711_follows_the_law)
{
    uint8_t byte, again;
    int16_t value, back;
    int c, i;

    for (c = CODEC_PCMU; c <= CODEC_PCMA; c++) {
        for (i = 0; i < 256; i++) {
            byte = (uint8_t)i;
            codec_decode((enum codec)c, &byte, 1, &value);
            codec_encode((enum codec)c, &value, 1, &again);
            ok(again == byte || (c == CODEC_PCMU && byte == 0x7f && again == 0xff)); /* −0 */
        }
        for (i = -32768; i < 32768; i += 7) {
            value = (int16_t)i;
            codec_encode((enum codec)c, &value, 1, &byte);
            codec_decode((enum codec)c, &byte, 1, &back);
            ok(abs(i - back) <= 8 + abs(i) / 31 || abs(i) > 32124);
        }
    }
    value = 0;
    codec_encode(CODEC_PCMU, &value, 1, &byte);
    ok_int(byte, 0xff);
    codec_encode(CODEC_PCMA, &value, 1, &byte);
    ok_int(byte, 0xd5);
    value = 32767;
    codec_encode(CODEC_PCMU, &value, 1, &byte);
    ok_int(byte, 0x80);
    codec_encode(CODEC_PCMA, &value, 1, &byte);
    ok_int(byte, 0xaa);
    value = -32768;
    codec_encode(CODEC_PCMU, &value, 1, &byte);
    ok_int(byte, 0x00);
    codec_encode(CODEC_PCMA, &value, 1, &byte);
    ok_int(byte, 0x2a);
out:;
}

UNIT(resampling_keeps_the_tone_and_adds_no_other)
{
    static const int rates[] = {8000, 11025, 16000, 22050, 24000, 44100, 48000};
    struct error err = {0};
    struct audio *a = NULL;
    int16_t *in = mem_alloc(48000 * sizeof *in), *out = NULL;
    size_t n, i, j;
    int c;

    ok(in != NULL);
    for (c = CODEC_L16_8; c < CODEC_COUNT; c++) {
        for (i = 0; i < sizeof rates / sizeof *rates; i++) {
            for (j = 0; j < (size_t)rates[i]; j++)
                in[j] = (int16_t)lrint(16384 * sin(2 * pi * 1000 * (double)j / rates[i]));
            ok_rc(audio_from_samples(&a, (enum codec)c, in, (size_t)rates[i], rates[i], &err),
                  &err);
            ok_int(a->frames, 50); /* a second stays a second */
            out = stand_samples(a, &n);
            ok(out != NULL);
            ok(fabs(stand_tone(out + n / 10, n / 2, codec_rate(a->codec), 1000) - 0.5) < 0.01);
            ok(stand_tone(out + n / 10, n / 2, codec_rate(a->codec), 3000) < 0.003);
            ok(stand_tone(out + n - n / 10, n / 10, codec_rate(a->codec), 1000) > 0.48);
            mem_free(out);
            out = NULL;
            a = audio_unref(a);
        }
    }
    ok_int(audio_from_samples(&a, CODEC_PCMU, in, 100, 999, NULL), ERR_INVALID);
out:
    mem_free(in);
    mem_free(out);
    audio_unref(a);
}

UNIT(nothing_above_the_new_band_folds_back_into_it)
{
    struct error err = {0};
    struct audio *a = NULL;
    int16_t *in = mem_alloc(48000 * sizeof *in), *out = NULL;
    size_t n, j;

    ok(in != NULL);
    for (j = 0; j < 48000; j++)
        in[j] = (int16_t)lrint(16384 * sin(2 * pi * 6500 * (double)j / 48000));
    ok_rc(audio_from_samples(&a, CODEC_L16_8, in, 48000, 48000, &err), &err);
    out = stand_samples(a, &n);
    ok(out != NULL);
    ok(stand_tone(out + 800, 4000, 8000, 1500) < 0.002); /* 8000 − 6500 */
out:
    mem_free(in);
    mem_free(out);
    audio_unref(a);
}

UNIT(resampling_delays_nothing)
{
    struct error err = {0};
    struct audio *a = NULL;
    int16_t *in = mem_alloc(16000 * sizeof *in), *out = NULL;
    size_t n, i, peak = 0;

    ok(in != NULL);
    in[8000] = 30000;
    ok_rc(audio_from_samples(&a, CODEC_L16_8, in, 16000, 16000, &err), &err);
    out = stand_samples(a, &n);
    ok(out != NULL);
    for (i = 0; i < n; i++)
        if (out[i] > out[peak])
            peak = i;
    ok_int(peak, 4000);
out:
    mem_free(in);
    mem_free(out);
    audio_unref(a);
}

UNIT(the_last_frame_is_filled_with_silence)
{
    struct error err = {0};
    struct audio *a = NULL;
    int16_t in[161], *out = NULL;
    size_t n, i;

    for (i = 0; i < 161; i++)
        in[i] = 1000;
    ok_rc(audio_from_samples(&a, CODEC_L16_8, in, 161, 8000, &err), &err);
    ok_int(a->frames, 2);
    out = stand_samples(a, &n);
    ok(out != NULL);
    ok_int(out[160], 1000);
    ok_int(out[161], 0);
    ok_int(out[319], 0);
out:
    mem_free(out);
    audio_unref(a);
}

UNIT(digits_that_cannot_be_played_are_refused)
{
    struct error err = {0};
    struct audio *a = NULL;

    ok_int(audio_from_digits(&a, CODEC_PCMU, "12x", &err), ERR_INVALID);
    ok_int(err.twilio, 13430);
    ok_int(audio_from_digits(&a, CODEC_PCMU, "", &err), ERR_INVALID);
out:
    audio_unref(a);
}

/* --- files --- */

static char path[512];

static const char *file_path(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
    return path;
}

/* Writes `seconds` of a 440 Hz tone at half level in each channel. */
static bool write_file(const char *name, int format, int rate, int channels, int seconds)
{
    SF_INFO info = {.format = format, .samplerate = rate, .channels = channels};
    SNDFILE *f = sf_open(file_path(name), SFM_WRITE, &info);
    float block[800 * 2];
    int i, j, k;
    bool good = f != NULL;

    for (i = 0; good && i < rate * seconds / 800; i++) {
        for (j = 0; j < 800; j++)
            for (k = 0; k < channels; k++)
                block[j * channels + k] = (float)(0.5 * sin(2 * pi * 440 * (i * 800 + j) / rate));
        good = sf_writef_float(f, block, 800) == 800;
    }
    if (f != NULL)
        sf_close(f);
    return good;
}

UNIT(every_kind_of_file_is_read)
{
    static const struct {
        const char *name;
        int format, rate, channels;
    } kinds[] = {
        {"a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 1},
        {"stereo.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 48000, 2},
        {"float.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 16000, 1},
        {"ulaw.wav", SF_FORMAT_WAV | SF_FORMAT_ULAW, 8000, 1},
        {"a.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 24000, 1},
        {"a.au", SF_FORMAT_AU | SF_FORMAT_ULAW, 8000, 1},
        {"a.ul", SF_FORMAT_AU | SF_FORMAT_PCM_16, 8000, 1}, /* a header in spite of its name */
        {"a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 16000, 1},
        {"a.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 16000, 1},
        {"a.opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000, 1},
        {"a.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 16000, 1},
        {"raw.ulaw", SF_FORMAT_RAW | SF_FORMAT_ULAW, 8000, 1},
        {"raw.alaw", SF_FORMAT_RAW | SF_FORMAT_ALAW, 8000, 1},
    };
    struct error err = {0};
    struct audio *a = NULL;
    int16_t *out = NULL;
    size_t i, n;

    for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        ok(write_file(kinds[i].name, kinds[i].format, kinds[i].rate, kinds[i].channels, 2));
        ok_rc(audio_load_file(&a, CODEC_L16_8, file_path(kinds[i].name), &err), &err);
        ok(a->frames >= 100 && a->frames <= 110); /* encoders pad a little */
        out = stand_samples(a, &n);
        ok(out != NULL);
        ok(fabs(stand_tone(out + 4000, 8000, 8000, 440) - 0.5) < 0.03);
        mem_free(out);
        out = NULL;
        a = audio_unref(a);
    }
out:
    mem_free(out);
    audio_unref(a);
}

UNIT(raw_audio_is_known_by_its_mime_type)
{
    struct error err = {0};
    struct audio *a = NULL;

    ok(write_file("noname", SF_FORMAT_RAW | SF_FORMAT_ULAW, 8000, 1, 1));
    ok_int(audio_load_file(&a, CODEC_PCMU, file_path("noname"), &err), ERR_INVALID);
    ok_rc(audio_load_file_as(&a, CODEC_PCMU, file_path("noname"), "audio/ulaw; rate=8000", &err),
          &err);
    ok_int(a->frames, 50);
out:
    audio_unref(a);
}

UNIT(what_is_no_audio_is_refused_with_twilios_code)
{
    struct error err = {0};
    struct audio *a = NULL;
    FILE *f;

    ok_int(audio_load_file(&a, CODEC_PCMU, file_path("missing.wav"), &err), ERR_MISSING);
    f = fopen(file_path("empty.wav"), "w");
    ok(f != NULL);
    fclose(f);
    ok_int(audio_load_file(&a, CODEC_PCMU, file_path("empty.wav"), &err), ERR_INVALID);
    ok_int(err.twilio, 13420);
    f = fopen(file_path("page.mp3"), "w");
    ok(f != NULL);
    fputs("<html>Not found</html>", f);
    fclose(f);
    ok_int(audio_load_file(&a, CODEC_PCMU, file_path("page.mp3"), &err), ERR_INVALID);
    ok_int(err.twilio, 13420);
    ok_int(audio_load_file(&a, CODEC_PCMU, unit_folder(), &err), ERR_INVALID);
out:
    audio_unref(a);
}

/* A header may claim what it likes. */
UNIT(a_header_that_lies_about_its_length_is_harmless)
{
    struct error err = {0};
    struct audio *a = NULL;
    uint32_t size = 0x7fffffff;
    FILE *f;

    ok(write_file("lie.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 1, 1));
    f = fopen(file_path("lie.wav"), "r+");
    ok(f != NULL);
    fseek(f, 40, SEEK_SET);
    fwrite(&size, 4, 1, f);
    fclose(f);
    ok_rc(audio_load_file(&a, CODEC_PCMU, file_path("lie.wav"), &err), &err);
    ok_int(a->frames, 50);
out:
    audio_unref(a);
}

static void on_loaded(void *arg, struct audio *audio, const struct error *err)
{
    struct audio **ap = arg;

    (void)err;
    *ap = audio;
}

UNIT(a_loader_answers_once_and_not_when_canceled)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio_loader *l = NULL;
    struct audio *a = NULL, *never = NULL;

    ok(write_file("load.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 1, 1));
    ok_rc(stand_open(&r, CODEC_PCMU, false, 0, &err), &err);
    ok_rc(audio_load(&l, r.control, file_path("load.wav"), NULL, CODEC_PCMU, on_loaded, &a, &err),
          &err);
    ok_rc(audio_load(&l, r.control, path, NULL, CODEC_PCMU, on_loaded, &never, &err), &err);
    audio_load_cancel(l);
    ok(a == NULL);
    stand_run(&r, 1);
    ok(a != NULL);
    ok_int(a->frames, 50);
    ok(never == NULL);
out:
    stand_close(&r);
    audio_unref(a);
}

UNIT(long_audio_is_streamed_without_gaps_and_loops)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = NULL;
    unsigned i;

    ok(write_file("long.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 1, 61));
    ok_rc(stand_open(&r, CODEC_PCMU, false, 0, &err), &err);
    ok_rc(audio_load_file(&a, CODEC_PCMU, file_path("long.wav"), &err), &err);
    ok(a->stream != NULL);
    unlink(path); /* what is open stays */
    ok(media_play(r.channel, a, 1, 1) == 0);
    ok(media_play(r.channel, a, 2, 2) == 0); /* both read it at the same time */
    stand_run(&r, 62000);
    ok_int(r.played, 1);
    ok_int(r.how[0], PLAY_ENDED);
    ok_int(r.sent[0], 61 * 50);
    a = audio_unref(a);
    stand_run(&r, 3 * 61000);
    ok_int(r.played, 2);
    ok_int(r.sent[1], 2 * 61 * 50);
    for (i = 1; i < STAND_FRAMES; i++)
        ok_int(r.port.at[i] - r.port.at[i - 1], 20000);
out:
    audio_unref(a);
    stand_close(&r);
}

UNIT(a_streamed_play_stops_and_frees_all)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = NULL;

    ok(write_file("stop.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 1, 61));
    ok_rc(stand_open(&r, CODEC_PCMU, false, 0, &err), &err);
    ok_rc(audio_load_file(&a, CODEC_PCMU, file_path("stop.wav"), &err), &err);
    ok(media_play(r.channel, a, 1000, 1) == 0);
    a = audio_unref(a);
    stand_run(&r, 5000);
    media_play_stop(r.channel, 1);
    stand_run(&r, 1000);
    ok_int(r.played, 1);
    ok_int(r.how[0], PLAY_STOPPED);
out:
    audio_unref(a);
    stand_close(&r);
}

UNIT(a_recording_becomes_mp3)
{
    struct error err = {0};
    struct audio *a = NULL;
    char mp3[512];

    ok(write_file("rec.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 1, 3));
    snprintf(mp3, sizeof mp3, "%s", file_path("rec.mp3"));
    ok_rc(audio_file_to_mp3(file_path("rec.wav"), mp3, &err), &err);
    ok_rc(audio_load_file(&a, CODEC_PCMU, mp3, &err), &err);
    ok(a->frames >= 150 && a->frames < 160);
    ok_int(audio_file_to_mp3(file_path("none.wav"), mp3, &err), ERR_IO);
    ok_int(audio_file_to_mp3(file_path("rec.wav"), "/nowhere/x.mp3", &err), ERR_IO);
out:
    audio_unref(a);
}

UNIT_MAIN(CASE(codecs_are_found_by_name_and_keep_their_sizes), CASE(g711_follows_the_law),
          CASE(resampling_keeps_the_tone_and_adds_no_other),
          CASE(nothing_above_the_new_band_folds_back_into_it), CASE(resampling_delays_nothing),
          CASE(the_last_frame_is_filled_with_silence),
          CASE(digits_that_cannot_be_played_are_refused), CASE(every_kind_of_file_is_read),
          CASE(raw_audio_is_known_by_its_mime_type),
          CASE(what_is_no_audio_is_refused_with_twilios_code),
          CASE(a_header_that_lies_about_its_length_is_harmless),
          CASE(a_loader_answers_once_and_not_when_canceled),
          CASE(long_audio_is_streamed_without_gaps_and_loops),
          CASE(a_streamed_play_stops_and_frees_all), CASE(a_recording_becomes_mp3))
