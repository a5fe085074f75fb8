#include "media/reader.h"

#include "base/mem.h"
#include <math.h>
#include <sndfile.h>
#include <speex/speex_resampler.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK    512 /* samples of each channel decoded at once */
#define QUALITY  4
#define RATE_MIN 1000
#define RATE_MAX 384000

struct reader {
    struct reader_source source;
    sf_count_t at, size; /* in the source */
    SNDFILE *file;
    int channels, rate;
    enum codec codec;
    SpeexResamplerState *resampler; /* NULL: the rate is right */
    float *block;                   /* BLOCK × channels */
    int16_t mono[BLOCK];
    size_t mono_at, mono_count;
    bool ended;         /* the file has no more */
    int64_t read, made; /* samples in and out since the start */
};

/* --- the source as libsndfile wants to see it --- */

static sf_count_t on_size(void *arg)
{
    return ((struct reader *)arg)->size;
}

static sf_count_t on_tell(void *arg)
{
    return ((struct reader *)arg)->at;
}

static sf_count_t on_seek(sf_count_t offset, int whence, void *arg)
{
    struct reader *r = arg;
    sf_count_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? r->at : r->size;

    if (offset < -base || offset > INT64_MAX - base)
        return -1;
    r->at = base + offset;
    return r->at;
}

static sf_count_t on_read(void *to, sf_count_t n, void *arg)
{
    struct reader *r = arg;
    sf_count_t done = 0;

    if (r->at >= r->size || n <= 0)
        return 0;
    if (n > r->size - r->at)
        n = r->size - r->at;
    if (r->source.fd < 0) {
        memcpy(to, (const char *)r->source.bytes + r->at, (size_t)n);
        done = n;
    }
    while (done < n) {
        ssize_t got = pread(r->source.fd, (char *)to + done, (size_t)(n - done), r->at + done);

        if (got <= 0)
            break;
        done += got;
    }
    r->at += done;
    return done;
}

static sf_count_t on_write(const void *from, sf_count_t n, void *arg)
{
    (void)from;
    (void)n;
    (void)arg;
    return 0; /* a reader is never written */
}

/* --- what kind of file it is --- */

static const struct {
    const char *mime, *suffix;
    int format;
} raw_kinds[] = {
    {"audio/ulaw", ".ulaw", SF_FORMAT_ULAW},     {"audio/basic", ".ul", SF_FORMAT_ULAW},
    {"audio/x-mulaw", ".mulaw", SF_FORMAT_ULAW}, {"audio/pcmu", ".pcmu", SF_FORMAT_ULAW},
    {"audio/alaw", ".alaw", SF_FORMAT_ALAW},     {"audio/x-alaw", ".al", SF_FORMAT_ALAW},
    {"audio/pcma", ".pcma", SF_FORMAT_ALAW},     {"audio/gsm", ".gsm", SF_FORMAT_GSM610},
    {"audio/x-gsm", ".gsm", SF_FORMAT_GSM610},
};

static bool ends_with(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);

    return n > m && strcasecmp(name + n - m, suffix) == 0;
}

/* A MIME type may be followed by parameters. */
static bool is_mime(const char *mime, const char *want)
{
    size_t n = strlen(want);

    return strncasecmp(mime, want, n) == 0 && strchr("; \t", mime[n]) != NULL;
}

/* Raw kinds are called so by those who made them, but some put a header in front all the same. */
static bool has_header(struct reader *r)
{
    char magic[4] = {0};

    r->at = 0;
    on_read(magic, sizeof magic, r);
    r->at = 0;
    return memcmp(magic, ".snd", 4) == 0 || memcmp(magic, "RIFF", 4) == 0 ||
           memcmp(magic, "FORM", 4) == 0;
}

static int raw_format(struct reader *r)
{
    const struct reader_source *s = &r->source;
    size_t i;

    for (i = 0; i < sizeof raw_kinds / sizeof *raw_kinds; i++)
        if (s->mime != NULL ? is_mime(s->mime, raw_kinds[i].mime)
                            : s->name != NULL && ends_with(s->name, raw_kinds[i].suffix))
            return has_header(r) ? 0 : raw_kinds[i].format;
    return 0;
}

static int bad_audio(struct error *err, const char *why)
{
    return error_set_twilio(err, ERR_INVALID, 13420,
                            "the audio cannot be played: %s; give it as wav, mp3, ogg, flac, aiff, "
                            "au, gsm or raw ulaw",
                            why);
}

static int measure(struct reader *r, struct error *err)
{
    struct stat st;

    r->size = (sf_count_t)r->source.size;
    if (r->source.fd >= 0) {
        if (fstat(r->source.fd, &st) != 0 || !S_ISREG(st.st_mode))
            return bad_audio(err, "it is not a plain file");
        r->size = st.st_size;
    }
    return r->size > 0 ? 0 : bad_audio(err, "it is empty");
}

static int open_file(struct reader *r, struct error *err)
{
    static SF_VIRTUAL_IO io = {on_size, on_seek, on_read, on_write, on_tell};
    SF_INFO info = {0};
    int raw = raw_format(r);

    if (raw != 0)
        info = (SF_INFO){.format = SF_FORMAT_RAW | raw, .samplerate = 8000, .channels = 1};
    r->at = 0;
    r->file = sf_open_virtual(&io, SFM_READ, &info, r);
    if (r->file == NULL)
        return bad_audio(err, sf_strerror(NULL));
    if (info.channels < 1 || info.channels > READER_CHANNELS_MAX)
        return bad_audio(err, "it has more than 8 channels");
    if (info.samplerate < RATE_MIN || info.samplerate > RATE_MAX)
        return bad_audio(err, "its rate is not between 1 and 384 kHz");
    r->channels = info.channels;
    r->rate = info.samplerate;
    return 0;
}

int reader_open(struct reader **rp, const struct reader_source *source, enum codec c,
                struct error *err)
{
    struct reader *r = mem_alloc(sizeof *r);
    int rc;

    if (r == NULL)
        return error_nomem(err);
    r->source = *source;
    r->codec = c;
    rc = measure(r, err);
    if (rc == 0)
        rc = open_file(r, err);
    if (rc == 0) {
        r->block = mem_alloc(BLOCK * (size_t)r->channels * sizeof *r->block);
        if (r->block == NULL)
            rc = error_nomem(err);
    }
    if (rc == 0 && r->rate != codec_rate(c)) {
        r->resampler = speex_resampler_init(1, (spx_uint32_t)r->rate, (spx_uint32_t)codec_rate(c),
                                            QUALITY, NULL);
        if (r->resampler == NULL)
            rc = error_nomem(err);
        else
            speex_resampler_skip_zeros(r->resampler);
    }
    if (rc != 0) {
        reader_close(r);
        return rc;
    }
    *rp = r;
    return 0;
}

struct reader *reader_close(struct reader *r)
{
    if (r == NULL)
        return NULL;
    if (r->file != NULL)
        sf_close(r->file);
    if (r->resampler != NULL)
        speex_resampler_destroy(r->resampler);
    mem_free(r->block);
    mem_free(r);
    return NULL;
}

/* --- reading --- */

static int16_t to_sample(float v)
{
    if (!(v > -1.0f)) /* also what is not a number */
        return isnan(v) ? 0 : INT16_MIN;
    return v < 1.0f ? (int16_t)lrintf(v * 32767.0f) : INT16_MAX;
}

/* Decodes the next block; at the end there are zeros, as many as the resampler asks for. */
static void refill(struct reader *r)
{
    const int64_t most = (int64_t)READER_HOURS_MAX * 3600 * r->rate;
    sf_count_t got = 0, i;
    int j;

    r->mono_at = 0;
    r->mono_count = BLOCK;
    if (!r->ended && r->read < most)
        got = sf_readf_float(r->file, r->block, BLOCK);
    if (got <= 0) {
        r->ended = true;
        memset(r->mono, 0, sizeof r->mono);
        return;
    }
    for (i = 0; i < got; i++) {
        float sum = 0;

        for (j = 0; j < r->channels; j++)
            sum += r->block[i * r->channels + j];
        r->mono[i] = to_sample(sum / (float)r->channels);
    }
    r->mono_count = (size_t)got;
    r->read += got;
}

/* Samples that the whole file becomes, known once its end was seen. */
static int64_t total(const struct reader *r)
{
    if (!r->ended)
        return INT64_MAX;
    return (r->read * codec_rate(r->codec) + r->rate - 1) / r->rate;
}

/* Makes up to `n` samples; fewer only when the input ends in between. */
static size_t make_samples(struct reader *r, int16_t *out, size_t n)
{
    spx_uint32_t took, made;
    size_t done = 0;

    while (done < n && r->made < total(r)) {
        if (r->mono_at == r->mono_count)
            refill(r);
        took = (spx_uint32_t)(r->mono_count - r->mono_at);
        made = (spx_uint32_t)(n - done);
        if (r->resampler != NULL) {
            speex_resampler_process_int(r->resampler, 0, r->mono + r->mono_at, &took, out + done,
                                        &made);
        } else {
            made = took = took < made ? took : made;
            memcpy(out + done, r->mono + r->mono_at, made * sizeof *out);
        }
        r->mono_at += took;
        done += made;
        r->made += made;
    }
    if (r->made > total(r)) {
        size_t over = (size_t)(r->made - total(r));

        r->made = total(r);
        done -= over < done ? over : done;
    }
    return done;
}

size_t reader_read(struct reader *r, uint8_t *frames, size_t max)
{
    size_t size = codec_frame_samples(r->codec), i;
    int16_t samples[FRAME_BYTES_MAX / 2];

    for (i = 0; i < max; i++) {
        size_t n = make_samples(r, samples, size);

        if (n == 0)
            break;
        memset(samples + n, 0, (size - n) * sizeof *samples);
        codec_encode(r->codec, samples, size, frames + i * codec_frame_bytes(r->codec));
    }
    return i;
}

int reader_rewind(struct reader *r)
{
    if (sf_seek(r->file, 0, SEEK_SET) != 0)
        return ERR_IO;
    if (r->resampler != NULL) {
        speex_resampler_reset_mem(r->resampler);
        speex_resampler_skip_zeros(r->resampler);
    }
    r->mono_at = r->mono_count = 0;
    r->read = r->made = 0;
    r->ended = false;
    return 0;
}
