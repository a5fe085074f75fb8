#include "session/journal.h"
#include "base/log.h"
#include "base/mem.h"
#include "session/private.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES = 1 << 23 }; /* more than any document may have */

struct journal_watch {
    struct link_node node;
    char sid[SID_SIZE]; /* "" for all */
    journal_watch_h *h;
    void *arg;
    struct runtime *rt;
};

static void tell_watches(struct session *s, const char *line)
{
    struct link_node *n, *next;

    for (n = list_first(&s->rt->watches); n != NULL; n = next) {
        struct journal_watch *w = list_entry(n, struct journal_watch, node);

        next = list_next(&s->rt->watches, n);
        if (w->sid[0] == '\0' || strcmp(w->sid, s->sid) == 0)
            w->h(s->sid, line, w->arg);
    }
}

void journal_day(int64_t wall_ms, char out[32])
{
    params_iso8601(wall_ms, out);
    out[strlen("2026-01-01")] = '\0';
}

/* STATE/journal/2026-01-01/CA….jsonl, by the day the session began. */
static const char *journal_path(struct session *s)
{
    char day[32], path[1024];

    if (s->journal_path == NULL) {
        journal_day(s->began_wall, day);
        snprintf(path, sizeof path, "%s/journal/%s/%s.jsonl", s->rt->parts.state, day, s->sid);
        s->journal_path = mem_strdup(path);
    }
    return s->journal_path;
}

/* `line` has a newline, which only the file gets. */
static void write_line(struct session *s, char *line, size_t len)
{
    const char *path = s->rt->parts.no_journal_files ? NULL : journal_path(s);

    if (!s->rt->parts.no_journal_files &&
        (path == NULL || disk_append(s->rt->parts.disk, path, line, len) != 0))
        log_warn("journal", s->sid, "a line could not be written and is lost");
    line[len - 1] = '\0';
    tell_watches(s, line);
}

/* The bound holds for everything but the last line. */
static bool within_bound(struct session *s, const char *what, size_t len)
{
    size_t max = (size_t)s->config->config->limits.journal_kb * 1024;
    char cut[] = "{\"t\":0,\"e\":\"cut\"}\n";

    if (strcmp(what, "end") == 0)
        return true;
    if (s->journal_cut)
        return false;
    s->journal_bytes += len;
    if (s->journal_bytes <= max)
        return true;
    s->journal_cut = true;
    write_line(s, cut, strlen(cut));
    log_warn("journal", s->sid, "longer than %zu bytes: cut (limits.journal_kb)", max);
    return false;
}

static int add_text(const char *text, size_t len, void *arg)
{
    str_addn(arg, text, len);
    return 0;
}

void journal_add_object(struct session *s, const char *what, json_t *object)
{
    int64_t ms = (loop_now(s->rt->parts.loop) - s->began) / 1000;
    struct str line = STR_INIT(LINE_BYTES);
    bool good;

    /* The members of `object` follow the two that each line begins with. */
    str_addf(&line, "{\"t\":%" PRId64 ",\"e\":\"%s\"%s", ms, what,
             json_object_size(object) > 0 ? "," : "");
    good = object != NULL &&
           json_dump_callback(object, add_text, &line, JSON_COMPACT | JSON_EMBED) == 0;
    str_add(&line, "}\n");
    if (!good || line.failed)
        log_warn("journal", s->sid, "out of memory, or too long: a line '%s' is lost", what);
    else if (within_bound(s, what, line.len - 1))
        write_line(s, line.data, line.len);
    json_decref(object);
    str_free(&line);
}

void journal_add(struct session *s, const char *what, const char *fmt, ...)
{
    va_list ap;
    json_t *object;
    json_error_t why;

    va_start(ap, fmt);
    object = json_vpack_ex(&why, 0, fmt, ap);
    va_end(ap);
    if (object == NULL) {
        /* The one outside cause: a string that is no UTF-8. Say so instead of nothing. */
        log_warn("journal", s->sid, "line '%s': %s", what, why.text);
        object = json_pack("{s:s}", "unwritable", why.text);
    }
    journal_add_object(s, what, object);
}

static json_t *body_or_null(const char *bytes, size_t len)
{
    json_t *body = json_stringn(bytes != NULL ? bytes : "", len);

    return body != NULL ? body : json_null();
}

void journal_file(struct session *s, int id, const char *path, const char *bytes, size_t len,
                  int64_t mtime)
{
    journal_add(s, "file", "{s:i, s:s, s:I, s:I, s:o}", "id", id, "path", path, "bytes",
                (json_int_t)len, "mtime", (json_int_t)mtime, "body", body_or_null(bytes, len));
}

void journal_reply(struct session *s, const struct journal_reply *r)
{
    journal_add(s, "reply", "{s:i, s:i, s:s?, s:s?, s:I, s:i, s:I, s:o}", "id", r->id, "status",
                r->status, "type", r->type, "url", r->url, "ms", (json_int_t)r->ms, "attempts",
                r->attempts, "bytes", (json_int_t)r->len, "body", body_or_null(r->body, r->len));
}

struct journal_watch *journal_watch_new(struct runtime *rt, const char *sid, journal_watch_h *h,
                                        void *arg)
{
    struct journal_watch *w = mem_alloc(sizeof *w);

    if (w == NULL)
        return NULL;
    w->rt = rt;
    w->h = h;
    w->arg = arg;
    if (sid != NULL)
        str_copy(w->sid, sizeof w->sid, sid);
    list_append(&rt->watches, &w->node);
    return w;
}

struct journal_watch *journal_watch_free(struct journal_watch *w)
{
    if (w != NULL) {
        list_remove(&w->node);
        mem_free(w);
    }
    return NULL;
}
