#include "base/mem.h"
#include "base/str.h"
#include "store/kv.h"
#include "tests/unit/unit.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A store in virtual time, and what it answered last. */
struct desk {
    struct vtime *vtime;
    struct loop *loop;
    struct kv *kv;
    struct error err;
    struct str value, keys; /* keys: "a=1 b=2 " */
    int rc, answers;
    int64_t number;
    bool has_value, found, more;
};

static void on_answer(void *arg, const struct kv_answer *a)
{
    struct desk *d = arg;

    d->answers++;
    d->rc = a->err != NULL ? a->err->code : 0;
    if (a->err != NULL)
        d->err = *a->err;
    str_reset(&d->value);
    str_reset(&d->keys);
    d->has_value = a->value != NULL;
    if (a->value != NULL)
        str_addn(&d->value, a->value, a->value_len);
    for (size_t i = 0; i < a->count; i++)
        str_addf(&d->keys, "%s=%s ", a->pairs[i].key, a->pairs[i].value);
    d->number = a->number;
    d->found = a->found;
    d->more = a->more;
}

static const char *path_of(const char *name)
{
    static char path[400];

    snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
    return path;
}

static int desk_open(struct desk *d, const char *name)
{
    int rc;

    memset(d, 0, sizeof *d);
    str_init(&d->value, 1 << 20);
    str_init(&d->keys, 1 << 21);
    if ((rc = vtime_new(&d->vtime, &d->err)) != 0 ||
        (rc = loop_new(&d->loop, d->vtime, &d->err)) != 0)
        return rc;
    return kv_open(&d->kv, d->loop, name != NULL ? path_of(name) : NULL, &d->err);
}

static void desk_close(struct desk *d)
{
    d->kv = kv_close(d->kv);
    d->loop = loop_free(d->loop);
    d->vtime = vtime_free(d->vtime);
    str_free(&d->value);
    str_free(&d->keys);
}

/* Runs what was asked; its result. */
static int answered(struct desk *d, const struct kv_op *op)
{
    int before = d->answers;

    if (op == NULL)
        return d->err.code;
    vtime_run(d->vtime, loop_now(d->loop), NULL, NULL);
    return d->answers == before + 1 ? d->rc : error_set(&d->err, ERR_TIMEOUT, "no answer");
}

static int set(struct desk *d, const char *key, const char *value, int64_t ttl_ms)
{
    return answered(
        d, kv_set(d->kv, "AC1 flow", key, value, strlen(value), ttl_ms, on_answer, d, &d->err));
}

static const char *get(struct desk *d, const char *key)
{
    if (answered(d, kv_get(d->kv, "AC1 flow", key, on_answer, d, &d->err)) != 0)
        return "(error)";
    return d->has_value ? str_text(&d->value) : NULL;
}

static int increment(struct desk *d, const char *key, int64_t by, int64_t ttl_ms)
{
    return answered(d, kv_increment(d->kv, "AC1 flow", key, by, ttl_ms, on_answer, d, &d->err));
}

static int list(struct desk *d, const char *prefix, const char *after, size_t most)
{
    return answered(d, kv_list(d->kv, "AC1 flow", prefix, after, most, on_answer, d, &d->err));
}

static void wait_ms(struct desk *d, int64_t ms)
{
    vtime_run(d->vtime, loop_now(d->loop) + ms * 1000, NULL, NULL);
}

UNIT(a_value_is_kept_and_replaced_and_deleted)
{
    struct desk d;

    ok_rc(desk_open(&d, NULL), &d.err);
    ok_str(get(&d, "name"), NULL);
    ok_rc(set(&d, "name", "Ann", 0), &d.err);
    ok_str(get(&d, "name"), "Ann");
    ok_rc(set(&d, "name", "", 0), &d.err);
    ok_str(get(&d, "name"), "");
    ok_rc(answered(&d, kv_delete(d.kv, "AC1 flow", "name", on_answer, &d, &d.err)), &d.err);
    ok(d.found);
    ok_str(get(&d, "name"), NULL);
    ok_rc(answered(&d, kv_delete(d.kv, "AC1 flow", "name", on_answer, &d, &d.err)), &d.err);
    ok(!d.found);
out:
    desk_close(&d);
}

UNIT(a_value_may_hold_any_byte)
{
    struct desk d;
    const char bytes[] = "a\0b\xff'";

    ok_rc(desk_open(&d, NULL), &d.err);
    ok_rc(answered(&d, kv_set(d.kv, "s", "k", bytes, sizeof bytes, 0, on_answer, &d, &d.err)),
          &d.err);
    ok_rc(answered(&d, kv_get(d.kv, "s", "k", on_answer, &d, &d.err)), &d.err);
    ok_int(d.value.len, sizeof bytes);
    ok(memcmp(d.value.data, bytes, sizeof bytes) == 0);
out:
    desk_close(&d);
}

UNIT(one_flow_does_not_see_the_keys_of_another)
{
    struct desk d;

    ok_rc(desk_open(&d, NULL), &d.err);
    ok_rc(set(&d, "pin", "1234", 0), &d.err);
    ok_rc(answered(&d, kv_get(d.kv, "AC2 flow", "pin", on_answer, &d, &d.err)), &d.err);
    ok(!d.has_value);
    ok_rc(answered(&d, kv_list(d.kv, "AC2 flow", "", "", 10, on_answer, &d, &d.err)), &d.err);
    ok_str(str_text(&d.keys), "");
out:
    desk_close(&d);
}

UNIT(a_key_lives_as_long_as_it_was_given)
{
    struct desk d;

    ok_rc(desk_open(&d, NULL), &d.err);
    ok_rc(set(&d, "code", "81", 60000), &d.err);
    wait_ms(&d, 59999);
    ok_str(get(&d, "code"), "81");
    wait_ms(&d, 1);
    ok_str(get(&d, "code"), NULL);
    ok_rc(list(&d, "", "", 10), &d.err);
    ok_str(str_text(&d.keys), "");
    ok_rc(set(&d, "code", "82", 0), &d.err); /* a new value does not take the old one's end */
    wait_ms(&d, 1000000);
    ok_str(get(&d, "code"), "82");
out:
    desk_close(&d);
}

UNIT(counting_begins_at_nought_and_keeps_its_end)
{
    struct desk d;

    ok_rc(desk_open(&d, NULL), &d.err);
    ok_rc(increment(&d, "tries", 1, 60000), &d.err);
    ok_int(d.number, 1);
    wait_ms(&d, 40000);
    ok_rc(increment(&d, "tries", 2, 60000), &d.err);
    ok_int(d.number, 3);
    ok_str(str_text(&d.value), "3");
    wait_ms(&d, 20000); /* a minute after the first, not after the last */
    ok_rc(increment(&d, "tries", 1, 60000), &d.err);
    ok_int(d.number, 1);
    ok_rc(increment(&d, "tries", -5, 0), &d.err);
    ok_str(get(&d, "tries"), "-4");
out:
    desk_close(&d);
}

UNIT(what_is_no_number_stays_as_it_is)
{
    struct desk d;

    ok_rc(desk_open(&d, NULL), &d.err);
    ok_rc(set(&d, "name", "Ann", 0), &d.err);
    ok_int(increment(&d, "name", 1, 0), ERR_INVALID);
    ok(strstr(d.err.text, "no whole number") != NULL);
    ok_str(get(&d, "name"), "Ann");
    ok_rc(set(&d, "big", "9223372036854775807", 0), &d.err);
    ok_int(increment(&d, "big", 1, 0), ERR_INVALID);
    ok_str(get(&d, "big"), "9223372036854775807");
out:
    desk_close(&d);
}

UNIT(keys_are_listed_in_order_and_page_by_page)
{
    struct desk d;

    ok_rc(desk_open(&d, NULL), &d.err);
    ok_rc(set(&d, "row/2", "b", 0), &d.err);
    ok_rc(set(&d, "row/1", "a", 0), &d.err);
    ok_rc(set(&d, "row/3", "c", 0), &d.err);
    ok_rc(set(&d, "rov", "x", 0), &d.err);
    ok_rc(set(&d, "row0", "x", 0), &d.err); /* '0' is the byte behind '/' */
    ok_rc(list(&d, "row/", "", 2), &d.err);
    ok_str(str_text(&d.keys), "row/1=a row/2=b ");
    ok(d.more);
    ok_rc(list(&d, "row/", "row/2", 2), &d.err);
    ok_str(str_text(&d.keys), "row/3=c ");
    ok(!d.more);
    ok_rc(list(&d, "", "", 5), &d.err);
    ok(!d.more);
    ok_rc(list(&d, "\xff\xff", "", 5), &d.err);
    ok_str(str_text(&d.keys), "");
out:
    desk_close(&d);
}

UNIT(what_is_too_long_is_refused_with_the_bound)
{
    struct desk d;
    static char big[KV_VALUE_MAX + 1];
    char key[KV_KEY_MAX + 2];

    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    memset(big, 'v', sizeof big);
    ok_rc(desk_open(&d, NULL), &d.err);
    ok_int(set(&d, key, "v", 0), ERR_INVALID);
    ok(strstr(d.err.text, "256") != NULL);
    ok_int(set(&d, "", "v", 0), ERR_INVALID);
    ok_int(set(&d, "k", "v", -1), ERR_INVALID);
    ok(kv_set(d.kv, "s", "k", big, sizeof big, 0, on_answer, &d, &d.err) == NULL);
    ok(strstr(d.err.text, "65536") != NULL);
    ok_int(list(&d, "", "", 0), ERR_INVALID);
    ok_int(d.answers, 0);
    key[KV_KEY_MAX] = '\0';
    ok_rc(answered(&d, kv_set(d.kv, "s", key, big, KV_VALUE_MAX, 0, on_answer, &d, &d.err)),
          &d.err);
    ok_rc(answered(&d, kv_get(d.kv, "s", key, on_answer, &d, &d.err)), &d.err);
    ok_int(d.value.len, KV_VALUE_MAX);
out:
    desk_close(&d);
}

UNIT(a_list_of_big_values_stays_within_its_bytes)
{
    struct desk d;
    static char big[KV_VALUE_MAX];
    char key[8];

    memset(big, 'v', sizeof big);
    ok_rc(desk_open(&d, NULL), &d.err);
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "%02d", i);
        ok_rc(
            answered(&d, kv_set(d.kv, "AC1 flow", key, big, sizeof big, 0, on_answer, &d, &d.err)),
            &d.err);
    }
    ok_rc(list(&d, "", "", KV_LIST_MAX), &d.err);
    ok(d.more);
    ok(d.keys.len > KV_LIST_BYTES / 2 && d.keys.len <= KV_LIST_BYTES + 100);
    ok_rc(list(&d, "", "14", KV_LIST_MAX), &d.err);
    ok(!d.more);
out:
    desk_close(&d);
}

static bool fill(struct desk *d, const char *key, size_t len)
{
    static char big[KV_VALUE_MAX];

    memset(big, 'v', sizeof big);
    return answered(d, kv_set(d->kv, "AC1 flow", key, big, len, 0, on_answer, d, &d->err)) == 0;
}

UNIT(a_flow_that_keeps_too_much_is_refused_and_others_are_not)
{
    struct desk d;
    char key[24];
    int n = 0;

    ok_rc(desk_open(&d, NULL), &d.err);
    do {
        snprintf(key, sizeof key, "%d", n++);
    } while (n < 2000 && fill(&d, key, KV_VALUE_MAX));
    ok_int(d.err.code, ERR_LIMIT);
    ok(strstr(d.err.text, "64 MB") != NULL);
    ok_int(n, KV_SPACE_BYTES / KV_VALUE_MAX); /* the keys take a value's room */
    ok(fill(&d, "0", 10));                    /* what makes it less is welcome */
    ok(fill(&d, "0", KV_VALUE_MAX));
    ok(!fill(&d, "new", KV_VALUE_MAX));
    ok_rc(answered(&d, kv_set(d.kv, "AC2 flow", "k", "v", 1, 0, on_answer, &d, &d.err)), &d.err);
    ok_rc(answered(&d, kv_delete(d.kv, "AC1 flow", "0", on_answer, &d, &d.err)), &d.err);
    ok(fill(&d, "new", KV_VALUE_MAX));
out:
    desk_close(&d);
}

UNIT(what_has_expired_makes_room_for_more)
{
    struct desk d;
    char key[24];

    ok_rc(desk_open(&d, NULL), &d.err);
    for (int i = 0; i < KV_KEYS_MAX + 1000; i++) {
        snprintf(key, sizeof key, "tries/%d", i);
        ok_rc(increment(&d, key, 1, 3600000), &d.err);
        wait_ms(&d, 40); /* 90,000 an hour: more than the bound in the end, never at once */
    }
out:
    desk_close(&d);
}

UNIT(too_much_at_once_is_refused_and_the_rest_answers)
{
    struct desk d;
    static char big[KV_VALUE_MAX];
    int asked = 0;

    memset(big, 'v', sizeof big);
    ok_rc(desk_open(&d, NULL), &d.err);
    while (asked < 10000 &&
           kv_set(d.kv, "s", "k", big, sizeof big, 0, on_answer, &d, &d.err) != NULL)
        asked++;
    ok_int(d.err.code, ERR_LIMIT);
    ok(asked >= 200 && asked <= 256);
    wait_ms(&d, 0);
    ok_int(d.answers, asked);
    ok_rc(set(&d, "k", "v", 0), &d.err); /* there is room again */
out:
    desk_close(&d);
}

UNIT(a_forgotten_operation_is_done_but_does_not_answer)
{
    struct desk d;
    struct kv_op *op;

    ok_rc(desk_open(&d, NULL), &d.err);
    op = kv_set(d.kv, "AC1 flow", "k", "v", 1, 0, on_answer, &d, &d.err);
    ok(op != NULL);
    kv_forget(op);
    wait_ms(&d, 0);
    ok_int(d.answers, 0);
    ok_str(get(&d, "k"), "v");
out:
    desk_close(&d);
}

UNIT(values_are_there_after_a_restart)
{
    struct desk d;
    struct stat st;
    int answers;

    ok_rc(desk_open(&d, "deep/er/almon.db"), &d.err);
    ok(stat(path_of("deep/er/almon.db"), &st) == 0 && (st.st_mode & 0777) == 0600);
    ok(kv_set(d.kv, "AC1 flow", "k", "kept", 4, 0, on_answer, &d, &d.err) != NULL);
    d.kv = kv_close(d.kv); /* finishes what waits, and says so */
    answers = d.answers;
    desk_close(&d);
    ok_int(answers, 1);
    ok_rc(desk_open(&d, "deep/er/almon.db"), &d.err);
    ok_str(get(&d, "k"), "kept");
out:
    desk_close(&d);
}

static bool write_file(const char *name, const char *bytes, size_t n)
{
    FILE *f = fopen(path_of(name), "w");

    if (f == NULL)
        return false;
    fwrite(bytes, 1, n, f);
    return fclose(f) == 0;
}

UNIT(a_file_that_is_no_database_is_named_and_left_alone)
{
    struct desk d = {0};
    struct stat st;
    char text[5000];

    memset(text, 'x', sizeof text);
    ok(write_file("almon.db", text, sizeof text));
    ok_int(desk_open(&d, "almon.db"), ERR_INVALID);
    ok(strstr(d.err.text, "almon.db: damaged, or no SQLite database") != NULL);
    ok(stat(path_of("almon.db"), &st) == 0 && st.st_size == sizeof text);
    desk_close(&d);
    ok_int(desk_open(&d, "almon.db/below"), ERR_IO);
    ok(d.err.text[0] != '\0');
out:
    desk_close(&d);
}

/* --- with its thread, on real time --- */

struct crowd {
    struct loop *loop;
    int64_t sum;
    int waiting, wrong;
};

static void on_counted(void *arg, const struct kv_answer *a)
{
    struct crowd *c = arg;

    if (a->err != NULL)
        c->wrong++;
    else
        c->sum += a->number;
    if (--c->waiting == 0)
        loop_stop(c->loop);
}

UNIT(every_one_of_many_increments_counts)
{
    enum { MANY = 2000 };
    struct crowd c = {0};
    struct kv *kv = NULL;
    struct error err = {0};

    ok_rc(loop_new(&c.loop, NULL, &err), &err);
    ok_rc(kv_open(&kv, c.loop, path_of("almon.db"), &err), &err);
    for (int i = 0; i < MANY; i++, c.waiting++)
        ok(kv_increment(kv, "s", "n", 1, 0, on_counted, &c, &err) != NULL);
    loop_run(c.loop);
    ok_int(c.wrong, 0);
    ok_int(c.sum, (int64_t)MANY * (MANY + 1) / 2); /* each got a number of its own */
out:
    kv_close(kv);
    loop_free(c.loop);
}

struct child {
    struct kv *kv;
    int fd, n;
};

static void on_child_set(void *arg, const struct kv_answer *a);

static void child_sets(struct child *c)
{
    char key[16];

    snprintf(key, sizeof key, "k%06d", ++c->n);
    if (kv_set(c->kv, "s", key, key, strlen(key), 0, on_child_set, c, NULL) == NULL)
        _exit(3);
}

/* Says what was acknowledged, and asks for the next. */
static void on_child_set(void *arg, const struct kv_answer *a)
{
    struct child *c = arg;

    if (a->err != NULL || write(c->fd, &c->n, sizeof c->n) != sizeof c->n)
        _exit(4);
    child_sets(c);
}

static void run_child(int fd, const char *path)
{
    struct child c = {.fd = fd};
    struct loop *loop = NULL;

    if (loop_new(&loop, NULL, NULL) != 0 || kv_open(&c.kv, loop, path, NULL) != 0)
        _exit(2);
    child_sets(&c);
    loop_run(loop);
    _exit(5);
}

/* Kills a writer in the middle of its work; the number of the last key that it had acknowledged. */
static int killed_at(const char *path)
{
    int fds[2], last = 0, n;
    pid_t pid;

    if (pipe(fds) != 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        close(fds[0]);
        run_child(fds[1], path);
    }
    close(fds[1]);
    while (pid > 0 && read(fds[0], &n, sizeof n) == sizeof n) {
        last = n;
        if (n == 100)
            kill(pid, SIGKILL);
    }
    close(fds[0]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return last;
}

UNIT(what_was_acknowledged_survives_kill_9)
{
    struct desk d = {0};
    char key[16];
    int last = killed_at(path_of("almon.db"));

    ok(last >= 100);
    ok_rc(desk_open(&d, "almon.db"), &d.err);
    for (int i = 1; i <= last; i++) {
        snprintf(key, sizeof key, "k%06d", i);
        ok_rc(answered(&d, kv_get(d.kv, "s", key, on_answer, &d, &d.err)), &d.err);
        ok_str(str_text(&d.value), key);
    }
out:
    desk_close(&d);
}

UNIT_MAIN(CASE(a_value_is_kept_and_replaced_and_deleted), CASE(a_value_may_hold_any_byte),
          CASE(one_flow_does_not_see_the_keys_of_another),
          CASE(a_key_lives_as_long_as_it_was_given),
          CASE(counting_begins_at_nought_and_keeps_its_end), CASE(what_is_no_number_stays_as_it_is),
          CASE(keys_are_listed_in_order_and_page_by_page),
          CASE(what_is_too_long_is_refused_with_the_bound),
          CASE(a_list_of_big_values_stays_within_its_bytes),
          NO_TORTURE(a_flow_that_keeps_too_much_is_refused_and_others_are_not),
          NO_TORTURE(what_has_expired_makes_room_for_more),
          CASE(too_much_at_once_is_refused_and_the_rest_answers),
          CASE(a_forgotten_operation_is_done_but_does_not_answer),
          CASE(values_are_there_after_a_restart),
          CASE(a_file_that_is_no_database_is_named_and_left_alone),
          NO_TORTURE(every_one_of_many_increments_counts),
          NO_TORTURE(what_was_acknowledged_survives_kill_9))
