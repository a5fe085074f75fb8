#include "media/file.h"

#include "base/mem.h"
#include "media/reader.h"
#include "media/stream.h"
#include <errno.h>
#include <fcntl.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WHOLE_FRAMES (AUDIO_WHOLE_MS / FRAME_MS)
#define FIRST_FRAMES 250 /* room to begin with; doubled while it lasts */

/* --- loading --- */

/* Room for `frames` frames; the audio may move. */
static bool resize(struct audio **ap, size_t frames)
{
    size_t bytes = frames * codec_frame_bytes((*ap)->codec);
    struct audio *a = mem_realloc(*ap, sizeof *a + bytes);

    if (a == NULL)
        return false;
    *ap = a;
    return true;
}

/* Reads all frames into *ap, whose room is FIRST_FRAMES; *longer when they are more than may be
 * held. */
static int read_whole(struct reader *r, struct audio **ap, bool *longer, struct error *err)
{
    size_t frame = codec_frame_bytes((*ap)->codec), room = FIRST_FRAMES, n = 0, got;
    uint8_t more[FRAME_BYTES_MAX];

    for (;;) {
        got = reader_read(r, (*ap)->data + n * frame, room - n);
        n += got;
        if (n < room)
            break;
        if (room == WHOLE_FRAMES) {
            *longer = reader_read(r, more, 1) == 1;
            break;
        }
        room = room * 2 < WHOLE_FRAMES ? room * 2 : WHOLE_FRAMES;
        if (!resize(ap, room))
            return error_nomem(err);
    }
    if (n == 0)
        return error_set_twilio(err, ERR_INVALID, 13420, "the audio is empty: nothing to play");
    if (!*longer && !resize(ap, n)) /* less room: only a torture test refuses that */
        return error_nomem(err);
    (*ap)->frames = n;
    (*ap)->bytes = n * frame;
    return 0;
}

/* From an open file; takes `fd` over. */
static int load(struct audio **ap, enum codec c, int fd, const char *path, const char *mime,
                struct error *err)
{
    struct reader_source source = {.fd = fd, .mime = mime, .name = path};
    struct audio *a = audio_new(c, FIRST_FRAMES);
    struct reader *r = NULL;
    bool longer = false;
    int rc = a == NULL ? error_nomem(err) : reader_open(&r, &source, c, err);

    if (rc == 0)
        rc = read_whole(r, &a, &longer, err);
    reader_close(r);
    if (rc == 0 && longer) {
        audio_unref(a);
        a = audio_new(c, 0);
        if (a == NULL) {
            rc = error_nomem(err);
        } else {
            rc = stream_new(&a->stream, fd, mime, path, c, err);
            fd = -1;
        }
    }
    if (fd >= 0)
        close(fd);
    if (rc != 0)
        audio_unref(a);
    else
        *ap = a;
    return rc;
}

int audio_load_file_as(struct audio **ap, enum codec c, const char *path, const char *mime,
                       struct error *err)
{
    struct error why = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

    if (fd < 0)
        return error_set(err, errno == ENOENT ? ERR_MISSING : ERR_IO, "cannot open %s: %s", path,
                         strerror(errno));
    rc = load(ap, c, fd, path, mime, &why);
    return rc == 0 ? 0 : error_set_twilio(err, rc, why.twilio, "%s: %s", path, why.text);
}

int audio_load_file(struct audio **ap, enum codec c, const char *path, struct error *err)
{
    return audio_load_file_as(ap, c, path, NULL, err);
}

/* --- on a worker --- */

struct audio_loader {
    struct work work;
    char *path, *mime;
    enum codec codec;
    audio_loaded_h *h; /* NULL: canceled */
    void *arg;
    struct audio *audio;
    struct error err;
};

static void loader_free(struct audio_loader *l)
{
    mem_free(l->path);
    mem_free(l->mime);
    mem_free(l);
}

static void on_run(struct work *w)
{
    struct audio_loader *l = list_entry(w, struct audio_loader, work);

    audio_load_file_as(&l->audio, l->codec, l->path, l->mime, &l->err);
}

static void on_done(struct work *w)
{
    struct audio_loader *l = list_entry(w, struct audio_loader, work);

    if (l->h != NULL)
        l->h(l->arg, l->audio, &l->err);
    else
        audio_unref(l->audio);
    loader_free(l);
}

int audio_load(struct audio_loader **lp, struct loop *loop, const char *path, const char *mime,
               enum codec c, audio_loaded_h *h, void *arg, struct error *err)
{
    struct audio_loader *l = mem_alloc(sizeof *l);

    if (l == NULL)
        return error_nomem(err);
    l->path = mem_strdup(path);
    l->mime = mem_strdup(mime);
    if (l->path == NULL || (mime != NULL && l->mime == NULL)) {
        loader_free(l);
        return error_nomem(err);
    }
    l->codec = c;
    l->h = h;
    l->arg = arg;
    l->work.run = on_run;
    l->work.done = on_done;
    if (work_submit(loop, &l->work) != 0) {
        loader_free(l);
        return error_set(err, ERR_IO, "cannot load %s: no worker takes it", path);
    }
    *lp = l;
    return 0;
}

void audio_load_cancel(struct audio_loader *l)
{
    l->h = NULL;
}

/* --- mp3 --- */

static int copy_samples(SNDFILE *in, SNDFILE *out, const char *dst, struct error *err)
{
    short samples[4096];
    sf_count_t n;

    while ((n = sf_read_short(in, samples, sizeof samples / sizeof *samples)) > 0)
        if (sf_write_short(out, samples, n) != n)
            return error_set(err, ERR_IO, "cannot write %s: %s", dst, sf_strerror(out));
    return 0;
}

static int convert(const char *src, const char *part, struct error *err)
{
    SF_INFO info = {0};
    SNDFILE *in = sf_open(src, SFM_READ, &info), *out;
    int rc;

    if (in == NULL)
        return error_set(err, ERR_IO, "cannot read %s: %s", src, sf_strerror(NULL));
    info.format = SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III;
    out = sf_open(part, SFM_WRITE, &info);
    if (out == NULL) {
        sf_close(in);
        return error_set(err, ERR_IO, "cannot write %s: %s", part, sf_strerror(NULL));
    }
    rc = copy_samples(in, out, part, err);
    sf_close(in);
    if (sf_close(out) != 0 && rc == 0)
        rc = error_set(err, ERR_IO, "cannot finish %s", part);
    return rc;
}

int audio_file_to_mp3(const char *src, const char *dst, struct error *err)
{
    char part[4096];
    int rc;

    if (snprintf(part, sizeof part, "%s.part", dst) >= (int)sizeof part)
        return error_set(err, ERR_LIMIT, "the path %.40s… is too long", dst);
    rc = convert(src, part, err);
    if (rc == 0 && rename(part, dst) != 0)
        rc = error_set(err, ERR_IO, "cannot rename %s: %s", part, strerror(errno));
    if (rc != 0)
        unlink(part);
    return rc;
}
