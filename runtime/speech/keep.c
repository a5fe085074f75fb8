#include "speech/keep.h"
#include "base/mem.h"
#include "speech/wav.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_PATH = 4096,
    MAX_FILES = 1 << 20, /* seen in one sweep */
    STALE_SECONDS = 3600 /* a half-written file this old has no writer any more */
};

static bool read_all(int fd, uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = read(fd, bytes + at, len - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static bool write_all(int fd, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

static bool parse(struct espeak_sound *out, const uint8_t *bytes, size_t len)
{
    uint8_t header[WAV_HEADER_BYTES];
    struct wav w;

    if (wav_parse(&w, bytes, len, NULL) != 0)
        return false;
    /* It must be what we wrote, to the byte: a power cut can leave a file without its end. */
    wav_header(header, w.rate, w.samples);
    if (memcmp(header, bytes, sizeof header) != 0)
        return false;
    out->samples = mem_alloc(w.samples * sizeof *out->samples + 1);
    if (out->samples == NULL)
        return false;
    wav_samples(&w, bytes, out->samples);
    out->count = w.samples;
    out->rate = w.rate;
    return true;
}

bool keep_load(const char *folder, const char *key, struct espeak_sound *out)
{
    char path[MAX_PATH];
    uint8_t *bytes = NULL;
    struct stat st;
    bool good = false;
    int fd;

    *out = (struct espeak_sound){0};
    snprintf(path, sizeof path, "%s/%s.wav", folder, key);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= ESPEAK_MAX_BYTES)
        bytes = mem_alloc((size_t)st.st_size);
    if (bytes != NULL && read_all(fd, bytes, (size_t)st.st_size))
        good = parse(out, bytes, (size_t)st.st_size);
    if (good)
        futimens(fd, NULL);
    mem_free(bytes);
    close(fd);
    return good;
}

/* Before the frames; the file has exactly as many as it says. */
struct coded_header {
    char magic[8];
    uint32_t codec, frames;
};
static const char coded_magic[8] = "ALMON 1";

static const char *coded_ending(enum codec codec)
{
    static const char *const endings[] = {[CODEC_PCMU] = "pcmu",
                                          [CODEC_PCMA] = "pcma",
                                          [CODEC_L16_8] = "l16-8",
                                          [CODEC_L16_16] = "l16-16k",
                                          [CODEC_L16_24] = "l16-24k"};

    return endings[codec];
}

bool keep_load_coded(const char *folder, const char *key, enum codec codec, struct audio **ap)
{
    char path[MAX_PATH];
    struct coded_header h;
    struct audio *a = NULL;
    struct stat st;
    bool good = false;
    int fd;

    snprintf(path, sizeof path, "%s/%s.%s", folder, key, coded_ending(codec));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && read_all(fd, (uint8_t *)&h, sizeof h) &&
        memcmp(h.magic, coded_magic, sizeof h.magic) == 0 && h.codec == codec &&
        st.st_size == (off_t)(sizeof h + (uint64_t)h.frames * codec_frame_bytes(codec)) &&
        st.st_size <= ESPEAK_MAX_BYTES)
        a = audio_new(codec, h.frames);
    good = a != NULL && read_all(fd, a->data, a->bytes);
    if (good)
        futimens(fd, NULL);
    close(fd);
    *ap = good ? a : audio_unref(a);
    return good;
}

/* Puts a file there whole or not at all. */
static int put(const char *folder, const char *key, const char *ending, const void *header,
               size_t header_len, const void *data, size_t len, uint64_t *bytes, struct error *err)
{
    char path[MAX_PATH], part[MAX_PATH];
    bool good;
    int fd;

    *bytes = 0;
    if ((size_t)snprintf(part, sizeof part, "%s/%s.XXXXXX", folder, key) >= sizeof part)
        return error_set(err, ERR_LIMIT, "speech: the cache folder's path is too long: %s", folder);
    snprintf(path, sizeof path, "%s/%s.%s", folder, key, ending);
    fd = mkostemp(part, O_CLOEXEC);
    if (fd < 0)
        return error_set(err, ERR_IO, "speech: cannot keep a prompt in %s: %s", folder,
                         strerror(errno));
    good = write_all(fd, header, header_len) && write_all(fd, data, len);
    good = close(fd) == 0 && good && rename(part, path) == 0;
    if (!good) {
        error_set(err, ERR_IO, "speech: cannot keep a prompt in %s: %s", folder, strerror(errno));
        unlink(part);
        return ERR_IO;
    }
    *bytes = header_len + len;
    return 0;
}

int keep_save(const char *folder, const char *key, const struct espeak_sound *sound,
              uint64_t *bytes, struct error *err)
{
    uint8_t header[WAV_HEADER_BYTES];

    wav_header(header, sound->rate, sound->count);
    return put(folder, key, "wav", header, sizeof header, sound->samples,
               sound->count * sizeof *sound->samples, bytes, err);
}

int keep_save_coded(const char *folder, const char *key, const struct audio *audio, uint64_t *bytes,
                    struct error *err)
{
    struct coded_header h = {.codec = audio->codec, .frames = (uint32_t)audio->frames};

    memcpy(h.magic, coded_magic, sizeof h.magic);
    return put(folder, key, coded_ending(audio->codec), &h, sizeof h, audio->data, audio->bytes,
               bytes, err);
}

/* --- the sweep --- */

struct file {
    char name[48];
    int64_t used; /* nanoseconds since 1970 */
    uint64_t bytes;
};

struct files {
    struct file *all;
    size_t count, room;
    uint64_t bytes;
};

static int add_file(struct files *f, const char *name, const struct stat *st)
{
    struct file *grown;

    if (f->count == f->room) {
        size_t room = f->room > 0 ? 2 * f->room : 64;

        if (room > MAX_FILES || (grown = mem_realloc(f->all, room * sizeof *grown)) == NULL)
            return ERR_NOMEM;
        f->all = grown;
        f->room = room;
    }
    f->all[f->count] = (struct file){
        .used = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .bytes = (uint64_t)st->st_size,
    };
    str_copy(f->all[f->count++].name, sizeof f->all->name, name);
    f->bytes += (uint64_t)st->st_size;
    return 0;
}

static bool is_whole(const char *ending)
{
    for (int c = 0; c < CODEC_COUNT; c++)
        if (strcmp(ending, coded_ending((enum codec)c)) == 0)
            return true;
    return strcmp(ending, "wav") == 0;
}

/* Ours are 32 hexadecimal digits, and the ending of a prompt or of a file being written (which has
 * six letters, as none of the others). */
static bool is_ours(const char *name)
{
    size_t n = strspn(name, "0123456789abcdef");

    return n == 32 && name[n] == '.' && strlen(name) < sizeof((struct file *)0)->name;
}

static int list_files(struct files *f, int fd, DIR *dir)
{
    struct dirent *entry;
    struct stat st, now;
    int rc = 0;

    /* The clock of the file system, by which the files' ages are told. */
    if (futimens(fd, NULL) != 0 || fstat(fd, &now) != 0)
        return ERR_IO;
    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        if (!is_ours(entry->d_name) || fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        if (is_whole(entry->d_name + 33))
            rc = add_file(f, entry->d_name, &st);
        else if (now.st_mtim.tv_sec - st.st_mtim.tv_sec > STALE_SECONDS)
            unlinkat(fd, entry->d_name, 0);
    }
    return rc;
}

static int by_use(const void *a, const void *b)
{
    const struct file *x = a, *y = b;

    return x->used < y->used ? -1 : x->used > y->used;
}

static void remove_oldest(struct files *f, int fd, uint64_t max)
{
    qsort(f->all, f->count, sizeof *f->all, by_use);
    for (size_t i = 0; i < f->count && f->bytes > max - max / 10; i++) {
        if (unlinkat(fd, f->all[i].name, 0) == 0)
            f->bytes -= f->all[i].bytes;
    }
}

int keep_sweep(const char *folder, uint64_t max, uint64_t *left, struct error *err)
{
    struct files f = {0};
    DIR *dir = opendir(folder);
    int rc;

    if (dir == NULL)
        return error_set(err, ERR_IO, "speech: cannot read the cache folder %s: %s", folder,
                         strerror(errno));
    rc = list_files(&f, dirfd(dir), dir);
    if (rc == 0 && f.bytes > max)
        remove_oldest(&f, dirfd(dir), max);
    closedir(dir);
    *left = f.bytes;
    mem_free(f.all);
    if (rc == ERR_NOMEM)
        return error_nomem(err);
    return rc == 0 ? 0 : error_set(err, rc, "speech: cannot look at the cache folder %s", folder);
}
