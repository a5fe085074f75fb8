/* What runs on top of a verb: its own children, or a document of its own (hold music, what a taken
 * caller hears). Such a document may hold few verbs only; the table says which. */
#include "base/mem.h"
#include "base/url.h"
#include "session/private.h"
#include <string.h>

/* --- which verbs may stand where --- */

static const char *const whisper_verbs[] = {"Say",   "Play",     "Gather", "Hangup",
                                            "Pause", "Redirect", "Lua",    NULL};
static const char *const room_wait_verbs[] = {"Say", "Play", "Pause", "Redirect", "Lua", NULL};
static const char *const queue_wait_verbs[] = {"Say",   "Play",   "Pause", "Hangup", "Redirect",
                                               "Leave", "Gather", "Lua",   NULL};

static const struct {
    const char *const *verbs;
    int code;
    const char *where;
} uses[] = {
    [USE_WHISPER] = {whisper_verbs, 13201, "that the called party hears before both are joined"},
    [USE_ROOM_WAIT] = {room_wait_verbs, 13238, "that is heard before a conference begins"},
    [USE_QUEUE_WAIT] = {queue_wait_verbs, 14202, "that is heard while waiting in a queue"},
    [USE_QUEUE_TAKEN] = {room_wait_verbs, 14217, "that a caller taken from a queue hears"},
};

bool nested_allows(struct activation *a, const struct verb *verb)
{
    const char *const *names = a->kind == ACTIVATION_CHILDREN ? NULL : uses[a->use].verbs;

    if (names == NULL)
        return true; /* a verb's own children: its table says which */
    for (; *names != NULL; names++)
        if (strcmp(*names, verb->schema.name) == 0)
            return true;
    session_warn(a, uses[a->use].code, "<%s> may not stand in a document %s: it is left out",
                 verb->schema.name, uses[a->use].where);
    return false;
}

/* --- running it --- */

uint32_t session_run_children(struct activation *a)
{
    struct request *r = request_new(a, REQUEST_CHILDREN);
    struct activation *child;

    if (r == NULL)
        return 0;
    child = activation_new(a->session, ACTIVATION_CHILDREN);
    if (child == NULL) {
        request_free(r);
        return 0;
    }
    child->document = document_ref(a->document);
    child->next = a->node->children;
    child->children_of = r->id;
    task_post(&a->session->advance);
    return r->id;
}

/* Takes `params`. */
static uint32_t run_guest(struct activation *a, const char *url, bool get, enum http_trust trust,
                          enum document_use use, struct webhook_params *params)
{
    struct request *r = request_new(a, REQUEST_CHILDREN);
    struct activation *child = NULL;
    struct error err = {0};
    uint32_t id;

    if (r != NULL && url != NULL && activation_depth(a) < HANDLER_MAX_NESTING)
        child = activation_new(a->session, ACTIVATION_DOCUMENT);
    if (child == NULL) {
        session_warn(a, 12400, "out of memory, or documents are nested more than %d deep",
                     HANDLER_MAX_NESTING);
        webhook_params_free(params);
        if (r != NULL)
            request_free(r);
        return 0;
    }
    child->guest = true;
    child->use = use;
    child->children_of = id = r->id;
    child->outcome = VERB_DONE;
    if (fetch_document(child, url, get, trust, params, &err) == 0)
        return id;
    session_warn(a, err.twilio != 0 ? err.twilio : 11100, "%s: %s", url, err.text);
    child->children_of = 0;
    activation_pop_above(a, "error");
    request_free(r);
    return 0;
}

uint32_t session_run_document(struct activation *a, const char *url, enum flow_method method,
                              enum document_use use)
{
    struct webhook_params *params = a->go_params;
    char *absolute = url_resolve(a->document->url, url != NULL ? url : "");
    uint32_t id;

    a->go_params = NULL;
    id = run_guest(a, absolute, method == FLOW_GET, HTTP_DOCUMENT, use, params);
    mem_free(absolute);
    return id;
}

uint32_t session_run_application(struct activation *a, const char *sid)
{
    const struct config_application *app = config_find_application(a->session->config->config, sid);
    struct webhook_params *params = a->go_params;

    a->go_params = NULL;
    if (app != NULL)
        return run_guest(a, app->voice,
                         app->voice_method != NULL && strcmp(app->voice_method, "GET") == 0,
                         HTTP_OPERATOR, USE_FLOW, params);
    webhook_params_free(params);
    session_warn(a, 13224, "no application{ \"%.64s\", voice = … } is in almon.lua", sid);
    return 0;
}
