/* Finishing the recordings that a crash left behind. */
#include "base/log.h"
#include "media/recorder.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART       ".part.wav"
#define DEPTH      3  /* folders within folders */
#define CHUNKS_MAX 16 /* before the audio; ours has two */

static uint32_t get32(const uint8_t *b)
{
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static bool put32(int fd, off_t at, uint32_t v)
{
    uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

    return pwrite(fd, b, 4, at) == 4;
}

/* Where the audio of a WAV file begins; 0 when it is none. */
static off_t find_audio(int fd)
{
    uint8_t b[12];
    off_t at = 12;
    int i;

    if (pread(fd, b, 12, 0) != 12 || memcmp(b, "RIFF", 4) != 0 || memcmp(b + 8, "WAVE", 4) != 0)
        return 0;
    for (i = 0; i < CHUNKS_MAX; i++) {
        if (pread(fd, b, 8, at) != 8)
            return 0;
        if (memcmp(b, "data", 4) == 0)
            return at + 8;
        at += 8 + (off_t)get32(b + 4);
    }
    return 0;
}

/* Makes the header say what the file holds; how many bytes of audio, -1 when it has no header. */
static int64_t repair_header(int fd)
{
    off_t audio = find_audio(fd);
    struct stat st;
    int64_t bytes;

    if (audio == 0 || fstat(fd, &st) != 0)
        return -1;
    bytes = (st.st_size - audio) & ~INT64_C(3); /* whole samples, of two channels too */
    if (bytes > UINT32_MAX - audio)
        bytes = UINT32_MAX - audio;
    if (!put32(fd, 4, (uint32_t)(audio + bytes - 8)) || !put32(fd, audio - 4, (uint32_t)bytes))
        return -1;
    return bytes;
}

static bool repair_file(const char *path)
{
    size_t stem = strlen(path) - strlen(PART);
    char final[PATH_MAX];
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    int64_t bytes;

    if (fd < 0) {
        log_warn("recorder", NULL, "unfinished recording %s: %s", path, strerror(errno));
        return false;
    }
    bytes = repair_header(fd);
    close(fd);
    if (bytes <= 0) {
        log_warn("recorder", NULL, "unfinished recording %s holds no audio: removed", path);
        unlink(path);
        return false;
    }
    snprintf(final, sizeof final, "%.*s.wav", (int)stem, path);
    if (rename(path, final) != 0) {
        log_warn("recorder", NULL, "unfinished recording %s: %s", path, strerror(errno));
        return false;
    }
    log_info("recorder", NULL, "finished recording %s, which a crash had left", final);
    return true;
}

static int repair_folder(const char *folder, int depth)
{
    DIR *dir = opendir(folder);
    struct dirent *e;
    char path[PATH_MAX];
    struct stat st;
    int n = 0;

    while (dir != NULL && (e = readdir(dir)) != NULL) {
        size_t len = strlen(e->d_name), part = strlen(PART);

        if (e->d_name[0] == '.' ||
            snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= (int)sizeof path ||
            lstat(path, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth > 0)
            n += repair_folder(path, depth - 1);
        else if (S_ISREG(st.st_mode) && len > part && strcmp(e->d_name + len - part, PART) == 0)
            n += repair_file(path);
    }
    if (dir != NULL)
        closedir(dir);
    return n;
}

int recorder_repair(const char *folder)
{
    return repair_folder(folder, DEPTH);
}
