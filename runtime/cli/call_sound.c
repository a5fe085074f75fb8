#include "cli/call_sound.h"
#include "base/mem.h"
#include "media/reader.h"
#include <errno.h>
#include <fcntl.h>
#include <sndfile.h>
#include <string.h>
#include <unistd.h>

#define SPOKEN_FRAMES_MAX (600 * 1000 / FRAME_MS) /* ten minutes */
#define READ_FRAMES       500
#define BEHIND_MAX        10 /* frames that may wait to be written, 200 ms */
#define BEHIND_START      2  /* frames that wait before the first is written: jitter of the way */

struct spoken {
    enum codec codec;
    uint8_t *frames;
    size_t count, at;
    bool started, endless;
};

static int read_frames(struct spoken *s, struct reader *r, struct error *err)
{
    size_t size = codec_frame_bytes(s->codec), got;

    do {
        uint8_t *grown = mem_realloc(s->frames, (s->count + READ_FRAMES) * size);

        if (grown == NULL)
            return error_nomem(err);
        s->frames = grown;
        got = reader_read(r, s->frames + s->count * size, READ_FRAMES);
        s->count += got;
    } while (got == READ_FRAMES && s->count < SPOKEN_FRAMES_MAX);
    return 0;
}

int spoken_load(struct spoken **sp, const char *path, enum codec c, struct error *err)
{
    struct reader_source source = {.fd = open(path, O_RDONLY | O_CLOEXEC), .name = path};
    struct spoken *s = mem_alloc(sizeof *s);
    struct reader *r = NULL;
    int rc;

    if (s == NULL)
        rc = error_nomem(err);
    else if (source.fd < 0)
        rc = error_set(err, ERR_MISSING, "cannot open %s: %s", path, strerror(errno));
    else
        rc = reader_open(&r, &source, c, err);
    if (rc == 0) {
        s->codec = c;
        rc = read_frames(s, r, err);
    }
    reader_close(r);
    if (source.fd >= 0)
        close(source.fd);
    if (rc != 0) {
        spoken_free(s);
        return rc;
    }
    *sp = s;
    return 0;
}

int spoken_tone(struct spoken **sp, int hz, enum codec c, struct error *err)
{
    struct spoken *s = mem_alloc(sizeof *s);
    struct audio *a = NULL;
    int rc = s != NULL ? 0 : error_nomem(err);

    /* one second: a whole number of periods, so that it goes on without a step */
    if (rc == 0)
        rc = audio_from_tone(&a, c, hz, 1000, 0.5, err);
    if (rc == 0) {
        s->codec = c;
        s->endless = true;
        s->count = a->frames;
        s->frames = mem_alloc(a->bytes);
        if (s->frames == NULL)
            rc = error_nomem(err);
        else
            memcpy(s->frames, a->data, a->bytes);
    }
    audio_unref(a);
    if (rc != 0)
        spoken_free(s);
    else
        *sp = s;
    return rc;
}

struct spoken *spoken_free(struct spoken *s)
{
    if (s != NULL)
        mem_free(s->frames);
    mem_free(s);
    return NULL;
}

void spoken_start(struct spoken *s)
{
    s->started = true;
    s->at = 0;
}

const uint8_t *spoken_next(struct spoken *s)
{
    if (s != NULL && s->endless && s->at == s->count)
        s->at = 0;
    if (s == NULL || !s->started || s->at == s->count)
        return NULL;
    return s->frames + s->at++ * codec_frame_bytes(s->codec);
}

unsigned spoken_ms(const struct spoken *s)
{
    return (unsigned)(s->count * FRAME_MS);
}

/* --- saving --- */

struct saving {
    SNDFILE *file;
    enum codec codec;
    uint8_t frames[BEHIND_MAX][FRAME_BYTES_MAX];
    unsigned first, count, waited;
    bool running; /* frames are being written; else they gather first */
};

int saving_open(struct saving **sp, const char *path, enum codec c, struct error *err)
{
    SF_INFO info = {
        .samplerate = codec_rate(c), .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
    struct saving *s = mem_alloc(sizeof *s);

    if (s == NULL)
        return error_nomem(err);
    s->codec = c;
    s->file = sf_open(path, SFM_WRITE, &info);
    if (s->file == NULL) {
        mem_free(s);
        return error_set(err, ERR_IO, "cannot write %s: %s", path, sf_strerror(NULL));
    }
    *sp = s;
    return 0;
}

void saving_frame(struct saving *s, const void *bytes, size_t len)
{
    uint8_t *to;

    if (s->count == BEHIND_MAX) {
        s->first = (s->first + 1) % BEHIND_MAX;
        s->count--;
    }
    to = s->frames[(s->first + s->count++) % BEHIND_MAX];
    if (len == 0)
        codec_silence(s->codec, to);
    else
        memcpy(to, bytes, codec_frame_bytes(s->codec));
}

void saving_tick(struct saving *s)
{
    int16_t samples[FRAME_BYTES_MAX / 2] = {0};
    size_t n = codec_frame_samples(s->codec);

    if (!s->running && s->count > 0)
        s->running = s->count >= BEHIND_START || ++s->waited >= BEHIND_START;
    if (s->count == 0) {
        s->running = false;
        s->waited = 0;
    }
    if (s->running) {
        codec_decode(s->codec, s->frames[s->first], n, samples);
        s->first = (s->first + 1) % BEHIND_MAX;
        s->count--;
    }
    sf_write_short(s->file, samples, (sf_count_t)n);
}

struct saving *saving_close(struct saving *s)
{
    if (s == NULL)
        return NULL;
    while (s->count > 0) {
        s->running = true;
        saving_tick(s);
    }
    sf_close(s->file);
    mem_free(s);
    return NULL;
}
