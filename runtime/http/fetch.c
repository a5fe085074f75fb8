#include "http/fetch.h"

#include "base/mem.h"
#include "http/crypto.h"
#include "http/shelf.h"
#include "http/url.h"
#include <ctype.h>
#include <curl/curl.h> /* curl_getdate() */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

struct fetcher {
    struct loop *loop;
    struct http_port port;
    const struct config *config;
    struct shelf shelf;
    struct map loads;  /* by name */
    struct list ready; /* fetches whose answer is on the shelf */
};

/* One transfer, for all who want the same. */
struct load {
    struct fetcher *owner;
    char name[33];
    char *url;              /* without fragment */
    void *handle;           /* NULL once the reply came */
    struct list waiters;    /* struct fetch */
    bool finishing;         /* waiters are being told: it frees itself afterwards */
    struct shelf_item *old; /* pinned while it is revalidated */
    char path[SHELF_PATH];  /* where the transfer writes */
};

struct fetch {
    struct fetcher *owner;
    struct load *load; /* NULL: it is in `ready` */
    struct link_node node;
    struct task task;
    fetch_h *h;
    void *arg;
    char name[33], path[SHELF_PATH], mime[64], key[56];
};

/* --- audio types (twiml-voice.md §2.2), and what servers without a clue call them --- */

static const struct {
    const char *mime, *extension;
} known[] = {
    {"audio/mpeg", "mp3"},     {"audio/wav", "wav"},   {"audio/wave", NULL},
    {"audio/x-wav", NULL},     {"audio/aiff", "aiff"}, {"audio/x-aifc", "aifc"},
    {"audio/x-aiff", "aif"},   {"audio/x-gsm", NULL},  {"audio/gsm", "gsm"},
    {"audio/ulaw", "ulaw"},    {"audio/ulaw", "ul"},   {"audio/mp3", NULL},
    {"audio/basic", "au"},     {"audio/ogg", "ogg"},   {"audio/ogg", "opus"},
    {"application/ogg", NULL}, {"audio/flac", "flac"}, {"audio/x-flac", NULL},
    {"audio/vnd.wave", NULL},  {"audio/opus", NULL},
};

static const char *by_extension(const char *url)
{
    size_t end = strcspn(url, "?#");
    const char *dot = memrchr(url, '.', end);
    size_t len = dot != NULL ? end - (size_t)(dot + 1 - url) : 0;

    for (size_t i = 0; i < sizeof known / sizeof *known && len > 0; i++) {
        if (known[i].extension != NULL && strlen(known[i].extension) == len &&
            strncasecmp(known[i].extension, dot + 1, len) == 0)
            return known[i].mime;
    }
    return NULL;
}

/* The type to read the file as; NULL: no audio that we take. */
static const char *audio_type(const char *content_type, const char *url)
{
    size_t len = 0;
    const char *s = content_type != NULL ? str_trim(content_type, &len) : "";
    size_t n = 0;

    while (n < len && s[n] != ';' && s[n] != ' ')
        n++;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].mime) == n && strncasecmp(known[i].mime, s, n) == 0)
            return known[i].mime;
    }
    if (n == 0 || (n == 24 && strncasecmp(s, "application/octet-stream", n) == 0) ||
        (n == 19 && strncasecmp(s, "binary/octet-stream", n) == 0))
        return by_extension(url);
    return NULL;
}

/* --- for how long --- */

/* Finds "name" or "name=value" in a Cache-Control field. */
static bool directive(const char *field, const char *name, long *value)
{
    size_t len = strlen(name);

    for (const char *p = field; p != NULL && *p != '\0'; p = strchr(p, ',')) {
        p += strspn(p, ", \t");
        if (strncasecmp(p, name, len) != 0)
            continue;
        if (value == NULL && strchr(" \t,=", p[len]) != NULL)
            return true;
        if (value != NULL && p[len] == '=') {
            *value = strtol(p + len + 1 + (p[len + 1] == '"'), NULL, 10);
            return true;
        }
    }
    return false;
}

static int64_t fresh_until(struct fetcher *f, const struct http_reply *r)
{
    int64_t now = loop_wall(f->loop);
    const char *control = r->cache_control;
    long age = 0;
    time_t expires;

    if (control != NULL && directive(control, "no-cache", NULL))
        return 0;
    if (control != NULL && directive(control, "max-age", &age)) {
        if (age > 365 * 86400L)
            age = 365 * 86400L;
        return age > 0 ? now + age * INT64_C(1000) : 0;
    }
    expires = r->expires != NULL ? curl_getdate(r->expires, NULL) : -1;
    return expires > 0 ? expires * INT64_C(1000) : 0;
}

/* --- telling those who wait --- */

static void tell(struct fetch *f, const struct fetched *what)
{
    f->h(what, f->arg);
    mem_free(f);
}

static void load_free(struct load *l)
{
    if (l->handle != NULL)
        l->owner->port.cancel(l->owner->port.self, l->handle);
    if (l->old != NULL)
        l->old->pins--;
    unlink(l->path); /* gone already where the transfer was kept */
    map_remove(&l->owner->loads, l->name);
    mem_free(l->url);
    mem_free(l);
}

/* Everybody gets the same answer; a handler may cancel others, or ask for the same again. */
static void finish(struct load *l, const struct fetched *what)
{
    struct link_node *n;

    l->finishing = true;
    map_remove(&l->owner->loads, l->name);
    while ((n = list_pop(&l->waiters)) != NULL)
        tell(list_entry(n, struct fetch, node), what);
    if (l->old != NULL)
        l->old->pins--;
    unlink(l->path);
    mem_free(l->url);
    mem_free(l);
}

static void fail(struct load *l, int twilio, const char *why)
{
    struct fetched what = {.twilio = twilio};
    struct str shown = STR_INIT(HTTP_URL_MAX);
    struct http_url u;

    if (http_url_split(&u, l->url, NULL) == 0)
        http_url_public(&u, &shown);
    snprintf(what.text, sizeof what.text, "GET %.120s: %.160s", str_text(&shown), why);
    str_free(&shown);
    finish(l, &what);
}

static void succeed(struct load *l, const char *path, const char *file, const char *mime,
                    bool cached)
{
    struct fetched what = {.path = path, .mime = mime, .key = file, .cached = cached};

    finish(l, &what);
}

/* --- the reply --- */

static void confirmed(struct load *l, const struct http_reply *r)
{
    struct shelf *s = &l->owner->shelf;
    char path[SHELF_PATH];

    shelf_refresh(s, l->old, fresh_until(l->owner, r));
    shelf_path(s, l->old->file, path);
    succeed(l, path, l->old->file, l->old->mime, true);
}

static void take_file(struct load *l, const struct http_reply *r, const char *mime, int64_t size)
{
    struct fetcher *f = l->owner;
    struct shelf_item facts = {.size = size, .fresh_until = fresh_until(f, r)};
    bool keep = r->cache_control == NULL || !directive(r->cache_control, "no-store", NULL);
    char path[SHELF_PATH];
    struct error err = {0};

    str_copy(facts.mime, sizeof facts.mime, mime);
    /* A cut one would never match: then it is as if the server had sent none. */
    if (r->etag != NULL && !str_copy(facts.etag, sizeof facts.etag, r->etag))
        facts.etag[0] = '\0';
    if (r->last_modified != NULL &&
        !str_copy(facts.modified, sizeof facts.modified, r->last_modified))
        facts.modified[0] = '\0';
    if (facts.fresh_until == 0 && facts.etag[0] == '\0' && facts.modified[0] == '\0')
        keep = false; /* it could only be fetched whole again */
    if (l->old != NULL) {
        l->old->pins--;
        l->old = NULL;
    }
    if (shelf_put(&f->shelf, l->name, l->path, &facts, keep, path, &err) != 0)
        fail(l, 11200, err.text);
    else
        succeed(l, path, strrchr(path, '/') + 1, facts.mime, false);
}

static void on_reply(const struct http_reply *r, void *arg)
{
    struct load *l = arg;
    const char *mime = NULL;
    char why[200];
    struct stat st;

    l->handle = NULL;
    if (r->failure != HTTP_DONE) {
        fail(l, http_failure_twilio(r->failure), r->text);
        return;
    }
    if (r->status == 304 && l->old != NULL) {
        confirmed(l, r);
        return;
    }
    if (r->status != 200) {
        snprintf(why, sizeof why, "answered with status %d", r->status);
        fail(l, 11200, why);
        return;
    }
    mime = audio_type(r->content_type, r->url != NULL ? r->url : l->url);
    if (mime == NULL) {
        snprintf(why, sizeof why, "Content-Type %.60s is no audio that can be played",
                 r->content_type != NULL ? r->content_type : "(none)");
        fail(l, 13420, why);
    } else if (stat(l->path, &st) != 0 || st.st_size == 0) {
        fail(l, 13420, "the file is empty");
    } else {
        take_file(l, r, mime, st.st_size);
    }
}

/* --- the request --- */

static int send_request(struct load *l, enum http_trust trust, const char *own, struct error *err)
{
    struct fetcher *f = l->owner;
    const struct config *c = f->config;
    const char *headers[5] = {"User-Agent: " HTTP_USER_AGENT, "Accept: audio/*, */*;q=0.5"};
    char match[300], since[100];
    size_t n = 2;
    struct http_request rq = {
        .method = "GET",
        .url = l->url,
        .headers = headers,
        .connect_ms = 5000,
        .read_ms = 15000,
        .total_ms = FETCH_MAX_MS,
        .max_bytes = FETCH_MAX_BYTES,
        .save_to = l->path,
        .rule = {.trust = trust, .own = own},
    };

    if (c != NULL) {
        rq.rule.allow = c->http.allow;
        rq.rule.n_allow = c->http.n_allow;
        rq.rule.ca_file = c->http.ca_file;
    }
    if (l->old != NULL && l->old->etag[0] != '\0') {
        snprintf(match, sizeof match, "If-None-Match: %s", l->old->etag);
        headers[n++] = match;
    }
    if (l->old != NULL && l->old->modified[0] != '\0') {
        snprintf(since, sizeof since, "If-Modified-Since: %s", l->old->modified);
        headers[n++] = since;
    }
    l->handle = f->port.start(f->port.self, &rq, on_reply, l, err);
    return l->handle != NULL ? 0 : ERR_IO;
}

static char *request_url(const char *url)
{
    struct http_url u;
    struct str out = STR_INIT(3 * HTTP_URL_MAX);

    if (http_url_split(&u, url, NULL) != 0)
        return NULL;
    http_url_request(&u, url, &out);
    return str_take(&out);
}

static struct load *load_new(struct fetcher *f, const char *name, const char *url,
                             enum http_trust trust, const char *own, struct error *err)
{
    struct load *l = mem_alloc(sizeof *l);
    struct shelf_item *old = shelf_find(&f->shelf, name);

    if (l == NULL || (l->url = request_url(url)) == NULL) {
        mem_free(l);
        error_nomem(err);
        return NULL;
    }
    l->owner = f;
    list_init(&l->waiters);
    str_copy(l->name, sizeof l->name, name);
    shelf_temporary(&f->shelf, l->path);
    if (old != NULL && (old->etag[0] != '\0' || old->modified[0] != '\0')) {
        l->old = old;
        old->pins++;
    }
    if (map_set(&f->loads, name, l) != 0)
        error_nomem(err);
    else if (send_request(l, trust, own, err) == 0)
        return l;
    load_free(l);
    return NULL;
}

/* What was reached by one rule must not be had through the cache by another: the rule is part of
 * the name. */
static bool name_of(char name[33], const char *url, enum http_trust trust, const char *own)
{
    struct str s = STR_INIT(HTTP_URL_MAX + 400);
    bool good;

    str_addf(&s, "%d %s ", trust, own != NULL ? own : "");
    str_addn(&s, url, strcspn(url, "#"));
    good = !s.failed && crypto_name(s.data, s.len, name);
    str_free(&s);
    return good;
}

static void on_ready(void *arg)
{
    struct fetch *f = arg;

    list_remove(&f->node);
    tell(f, &(struct fetched){.path = f->path, .mime = f->mime, .key = f->key, .cached = true});
}

/* The answer lies on the shelf; the file stays for a minute at least, whatever happens. */
static void answer_from(struct fetch *f, struct shelf_item *item)
{
    struct shelf *s = &f->owner->shelf;

    shelf_touch(s, item);
    shelf_path(s, item->file, f->path);
    str_copy(f->mime, sizeof f->mime, item->mime);
    str_copy(f->key, sizeof f->key, item->file);
    list_append(&f->owner->ready, &f->node);
    task_post(&f->task);
}

struct fetch *fetch_start(struct fetcher *owner, const char *url, enum http_trust trust,
                          const char *own, fetch_h *h, void *arg, struct error *err)
{
    struct fetch *f;
    struct shelf_item *item;
    struct http_url u;

    if (http_url_split(&u, url, err) != 0)
        return NULL;
    f = mem_alloc(sizeof *f);
    if (f == NULL || !name_of(f->name, url, trust, own)) {
        mem_free(f);
        error_nomem(err);
        return NULL;
    }
    f->owner = owner;
    f->h = h;
    f->arg = arg;
    task_init(&f->task, owner->loop, on_ready, f);
    item = shelf_find(&owner->shelf, f->name);
    if (item != NULL && item->fresh_until > loop_wall(owner->loop)) {
        answer_from(f, item);
        return f;
    }
    f->load = map_get(&owner->loads, f->name);
    if (f->load == NULL)
        f->load = load_new(owner, f->name, url, trust, own, err);
    if (f->load == NULL) {
        mem_free(f);
        return NULL;
    }
    list_append(&f->load->waiters, &f->node);
    return f;
}

void fetch_cancel(struct fetch *f)
{
    struct load *l;

    if (f == NULL)
        return;
    l = f->load;
    list_remove(&f->node);
    task_cancel(&f->task);
    mem_free(f);
    if (l != NULL && !l->finishing && list_empty(&l->waiters))
        load_free(l);
}

/* --- the set --- */

int fetcher_new(struct fetcher **fp, struct loop *loop, struct http_port port, const char *folder,
                int max_mb, struct error *err)
{
    struct fetcher *f = mem_alloc(sizeof *f);
    int rc;

    if (f == NULL)
        return error_nomem(err);
    f->loop = loop;
    f->port = port;
    list_init(&f->ready);
    rc = shelf_open(&f->shelf, loop, folder, max_mb * INT64_C(1048576), err);
    if (rc != 0) {
        mem_free(f);
        return rc;
    }
    *fp = f;
    return 0;
}

void fetcher_set_config(struct fetcher *f, const struct config *config)
{
    f->config = config;
}

static void find_waiter(const char *name, void *value, void *arg)
{
    struct load *l = value;

    (void)name;
    *(struct fetch **)arg = list_entry(list_first(&l->waiters), struct fetch, node);
}

struct fetcher *fetcher_free(struct fetcher *f)
{
    struct link_node *n;

    if (f == NULL)
        return NULL;
    while ((n = list_first(&f->ready)) != NULL)
        fetch_cancel(list_entry(n, struct fetch, node));
    while (f->loads.count > 0) {
        struct fetch *waiter = NULL;

        map_each(&f->loads, find_waiter, &waiter);
        fetch_cancel(waiter);
    }
    map_free(&f->loads);
    shelf_close(&f->shelf);
    mem_free(f);
    return NULL;
}
