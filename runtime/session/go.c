/* Going on: to the next document, or to the end; and what verbs say on the way. */
#include "base/mem.h"
#include "base/url.h"
#include "session/private.h"
#include <stdio.h>
#include <string.h>

void session_go_param(struct activation *a, const char *name, const char *value)
{
    if (a->go_params == NULL)
        a->go_params = webhook_params_new();
    if (a->go_params == NULL || webhook_params_set(a->go_params, name, value) != 0)
        session_warn(a, 12400, "out of memory: parameter %s is missing", name);
}

/* In the name of a local file "{Digits}" stands for what was collected, so that plain markup can
 * branch without a web application: menu-{Digits}.xml. Only harmless characters get in. */
static char *fill_in(const struct activation *a, const char *url)
{
    const char *at = strstr(url, "{Digits}"), *digits;
    struct str out = STR_INIT(4096);

    if (at == NULL || url_is_http(url))
        return mem_strdup(url);
    digits = a->go_params != NULL ? webhook_params_get(a->go_params, "Digits") : NULL;
    str_addn(&out, url, (size_t)(at - url));
    for (; digits != NULL && *digits != '\0'; digits++) {
        if (*digits == '*')
            str_add(&out, "star");
        else if (*digits == '#')
            str_add(&out, "hash");
        else if (*digits >= '0' && *digits <= '9')
            str_addc(&out, *digits);
    }
    str_add(&out, at + strlen("{Digits}"));
    if (out.failed)
        str_free(&out);
    return str_take(&out);
}

enum verb_result session_go(struct activation *a, const char *url, enum flow_method method)
{
    char *absolute;

    absolute = url_resolve(a->document->url, url != NULL ? url : "");
    mem_free(a->go_url);
    a->go_url = absolute != NULL ? fill_in(a, absolute) : NULL;
    mem_free(absolute);
    a->go_get = method == FLOW_GET;
    return VERB_GO;
}

enum verb_result session_go_if(struct activation *a, const char *action, enum flow_method method)
{
    if (action != NULL || a->handler != NULL)
        return session_go(a, action, method);
    a->go_params = webhook_params_free(a->go_params);
    return VERB_DONE;
}

enum verb_result session_result(struct activation *a)
{
    a->stays = a->handler != NULL;
    if (a->stays)
        return VERB_GO;
    a->go_params = webhook_params_free(a->go_params);
    return VERB_DONE;
}

void session_notify(struct activation *a, const char *url, enum flow_method method)
{
    struct webhook_params *params = a->go_params;
    char *absolute = url != NULL ? url_resolve(a->document->url, url) : NULL;

    a->go_params = NULL;
    if (absolute != NULL)
        fetch_farewell(a->session, absolute, method == FLOW_GET, params);
    else
        webhook_params_free(params);
    mem_free(absolute);
}

enum verb_result session_go_away(struct activation *a, const char *url, enum flow_method method)
{
    a->go_away = true;
    return session_go(a, url, method);
}

void session_end_as(struct activation *a, enum session_end how)
{
    a->session->end_cause = how == SESSION_BUSY       ? CAUSE_BUSY
                            : how == SESSION_REJECTED ? CAUSE_REJECTED
                                                      : CAUSE_NORMAL;
}

void session_warn(struct activation *a, int code, const char *fmt, ...)
{
    char text[ERROR_TEXT_MAX], where[1200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    snprintf(where, sizeof where, "%s:%d", a->document != NULL ? a->document->url : "",
             a->node != NULL ? a->node->line : 0);
    session_say_problem(a->session, false, code, where, text);
}
