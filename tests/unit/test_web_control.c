#include "web/control.h"

#include "base/mem.h"
#include "base/str.h"
#include "cli/timeline.h"
#include "tests/unit/unit.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CALL "CA0123456789abcdef0123456789abcdef"

struct fixture {
    struct loop *loop;
    struct control *control;
    struct control_actions actions;
    int fd;
    char sid[40], url[200]; /* of the last action */
    control_line_h *line_h;
    void *line_arg;
    int watches;
    struct str in;
};

static int redirect(void *arg, const char *sid, const char *url, struct error *err)
{
    struct fixture *f = arg;

    if (strcmp(sid, CALL) != 0)
        return error_set(err, ERR_MISSING, "no live call %s", sid);
    str_copy(f->sid, sizeof f->sid, sid);
    str_copy(f->url, sizeof f->url, url);
    return 0;
}

static int join(void *arg, const char *gateway, const char *id, const char *from, const char *to,
                struct error *err)
{
    struct fixture *f = arg;

    if (strcmp(gateway, "pbx") != 0)
        return error_set(err, ERR_MISSING, "no gateway %s", gateway);
    snprintf(f->url, sizeof f->url, "%s %s %s", id, from, to);
    return 0;
}

static int record(void *arg, const char *sid, const char *what, char *made, struct error *err)
{
    if (strcmp(what, "start") == 0)
        memcpy(made, "RE1", 4);
    return redirect(arg, sid, what, err);
}

static int hangup(void *arg, const char *sid, struct error *err)
{
    return redirect(arg, sid, "hangup", err);
}

static void *watch(void *arg, const char *sid, control_line_h *h, void *h_arg)
{
    struct fixture *f = arg;

    str_copy(f->sid, sizeof f->sid, sid != NULL ? sid : "all");
    f->line_h = h;
    f->line_arg = h_arg;
    f->watches++;
    return f;
}

static void unwatch(void *arg, void *handle)
{
    ((struct fixture *)arg)->watches -= handle != NULL;
}

static json_t *rooms(void *arg)
{
    (void)arg;
    return json_pack("[{s:s}]", "sid", "CF1");
}

static int room(void *arg, const json_t *request, struct error *err)
{
    struct fixture *f = arg;
    const char *what = json_string_value(json_object_get(request, "do"));

    if (what == NULL)
        return error_set(err, ERR_INVALID, "nothing to do");
    snprintf(f->url, sizeof f->url, "%s", what);
    return 0;
}

static json_t *status(void *arg)
{
    (void)arg;
    return json_pack("{s:i}", "calls", 3);
}

static int dial(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    str_copy(a.sun_path, sizeof a.sun_path, path);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        close(fd);
        return -1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static char *socket_path(void)
{
    static char path[300];

    snprintf(path, sizeof path, "%s/almon.sock", unit_folder());
    return path;
}

static bool set_up(struct fixture *f)
{
    struct error err = {0};

    memset(f, 0, sizeof *f);
    f->fd = -1;
    str_init(&f->in, 4 * 1024 * 1024);
    f->actions = (struct control_actions){.redirect = redirect,
                                          .hangup = hangup,
                                          .watch = watch,
                                          .unwatch = unwatch,
                                          .status = status,
                                          .join = join,
                                          .record = record,
                                          .rooms = rooms,
                                          .room = room,
                                          .arg = f};
    return loop_new(&f->loop, NULL, &err) == 0 &&
           control_new(&f->control, f->loop, unit_folder(), &f->actions, &err) == 0 &&
           (f->fd = dial(socket_path())) >= 0;
}

static void tear_down(struct fixture *f)
{
    if (f->fd >= 0)
        close(f->fd);
    control_free(f->control);
    str_free(&f->in);
    if (f->loop != NULL)
        loop_free(f->loop);
}

/* Lets the loop work until a whole line came, or the connection ended. */
static const char *next_line(struct fixture *f)
{
    char bytes[4096];

    str_reset(&f->in);
    for (int turn = 0; turn < 2000; turn++) {
        ssize_t n;

        loop_turn(f->loop, false);
        n = read(f->fd, bytes, sizeof bytes);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return "(closed)";
        if (n > 0)
            str_addn(&f->in, bytes, (size_t)n);
        if (f->in.len > 0 && f->in.data[f->in.len - 1] == '\n') {
            f->in.data[f->in.len - 1] = '\0';
            return f->in.data;
        }
        if (n < 0)
            usleep(1000);
    }
    return "(nothing)";
}

static const char *ask(struct fixture *f, const char *line)
{
    if (write(f->fd, line, strlen(line)) < 0)
        return "(cannot write)";
    return next_line(f);
}

UNIT(control_acts_on_calls)
{
    struct fixture f;

    ok(set_up(&f));
    ok_str(ask(&f, "{\"cmd\":\"status\",\"id\":7}\n"),
           "{\"ok\":true,\"status\":{\"calls\":3},\"id\":7}");
    ok_str(ask(&f, "{\"cmd\":\"redirect\",\"sid\":\"" CALL "\",\"url\":\"http://a/\"}\n"),
           "{\"ok\":true}");
    ok_str(f.url, "http://a/");
    ok_str(ask(&f, "{\"cmd\":\"hangup\",\"sid\":\"" CALL "\"}\n"), "{\"ok\":true}");
    ok_str(f.url, "hangup");
    ok_str(ask(&f, "{\"cmd\":\"hangup\",\"sid\":\"CA1\"}\n"),
           "{\"ok\":false,\"error\":\"no live call CA1\"}");
    ok_str(ask(&f, "{\"cmd\":\"join\",\"gateway\":\"pbx\",\"connection\":\"i-1\",\"from\":\"+1\","
                   "\"to\":\"+2\"}\n"),
           "{\"ok\":true}");
    ok_str(f.url, "i-1 +1 +2");
    ok_str(ask(&f, "{\"cmd\":\"join\",\"gateway\":\"other\",\"connection\":\"i\",\"from\":\"\","
                   "\"to\":\"\"}\n"),
           "{\"ok\":false,\"error\":\"no gateway other\"}");
    ok_str(ask(&f, "{\"cmd\":\"record\",\"sid\":\"" CALL "\",\"do\":\"start\"}\n"),
           "{\"ok\":true,\"recording\":\"RE1\"}");
    ok_str(ask(&f, "{\"cmd\":\"record\",\"sid\":\"" CALL "\",\"do\":\"stop\"}\n"), "{\"ok\":true}");
    ok_str(f.url, "stop");
    ok_str(ask(&f, "{\"cmd\":\"rooms\"}\n"), "{\"ok\":true,\"rooms\":[{\"sid\":\"CF1\"}]}");
    ok_str(ask(&f, "{\"cmd\":\"room\",\"sid\":\"CF1\",\"do\":\"end\"}\n"), "{\"ok\":true}");
    ok_str(f.url, "end");
    ok_str(ask(&f, "{\"cmd\":\"room\"}\n"), "{\"ok\":false,\"error\":\"nothing to do\"}");
out:
    tear_down(&f);
}

UNIT(control_refuses_nonsense_and_goes_on)
{
    static const char *const wrong[] = {
        "hello\n",
        "{}\n",
        "[]\n",
        "{\"cmd\":\"fly\"}\n",
        "{\"cmd\":\"hangup\"}\n",
        "{\"cmd\":\"join\",\"gateway\":\"pbx\",\"connection\":\"1\"}\n",
        "{\"cmd\":\"record\",\"sid\":\"" CALL "\"}\n",
        "{\"cmd\":\"redirect\",\"sid\":\"" CALL "\"}\n",
        "{\"cmd\":1}\n",
    };
    struct fixture f;

    ok(set_up(&f));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ok(strncmp(ask(&f, wrong[i]), "{\"ok\":false,\"error\":", 20) == 0);
    ok(strncmp(ask(&f, "{\"cmd\":\"sta"), "(nothing)", 9) == 0);
    ok(strncmp(ask(&f, "tus\"}\n"), "{\"ok\":true", 10) == 0);
out:
    tear_down(&f);
}

UNIT(control_follows_calls)
{
    struct fixture f;

    ok(set_up(&f));
    ok_str(ask(&f, "{\"cmd\":\"trace\",\"sid\":\"" CALL "\"}\n"), "{\"ok\":true}");
    ok_str(f.sid, CALL);
    f.line_h(CALL, "{\"t\":1,\"e\":\"answer\"}", f.line_arg);
    ok_str(next_line(&f), "{\"sid\":\"" CALL "\",\"line\":{\"t\":1,\"e\":\"answer\"}}");
    ok(strstr(ask(&f, "{\"cmd\":\"trace\"}\n"), "follows already") != NULL);
    ok_int(f.watches, 1);
    close(f.fd);
    f.fd = -1;
    for (int i = 0; i < 100 && f.watches > 0; i++)
        loop_turn(f.loop, false);
    ok_int(f.watches, 0);
out:
    tear_down(&f);
}

UNIT(control_lets_go_of_who_does_not_read_or_writes_without_end)
{
    static char line[60000], flood[20000];
    struct fixture f;

    memset(line, 'x', sizeof line - 1);
    memset(flood, 'x', sizeof flood - 1);
    ok(set_up(&f));
    ok_str(ask(&f, "{\"cmd\":\"trace\"}\n"), "{\"ok\":true}");
    for (int i = 0; i < 100 && f.watches > 0; i++) {
        f.line_h(CALL, line, f.line_arg);
        loop_turn(f.loop, false);
    }
    ok_int(f.watches, 0);
    close(f.fd);
    f.fd = dial(socket_path());
    ok(f.fd >= 0);
    ok_str(ask(&f, flood), "(closed)");
out:
    tear_down(&f);
}

/* 32 at once: the next is let go, until one of them goes. */
UNIT(control_takes_a_bounded_number_of_clients)
{
    struct fixture f;
    int fds[33], n = 0;

    ok(set_up(&f));
    fds[n++] = f.fd;
    for (; n < 32 && (fds[n] = dial(socket_path())) >= 0; n++)
        loop_turn(f.loop, false);
    ok_int(n, 32);
    f.fd = fds[n++] = dial(socket_path());
    ok_str(next_line(&f), "(closed)");
    close(fds[--n]);
    close(fds[--n]);
    for (int turn = 0; turn < 10; turn++)
        loop_turn(f.loop, false);
    f.fd = fds[n++] = dial(socket_path());
    ok(strncmp(ask(&f, "{\"cmd\":\"status\"}\n"), "{\"ok\":true", 10) == 0);
out:
    while (n > 0)
        close(fds[--n]);
    f.fd = -1;
    tear_down(&f);
}

UNIT(control_is_private_and_alone)
{
    struct fixture f;
    struct control *second = NULL;
    struct error err = {0};
    struct stat st;

    ok(set_up(&f));
    ok(stat(socket_path(), &st) == 0 && (st.st_mode & 0777) == 0600);
    ok_int(control_new(&second, f.loop, unit_folder(), &f.actions, &err), ERR_WRONG_STATE);
    ok(strstr(err.text, "another almon serves") != NULL);
    f.control = control_free(f.control);
    ok(access(socket_path(), F_OK) != 0);
out:
    tear_down(&f);
}

UNIT(control_replaces_what_a_crash_left)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    struct fixture f;
    bool bound;

    str_copy(a.sun_path, sizeof a.sun_path, socket_path());
    bound = bind(dead, (struct sockaddr *)&a, sizeof a) == 0;
    close(dead);
    ok(set_up(&f) && bound);
    ok(strncmp(ask(&f, "{\"cmd\":\"status\"}\n"), "{\"ok\":true", 10) == 0);
out:
    tear_down(&f);
}

/* --- the timeline that `almon trace` prints --- */

UNIT(timeline_is_readable_and_harmless)
{
    static const struct {
        const char *line, *want;
    } table[] = {
        {"{\"t\":1240,\"e\":\"digit\",\"key\":\"5\",\"ms\":90}",
         "   1.240  digit         5, 90 ms"},
        {"{\"t\":0,\"e\":\"state\",\"old\":\"ringing\",\"new\":\"in-progress\"}",
         "   0.000  state         ringing to in-progress"},
        {"{\"t\":61001,\"e\":\"verb\",\"name\":\"Say\",\"line\":3,\"depth\":1}",
         "  61.001  verb            <Say> at line 3"},
        {"{\"t\":5,\"e\":\"novelty\",\"a\":1,\"b\":\"x\"}", "   0.005  novelty       a=1 b=x"},
        {"{\"t\":5,\"e\":\"say\",\"text\":\"\\u001b[2J\\u009b\\nhi é\",\"voice\":\"en\"}",
         "   0.005  say           \"\\x1b[2J\\x9b\\nhi é\" (en)"},
        {"{\"e\":\"warn\"}", "   0.000  warn          - -"},
        {"{\"e\":\"digit\",\"key\":\"#\",\"ms\":0}", "   0.000  digit         #"},
        {"{\"e\":\"warn\",\"code\":12200,\"text\":\"odd\",\"where\":\"a.xml:3\"}",
         "   0.000  warn          12200 odd (a.xml:3)"},
        {"{}", "   0.000  ?             "},
    };
    struct str s = STR_INIT(1000);
    json_t *line = NULL;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        line = json_loads(table[i].line, 0, NULL);
        ok(line != NULL);
        str_reset(&s);
        timeline_add(&s, line);
        ok_str(str_text(&s), table[i].want);
        json_decref(line);
        line = NULL;
    }
out:
    json_decref(line);
    str_free(&s);
}

UNIT_MAIN(NO_TORTURE(control_acts_on_calls), NO_TORTURE(control_refuses_nonsense_and_goes_on),
          NO_TORTURE(control_follows_calls),
          NO_TORTURE(control_lets_go_of_who_does_not_read_or_writes_without_end),
          NO_TORTURE(control_takes_a_bounded_number_of_clients),
          NO_TORTURE(control_is_private_and_alone), NO_TORTURE(control_replaces_what_a_crash_left),
          CASE(timeline_is_readable_and_harmless))
