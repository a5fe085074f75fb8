#include "sim/suite.h"

#include "base/loop.h"
#include "base/mem.h"
#include "base/utf8.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

struct suite_worker {
    struct suite *suite;
    size_t file;
    uv_process_t process;
    uv_pipe_t out;
    struct timer deadline;
    struct str text;
    int open; /* handles and the process itself: 0 is over */
    bool late;
    int64_t status;
    int signal;
};

struct finished {
    bool over;
    json_t *results;
    char problem[ERROR_TEXT_MAX];
};

struct suite {
    const struct suite_options *o;
    struct loop *loop;
    struct finished *files;
    size_t next, told; /* file to start, file to tell of */
    int running;
    struct error err;
    char buffer[65536];
};

static void start_more(struct suite *s);

/* --- in the worker --- */

void suite_result(const struct scenario_result *r)
{
    char *name = mem_strdup(r->name), *why = mem_strdup(r->why);
    json_t *j;

    /* Either may hold whatever bytes the scenario, or the call, had. */
    if (name != NULL)
        utf8_clean(name);
    if (why != NULL)
        utf8_clean(why);
    j = json_pack("{s:s?, s:i, s:b, s:s?, s:I, s:I}", "name", name, "line", r->line, "good",
                  r->good, "why", why, "virtual_ms", (json_int_t)r->virtual_ms, "cpu_us",
                  (json_int_t)r->cpu_us);
    json_dumpf(j, stdout, JSON_COMPACT);
    fputc('\n', stdout);
    fflush(stdout);
    json_decref(j);
    mem_free(name);
    mem_free(why);
}

/* --- a worker's end --- */

static void read_results(struct finished *f, const char *text)
{
    const char *end;
    json_t *j;

    f->results = json_array();
    for (; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        j = json_loadb(text, (size_t)(end - text), 0, NULL);
        if (json_is_object(j) && json_object_get(j, "error") != NULL)
            str_copy(f->problem, sizeof f->problem, json_string_value(json_object_get(j, "error")));
        else if (json_is_object(j) &&
                 (json_object_get(j, "name") != NULL || json_object_get(j, "reached") != NULL))
            json_array_append(f->results, j);
        json_decref(j);
    }
}

static void tell(struct suite *s)
{
    struct finished *f;

    while (s->told < s->o->n_files && s->files[s->told].over) {
        f = &s->files[s->told];
        s->o->file(s->o->files[s->told], f->results, f->problem, s->o->arg);
        json_decref(f->results);
        f->results = NULL;
        s->told++;
    }
}

static void worker_over(struct suite_worker *w)
{
    struct suite *s = w->suite;
    struct finished *f = &s->files[w->file];

    read_results(f, str_text(&w->text));
    if (w->late)
        snprintf(f->problem, sizeof f->problem, "still running after %d s", s->o->seconds);
    else if (w->text.failed)
        snprintf(f->problem, sizeof f->problem, "more output than %d bytes", SUITE_OUTPUT_BYTES);
    else if (w->signal != 0)
        snprintf(f->problem, sizeof f->problem, "the worker died: %s", strsignal(w->signal));
    else if (w->status != 0 && f->problem[0] == '\0')
        snprintf(f->problem, sizeof f->problem, "the worker ended with status %d", (int)w->status);
    f->over = true;
    str_free(&w->text);
    mem_free(w);
    s->running--;
    tell(s);
    start_more(s);
}

static void on_closed(uv_handle_t *h)
{
    struct suite_worker *w = h->data;

    if (--w->open == 0)
        worker_over(w);
}

static void on_exit_status(uv_process_t *p, int64_t status, int signal)
{
    struct suite_worker *w = p->data;

    timer_stop(&w->deadline);
    w->status = status;
    w->signal = signal;
    uv_close((uv_handle_t *)p, on_closed);
}

static void on_deadline(void *arg)
{
    struct suite_worker *w = arg;

    w->late = true;
    uv_process_kill(&w->process, SIGKILL);
}

/* --- its output --- */

static void give_buffer(uv_handle_t *h, size_t size, uv_buf_t *buf)
{
    struct suite_worker *w = h->data;

    (void)size;
    *buf = uv_buf_init(w->suite->buffer, sizeof w->suite->buffer);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct suite_worker *w = stream->data;

    if (n > 0)
        str_addn(&w->text, buf->base, (size_t)n);
    else if (n < 0)
        uv_close((uv_handle_t *)stream, on_closed);
}

/* --- starting --- */

static int spawn(struct suite_worker *w)
{
    enum { ARGS = 32 };
    const char *args[ARGS + 2];
    size_t n = 0;
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE},
                                     {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE),
                                      .data.stream = (uv_stream_t *)&w->out},
                                     {.flags = UV_INHERIT_FD, .data.fd = 2}};
    uv_process_options_t options = {.exit_cb = on_exit_status, .stdio = stdio, .stdio_count = 3};

    for (; n < ARGS && w->suite->o->worker[n] != NULL; n++)
        args[n] = w->suite->o->worker[n];
    args[n] = w->suite->o->files[w->file];
    args[n + 1] = NULL;
    options.file = args[0];
    options.args = (char **)(uintptr_t)args;
    return uv_spawn(loop_uv(w->suite->loop), &w->process, &options);
}

static int start_worker(struct suite *s)
{
    struct suite_worker *w = mem_alloc(sizeof *w);
    int rc;

    if (w == NULL)
        return error_nomem(&s->err);
    w->suite = s;
    w->file = s->next++;
    w->open = 2;
    str_init(&w->text, SUITE_OUTPUT_BYTES);
    timer_init(&w->deadline, s->loop, on_deadline, w);
    w->process.data = w->out.data = w;
    uv_pipe_init(loop_uv(s->loop), &w->out, 0);
    w->out.data = w;
    s->running++;
    rc = spawn(w);
    w->process.data = w;
    if (rc != 0) {
        error_set(&s->err, ERR_IO, "%s: cannot be started: %s", s->o->worker[0], uv_strerror(rc));
        uv_close((uv_handle_t *)&w->process, on_closed);
        uv_close((uv_handle_t *)&w->out, on_closed);
        return ERR_IO;
    }
    timer_start(&w->deadline, (int64_t)s->o->seconds * 1000);
    uv_read_start((uv_stream_t *)&w->out, give_buffer, on_read);
    return 0;
}

static void start_more(struct suite *s)
{
    while (s->err.code == 0 && s->running < s->o->jobs && s->next < s->o->n_files)
        start_worker(s);
    if (s->running == 0)
        loop_stop(s->loop);
}

int suite_run(const struct suite_options *o, struct error *err)
{
    struct suite *s = mem_alloc(sizeof *s);
    int rc;

    if (s == NULL)
        return error_nomem(err);
    s->o = o;
    s->files = mem_alloc((o->n_files + 1) * sizeof *s->files);
    if (s->files == NULL)
        error_nomem(&s->err);
    else if (loop_new(&s->loop, NULL, &s->err) == 0) {
        start_more(s);
        if (s->running > 0)
            loop_run(s->loop);
        loop_free(s->loop);
    }
    for (size_t i = 0; s->files != NULL && i < o->n_files; i++)
        json_decref(s->files[i].results);
    if (s->err.code != 0 && err != NULL)
        *err = s->err;
    rc = s->err.code;
    mem_free(s->files);
    mem_free(s);
    return rc;
}
