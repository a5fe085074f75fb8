#include "media/recorder.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DRAIN_MS   250
#define TAP_MS     4000 /* how long the disk may keep us waiting before audio is lost */
#define TAKE       25   /* frames at once */
#define PATH_BYTES 1024

struct recorder {
    /* --- control --- */
    struct disk *disk;
    struct timer timer;
    bool busy;             /* the job is with the disk thread */
    bool ending;           /* recorder_end() or recorder_discard() was called */
    recorder_done_h *done; /* NULL: discarded */
    void *arg;

    struct tap *tap;
    char path[PATH_BYTES];
    enum codec codec;

    /* --- whose job it is: control while not busy, else the disk thread --- */
    struct disk_job job;
    bool finish, trim;
    struct tap_result tapped;
    SNDFILE *file;
    uint32_t frames, headed; /* written; known to the header */
    struct error failed;     /* code 0: all is well */
    uint64_t bytes;
};

/* --- on the disk thread --- */

static void part_path(const struct recorder *r, char *out)
{
    snprintf(out, PATH_BYTES + 16, "%s.part.wav", r->path);
}

static void fail(struct recorder *r, const char *what, const char *why)
{
    if (r->failed.code != 0)
        return;
    error_set(&r->failed, ERR_IO, "recording %s: cannot %s: %s", r->path, what, why);
    log_error("recorder", NULL, "%s", r->failed.text);
}

static bool open_part(struct recorder *r)
{
    SF_INFO info = {.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16,
                    .samplerate = codec_rate(r->codec),
                    .channels = (int)tap_channels(r->tap)};
    char part[PATH_BYTES + 16], *slash;
    struct error err = {0};
    int fd;

    part_path(r, part);
    slash = strrchr(part, '/');
    if (slash != NULL) {
        *slash = '\0';
        if (disk_make_folders(part, &err) != 0) {
            fail(r, "make its folder", err.text);
            return false;
        }
        *slash = '/';
    }
    fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        fail(r, "make the file", strerror(errno));
        return false;
    }
    r->file = sf_open_fd(fd, SFM_RDWR, &info, SF_TRUE);
    if (r->file == NULL)
        fail(r, "begin the file", sf_strerror(NULL));
    return r->file != NULL;
}

/* Takes what waits in the tap; also when the disk has failed, so that the tap does not fill up. */
static void drain(struct recorder *r)
{
    size_t size = codec_frame_samples(r->codec), n;
    int16_t samples[TAKE * FRAME_BYTES_MAX]; /* of two channels at most */

    while ((n = tap_take(r->tap, samples, TAKE)) > 0) {
        if (r->failed.code != 0)
            continue;
        errno = 0;
        if (sf_writef_short(r->file, samples, (sf_count_t)(n * size)) == (sf_count_t)(n * size))
            r->frames += (uint32_t)n;
        else
            fail(r, "write", errno != 0 ? strerror(errno) : sf_strerror(r->file));
    }
    if (r->failed.code == 0 && r->frames - r->headed >= 1000 / FRAME_MS) {
        sf_command(r->file, SFC_UPDATE_HEADER_NOW, NULL, 0);
        r->headed = r->frames;
    }
}

/* Moves the audio from frame `from` to the start, in place: there may be no room for a copy. */
static bool shift(struct recorder *r, uint32_t from, uint32_t frames)
{
    const sf_count_t size = (sf_count_t)codec_frame_samples(r->codec);
    const uint32_t step = TAKE * FRAME_BYTES_MAX / 2 / (uint32_t)size;
    int16_t samples[TAKE * FRAME_BYTES_MAX]; /* of two channels at most */
    uint32_t at, n;

    for (at = 0; at < frames; at += n) {
        n = frames - at < step ? frames - at : step;
        if (sf_seek(r->file, (from + at) * size, SEEK_SET | SFM_READ) < 0 ||
            sf_readf_short(r->file, samples, n * size) != n * size ||
            sf_seek(r->file, at * size, SEEK_SET | SFM_WRITE) < 0 ||
            sf_writef_short(r->file, samples, n * size) != n * size)
            return false;
    }
    return true;
}

static uint32_t beyond_margin(uint32_t frames)
{
    const uint32_t margin = RECORDER_MARGIN_MS / FRAME_MS;

    return frames > margin ? frames - margin : 0;
}

static void trim(struct recorder *r)
{
    uint32_t lead = beyond_margin(r->tapped.lead_silence);
    uint32_t tail = beyond_margin(r->tapped.tail_silence);
    sf_count_t length;

    if (!r->tapped.heard || lead + tail == 0 || lead + tail >= r->frames)
        return;
    r->frames -= lead + tail;
    length = (sf_count_t)r->frames * (sf_count_t)codec_frame_samples(r->codec);
    if ((lead > 0 && !shift(r, lead, r->frames)) ||
        sf_command(r->file, SFC_FILE_TRUNCATE, &length, sizeof length) != 0)
        fail(r, "trim", sf_strerror(r->file));
}

static void discard(struct recorder *r)
{
    char part[PATH_BYTES + 16];

    part_path(r, part);
    if (r->file != NULL) {
        sf_close(r->file);
        unlink(part);
    }
    r->file = NULL;
}

/* Waits until a file, or a folder's names, are on the disk itself. */
static bool sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return good;
}

/* Whoever is told of a recording finds it again after a power cut. In virtual time nobody would. */
static bool rename_safely(struct recorder *r, const char *part, char *final)
{
    bool safe = !loop_is_virtual(r->timer.loop);
    char *slash = strrchr(final, '/');

    if ((safe && !sync_path(part)) || rename(part, final) != 0)
        return false;
    if (!safe || slash == NULL)
        return true;
    *slash = '\0';
    safe = sync_path(final);
    *slash = '/';
    return safe;
}

static void finish(struct recorder *r)
{
    char part[PATH_BYTES + 16], final[PATH_BYTES + 16];
    struct stat st = {0};

    if (r->frames == 0 && r->failed.code == 0) {
        discard(r); /* nothing was heard at all: there is no file */
        return;
    }
    if (r->trim && r->failed.code == 0)
        trim(r);
    if (r->file != NULL && sf_close(r->file) != 0)
        fail(r, "finish the file", strerror(errno));
    r->file = NULL;
    if (r->failed.code != 0)
        return;
    part_path(r, part);
    snprintf(final, sizeof final, "%s.wav", r->path);
    if (!rename_safely(r, part, final))
        fail(r, "finish the file", strerror(errno));
    else if (stat(final, &st) == 0)
        r->bytes = (uint64_t)st.st_size;
}

static void on_run(struct disk_job *job)
{
    struct recorder *r = list_entry(job, struct recorder, job);

    if (r->finish && r->done == NULL) {
        discard(r);
        return;
    }
    if (r->file == NULL && r->failed.code == 0)
        open_part(r);
    drain(r);
    if (r->finish)
        finish(r);
}

/* --- on the control loop --- */

static void destroy(struct recorder *r)
{
    tap_free(r->tap);
    mem_free(r);
}

static void tell(struct recorder *r)
{
    struct recorder_result result = {.failed = r->failed.code != 0 ? &r->failed : NULL,
                                     .ms = r->frames * FRAME_MS,
                                     .bytes = r->bytes,
                                     .heard = r->tapped.heard};

    result.seconds = (result.ms + 500) / 1000;
    if (result.seconds == 0 && result.ms > 0)
        result.seconds = 1;
    if (r->tapped.lost > 0)
        log_warn("recorder", NULL, "recording %s lost %u ms: the disk is too slow", r->path,
                 r->tapped.lost * FRAME_MS);
    r->done(r->arg, &result);
}

static void submit(struct recorder *r)
{
    r->busy = true;
    r->finish = r->ending;
    disk_submit(r->disk, &r->job);
}

static void on_done(struct disk_job *job)
{
    struct recorder *r = list_entry(job, struct recorder, job);

    r->busy = false;
    if (!r->finish) {
        if (r->ending)
            submit(r);
        else
            timer_start(&r->timer, DRAIN_MS);
        return;
    }
    if (r->done != NULL)
        tell(r);
    destroy(r);
}

static void on_timer(void *arg)
{
    submit(arg);
}

int recorder_new_tracks(struct recorder **rp, struct disk *disk, struct loop *loop,
                        enum codec codec, enum tap_tracks tracks, const char *path,
                        struct error *err)
{
    struct recorder *r = mem_alloc(sizeof *r);
    int rc;

    if (r == NULL)
        return error_nomem(err);
    if (!str_copy(r->path, sizeof r->path, path)) {
        mem_free(r);
        return error_set(err, ERR_LIMIT, "the path of a recording is longer than %d bytes: %.60s…",
                         PATH_BYTES - 1, path);
    }
    rc = tap_new_tracks(&r->tap, codec, tracks, TAP_MS / FRAME_MS, err);
    if (rc != 0) {
        mem_free(r);
        return rc;
    }
    r->disk = disk;
    r->codec = codec;
    r->job.run = on_run;
    r->job.done = on_done;
    timer_init(&r->timer, loop, on_timer, r);
    timer_start(&r->timer, DRAIN_MS);
    *rp = r;
    return 0;
}

int recorder_new(struct recorder **rp, struct disk *disk, struct loop *loop, enum codec codec,
                 const char *path, struct error *err)
{
    return recorder_new_tracks(rp, disk, loop, codec, TAP_HEARD, path, err);
}

struct tap *recorder_tap(struct recorder *r)
{
    return r->tap;
}

static void end(struct recorder *r)
{
    r->ending = true;
    timer_stop(&r->timer);
    if (!r->busy)
        submit(r);
}

void recorder_end(struct recorder *r, const struct tap_result *result, bool trim_silence,
                  recorder_done_h *done, void *arg)
{
    r->tapped = *result;
    r->trim = trim_silence;
    r->done = done;
    r->arg = arg;
    end(r);
}

void recorder_discard(struct recorder *r)
{
    end(r);
}
