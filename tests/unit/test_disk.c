#include "base/disk.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/unit.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char trail[256];
static char path[512];

static void note(const char *s)
{
    strncat(trail, s, sizeof trail - strlen(trail) - 1);
}

static const char *in_folder(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
    return path;
}

static const char *content(const char *name)
{
    static char text[100000];
    FILE *f = fopen(in_folder(name), "r");
    size_t n = 0;

    if (f == NULL)
        return NULL;
    n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    return text;
}

static int mode_of(const char *name)
{
    struct stat st;

    return stat(in_folder(name), &st) == 0 ? (int)(st.st_mode & 0777) : -1;
}

struct rename_job {
    struct disk_job job;
    struct disk *disk;
    char from[512], to[512];
};

static void rename_run(struct disk_job *job)
{
    struct rename_job *r = (struct rename_job *)job;

    rename(r->from, r->to);
}

static void rename_done(struct disk_job *job)
{
    (void)job;
    note("renamed ");
}

static void on_synced(void *arg)
{
    note(arg);
}

/* The same body on a virtual loop and on a real one with its thread. */
static void write_in_order(struct vtime *v)
{
    struct rename_job r = {.job = {.run = rename_run, .done = rename_done}};
    struct loop *loop = NULL;
    struct disk *d = NULL;
    struct error err = {0};

    trail[0] = '\0';
    ok_rc(loop_new(&loop, v, &err), &err);
    ok_rc(disk_new(&d, loop, 1000000, &err), &err);
    ok_int(disk_append(d, in_folder("a/b/log"), "one\n", 4), 0);
    ok_int(disk_append(d, in_folder("a/b/log"), "two\n", 4), 0);
    strcpy(r.from, in_folder("a/b/log"));
    strcpy(r.to, in_folder("a/b/old"));
    disk_submit(d, &r.job);
    ok_int(disk_append(d, in_folder("a/b/log"), "three\n", 6), 0);
    ok_int(disk_sync(d, on_synced, "synced "), 0);
    if (v != NULL)
        vtime_run(v, 0, NULL, NULL);
    while (v == NULL && strcmp(trail, "renamed synced ") != 0)
        loop_turn(loop, true);
    ok_str(trail, "renamed synced ");
    ok_str(content("a/b/old"), "one\ntwo\n");
    ok_str(content("a/b/log"), "three\n");
    ok_int(mode_of("a/b/log"), 0600);
    ok_int(mode_of("a/b"), 0700);
    ok_int(disk_append(d, in_folder("a/b/log"), "four\n", 5), 0);
    ok_int(disk_sync(d, on_synced, "last"), 0);
    d = disk_free(d); /* finishes what waits */
    ok_str(trail, "renamed synced last");
    ok_str(content("a/b/log"), "three\nfour\n");
out:
    disk_free(d);
    loop_free(loop);
}

UNIT(disk_writes_in_order_in_virtual_time)
{
    struct vtime *v = NULL;
    struct error err = {0};

    ok_rc(vtime_new(&v, &err), &err);
    write_in_order(v);
out:
    vtime_free(v);
}

UNIT(disk_writes_in_order_on_its_thread)
{
    write_in_order(NULL);
}

UNIT(disk_bounds_what_it_holds)
{
    struct vtime *v = NULL;
    struct loop *loop = NULL;
    struct disk *d = NULL;
    struct error err = {0};

    ok_rc(vtime_new(&v, &err), &err);
    ok_rc(loop_new(&loop, v, &err), &err);
    ok_rc(disk_new(&d, loop, 10, &err), &err);
    ok_int(disk_append(d, in_folder("x"), "123456", 6), 0);
    ok_int(disk_append(d, in_folder("y"), "12345", 5), ERR_LIMIT);
    ok_int(disk_append(d, in_folder("x"), "7890", 4), 0);
    ok_int(disk_append(d, in_folder("x"), "!", 1), ERR_LIMIT);
    vtime_run(v, 0, NULL, NULL);
    ok_str(content("x"), "1234567890");
    ok_int(disk_append(d, in_folder("x"), "1234567890", 10), 0);
out:
    disk_free(d);
    loop_free(loop);
    vtime_free(v);
}

UNIT(disk_removes_a_file_after_what_was_to_be_written_to_it)
{
    struct vtime *v = NULL;
    struct loop *loop = NULL;
    struct disk *d = NULL;
    struct error err = {0};

    ok_rc(vtime_new(&v, &err), &err);
    ok_rc(loop_new(&loop, v, &err), &err);
    ok_rc(disk_new(&d, loop, 100, &err), &err);
    ok_int(disk_append(d, in_folder("x"), "one", 3), 0);
    disk_remove(d, in_folder("x"));
    disk_remove(d, in_folder("never"));
    ok_int(disk_append(d, in_folder("y"), "two", 3), 0);
    vtime_run(v, 0, NULL, NULL);
    ok(content("x") == NULL);
    ok_str(content("y"), "two");
out:
    disk_free(d);
    loop_free(loop);
    vtime_free(v);
}

static int lines;
static void count_lines(const char *line, void *arg)
{
    (void)arg;
    lines += strstr(line, "cannot write") != NULL;
}

UNIT(disk_says_once_a_minute_that_it_cannot_write)
{
    struct vtime *v = NULL;
    struct loop *loop = NULL;
    struct disk *d = NULL;
    struct error err = {0};

    lines = 0;
    log_set_sink(count_lines, NULL);
    ok_rc(vtime_new(&v, &err), &err);
    ok_rc(loop_new(&loop, v, &err), &err);
    ok_rc(disk_new(&d, loop, 100, &err), &err);
    for (int i = 0; i < 130; i++) {
        /* a folder cannot be written to, nor a file be a folder */
        ok_int(disk_append(d, i % 2 ? unit_folder() : "/dev/null/x", "x", 1), 0);
        vtime_run(v, i * INT64_C(1000000), NULL, NULL);
    }
    ok_int(lines, 3);
    ok(disk_make_folders("/dev/null/x", &err) == ERR_IO && err.text[0] != '\0');
out:
    log_set_sink(NULL, NULL);
    disk_free(d);
    loop_free(loop);
    vtime_free(v);
}

/* As on a full disk, where a line may find room for its first half. */
UNIT(disk_never_leaves_half_of_what_it_could_not_write)
{
    struct vtime *v = NULL;
    struct loop *loop = NULL;
    struct disk *d = NULL;
    struct error err = {0};
    struct rlimit before, small;

    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){.rlim_cur = 13, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    lines = 0;
    log_set_sink(count_lines, NULL);
    ok_rc(vtime_new(&v, &err), &err);
    ok_rc(loop_new(&loop, v, &err), &err);
    ok_rc(disk_new(&d, loop, 100, &err), &err);
    ok_int(disk_append(d, in_folder("x"), "a line\n", 7), 0);
    vtime_run(v, 0, NULL, NULL);
    ok_int(disk_append(d, in_folder("x"), "another line\n", 13), 0);
    setrlimit(RLIMIT_FSIZE, &small);
    vtime_run(v, 1000000, NULL, NULL);
    setrlimit(RLIMIT_FSIZE, &before);
    ok_int(lines, 1);
    ok_str(content("x"), "a line\n");
    ok_int(disk_append(d, in_folder("x"), "a third\n", 8), 0);
    vtime_run(v, 2000000, NULL, NULL);
    ok_str(content("x"), "a line\na third\n");
out:
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    log_set_sink(NULL, NULL);
    disk_free(d);
    loop_free(loop);
    vtime_free(v);
}

UNIT_MAIN(CASE(disk_removes_a_file_after_what_was_to_be_written_to_it),
          CASE(disk_never_leaves_half_of_what_it_could_not_write),
          CASE(disk_writes_in_order_in_virtual_time),
          NO_TORTURE(disk_writes_in_order_on_its_thread), CASE(disk_bounds_what_it_holds),
          CASE(disk_says_once_a_minute_that_it_cannot_write))
