/* almon.http: one exchange through the session's own seam, under the network rules of documents. */
#include "base/mem.h"
#include "script/private.h"

#include <ctype.h>
#include <string.h>

enum {
    REQUEST_HEADERS = 32,
    REQUEST_TEXT = 8 * 1024, /* all headers */
    REQUEST_BODY = 256 * 1024,
    REPLY_BODY = 256 * 1024,
    CONNECT_MS = 5000,
    LONGEST_MS = 60000,
};

struct http_wait {
    struct wait wait;
    struct http_port port;
    void *handle; /* NULL: over */
    unsigned note;
    struct http_request rq;
    struct str text; /* headers, one after the other, each ended by NUL */
    const char *headers[REQUEST_HEADERS + 2];
    /* What came. */
    enum http_failure failure;
    char why[200];
    int status;
    char *url, *type, *body;
    size_t body_len;
};

static void http_cancel(struct wait *wait)
{
    struct http_wait *w = (struct http_wait *)wait;

    if (w->handle != NULL)
        w->port.cancel(w->port.self, w->handle);
    str_free(&w->text);
    mem_free(w->url);
    mem_free(w->type);
    mem_free(w->body);
    mem_free(w);
}

/* --- the answer --- */

static void replied(const struct http_reply *reply, void *arg)
{
    struct http_wait *w = arg;

    w->handle = NULL;
    handler_note_reply(w->wait.handler->activation, w->note, reply);
    w->failure = reply->failure;
    str_copy(w->why, sizeof w->why, reply->text);
    if (reply->failure == HTTP_DONE) {
        w->status = reply->status;
        w->url = mem_strdup(reply->url);
        w->type = mem_strdup(reply->content_type);
        w->body = mem_dup(reply->body != NULL ? reply->body : "", reply->body_len + 1);
        w->body_len = reply->body_len;
        if (w->body == NULL) {
            w->failure = HTTP_FAILED;
            str_copy(w->why, sizeof w->why, "out of memory");
        }
    }
    wait_over(&w->wait);
}

static int answer(lua_State *L, int status, lua_KContext ctx)
{
    struct http_wait *w = (struct http_wait *)handler_of(L)->ready;

    (void)status;
    (void)ctx;
    if (w->failure != HTTP_DONE) {
        luaL_pushfail(L);
        lua_pushstring(L, w->why);
        return 2;
    }
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, w->status);
    lua_setfield(L, -2, "status");
    lua_pushlstring(L, w->body, w->body_len);
    lua_setfield(L, -2, "body");
    lua_pushstring(L, w->url != NULL ? w->url : "");
    lua_setfield(L, -2, "url");
    lua_newtable(L);
    lua_pushstring(L, w->type); /* nil when there was none */
    lua_setfield(L, -2, "content-type");
    lua_setfield(L, -2, "headers");
    return 1;
}

/* --- the request --- */

/* Those that say where a message ends or goes are not the flow's to write. */
static bool is_ours(const char *name)
{
    static const char *const ours[] = {"host",       "content-length", "transfer-encoding",
                                       "connection", "upgrade",        "expect",
                                       "te",         "trailer"};

    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcasecmp(name, ours[i]) == 0)
            return true;
    return false;
}

static const char *field(lua_State *L, const char *name, size_t *len)
{
    lua_getfield(L, 1, name);
    if (lua_isnil(L, -1)) {
        *len = 0;
        return NULL;
    }
    return luaL_checklstring(L, -1, len); /* stays on the stack, and so alive */
}

static void check_header(lua_State *L, const char *name, size_t name_len, const char *value,
                         size_t len)
{
    static const char token[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < name_len; i++)
        if (!isalnum((unsigned char)name[i]) && memchr(token, name[i], sizeof token - 1) == NULL)
            luaL_error(L, "http: '%s' is no name of a header", name);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)value[i] < 0x20 && value[i] != '\t')
            luaL_error(L, "http: the header %s holds a control character", name);
    if (name_len == 0 || is_ours(name))
        luaL_error(L, "http: the header '%s' cannot be set here", name);
}

/* Checks the headers in the table at the top and writes them as one text, which it leaves there. */
static void join_headers(lua_State *L, int *count)
{
    int keys, headers = lua_gettop(L);
    size_t name_len, len, total = 0;
    const char *name, *value;
    luaL_Buffer b;

    *count = 0;
    if (!lua_istable(L, headers)) {
        lua_pushliteral(L, "");
        return;
    }
    push_keys(L, headers);
    keys = lua_gettop(L);
    *count = (int)lua_rawlen(L, keys);
    if (*count > REQUEST_HEADERS)
        luaL_error(L, "http: more than %d headers", REQUEST_HEADERS);
    lua_pushnil(L); /* the name and value of each, kept below the buffer */
    lua_pushnil(L);
    luaL_buffinit(L, &b);
    for (int i = 1; i <= *count; i++) {
        lua_rawgeti(L, keys, i);
        lua_replace(L, keys + 1);
        lua_pushvalue(L, keys + 1);
        lua_rawget(L, headers);
        lua_replace(L, keys + 2);
        name = luaL_checklstring(L, keys + 1, &name_len);
        value = luaL_checklstring(L, keys + 2, &len);
        check_header(L, name, name_len, value, len);
        total += name_len + len + 3;
        if (total > REQUEST_TEXT)
            luaL_error(L, "http: more than %d bytes of headers", REQUEST_TEXT);
        luaL_addlstring(&b, name, name_len);
        luaL_addstring(&b, ": ");
        luaL_addlstring(&b, value, len);
        luaL_addlstring(&b, "\0", 1);
    }
    luaL_pushresult(&b);
}

static const char *check_method(lua_State *L, const char *method)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "PATCH", NULL};

    for (const char *const *m = methods; method != NULL && *m != NULL; m++)
        if (strcmp(*m, method) == 0)
            return *m;
    luaL_error(L, "http: the method is GET, POST, PUT, PATCH or DELETE");
    return NULL;
}

static void split_headers(struct http_wait *w, int count)
{
    const char *at = str_text(&w->text);

    for (int i = 0; i < count; i++) {
        w->headers[i] = at;
        at += strlen(at) + 1;
    }
    w->rq.headers = w->headers;
}

/* Nothing here raises: the wait is C's own. 0 or an error. */
static int start(struct http_wait *w, struct handler *h, const char *headers, size_t len, int count,
                 struct error *err)
{
    struct handler_facts facts;
    char own[300];

    handler_facts(h->activation, &facts);
    str_init(&w->text, REQUEST_TEXT);
    str_addn(&w->text, headers, len);
    if (w->text.failed)
        return error_nomem(err);
    split_headers(w, count);
    w->wait = (struct wait){.handler = h, .cancel = http_cancel};
    w->port = *webhooks_port(facts.webhooks);
    w->rq.connect_ms = CONNECT_MS;
    w->rq.read_ms = w->rq.total_ms;
    w->rq.max_bytes = REPLY_BODY;
    w->rq.rule = (struct http_rule){.trust = HTTP_DOCUMENT,
                                    .own = handler_own(h->activation, own, sizeof own),
                                    .allow = facts.config->http.allow,
                                    .n_allow = facts.config->http.n_allow,
                                    .ca_file = facts.config->http.ca_file};
    w->note = handler_note_request(h->activation, w->rq.method, w->rq.url);
    w->handle = w->port.start(w->port.self, &w->rq, replied, w, err);
    return w->handle != NULL ? 0 : ERR_INVALID;
}

static int http_request(lua_State *L)
{
    struct handler *h = handler_of(L);
    struct http_request rq = {0};
    struct error err = {0};
    struct http_wait *w;
    size_t len, url_len;
    const char *headers;
    int count;

    luaL_checktype(L, 1, LUA_TTABLE);
    rq.method = check_method(L, field(L, "method", &len));
    rq.url = field(L, "url", &url_len);
    if (rq.url == NULL || !is_text(rq.url, url_len) || url_len > 8000 ||
        (strncasecmp(rq.url, "http://", 7) != 0 && strncasecmp(rq.url, "https://", 8) != 0))
        return luaL_error(L, "http: the URL begins with http:// or https://");
    rq.body = field(L, "body", &rq.body_len);
    if (rq.body_len > REQUEST_BODY)
        return luaL_error(L, "http: a body of more than %d bytes", REQUEST_BODY);
    lua_getfield(L, 1, "timeout_ms");
    rq.total_ms = (int)luaL_optinteger(L, -1, 10000);
    luaL_argcheck(L, rq.total_ms > 0 && rq.total_ms <= LONGEST_MS, 1, "timeout_ms");
    lua_getfield(L, 1, "headers");
    join_headers(L, &count);
    headers = lua_tolstring(L, -1, &len);
    budget_started(L);
    w = mem_alloc(sizeof *w);
    if (w == NULL)
        return luaL_error(L, "http: out of memory");
    w->rq = rq;
    if (start(w, h, headers, len, count, &err) == 0)
        return handler_wait(L, &w->wait, "http", answer);
    http_cancel(&w->wait);
    luaL_pushfail(L);
    lua_pushstring(L, err.text);
    return 2;
}

int http_module(lua_State *L)
{
    lua_newtable(L);
    lua_pushcfunction(L, http_request);
    lua_setfield(L, -2, "request");
    return 1;
}
