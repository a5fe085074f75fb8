/* Files of flows that were read a moment ago: they are not read again, but a changed one soon is.
 */
#include "base/mem.h"
#include "session/private.h"
#include "unit.h"
#include <stdio.h>
#include <string.h>

struct reader {
    struct loop *loop;
    char got[100];
    int times;
};

static void on_read(const char *path, const char *bytes, size_t len, int64_t mtime,
                    const struct error *err, void *arg)
{
    struct reader *r = arg;

    (void)path;
    (void)mtime;
    snprintf(r->got, sizeof r->got, "%.*s", bytes != NULL ? (int)len : 99,
             bytes != NULL ? bytes : err->text);
    r->times++;
    loop_stop(r->loop);
}

static bool write_text(const char *name, const char *text)
{
    char path[300];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
    f = fopen(path, "w");
    return f != NULL && fputs(text, f) >= 0 && fclose(f) == 0;
}

static bool read_text(struct runtime *rt, struct reader *r, const char *name, size_t max)
{
    struct error err = {0};

    r->got[0] = '\0';
    if (flow_read(rt, unit_folder(), name, max, on_read, r, &err) == NULL)
        return false;
    loop_run(r->loop);
    return true;
}

static void on_late(void *arg)
{
    loop_stop(arg);
}

static void wait_ms(struct loop *loop, int ms)
{
    struct timer t;

    timer_init(&t, loop, on_late, loop);
    timer_start(&t, ms);
    loop_run(loop);
}

/* What is told of "a" is not what it has, so that one sees where an answer is from. A machine may
 * take longer than that counts: hence more than one try. */
UNIT(what_was_read_a_moment_ago_is_not_read_again)
{
    struct flow_seen told = {.bytes = (char *)"told", .len = 4};
    struct runtime rt = {0};
    struct reader r = {0};
    struct flow_read *canceled;
    struct error err = {0};
    bool heard = false;

    ok_rc(loop_new(&rt.parts.loop, NULL, &err), &err);
    r.loop = rt.parts.loop;
    ok(write_text("a", "first"));
    ok(read_text(&rt, &r, "a", 100));
    ok_str(r.got, "first");
    for (int i = 0; i < 100 && !heard; i++) {
        flow_saw(&rt, unit_folder(), "a", &told);
        ok(read_text(&rt, &r, "a", 100));
        heard = strcmp(r.got, "told") == 0;
    }
    ok(heard);
    flow_saw(&rt, unit_folder(), "a", &told);
    ok(read_text(&rt, &r, "a", 3)); /* more than who asks wants to have: the file tells why */
    ok(strstr(r.got, "larger than 3 bytes") != NULL);
    flow_saw(&rt, unit_folder(), "a", &told);
    r.times = 0;
    canceled = flow_read(&rt, unit_folder(), "a", 100, on_read, &r, &err);
    ok(canceled != NULL);
    flow_read_cancel(canceled);
    wait_ms(r.loop, 1);
    ok_int(r.times, 0);
out:
    flow_files_free(rt.files);
    loop_free(rt.parts.loop);
}

UNIT(a_changed_file_is_read_soon)
{
    struct runtime rt = {0};
    struct reader r = {0};
    struct error err = {0};

    ok_rc(loop_new(&rt.parts.loop, NULL, &err), &err);
    r.loop = rt.parts.loop;
    ok(write_text("a", "first"));
    ok(read_text(&rt, &r, "a", 100));
    ok_str(r.got, "first");
    ok(write_text("a", "second"));
    wait_ms(r.loop, 60);
    ok(read_text(&rt, &r, "a", 100));
    ok_str(r.got, "second");
out:
    flow_files_free(rt.files);
    loop_free(rt.parts.loop);
}

/* As many as there may be, and the oldest make room. */
UNIT(only_so_many_are_kept)
{
    struct flow_seen looked = {.size = 7};
    struct runtime rt = {0};
    struct error err = {0};
    bool newest = false, oldest = false;
    char name[20];

    ok_rc(loop_new(&rt.parts.loop, NULL, &err), &err);
    for (int i = 0; i < 100 && !newest; i++) {
        for (int n = 0; n < 100; n++) {
            snprintf(name, sizeof name, "%d", n);
            flow_saw(&rt, "/folder", name, &looked);
        }
        newest = flow_seen(&rt, "/folder", "99") != NULL;
        oldest = oldest || flow_seen(&rt, "/folder", "0") != NULL;
    }
    ok(newest && !oldest);
    ok(flow_seen(&rt, "/other", "99") == NULL);
out:
    flow_files_free(rt.files);
    loop_free(rt.parts.loop);
}

UNIT(in_virtual_time_each_is_read)
{
    struct flow_seen looked = {.size = 7};
    struct runtime rt = {0};
    struct vtime *v = NULL;
    struct error err = {0};

    ok_rc(vtime_new(&v, &err), &err);
    ok_rc(loop_new(&rt.parts.loop, v, &err), &err);
    flow_saw(&rt, "/folder", "a", &looked);
    ok(flow_seen(&rt, "/folder", "a") == NULL);
out:
    flow_files_free(rt.files);
    loop_free(rt.parts.loop);
    vtime_free(v);
}

UNIT_MAIN(NO_TORTURE(what_was_read_a_moment_ago_is_not_read_again),
          NO_TORTURE(a_changed_file_is_read_soon), CASE(only_so_many_are_kept),
          CASE(in_virtual_time_each_is_read))
