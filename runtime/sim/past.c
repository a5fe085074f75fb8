#include "sim/past.h"

#include "base/mem.h"
#include "base/sid.h"
#include "base/str.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAST_DEPTH = 64 };                      /* verbs within verbs; journals have two or three */
#define PAST_WALL_MAX INT64_C(253402300799000) /* the year 9999 */

/* --- fields --- */

const char *past_text(const struct past_line *l, const char *key)
{
    return json_string_value(json_object_get(l->j, key));
}

int64_t past_number(const struct past_line *l, const char *key)
{
    return json_integer_value(json_object_get(l->j, key));
}

/* --- lines --- */

static size_t count_lines(const char *bytes, size_t len)
{
    size_t n = 1;

    for (const char *p = bytes; (p = memchr(p, '\n', len - (size_t)(p - bytes))) != NULL; p++)
        n++;
    return n;
}

static int add_line(struct past *p, const char *text, size_t len, struct error *err)
{
    struct past_line *l = &p->lines[p->n_lines];
    json_error_t why;
    json_t *j = json_loadb(text, len, 0, &why);

    l->j = j;
    l->e = json_string_value(json_object_get(j, "e"));
    l->t = json_integer_value(json_object_get(j, "t"));
    if (j == NULL || l->e == NULL || l->t < 0 || l->t > PAST_MS) {
        json_decref(j);
        return error_set(err, ERR_INVALID, "line %zu of the journal is none: %s", p->n_lines + 1,
                         j == NULL ? why.text : "it needs \"t\" in milliseconds and \"e\"");
    }
    p->n_lines++;
    if (l->t > p->end)
        p->end = l->t;
    p->cut = p->cut || strcmp(l->e, "cut") == 0;
    return 0;
}

static int read_lines(struct past *p, const char *bytes, size_t len, struct error *err)
{
    const char *at = bytes, *last = bytes + len, *end;
    size_t n = len > 0 ? count_lines(bytes, len) : 0;
    int rc;

    if (len > PAST_BYTES || n > PAST_LINES)
        return error_set(err, ERR_LIMIT, "a journal has at most %d bytes and %d lines", PAST_BYTES,
                         PAST_LINES);
    p->lines = mem_alloc((n + 1) * sizeof *p->lines);
    if (p->lines == NULL)
        return error_nomem(err);
    for (; at < last; at = end + 1) {
        end = memchr(at, '\n', (size_t)(last - at));
        rc = end == at ? 0 : add_line(p, at, (size_t)((end != NULL ? end : last) - at), err);
        if (end == NULL) {
            error_clear(err); /* what a crash cut off */
            return 0;
        }
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* --- the first line --- */

static int read_start(struct past *p, struct error *err)
{
    const struct past_line *l = p->lines;

    if (p->n_lines == 0 || strcmp(l->e, "start") != 0)
        return error_set(err, ERR_INVALID, "not a journal: it does not begin with a \"start\"");
    p->sid = past_text(l, "sid");
    p->account = past_text(l, "account");
    p->from = past_text(l, "from");
    p->to = past_text(l, "to");
    p->codec = past_text(l, "codec");
    p->flow = past_text(l, "flow");
    p->parent = past_text(l, "parent");
    p->at = past_text(l, "at");
    p->seed = past_number(l, "seed");
    p->wall = past_number(l, "wall");
    if (p->wall < 0 || p->wall > PAST_WALL_MAX)
        p->wall = 0;
    p->settings = json_object_get(l->j, "settings");
    p->message = p->sid != NULL && (sid_valid(p->sid, "SM") || sid_valid(p->sid, "MM"));
    p->dtmf_events = json_is_true(json_object_get(l->j, "dtmf_events"));
    if (p->sid == NULL || p->account == NULL || p->from == NULL || p->to == NULL ||
        (p->codec == NULL && !p->message) || (p->flow == NULL && p->parent == NULL))
        return error_set(err, ERR_INVALID,
                         "the journal's \"start\" lacks sid, account, from, to, codec or flow");
    if (!sid_valid(p->sid, NULL) || !sid_valid(p->account, "AC"))
        return error_set(err, ERR_INVALID, "the journal's \"start\" has no proper sid or account");
    return 0;
}

/* --- inputs --- */

/* The verbs that run, outermost first. */
struct running {
    const struct past_line *at[PAST_DEPTH];
    size_t n;
};

static void follow_verbs(struct running *r, const struct past_line *l)
{
    const char *name = past_text(l, "name"), *top;

    if (name == NULL)
        return;
    if (strcmp(l->e, "verb") == 0 && r->n < PAST_DEPTH) {
        r->at[r->n++] = l;
    } else if (strcmp(l->e, "verb_end") == 0) {
        for (size_t i = r->n; i > 0; i--) {
            top = past_text(r->at[i - 1], "name");
            if (top != NULL && strcmp(top, name) == 0) {
                r->n = i - 1;
                return;
            }
        }
    }
}

static bool takes_keys(const char *verb)
{
    return strcmp(verb, "Gather") == 0 || strcmp(verb, "Record") == 0;
}

/* How many verbs of that name began before `l`. */
static size_t count_before(const struct past *p, const struct past_line *l, const char *name)
{
    const char *other;
    size_t n = 0;

    for (const struct past_line *x = p->lines; x < l; x++) {
        other = strcmp(x->e, "verb") == 0 ? past_text(x, "name") : NULL;
        n += other != NULL && strcmp(other, name) == 0;
    }
    return n;
}

/* Hangs the input's time on the innermost verb that may have taken it. */
static void anchor(const struct past *p, struct past_input *in, const struct running *r)
{
    const char *name;

    for (size_t i = r->n; i > 0; i--) {
        name = past_text(r->at[i - 1], "name");
        if (in->kind == PAST_KEY && !takes_keys(name))
            continue;
        in->verb = name;
        in->nth = count_before(p, r->at[i - 1], name);
        in->offset = in->t - r->at[i - 1]->t;
        return;
    }
}

/* A journal may say anything. */
static unsigned sip_status(int64_t n)
{
    return n >= 0 && n < 700 ? (unsigned)n : 0;
}

static bool by_get(const struct past_line *l)
{
    const char *method = past_text(l, "method");

    return method != NULL && strcmp(method, "GET") == 0;
}

static int past_seconds(const struct past_line *l)
{
    int64_t n = past_number(l, "waited");

    return n >= 0 && n <= PAST_MS / 1000 ? (int)n : 0;
}

static bool is_input(const struct past_line *l, struct past_input *in)
{
    const char *by = past_text(l, "by");

    *in = (struct past_input){.t = l->t};
    if (strcmp(l->e, "digit") == 0) {
        in->text = past_text(l, "key");
        return in->text != NULL && in->text[0] != '\0' && in->text[1] == '\0';
    }
    if (strcmp(l->e, "redirect") == 0) {
        in->kind = PAST_REDIRECT;
        in->text = past_text(l, "url");
        return in->text != NULL;
    }
    if (strcmp(l->e, "room") == 0) {
        in->kind = PAST_ROOM;
        in->stage = past_text(l, "stage");
        in->text = past_text(l, "url");
        in->get = by_get(l);
        return in->stage != NULL;
    }
    if (strcmp(l->e, "queue") == 0) {
        in->kind = PAST_QUEUE;
        in->stage = past_text(l, "stage");
        in->text = past_text(l, "url");
        in->get = by_get(l);
        in->other = past_text(l, "sid");
        in->waited = past_seconds(l);
        return in->stage != NULL;
    }
    if (strcmp(l->e, "referred") == 0) {
        in->kind = PAST_REFERS;
        in->text = past_text(l, "to");
        return in->text != NULL;
    }
    if (strcmp(l->e, "refer_status") == 0) {
        in->kind = PAST_REFER_STATUS;
        in->response = sip_status(past_number(l, "response"));
        in->notify = sip_status(past_number(l, "notify"));
        return true;
    }
    if (strcmp(l->e, "hangup") != 0 || by == NULL)
        return false;
    in->kind = strcmp(by, "operator") == 0 ? PAST_OPERATOR_HANGUP
               : strcmp(by, "link") == 0   ? PAST_LINK
                                           : PAST_CALLER_HANGUP;
    return strcmp(by, "operator") == 0 || strcmp(by, "caller") == 0 || strcmp(by, "callee") == 0 ||
           strcmp(by, "link") == 0;
}

/* --- speech --- */

static const struct past_line *line_after(const struct past *p, size_t i, const char *e)
{
    for (i++; i < p->n_lines; i++)
        if (strcmp(p->lines[i].e, e) == 0)
            return &p->lines[i];
    return NULL;
}

/* A number in an attribute as written, else `def`. */
static int64_t attr_ms(const struct past_line *verb, const char *name, long def)
{
    const char *text = json_string_value(json_object_get(json_object_get(verb->j, "attrs"), name));
    long n;

    return 1000 * (text != NULL && str_to_long(text, 0, 86400, &n) ? n : def);
}

/* What ended the Record at `i` was neither a key nor its length nor the end of the call. */
static bool ended_by_silence(const struct past *p, size_t i, const struct past_line *end)
{
    const struct past_line *l = &p->lines[i];

    if (end->t - l->t >= attr_ms(l, "maxLength", 3600))
        return false;
    for (l++; l < end; l++)
        if ((strcmp(l->e, "digit") == 0 && l->t == end->t) || strcmp(l->e, "hangup") == 0)
            return false;
    return true;
}

static void add_speech(struct past *p, size_t i)
{
    const struct past_line *l = &p->lines[i], *end = line_after(p, i, "verb_end");
    const char *name = past_text(l, "name");
    struct past_input in = {.kind = PAST_SPEAKS, .t = l->t, .verb = name};
    const struct past_line *heard = NULL;
    int64_t quiet;

    if (strcmp(l->e, "verb") != 0 || name == NULL || strcmp(name, "Record") != 0 || end == NULL)
        return;
    for (const struct past_line *x = l; x < end; x++)
        if (strcmp(x->e, "recording") == 0 && past_number(x, "seconds") > 0)
            heard = x;
    if (heard == NULL)
        return;
    in.nth = count_before(p, l, name);
    p->inputs[p->n_inputs++] = in;
    if (!ended_by_silence(p, i, end))
        return;
    quiet = end->t - attr_ms(l, "timeout", 5);
    in.kind = PAST_QUIET;
    in.t = quiet > l->t ? quiet : l->t;
    in.offset = in.t - l->t;
    p->inputs[p->n_inputs++] = in;
}

/* --- all of them --- */

static int read_inputs(struct past *p, struct error *err)
{
    struct running r = {.n = 0};
    struct past_input in;

    p->inputs = mem_alloc((2 * p->n_lines + 1) * sizeof *p->inputs);
    if (p->inputs == NULL)
        return error_nomem(err);
    for (size_t i = 0; i < p->n_lines; i++) {
        follow_verbs(&r, &p->lines[i]);
        add_speech(p, i);
        if (!is_input(&p->lines[i], &in))
            continue;
        anchor(p, &in, &r);
        p->inputs[p->n_inputs++] = in;
    }
    return 0;
}

/* --- the calls that it made --- */

static struct past_child *child_of(struct past *p, const char *sid)
{
    for (size_t i = 0; sid != NULL && i < p->n_children; i++)
        if (strcmp(p->children[i].sid, sid) == 0)
            return &p->children[i];
    return NULL;
}

static void read_stage(struct past_child *c, const struct past_line *l)
{
    const char *stage = past_text(l, "stage");
    int64_t since = l->t - c->t;

    if (stage == NULL)
        return;
    c->early = c->early || strcmp(stage, "early") == 0;
    if (strcmp(stage, "ringing") == 0 || (strcmp(stage, "early") == 0 && c->rang < 0))
        c->rang = since;
    else if (strcmp(stage, "answered") == 0)
        c->answered = since;
    else if (strcmp(stage, "ended") == 0) {
        c->ended = since;
        c->status = past_text(l, "status");
    }
}

static int read_children(struct past *p, struct error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_lines; i++)
        n += strcmp(p->lines[i].e, "dial") == 0;
    p->children = mem_alloc((n + 1) * sizeof *p->children);
    if (p->children == NULL)
        return error_nomem(err);
    for (size_t i = 0; i < p->n_lines; i++) {
        const struct past_line *l = &p->lines[i];
        const char *sid = past_text(l, "sid"), *to = past_text(l, "to");
        struct past_child *c = child_of(p, sid);

        if (strcmp(l->e, "dial") == 0 && sid_valid(sid != NULL ? sid : "", "CA") && to != NULL &&
            c == NULL)
            p->children[p->n_children++] = (struct past_child){
                .sid = sid, .to = to, .t = l->t, .rang = -1, .answered = -1, .ended = -1};
        else if (strcmp(l->e, "leg") == 0 && c != NULL)
            read_stage(c, l);
    }
    return 0;
}

bool past_adopt(struct past *p, struct past *child)
{
    struct past_child *c = child_of(p, child->sid);

    if (c == NULL || c->past != NULL)
        return false;
    c->past = child;
    return true;
}

static size_t add_moments(struct past_moment *out, const struct past *p,
                          const struct past_child *child)
{
    for (size_t i = 0; p != NULL && i < p->n_lines; i++)
        out[i] = (struct past_moment){.past = p,
                                      .line = i,
                                      .t = p->lines[i].t + (child != NULL ? child->t : 0),
                                      .child = child};
    return p != NULL ? p->n_lines : 0;
}

/* What happens at one instant: first what a called party did, then what the call made of it, then
 * the calls that it begins. */
static int rank(const struct past_moment *m)
{
    if (m->child == NULL)
        return 1;
    return m->line == 0 ? 2 : 0;
}

static int by_time(const void *a, const void *b)
{
    const struct past_moment *x = a, *y = b;

    if (x->t != y->t)
        return x->t < y->t ? -1 : 1;
    if (rank(x) != rank(y))
        return rank(x) - rank(y);
    if (x->child != y->child)
        return x->child < y->child ? -1 : 1;
    return x->line < y->line ? -1 : 1;
}

struct past_moment *past_moments(const struct past *p, size_t *n)
{
    struct past_moment *all;
    size_t count = p->n_lines;

    for (size_t i = 0; i < p->n_children; i++)
        count += p->children[i].past != NULL ? p->children[i].past->n_lines : 0;
    all = mem_alloc(count * sizeof *all);
    if (all == NULL)
        return NULL;
    *n = add_moments(all, p, NULL);
    for (size_t i = 0; i < p->n_children; i++)
        *n += add_moments(all + *n, p->children[i].past, &p->children[i]);
    qsort(all, *n, sizeof *all, by_time);
    return all;
}

/* --- the whole --- */

int past_parse(struct past **pp, const char *bytes, size_t len, struct error *err)
{
    struct past *p = mem_alloc(sizeof *p);
    int rc;

    if (p == NULL)
        return error_nomem(err);
    rc = read_lines(p, bytes, len, err);
    if (rc == 0)
        rc = read_start(p, err);
    if (rc == 0)
        rc = read_inputs(p, err);
    if (rc == 0 && past_read_values(p) != 0)
        rc = error_nomem(err);
    if (rc == 0)
        rc = read_children(p, err);
    if (rc == 0)
        *pp = p;
    else
        past_free(p);
    return rc;
}

struct past *past_free(struct past *p)
{
    if (p == NULL)
        return NULL;
    for (size_t i = 0; i < p->n_lines; i++)
        json_decref(p->lines[i].j);
    for (size_t i = 0; i < p->n_children; i++)
        past_free(p->children[i].past);
    mem_free(p->lines);
    mem_free(p->inputs);
    mem_free(p->values);
    json_decref(p->made);
    mem_free(p->children);
    mem_free(p);
    return NULL;
}

static int read_one(struct past **pp, const char *path, struct error *err)
{
    FILE *f = fopen(path, "rb");
    char *bytes;
    long size;
    int rc;

    if (f == NULL)
        return error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    if (fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0) {
        rc = error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
        fclose(f);
        return rc;
    }
    bytes = size <= PAST_BYTES ? mem_alloc((size_t)size + 1) : NULL;
    if (bytes == NULL)
        rc = error_set(err, ERR_LIMIT, "%s: too large for a journal", path);
    else
        rc = past_parse(pp, bytes, fread(bytes, 1, (size_t)size, f), err);
    mem_free(bytes);
    fclose(f);
    return rc;
}

int past_read(struct past **pp, const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    struct past *p = NULL, *child;
    struct error missing = {0};
    char beside[4096];
    int rc = read_one(&p, path, err);

    for (size_t i = 0; rc == 0 && i < p->n_children; i++) {
        child = NULL;
        snprintf(beside, sizeof beside, "%.*s%s.jsonl", (int)(slash != NULL ? slash + 1 - path : 0),
                 path, p->children[i].sid);
        if (read_one(&child, beside, &missing) == 0 && !past_adopt(p, child))
            past_free(child);
    }
    if (rc == 0)
        *pp = p;
    return rc;
}
