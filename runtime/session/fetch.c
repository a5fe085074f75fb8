/* Documents: from a webhook or a file to a checked tree, with the fallback in between. */
#include "base/log.h"
#include "base/mem.h"
#include "http/url.h"
#include "session/message.h"
#include <stdio.h>
#include <string.h>

/* What a caller hears when neither the flow nor its fallback can be had (webhooks.md §6.2). */
static const char apology[] = "<Response><Say>We are sorry. An application error has occurred. "
                              "Goodbye.</Say></Response>";

struct fetch_job {
    struct activation *activation;
    struct session *session;
    char *url;
    char *function;     /* of a Lua file: what stood behind '#'; NULL: its usual one */
    bool lua;           /* a handler, not a document */
    bool get, fallback; /* fallback: this is the second try, with the fallback's URL */
    enum http_trust trust;
    struct webhook_params *params;
    struct webhook *webhook;
    struct flow_read *read;
    int id;         /* in the journal */
    bool saving;    /* an audio answer is being written to `body_path` */
    bool forgotten; /* cancelled while saving */
    char *body_path;
};

static void job_start(struct fetch_job *job);

static void job_free(struct fetch_job *job)
{
    webhook_params_free(job->params);
    mem_free(job->url);
    mem_free(job->function);
    mem_free(job->body_path);
    mem_free(job);
}

/* --- where files may lie --- */

/* A path of the configuration, absolute. The caller frees. */
static char *absolute_path(const struct session *s, const char *path)
{
    struct str out = STR_INIT(4096);

    if (path[0] != '/') {
        if (strcmp(s->config->config->folder, "/") != 0)
            str_add(&out, s->config->config->folder);
        str_addc(&out, '/');
    }
    str_add(&out, path);
    return str_take(&out);
}

/* A file the operator named opens its folder to what follows from it. */
static int set_root(struct session *s, const char *path)
{
    const char *slash = strrchr(path, '/');

    mem_free(s->flow_root);
    s->flow_root = mem_strndup(path, slash == NULL || slash == path ? 1 : (size_t)(slash - path));
    return s->flow_root != NULL ? 0 : ERR_NOMEM;
}

const char *fetch_own(const struct session *s, char *out, size_t size)
{
    struct http_url u;
    struct str origin = STR_INIT(size - 1);
    bool fits;

    const char *flow = s->message != NULL ? s->number->message : s->number->voice;

    if (flow == NULL || http_url_split(&u, flow, NULL) != 0)
        return NULL;
    http_url_origin(&u, &origin);
    fits = !origin.failed && str_copy(out, size, str_text(&origin));
    str_free(&origin);
    return fits ? out : NULL;
}

/* --- the end of a job --- */

static bool has_extension(const struct document *d)
{
    for (const struct node *n = d->root->children; n != NULL; n = n->next)
        if (n->schema != NULL && (n->schema->flags & SCHEMA_EXTENSION) != 0)
            return true;
    return false;
}

static void job_done(struct fetch_job *job, struct document *d)
{
    struct activation *a = job->activation;

    a->fetch = NULL;
    a->is_fallback = job->fallback;
    a->params = webhook_params_free(a->params);
    if (has_extension(d)) {
        a->params = job->params; /* <Lua> sees what the document was asked with */
        job->params = NULL;
    }
    job_free(job);
    activation_document(a, d);
}

static void report_problem(const struct diag *d, void *arg)
{
    struct fetch_job *job = arg;
    char where[1200];

    if (d->error)
        return; /* said once, with the failure */
    snprintf(where, sizeof where, "%s:%d", job->url, d->line);
    session_say_problem(job->session, false, d->code, where, d->text);
}

static int parse(struct fetch_job *job, const char *url, const char *bytes, size_t len,
                 struct document **dp, struct error *err)
{
    struct document_source source = {.bytes = bytes,
                                     .len = len,
                                     .url = url,
                                     .kind = job->session->message != NULL ? DOCUMENT_MESSAGE
                                                                           : DOCUMENT_VOICE,
                                     .report = report_problem,
                                     .arg = job};

    return document_parse(dp, &job->session->rt->table, &source, err);
}

/* The flow's own markup, where {{ }} may stand: always in files, in answers of webhooks when the
 * number allows it. */
static int parse_own(struct fetch_job *job, const char *url, const char *bytes, size_t len,
                     bool allowed, struct document **dp, struct error *err)
{
    const struct handler_type *type = job->session->rt->parts.handlers;
    struct handler_source source = {
        .text = bytes, .len = len, .path = url, .line = 1, .params = job->params};
    struct str out = STR_INIT(DOCUMENT_MAX_BYTES);
    int rc;

    if (!allowed || type == NULL || memmem(bytes, len, "{{", 2) == NULL)
        return parse(job, url, bytes, len, dp, err);
    rc = type->expand(job->activation, &source, &out, err);
    if (rc == 0)
        rc = parse(job, url, str_text(&out), out.len, dp, err);
    str_free(&out);
    return rc;
}

static void apologise(struct fetch_job *job)
{
    struct document *d = NULL;
    struct activation *a = job->activation;

    /* To who writes nothing is said. */
    if (job->session->message == NULL &&
        parse(job, job->url, apology, sizeof apology - 1, &d, NULL) == 0) {
        job_done(job, d);
        return;
    }
    a->fetch = NULL;
    job_free(job);
    activation_failed(a);
}

static const char *fallback_of(const struct session *s)
{
    return s->message != NULL ? s->number->message_fallback : s->number->voice_fallback;
}

static int become_fallback(struct fetch_job *job, int code)
{
    const struct config_number *n = job->session->number;
    bool message = job->session->message != NULL;
    const char *method = message ? n->message_fallback_method : n->voice_fallback_method;
    const char *fallback = fallback_of(job->session);
    char number[16], *url = NULL;

    snprintf(number, sizeof number, "%d", code);
    if (webhook_params_set(job->params, "ErrorCode", number) != 0 ||
        webhook_params_set(job->params, "ErrorUrl", job->url) != 0)
        return ERR_NOMEM;
    url = url_is_http(fallback) ? mem_strdup(fallback) : absolute_path(job->session, fallback);
    if (url == NULL)
        return ERR_NOMEM;
    mem_free(job->url);
    job->url = url;
    job->fallback = true;
    job->trust = HTTP_OPERATOR;
    job->get = method != NULL && strcmp(method, "GET") == 0;
    return 0;
}

static void job_failed(struct fetch_job *job, int code, const char *text)
{
    struct session *s = job->session;

    journal_add(s, "failure", "{s:i, s:i, s:s}", "id", job->id, "code", code, "text", text);
    session_say_problem(s, true, code, job->url, text);
    if (job->activation->guest || s->leg != NULL) {
        struct activation *a = job->activation;

        a->fetch = NULL;
        job_free(job);
        activation_failed(a);
        return;
    }
    if (!job->fallback && fallback_of(s) != NULL && become_fallback(job, code) == 0)
        job_start(job);
    else
        apologise(job);
}

/* --- answers that are no markup --- */

/* A message needs no reply; a call is told something. */
static void no_answer(struct fetch_job *job)
{
    static const char nothing[] = "<Response/>";
    struct document *d = NULL;

    if (job->session->message != NULL &&
        parse(job, job->url, nothing, sizeof nothing - 1, &d, NULL) == 0)
        job_done(job, d);
    else
        job_failed(job, 11770, "the answer is empty: <Response/> is the way to say nothing");
}

static void text_answer(struct fetch_job *job, const struct webhook_reply *reply)
{
    struct document *d = NULL;
    struct str markup = STR_INIT(6 * DOCUMENT_MAX_BYTES);
    const char *text = reply->body + strspn(reply->body, " \t\r\n");
    const char *verb = job->session->message != NULL ? "Message" : "Say";
    struct error err = {0};

    /* Markup under the wrong name is run; anything else is spoken (webhooks.md §6.1). */
    if (*text == '<' && parse(job, reply->url, reply->body, reply->body_len, &d, NULL) == 0) {
        job_done(job, d);
        return;
    }
    if (*text == '\0' && job->session->message != NULL) {
        no_answer(job);
        return;
    }
    /* … or sent back, as it is. */
    str_addf(&markup, "<Response><%s>", verb);
    str_add_xml(&markup, text);
    str_addf(&markup, "</%s></Response>", verb);
    if (markup.failed)
        error_nomem(&err);
    else
        parse(job, reply->url, markup.data, markup.len, &d, &err);
    str_free(&markup);
    if (d != NULL)
        job_done(job, d);
    else
        job_failed(job, err.twilio != 0 ? err.twilio : 12400, err.text);
}

/* The answer's audio is on the disk: a document that plays it (load.c removes it again). */
static void audio_saved(void *arg)
{
    struct fetch_job *job = arg;
    struct document *d = NULL;
    struct str markup = STR_INIT(4096);
    struct error err = {0};

    if (job->forgotten) {
        job_free(job);
        return;
    }
    job->saving = false;
    str_add(&markup, "<Response><Play>");
    str_add_xml(&markup, job->body_path);
    str_add(&markup, "</Play></Response>");
    if (markup.failed || parse(job, job->body_path, markup.data, markup.len, &d, &err) != 0)
        job_failed(job, 12400, err.code != 0 ? err.text : "out of memory");
    else
        job_done(job, d);
    str_free(&markup);
}

static void audio_answer(struct fetch_job *job, const struct webhook_reply *reply)
{
    struct session *s = job->session;
    struct disk *disk = s->rt->parts.disk;
    char path[1024];

    snprintf(path, sizeof path, "%s" REPLY_FOLDER "%s-%d", s->rt->parts.state, s->sid, job->id);
    job->body_path = mem_strdup(path);
    if (job->body_path == NULL || disk_append(disk, path, reply->body, reply->body_len) != 0 ||
        disk_sync(disk, audio_saved, job) != 0)
        job_failed(job, 12400, "the audio of the answer could not be kept");
    else
        job->saving = true;
}

/* --- answers --- */

static void webhook_answered(const struct webhook_reply *reply, void *arg)
{
    struct fetch_job *job = arg;
    struct document *d = NULL;
    struct error err = {0};

    job->webhook = NULL;
    if (reply->warning != 0)
        session_say_problem(job->session, false, reply->warning, job->url, reply->warning_text);
    if (reply->status != 0)
        journal_reply(job->session, &(struct journal_reply){.id = job->id,
                                                            .status = reply->status,
                                                            .attempts = reply->attempts,
                                                            .type = reply->content_type,
                                                            .url = reply->url,
                                                            .body = reply->body,
                                                            .len = reply->body_len,
                                                            .ms = reply->ms});
    if (reply->twilio == 11770 && job->session->message != NULL) {
        no_answer(job);
        return;
    }
    if (reply->twilio != 0) {
        job_failed(job, reply->twilio, reply->text);
        return;
    }
    switch (reply->kind) {
    case WEBHOOK_MARKUP:
        if (parse_own(job, reply->url, reply->body, reply->body_len,
                      job->session->number->lua_in_webhooks, &d, &err) == 0)
            job_done(job, d);
        else
            job_failed(job, err.twilio != 0 ? err.twilio : 12100, err.text);
        break;
    case WEBHOOK_TEXT:
        text_answer(job, reply);
        break;
    case WEBHOOK_AUDIO:
        if (job->session->message == NULL)
            audio_answer(job, reply);
        else
            job_failed(job, 12300, "the answer is audio, which no message is answered with");
        break;
    case WEBHOOK_NOTHING:
        no_answer(job);
        break;
    case WEBHOOK_OTHER:
        job_failed(job, 12300, "the answer's content type is neither markup, text nor audio");
        break;
    }
}

static void start_handler(struct fetch_job *job, const char *text, size_t len)
{
    struct activation *a = job->activation;
    struct handler_source source = {.text = text,
                                    .len = len,
                                    .path = job->url,
                                    .line = 1,
                                    .function = job->function,
                                    .params = job->params};
    struct error err = {0};

    if (activation_handler(a, &source, &err) != 0) {
        job_failed(job, err.twilio != 0 ? err.twilio : 82002, err.text);
        return;
    }
    a->fetch = NULL;
    a->is_fallback = job->fallback;
    job_free(job);
}

static void file_read(const char *path, const char *bytes, size_t len, int64_t mtime,
                      const struct error *read_err, void *arg)
{
    struct fetch_job *job = arg;
    struct document *d = NULL;
    struct error err = {0};

    job->read = NULL;
    if (bytes == NULL) {
        job_failed(job, read_err->twilio != 0 ? read_err->twilio : 11200, read_err->text);
        return;
    }
    journal_file(job->session, job->id, path, bytes, len, mtime);
    if (job->lua)
        start_handler(job, bytes, len);
    else if (parse_own(job, path, bytes, len, true, &d, &err) == 0)
        job_done(job, d);
    else
        job_failed(job, err.twilio != 0 ? err.twilio : 12100, err.text);
}

/* --- requests --- */

static void journal_request(struct fetch_job *job)
{
    json_t *params = json_object();
    size_t n = webhook_params_count(job->params);

    for (size_t i = 0; params != NULL && i < n; i++) {
        const char *value, *name = webhook_params_at(job->params, i, &value);

        json_object_set_new(params, name, json_string(value));
    }
    journal_add(job->session, "request", "{s:i, s:s, s:s, s:o}", "id", job->id, "method",
                job->get ? "GET" : "POST", "url", job->url, "params",
                params != NULL ? params : json_null());
}

static int start_webhook(struct fetch_job *job, struct error *err)
{
    struct session *s = job->session;
    char own[300];
    struct webhook_request rq = {
        .url = job->url,
        .get = job->get,
        .params = job->params,
        .auth_token = s->account->token,
        .trust = job->trust,
        .own = fetch_own(s, own, sizeof own),
        .jar = &s->jar,
    };

    journal_request(job);
    job->webhook = webhook_start(s->rt->parts.webhooks, &rq, webhook_answered, job, err);
    return job->webhook != NULL ? 0 : ERR_INVALID;
}

/* "menu.lua#closed": the file, and which of its functions. */
static int split_function(struct fetch_job *job)
{
    char *hash = strrchr(job->url, '#');
    size_t n = hash != NULL ? (size_t)(hash - job->url) : strlen(job->url);

    job->lua = n > 4 && strncmp(job->url + n - 4, ".lua", 4) == 0;
    mem_free(job->function);
    job->function = NULL;
    if (!job->lua || hash == NULL)
        return 0;
    job->function = mem_strdup(hash + 1);
    *hash = '\0';
    return job->function != NULL ? 0 : ERR_NOMEM;
}

static int start_read(struct fetch_job *job, struct error *err)
{
    struct session *s = job->session;

    if (split_function(job) != 0)
        return error_nomem(err);
    if (job->lua && s->rt->parts.handlers == NULL)
        return error_set_twilio(err, ERR_INVALID, 12300, "%s: Lua handlers are not in this program",
                                job->url);
    if (job->trust == HTTP_OPERATOR && set_root(s, job->url) != 0)
        return error_nomem(err);
    if (s->flow_root == NULL)
        return error_set_twilio(err, ERR_REFUSED, 11100,
                                "%s: not a URL, and this flow has no folder of files", job->url);
    job->read = flow_read(s->rt, s->flow_root, job->url,
                          job->lua ? HANDLER_MAX_BYTES : DOCUMENT_MAX_BYTES, file_read, job, err);
    return job->read != NULL ? 0 : ERR_IO;
}

static void job_start(struct fetch_job *job)
{
    struct error err = {0};
    int rc;

    job->id = ++job->session->fetches;
    rc = url_is_http(job->url) ? start_webhook(job, &err) : start_read(job, &err);
    if (rc != 0)
        job_failed(job, err.twilio != 0 ? err.twilio : 11100, err.text);
}

int fetch_document(struct activation *a, const char *url, bool get, enum http_trust trust,
                   struct webhook_params *params, struct error *err)
{
    struct session *s = a->session;
    int limit = s->config->config->limits.documents_per_call;
    struct fetch_job *job;

    if (++s->documents > limit) {
        webhook_params_free(params);
        return error_set_twilio(
            err, ERR_LIMIT, s->message != NULL ? 14106 : 11215,
            "%d documents in one call (limits.documents_per_call): most likely a "
            "Redirect or an action without end",
            limit);
    }
    job = mem_alloc(sizeof *job);
    if (job != NULL) {
        job->url =
            trust == HTTP_OPERATOR && !url_is_http(url) ? absolute_path(s, url) : mem_strdup(url);
        job->params = params_standard(s);
    }
    if (job == NULL || job->url == NULL || job->params == NULL ||
        params_merge(job->params, params) != 0) {
        webhook_params_free(params);
        if (job != NULL)
            job_free(job);
        return error_nomem(err);
    }
    webhook_params_free(params);
    job->session = s;
    job->activation = a;
    job->get = get;
    job->trust = trust;
    a->fetch = job;
    job_start(job);
    return 0;
}

void fetch_fallback(struct activation *a, const char *url, int code, const char *text)
{
    struct session *s = a->session;
    struct fetch_job *job = mem_alloc(sizeof *job);

    if (job != NULL) {
        job->url = mem_strdup(url);
        job->params = params_standard(s);
    }
    if (job == NULL || job->url == NULL || job->params == NULL) {
        if (job != NULL)
            job_free(job);
        session_say_problem(s, true, code, url, text);
        activation_failed(a);
        return;
    }
    job->session = s;
    job->activation = a;
    job->fallback = a->is_fallback;
    job->id = ++s->fetches;
    a->fetch = job;
    job_failed(job, code, text);
}

void fetch_document_cancel(struct fetch_job *job)
{
    job->activation->fetch = NULL;
    if (job->webhook != NULL)
        webhook_cancel(job->webhook);
    if (job->read != NULL)
        flow_read_cancel(job->read);
    if (job->saving) {
        job->forgotten = true; /* the disk still holds on to it */
        disk_remove(job->session->rt->parts.disk, job->body_path);
    } else {
        job_free(job);
    }
}

void fetch_farewell(struct session *s, const char *url, bool get, struct webhook_params *more)
{
    struct webhook_params *p = params_standard(s);

    if (p != NULL && params_merge(p, more) != 0)
        p = webhook_params_free(p);
    webhook_params_free(more);
    if (url_is_http(url))
        callback_send(s, "action", url, get, HTTP_DOCUMENT, p);
    else
        webhook_params_free(p);
}
