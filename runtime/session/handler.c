/* What handlers (session/handler.h) ask of the session, and <Lua> in documents. */
#include "session/handler.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/url.h"
#include "base/utf8.h"
#include "session/message.h"
#include <stdio.h>
#include <string.h>

void **handler_state(struct activation *a)
{
    return &a->session->script;
}

void handler_answer(struct activation *a)
{
    session_answer(a->session);
}

const char *handler_url(const struct activation *a)
{
    return a->document != NULL ? a->document->url : "";
}

static void report_warning(const struct diag *d, void *arg)
{
    struct activation *a = arg;
    char where[1200];

    if (d->error)
        return; /* it is in the error, too */
    snprintf(where, sizeof where, "%s: markup, line %d", handler_url(a), d->line);
    session_say_problem(a->session, false, d->code, where, d->text);
}

int handler_parse(struct activation *a, const char *markup, size_t len, struct document **dp,
                  struct error *err)
{
    struct session *s = a->session;
    struct document_source source = {.bytes = markup,
                                     .len = len,
                                     .url = handler_url(a),
                                     .kind = s->message != NULL ? DOCUMENT_MESSAGE : DOCUMENT_VOICE,
                                     .report = report_warning,
                                     .arg = a};
    int limit = s->config->config->limits.documents_per_call, rc;

    if (s->documents >= limit)
        return error_set_twilio(err, ERR_LIMIT, 11215,
                                "%d documents in one call (limits.documents_per_call)", limit);
    rc = document_parse(dp, &s->rt->table, &source, err);
    s->documents += rc == 0;
    return rc;
}

void handler_facts(const struct activation *a, struct handler_facts *out)
{
    const struct session *s = a->session;

    *out = (struct handler_facts){
        .kind = s->message != NULL ? DOCUMENT_MESSAGE : DOCUMENT_VOICE,
        .body = s->message != NULL ? s->message->body : NULL,
        .segments = s->message != NULL ? s->message->segments : 0,
        .sid = s->sid,
        .account = s->account->sid,
        .from = s->from,
        .to = s->to,
        .direction = s->direction,
        .status = s->message != NULL ? message_status_name(s->message->status)
                                     : call_status_name(s->status),
        .forwarded_from = s->forwarded_from,
        .caller_name = s->caller_name,
        .seed = s->seed,
        .loop = s->rt->parts.loop,
        .schemas = &s->rt->table,
        .config = s->config->config,
        .state = s->rt->parts.state,
        .webhooks = s->rt->parts.webhooks,
        .kv = s->rt->parts.kv,
        .folder = s->flow_root != NULL ? s->flow_root : "",
        .live = s->phase == SESSION_RUNNING,
    };
}

const char *handler_own(const struct activation *a, char *out, size_t size)
{
    return fetch_own(a->session, out, size);
}

char *handler_text(const char *text, size_t max)
{
    struct str out = STR_INIT(max + UTF8_MAX);
    char one[UTF8_MAX];
    uint32_t c;

    while (*text != '\0' && out.len < max) {
        c = utf8_read(&text);
        str_addn(&out, one, utf8_write(one, c));
    }
    return str_take(&out);
}

static void log_clean(struct session *s, const char *level, const char *text)
{
    journal_add(s, "log", "{s:s, s:s}", "level", level, "text", text);
    if (strcmp(level, "warn") == 0)
        log_warn("flow", s->sid, "%s", text);
    else if (strcmp(level, "error") == 0)
        log_error("flow", s->sid, "%s", text);
    else if (strcmp(level, "debug") == 0)
        log_debug("flow", s->sid, "%s", text);
    else
        log_info("flow", s->sid, "%s", text);
}

void handler_log(struct activation *a, const char *level, const char *text)
{
    char *clean = handler_text(text, HANDLER_MAX_TEXT);

    log_clean(a->session, level, clean != NULL ? clean : "");
    mem_free(clean);
}

void handler_warn(struct activation *a, int code, const char *where, const char *text)
{
    session_say_problem(a->session, false, code, where, text);
}

void handler_note(struct activation *a, const char *what, json_t *facts)
{
    journal_add_object(a->session, what, facts);
}

/* As a webhook's (journal.h), so that a replay finds them in the same way. */
unsigned handler_note_request(struct activation *a, const char *method, const char *url)
{
    int id = ++a->session->fetches;

    journal_add(a->session, "request", "{s:i, s:s, s:s, s:b, s:{}}", "id", id, "method", method,
                "url", url, "handler", 1, "params");
    return (unsigned)id;
}

void handler_note_reply(struct activation *a, unsigned id, const struct http_reply *reply)
{
    if (reply->failure != HTTP_DONE) {
        journal_add(a->session, "failure", "{s:i, s:i, s:s}", "id", (int)id, "code",
                    http_failure_twilio(reply->failure), "text", reply->text);
        return;
    }
    journal_reply(a->session, &(struct journal_reply){.id = (int)id,
                                                      .status = reply->status,
                                                      .attempts = 1,
                                                      .type = reply->content_type,
                                                      .url = reply->url,
                                                      .body = reply->body,
                                                      .len = reply->body_len,
                                                      .ms = reply->ms});
}

/* --- files of the flow's folder --- */

struct handler_read {
    struct session *session;
    struct flow_read *read;
    handler_file_h *h;
    void *arg;
};

static void file_read(const char *path, const char *bytes, size_t len, int64_t mtime,
                      const struct error *err, void *arg)
{
    struct handler_read *r = arg;
    handler_file_h *h = r->h;
    void *h_arg = r->arg;

    if (bytes != NULL)
        journal_file(r->session, ++r->session->fetches, path, bytes, len, mtime);
    mem_free(r);
    h(path, bytes, len, err, h_arg);
}

struct handler_read *handler_read(struct activation *a, const char *name, handler_file_h *h,
                                  void *arg, struct error *err)
{
    struct session *s = a->session;
    char *path = url_resolve(handler_url(a), name);
    struct handler_read *r = mem_alloc(sizeof *r);

    if (r != NULL && path != NULL && s->flow_root != NULL && !url_is_http(path)) {
        *r = (struct handler_read){.session = s, .h = h, .arg = arg};
        r->read = flow_read(s->rt, s->flow_root, path, HANDLER_MAX_BYTES, file_read, r, err);
    } else if (path == NULL || r == NULL) {
        error_nomem(err);
    } else {
        error_set_twilio(err, ERR_REFUSED, 11100, "%s: this flow has no folder of files", name);
    }
    mem_free(path);
    if (r != NULL && r->read != NULL)
        return r;
    mem_free(r);
    return NULL;
}

void handler_read_cancel(struct handler_read *r)
{
    flow_read_cancel(r->read);
    mem_free(r);
}

/* --- a flow's file is there --- */

int activation_handler(struct activation *a, const struct handler_source *source, struct error *err)
{
    struct document *d = mem_alloc(sizeof *d);
    struct str url = STR_INIT(4096);
    int rc;

    str_add(&url, source->path);
    if (source->function != NULL)
        str_addf(&url, "#%s", source->function);
    if (d != NULL) {
        d->refs = 1;
        arena_init(&d->arena, 512, 8192);
        d->url = arena_strdup(&d->arena, str_text(&url));
    }
    str_free(&url);
    if (d == NULL || d->url == NULL) {
        document_unref(d);
        return error_nomem(err);
    }
    document_unref(a->document);
    a->document = d;
    a->next = NULL;
    rc = a->session->rt->parts.handlers->make(&a->handler, a, source, err);
    if (rc != 0)
        return rc;
    a->kind = ACTIVATION_HANDLER;
    a->outcome = VERB_DONE;
    journal_add(a->session, "handler", "{s:i, s:s}", "n", a->session->documents, "url", d->url);
    task_post(&a->session->advance);
    return 0;
}

void handler_wake(struct activation *a)
{
    a->waits = false;
    a->outcome = VERB_DONE;
    task_post(&a->session->advance);
}

/* --- <Lua> --- */

/* All text of the element, exactly as written. */
static void script_text(const struct node *n, struct str *out)
{
    for (const struct node *c = n->children; c != NULL; c = c->next)
        if (c->schema == NULL)
            str_add(out, c->text);
}

static void make_script(struct activation *a, struct activation *child)
{
    struct str text = STR_INIT(HANDLER_MAX_BYTES);
    struct handler_source source = {.path = a->document->url, .line = a->node->line, .plain = true};
    struct webhook_params *params = a->params == NULL ? params_standard(a->session) : NULL;
    struct error err = {0};

    script_text(a->node, &text);
    source.text = str_text(&text);
    source.len = text.len;
    source.params = a->params != NULL ? a->params : params;
    child->document = document_ref(a->document);
    child->kind = ACTIVATION_HANDLER;
    if (text.failed)
        error_nomem(&err);
    else
        a->session->rt->parts.handlers->make(&child->handler, child, &source, &err);
    if (child->handler == NULL)
        child->broken = mem_strdup(err.text);
    str_free(&text);
    webhook_params_free(params);
}

static void load_script(struct activation *a, struct activation *child, const char *src)
{
    char *url = url_resolve(a->document->url, src);
    struct error err = {0};

    child->document = document_ref(a->document);
    if (url == NULL)
        error_nomem(&err);
    else
        fetch_document(child, url, false, HTTP_DOCUMENT, NULL, &err);
    if (err.code != 0)
        child->broken = mem_strdup(err.text);
    mem_free(url);
}

uint32_t session_run_script(struct activation *a, const char *src)
{
    struct session *s = a->session;
    struct activation *child;
    struct request *r;

    if (url_is_http(a->document->url) && (src != NULL || !s->number->lua_in_webhooks)) {
        session_warn(a, 12200, "<Lua> in a webhook's answer is left out: %s",
                     src != NULL ? "src is for files" : "the number's lua_in_webhooks is not true");
        return 0;
    }
    if (s->rt->parts.handlers == NULL || activation_depth(a) >= HANDLER_MAX_NESTING) {
        session_warn(a, 12200, "<Lua> is left out: no Lua here, or nested too deep");
        return 0;
    }
    r = request_new(a, REQUEST_CHILDREN);
    child = r != NULL ? activation_new(s, ACTIVATION_DOCUMENT) : NULL;
    if (child == NULL) {
        if (r != NULL)
            request_free(r);
        return 0;
    }
    child->children_of = r->id;
    child->is_fallback = a->is_fallback;
    child->outcome = VERB_DONE;
    if (src != NULL)
        load_script(a, child, src);
    else
        make_script(a, child);
    task_post(&s->advance);
    return r->id;
}
