/* What a past call found: its flow's files, the answers of the web, sounds, the configuration. */
#include "base/disk.h"
#include "base/mem.h"
#include "base/sid.h"
#include "sim/private.h"
#include "sim/replay_private.h"
#include "sim/silence.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- files --- */

void replay_root(const struct past *past, char *out, size_t size)
{
    const char *path, *slash;

    out[0] = '\0';
    for (size_t i = 0; i < past->n_lines; i++) {
        path = strcmp(past->lines[i].e, "file") == 0 ? past_text(&past->lines[i], "path") : NULL;
        slash = path != NULL ? strrchr(path, '/') : NULL;
        if (slash == NULL)
            continue;
        snprintf(out, size, "%.*s", (int)(slash - path), path);
        return;
    }
}

const char *replay_below(const char *root, const char *path)
{
    size_t n = strlen(root);

    return n > 0 && strncmp(path, root, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

/* A name of the journal becomes a file below our scratch folder, never anywhere else. */
static int write_file(const char *root, const char *name, const void *bytes, size_t len,
                      struct error *err)
{
    char path[REPLAY_PATH], *slash;
    FILE *f;
    bool good;

    if (*name == '\0' || *name == '/' || strstr(name, "..") != NULL)
        return 0; /* the flow itself may not read such a file either */
    if ((size_t)snprintf(path, sizeof path, "%s/%s", root, name) >= sizeof path)
        return error_set(err, ERR_LIMIT, "%s: too long a name", name);
    slash = strrchr(path, '/');
    *slash = '\0';
    disk_make_folders(path, NULL);
    *slash = '/';
    f = fopen(path, "wb");
    good = f != NULL && fwrite(bytes, 1, len, f) == len;
    if (f == NULL || fclose(f) != 0 || !good)
        return error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    return 0;
}

static int write_files_of(struct replay *r, const struct past *p, struct error *err)
{
    char root[REPLAY_PATH];
    const struct past_line *l;
    const char *path, *body;
    int rc = 0;

    replay_root(r->past, root, sizeof root);
    for (size_t i = 0; rc == 0 && i < p->n_lines; i++) {
        l = &p->lines[i];
        path = strcmp(l->e, "file") == 0 ? past_text(l, "path") : NULL;
        body = past_text(l, "body");
        if (path != NULL && body != NULL)
            rc = write_file(r->root, replay_below(root, path), body,
                            json_string_length(json_object_get(l->j, "body")), err);
    }
    return rc;
}

static int write_files(struct replay *r, struct error *err)
{
    int rc = write_files_of(r, r->past, err);

    for (size_t i = 0; rc == 0 && i < r->past->n_children; i++)
        if (r->past->children[i].past != NULL)
            rc = write_files_of(r, r->past->children[i].past, err);
    return rc;
}

/* --- sound that was played: as long as it was then, and silent --- */

/* The frames of what the load at `i` gave; 0 when it was never played. */
static int64_t loaded_frames(const struct past *p, size_t i)
{
    for (i++; i < p->n_lines; i++)
        if (strcmp(p->lines[i].e, "play") == 0 && past_text(&p->lines[i], "text") == NULL)
            return past_number(&p->lines[i], "frames");
    return 0;
}

static int give_sound(struct replay *r, const struct past *p, size_t i, struct error *err)
{
    const char *url = past_text(&p->lines[i], "url");
    char root[REPLAY_PATH];
    size_t len = 0;
    void *wav = url != NULL ? silence_wav(loaded_frames(p, i), &len) : NULL;
    int rc;

    if (wav == NULL)
        return 0;
    replay_root(r->past, root, sizeof root);
    if (strncmp(url, "http", 4) == 0)
        rc = sim_web(r->sim,
                     &(struct sim_answer){.url = url, .body = wav, .len = len, .type = "audio/wav"},
                     err);
    else
        rc = r->o->flow == NULL ? write_file(r->root, replay_below(root, url), wav, len, err) : 0;
    mem_free(wav);
    return rc;
}

/* --- the web --- */

static enum http_failure failure_of(int64_t code)
{
    for (int f = HTTP_CONNECT; f <= HTTP_FAILED; f++)
        if (http_failure_twilio((enum http_failure)f) == code)
            return (enum http_failure)f;
    return HTTP_FAILED;
}

bool replay_answer(const struct past *past, size_t i, struct sim_answer *a)
{
    const struct past_line *l = &past->lines[i], *request = NULL;
    int64_t id = past_number(l, "id");
    bool reply = strcmp(l->e, "reply") == 0;

    if (!reply && strcmp(l->e, "failure") != 0)
        return false;
    for (size_t k = 0; k < i; k++) {
        if (past_number(&past->lines[k], "id") != id)
            continue;
        if (strcmp(past->lines[k].e, "request") == 0)
            request = &past->lines[k];
        else if (strcmp(past->lines[k].e, "reply") == 0)
            return false; /* a reply that was refused afterwards */
    }
    if (request == NULL || past_text(request, "url") == NULL)
        return false;
    *a = (struct sim_answer){.url = past_text(request, "url"),
                             .delay_ms = (int)(l->t - request->t),
                             .failure = HTTP_DONE};
    if (!reply) {
        a->failure = failure_of(past_number(l, "code"));
        return true;
    }
    a->body = past_text(l, "body");
    a->len = json_string_length(json_object_get(l->j, "body"));
    a->type = past_text(l, "type");
    a->status = (int)past_number(l, "status");
    a->moved = past_text(l, "url");
    return true;
}

/* Overrides are cut off before the network sees a URL, and the query of a GET is its form. */
static char *bare_url(const char *url, bool get)
{
    size_t n = strcspn(url, "#"), query = strcspn(url, "?");

    return mem_strndup(url, get && query < n ? query : n);
}

static int give_answer(struct replay *r, const struct past *p, size_t i, struct error *err)
{
    struct sim_answer a;
    char *url;
    void *wav = NULL;
    int rc;

    if (!replay_answer(p, i, &a))
        return 0;
    url = bare_url(a.url, strchr(a.url, '?') != NULL);
    if (url == NULL)
        return error_nomem(err);
    if (a.moved != NULL && strcmp(a.moved, a.url) == 0)
        a.moved = NULL;
    a.url = url;
    if (a.body == NULL && a.failure == HTTP_DONE) { /* audio: only its length is known */
        wav = silence_wav(loaded_frames(p, i), &a.len);
        a.body = wav;
        a.type = "audio/wav";
    }
    rc = sim_web(r->sim, &a, err);
    mem_free(wav);
    mem_free(url);
    return rc;
}

/* It was given up before an answer came: now none comes, either. */
static int give_silence(struct replay *r, const struct past *p, size_t i, struct error *err)
{
    enum { NEVER_MS = 24 * 3600 * 1000 };
    const char *method = past_text(&p->lines[i], "method");
    int64_t id = past_number(&p->lines[i], "id");
    struct sim_answer a = {.delay_ms = NEVER_MS};
    char *url;
    int rc;

    for (size_t k = i + 1; k < p->n_lines; k++)
        if (past_number(&p->lines[k], "id") == id &&
            (strcmp(p->lines[k].e, "reply") == 0 || strcmp(p->lines[k].e, "failure") == 0))
            return 0;
    if (past_text(&p->lines[i], "url") == NULL)
        return 0;
    url = bare_url(past_text(&p->lines[i], "url"), method != NULL && strcmp(method, "GET") == 0);
    a.url = url;
    rc = url != NULL ? sim_web(r->sim, &a, err) : error_nomem(err);
    mem_free(url);
    return rc;
}

static int give_line(struct replay *r, const struct past *p, size_t i, struct error *err)
{
    const char *e = p->lines[i].e, *url = past_text(&p->lines[i], "url");

    if (strcmp(e, "load") == 0)
        return give_sound(r, p, i, err);
    if (strcmp(e, "request") == 0)
        return give_silence(r, p, i, err);
    if (strcmp(e, "callback_end") == 0 && url != NULL)
        return sim_web(r->sim,
                       &(struct sim_answer){.url = url,
                                            .status = (int)past_number(&p->lines[i], "status"),
                                            .failure = past_number(&p->lines[i], "status") == 0
                                                           ? HTTP_CONNECT
                                                           : HTTP_DONE},
                       err);
    return give_answer(r, p, i, err);
}

int replay_web(struct replay *r, struct error *err)
{
    size_t n = 0;
    struct past_moment *all = past_moments(r->past, &n);
    int rc = all != NULL ? 0 : error_nomem(err);

    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = give_line(r, all[i].past, all[i].line, err);
    mem_free(all);
    return rc;
}

/* --- the configuration, as far as the journal shows it --- */

static void add_callbacks(struct str *out, const struct past *p)
{
    static const char *const events[][2] = {
        {"initiated", "initiated"}, {"ringing", "ringing"}, {"in-progress", "answered"}};
    const char *url = NULL, *event;
    struct str list = STR_INIT(200);

    for (size_t i = 0; i < p->n_lines; i++) {
        event = strcmp(p->lines[i].e, "callback") == 0 ? past_text(&p->lines[i], "event") : NULL;
        if (event == NULL || strcmp(event, "action") == 0 || strncmp(event, "recording", 9) == 0)
            continue;
        url = past_text(&p->lines[i], "url");
        for (size_t k = 0; k < sizeof events / sizeof *events; k++)
            if (strcmp(event, events[k][0]) == 0)
                str_addf(&list, "'%s', ", events[k][1]);
    }
    if (url != NULL) {
        str_add(out, ", status_callback = ");
        str_add_lua(out, url);
        str_addf(out, ", status_callback_events = {%s'completed'}", str_text(&list));
    }
    str_free(&list);
}

/* The file that was read in place of what failed at `i` (its error follows at once); NULL when none
 * was. */
static const char *file_instead(const struct past *p, size_t i)
{
    if (strcmp(p->lines[i].e, "failure") != 0 || i + 1 == p->n_lines ||
        strcmp(p->lines[i + 1].e, "error") != 0)
        return NULL;
    for (i += 2; i < p->n_lines; i++) {
        const char *e = p->lines[i].e;

        if (strcmp(e, "file") == 0)
            return past_text(&p->lines[i], "path");
        if (strcmp(e, "request") == 0 || strcmp(e, "document") == 0 || strcmp(e, "failure") == 0)
            break;
    }
    return NULL;
}

const char *replay_fallback(const struct past *p, bool *is_file)
{
    for (size_t i = 0; i < p->n_lines; i++) {
        const char *file = file_instead(p, i);
        const json_t *params = json_object_get(p->lines[i].j, "params");

        *is_file = file != NULL;
        if (file != NULL)
            return file;
        if (strcmp(p->lines[i].e, "request") == 0 && json_object_get(params, "ErrorCode") != NULL &&
            past_text(&p->lines[i], "url") != NULL)
            return past_text(&p->lines[i], "url");
    }
    return NULL;
}

const char *replay_door(const struct past *p)
{
    return p->message ? "message" : "voice";
}

bool replay_gets(const struct past *p)
{
    for (size_t i = 0; i < p->n_lines; i++)
        if (strcmp(p->lines[i].e, "request") == 0)
            return past_text(&p->lines[i], "method") != NULL &&
                   strcmp(past_text(&p->lines[i], "method"), "GET") == 0;
    return false;
}

static void add_fallback(const struct replay *r, struct str *out, const struct past *p)
{
    struct str path = STR_INIT(REPLAY_PATH);
    char root[REPLAY_PATH];
    bool is_file;
    const char *fallback = replay_fallback(p, &is_file);

    if (fallback == NULL)
        return;
    replay_root(p, root, sizeof root);
    if (is_file)
        str_addf(&path, "%s/%s", r->root + (r->root[0] == '/'), replay_below(root, fallback));
    str_addf(out, ", %s_fallback = ", replay_door(p));
    str_add_lua(out, is_file ? str_text(&path) : fallback);
    str_free(&path);
}

/* What the call's flow showed as caller was its own to show. */
static void add_owned(struct str *out, const struct past *p)
{
    for (size_t i = 0; i < p->n_children; i++) {
        const char *from = p->children[i].past != NULL ? p->children[i].past->from : "";

        if (*from != '+' || strcmp(from, p->to) == 0 || strstr(str_text(out), from) != NULL)
            continue;
        str_add(out, " number { ");
        str_add_lua(out, from);
        str_add(out, ", voice = 'none.xml' }");
    }
}

/* Flows of almon.lua that the call dialled by their name. */
static void add_applications(struct str *out, const struct past *p)
{
    for (size_t i = 0; i < p->n_lines; i++) {
        const json_t *params = json_object_get(p->lines[i].j, "params");
        const char *sid = json_string_value(json_object_get(params, "ApplicationSid"));
        const char *url = past_text(&p->lines[i], "url");

        if (strcmp(p->lines[i].e, "request") != 0 || sid == NULL || !sid_valid(sid, "AP") ||
            url == NULL || strstr(str_text(out), sid) != NULL)
            continue;
        str_addf(out, " application { '%s', voice = ", sid);
        str_add_lua(out, url);
        str_add(out, " }");
    }
}

/* The way that a party was called, where it can be felt: by a trunk, or with a caller that the
 * route chose. */
static bool add_route(struct str *out, const struct past *p, const struct past_child *child)
{
    const struct past_line *offer = NULL;
    const char *trunk, *from;

    for (size_t i = 0; child->past != NULL && i < child->past->n_lines; i++)
        if (strcmp(child->past->lines[i].e, "offer") == 0)
            offer = &child->past->lines[i];
    trunk = offer != NULL ? past_text(offer, "trunk") : NULL;
    from = offer != NULL ? past_text(offer, "from") : NULL;
    if (from == NULL || *from != '+' || *child->to != '+' ||
        (trunk == NULL && (strcmp(from, p->from) == 0 || strcmp(from, p->to) == 0)))
        return false;
    str_add(out, " route { ");
    str_add_lua(out, child->to);
    str_add(out, ", gateway = 'local', caller_id = ");
    str_add_lua(out, from);
    if (trunk != NULL) {
        str_add(out, ", trunk = ");
        str_add_lua(out, trunk);
    }
    str_add(out, " }");
    return true;
}

static void add_routes(struct str *out, const struct past *p)
{
    bool any = false;

    for (size_t i = 0; i < p->n_children; i++) {
        size_t k = 0;

        while (strcmp(p->children[k].to, p->children[i].to) != 0)
            k++;
        any = (k == i && add_route(out, p, &p->children[i])) || any;
    }
    if (any)
        str_add(out, " route { { '*', 'sip:*' }, gateway = 'local' }");
}

void replay_config(const struct replay *r, struct str *out)
{
    const struct past *p = r->past;
    struct str number = STR_INIT(1 << 14), beside = STR_INIT(1 << 14);

    str_add(out, "number { ");
    str_add_lua(out, p->to);
    str_addf(out, ", %s = ", replay_door(p));
    str_add_lua(out, r->flow[0] == '/' ? r->flow + 1 : r->flow);
    if (r->o->flow == NULL && replay_gets(p))
        str_addf(out, ", %s_method = 'GET'", replay_door(p));
    add_fallback(r, out, p);
    add_callbacks(out, p);
    config_settings_text(p->settings, &number, &beside);
    str_addf(out, "%s } %s", str_text(&number), str_text(&beside));
    add_owned(out, p);
    add_applications(out, p);
    add_routes(out, p);
    str_free(&number);
    str_free(&beside);
}

/* Where the new call's flow is. */
int replay_flow(struct replay *r, struct error *err)
{
    const struct past *p = r->past;
    const char *slash, *name;
    char root[REPLAY_PATH];

    if (r->o->flow != NULL) {
        snprintf(r->flow, sizeof r->flow, "%s", r->o->flow);
        slash = strrchr(r->flow, '/');
        snprintf(r->root, sizeof r->root, "%.*s", (int)(slash - r->flow), r->flow);
        return 0;
    }
    snprintf(r->root, sizeof r->root, "%s/flow", r->o->folder);
    replay_root(p, root, sizeof root);
    slash = strrchr(p->flow, '/');
    name = slash != NULL ? slash + 1 : p->flow;
    if ((size_t)(strncmp(p->flow, "http", 4) == 0
                     ? snprintf(r->flow, sizeof r->flow, "%s", p->flow)
                     : snprintf(r->flow, sizeof r->flow, "%s/%s", r->root, name)) >= sizeof r->flow)
        return error_set(err, ERR_LIMIT, "%s: too long a name", p->flow);
    return write_files(r, err);
}
