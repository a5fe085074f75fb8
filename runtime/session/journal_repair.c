/* What calls left that were live when the exchange was killed: the last line of their journals is
 * written at the next start, so that every journal ends, and sound that they never played goes. */
#include "base/log.h"
#include "base/mem.h"
#include "session/calls.h"
#include "session/journal.h"
#include "session/private.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LAST_BYTES = 64 * 1024 }; /* a last line is not longer, or it is taken for torn */

/* The last whole line of what stands in `text`, NULL when there is none; cuts `text` there. */
static const char *last_line(char *text)
{
    char *end = strrchr(text, '\n'), *start;

    if (end == NULL)
        return NULL;
    *end = '\0';
    start = strrchr(text, '\n');
    return start != NULL ? start + 1 : text;
}

/* What to append so that the journal ends; false when it does already. */
static bool missing_end(char *tail, size_t len, int64_t *end_ms, char *out, size_t size)
{
    bool torn = len > 0 && tail[len - 1] != '\n';
    const char *line = last_line(tail);
    json_t *last = line != NULL ? json_loads(line, 0, NULL) : NULL;
    const char *e = json_string_value(json_object_get(last, "e"));
    json_int_t t = json_integer_value(json_object_get(last, "t"));
    bool ends = e != NULL && strcmp(e, "end") == 0 && !torn;

    snprintf(out, size,
             "%s{\"t\":%lld,\"e\":\"end\",\"status\":\"failed\",\"seconds\":0,"
             "\"why\":\"the exchange was killed\"}\n",
             torn ? "\n" : "", (long long)t);
    *end_ms = t;
    json_decref(last);
    return !ends;
}

/* The call's record, which is written at its end. */
static void write_record(const char *state, int fd, int64_t end_ms)
{
    char *head = mem_alloc(LAST_BYTES + 1), *newline;
    ssize_t n = head != NULL ? pread(fd, head, LAST_BYTES, 0) : -1;
    json_t *start;

    if (n > 0) {
        head[n] = '\0';
        newline = strchr(head, '\n');
        start = newline != NULL ? json_loadb(head, (size_t)(newline - head), 0, NULL) : NULL;
        calls_repair(state, start, end_ms);
        json_decref(start);
    }
    mem_free(head);
}

static bool repair_file(const char *state, int folder, const char *name)
{
    char end[256], *tail = mem_alloc(LAST_BYTES + 1);
    int64_t end_ms;
    int fd = openat(folder, name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    bool repaired = false;
    struct stat st;
    ssize_t n;

    if (tail != NULL && fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        n = pread(fd, tail, LAST_BYTES, st.st_size > LAST_BYTES ? st.st_size - LAST_BYTES : 0);
        if (n > 0) {
            tail[n] = '\0';
            repaired = missing_end(tail, (size_t)n, &end_ms, end, sizeof end) &&
                       write(fd, end, strlen(end)) == (ssize_t)strlen(end);
            if (repaired)
                write_record(state, fd, end_ms);
        }
    }
    if (fd >= 0)
        close(fd);
    mem_free(tail);
    return repaired;
}

static int repair_day(const char *state, const char *day)
{
    char path[1100];
    struct dirent *entry;
    DIR *d;
    int n = 0;

    snprintf(path, sizeof path, "%s/journal/%s", state, day);
    d = opendir(path);
    while (d != NULL && (entry = readdir(d)) != NULL) {
        size_t len = strlen(entry->d_name);

        /* A message goes on where it was (message_keep.c). */
        if (len > 6 && strcmp(entry->d_name + len - 6, ".jsonl") == 0 && entry->d_name[1] != 'M')
            n += repair_file(state, dirfd(d), entry->d_name);
    }
    if (d != NULL)
        closedir(d);
    return n;
}

int journal_repair(const char *state, int64_t wall_ms)
{
    int n = 0;

    /* A call lives a day at most (limits.call_seconds): today's journals and yesterday's. */
    for (int day = 0; day < 2; day++) {
        char iso[32];

        journal_day(wall_ms - day * 86400000LL, iso);
        n += repair_day(state, iso);
    }
    if (n > 0)
        log_warn("journal", NULL,
                 "%d calls were live when the exchange was killed: written as failed", n);
    return n;
}

/* --- sound that was never played --- */

int replies_repair(const char *state)
{
    char path[1100];
    struct dirent *entry;
    DIR *d;
    int n = 0;

    snprintf(path, sizeof path, "%s" REPLY_FOLDER, state);
    d = opendir(path);
    while (d != NULL && (entry = readdir(d)) != NULL)
        n += strncmp(entry->d_name, "CA", 2) == 0 && unlinkat(dirfd(d), entry->d_name, 0) == 0;
    if (d != NULL)
        closedir(d);
    return n;
}
