/* One exchange by libcurl: its options, what it is told on the way, and what its outcome means. */
#include "http/transfer.h"

#include "base/mem.h"
#include "http/crypto.h"
#include "http/url.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the network rules --- */

/* Host and port of the hop that libcurl is at, as libcurl itself reads its URL. */
static bool current_hop(struct transfer *t, char host[260], int *port)
{
    char *url = NULL, *h = NULL, *p = NULL;
    CURLU *u = curl_url();
    bool good = u != NULL && curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url) == CURLE_OK &&
                curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_HOST, &h, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_PORT, &p, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                str_copy(host, 260, h);

    if (good)
        *port = atoi(p);
    curl_free(h);
    curl_free(p);
    curl_url_cleanup(u);
    return good;
}

/* The host that the operator wrote may be anywhere, also when it redirects to itself. */
static bool allowed(struct transfer *t, const struct sockaddr *addr)
{
    char host[260], origin[280], numeric[INET6_ADDRSTRLEN] = "?";
    int port = 0;
    const void *bytes =
        addr->sa_family == AF_INET
            ? (const void *)&((const struct sockaddr_in *)(const void *)addr)->sin_addr
            : (const void *)&((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;

    if (!current_hop(t, host, &port))
        return false;
    snprintf(origin, sizeof origin, "%s:%d", host, port);
    if (http_rule_allows(&t->rq.rule, addr, host, port, strcasecmp(origin, t->origin) != 0))
        return true;
    t->refused = true;
    inet_ntop(addr->sa_family, bytes, numeric, sizeof numeric);
    snprintf(t->why, sizeof t->why,
             "%.60s is at %s, a private address; if documents may reach it, add \"%.60s\" to "
             "http.allow",
             host, numeric, origin);
    return false;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct transfer *t = arg;

    (void)purpose;
    /* A new hop: libcurl's own connect time-out counts now. */
    t->connected = false;
    timer_stop(&t->read);
    if (!allowed(t, &a->addr))
        return CURL_SOCKET_BAD;
    return socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
}

static bool address_of(struct sockaddr_storage *out, const char *ip)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;
    char text[INET6_ADDRSTRLEN];

    memset(out, 0, sizeof *out);
    if (!str_copy(text, sizeof text, ip))
        return false;
    text[strcspn(text, "%")] = '\0';
    out->ss_family = AF_INET;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
        return true;
    out->ss_family = AF_INET6;
    return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1;
}

/* Called when the connection is there, also a kept one, which another's rule may have opened: so
 * it is judged again. */
static int on_connected(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct transfer *t = arg;
    struct sockaddr_storage addr;

    (void)local_ip;
    (void)port;
    (void)local_port;
    /* `refused` with a connection: one name with public and private addresses is a trick. */
    if (t->refused || !address_of(&addr, ip) || !allowed(t, (struct sockaddr *)&addr))
        return CURL_PREREQFUNC_ABORT;
    t->connected = true;
    timer_start(&t->read, t->rq.read_ms);
    return CURL_PREREQFUNC_OK;
}

/* --- what comes --- */

static void on_read_timeout(void *arg)
{
    struct transfer *t = arg;

    t->read_timeout = true;
    transfer_end(t, CURLE_OPERATION_TIMEDOUT);
}

static void take_field(struct transfer *t, const char *line, size_t len)
{
    static const char *const names[FIELDS] = {"content-type", "etag", "last-modified",
                                              "cache-control", "expires"};
    const char *colon = memchr(line, ':', len);
    size_t name = colon != NULL ? (size_t)(colon - line) : 0;

    if (name == 10 && strncasecmp(line, "set-cookie", 10) == 0)
        t->cookies_came = true;
    for (int i = 0; i < FIELDS && name > 0; i++) {
        const char *value = colon + 1;
        size_t n = len - name - 1;

        if (strlen(names[i]) != name || strncasecmp(line, names[i], name) != 0)
            continue;
        while (n > 0 && (*value == ' ' || *value == '\t')) {
            value++;
            n--;
        }
        while (n > 0 && strchr(" \t\r\n", value[n - 1]) != NULL)
            n--;
        if (n >= sizeof t->fields[i])
            n = 0; /* too long to be honest: as if absent */
        memcpy(t->fields[i], value, n);
        t->fields[i][n] = '\0';
    }
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * count;

    t->began = true;
    timer_start(&t->read, t->rq.read_ms);
    t->header_bytes += len;
    if (t->header_bytes > HTTP_MAX_HEADER_BYTES) {
        t->headers_too_large = true;
        return 0;
    }
    if (len > 5 && memcmp(line, "HTTP/", 5) == 0)
        memset(t->fields, 0, sizeof t->fields); /* the next reply of a chain */
    else
        take_field(t, line, len);
    return len;
}

static bool write_all(struct transfer *t, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(t->fd, bytes, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            t->write_failed = true;
            snprintf(t->why, sizeof t->why, "cannot write %.120s: %s", t->rq.save_to,
                     strerror(errno));
            return false;
        }
        bytes += done;
        n -= (size_t)done;
    }
    return true;
}

/* At most 16 kB a call (libcurl's buffer), so a file's bytes are written here: the kernel buffers
 * them. */
static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t n = size * count;

    t->began = true;
    timer_start(&t->read, t->rq.read_ms);
    if (n > t->rq.max_bytes - t->received) {
        t->too_large = true;
        return 0;
    }
    t->received += n;
    if (t->fd >= 0)
        return write_all(t, bytes, n) ? n : 0;
    str_addn(&t->body, bytes, n);
    return t->body.failed ? 0 : n;
}

/* --- the request --- */

static int copy_rule(struct transfer *t, const struct http_rule *rule)
{
    const char **allow;

    if (rule->own != NULL && (t->rq.rule.own = arena_strdup(&t->arena, rule->own)) == NULL)
        return ERR_NOMEM;
    if (rule->ca_file != NULL &&
        (t->rq.rule.ca_file = arena_strdup(&t->arena, rule->ca_file)) == NULL)
        return ERR_NOMEM;
    if (rule->n_allow == 0)
        return 0;
    allow = arena_alloc(&t->arena, rule->n_allow * sizeof *allow);
    t->rq.rule.allow = allow;
    if (allow == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < rule->n_allow; i++) {
        allow[i] = arena_strdup(&t->arena, rule->allow[i]);
        if (allow[i] == NULL)
            return ERR_NOMEM;
    }
    return 0;
}

static int copy_request(struct transfer *t, const struct http_request *rq)
{
    struct http_url u;
    struct str origin = STR_INIT(sizeof t->origin - 1);
    bool good;

    t->rq = *rq;
    t->rq.url = arena_strdup(&t->arena, rq->url);
    t->rq.body = rq->body != NULL ? arena_strndup(&t->arena, rq->body, rq->body_len) : NULL;
    t->rq.save_to = rq->save_to != NULL ? arena_strdup(&t->arena, rq->save_to) : NULL;
    if (t->rq.url == NULL || (rq->body != NULL && t->rq.body == NULL) ||
        (rq->save_to != NULL && t->rq.save_to == NULL) || copy_rule(t, &rq->rule) != 0)
        return ERR_NOMEM;
    for (size_t i = 0; rq->headers != NULL && rq->headers[i] != NULL; i++) {
        struct curl_slist *more = curl_slist_append(t->headers, rq->headers[i]);

        if (more == NULL)
            return ERR_NOMEM;
        t->headers = more;
    }
    if (http_url_split(&u, rq->url, NULL) == 0)
        http_url_origin(&u, &origin);
    good = !origin.failed && str_copy(t->origin, sizeof t->origin, str_text(&origin));
    str_free(&origin);
    return good ? 0 : ERR_NOMEM;
}

static CURLcode on_tls(CURL *easy, void *ssl_ctx, void *arg)
{
    (void)easy;
    (void)arg;
    crypto_no_sni(ssl_ctx);
    return CURLE_OK;
}

static void set_callbacks(struct transfer *t)
{
    CURL *e = t->easy;

    curl_easy_setopt(e, CURLOPT_PRIVATE, t);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    if (t->rq.no_sni)
        curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_tls);
}

/* What may go wrong here is memory only; the URL is checked when the transfer begins. */
static int set_options(struct transfer *t)
{
    CURL *e = t->easy;
    CURLcode rc = CURLE_OK;

    set_callbacks(t);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    /* Without this, giving up on a name that is still being resolved would wait for the resolver.
     */
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)t->rq.connect_ms);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)t->rq.total_ms);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)HTTP_MAX_REDIRECTS);
    curl_easy_setopt(e, CURLOPT_HTTPAUTH, (long)(CURLAUTH_BASIC | CURLAUTH_DIGEST));
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
    if (strcmp(t->rq.method, "POST") == 0) {
        curl_easy_setopt(e, CURLOPT_POST, 1L);
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)t->rq.body_len);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, t->rq.body != NULL ? t->rq.body : "");
    } else if (strcmp(t->rq.method, "GET") != 0) {
        if (t->rq.body != NULL) {
            curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)t->rq.body_len);
            curl_easy_setopt(e, CURLOPT_POSTFIELDS, t->rq.body);
        }
        rc = curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, t->rq.method);
    }
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(e, CURLOPT_URL, t->rq.url);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(e, CURLOPT_PROXY, ""); /* not even from the environment */
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(e, CURLOPT_COOKIEFILE, "");
    if (rc == CURLE_OK && t->rq.rule.ca_file != NULL)
        rc = curl_easy_setopt(e, CURLOPT_CAINFO, t->rq.rule.ca_file);
    for (size_t i = 0; rc == CURLE_OK && t->rq.jar != NULL && i < t->rq.jar->count; i++)
        rc = curl_easy_setopt(e, CURLOPT_COOKIELIST, t->rq.jar->lines[i]);
    return rc == CURLE_OK ? 0 : ERR_NOMEM;
}

int transfer_new(struct transfer **tp, struct http_curl *owner, CURL *easy,
                 const struct http_request *rq, http_reply_h *h, void *arg, struct error *err)
{
    struct transfer *t = mem_alloc(sizeof *t);

    if (t == NULL)
        return error_nomem(err);
    t->owner = owner;
    t->easy = easy;
    t->h = h;
    t->arg = arg;
    t->fd = -1;
    t->started = loop_now(owner->loop);
    arena_init(&t->arena, 1024, HTTP_MAX_REQUEST_BYTES);
    str_init(&t->body, rq->max_bytes);
    timer_init(&t->read, owner->loop, on_read_timeout, t);
    if (copy_request(t, rq) != 0 || set_options(t) != 0) {
        transfer_free(t);
        return error_nomem(err);
    }
    if (rq->save_to != NULL) {
        t->fd = open(rq->save_to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (t->fd < 0) {
            transfer_free(t);
            return error_set(err, ERR_IO, "cannot write %s: %s", rq->save_to, strerror(errno));
        }
    }
    *tp = t;
    return 0;
}

void transfer_free(struct transfer *t)
{
    timer_stop(&t->read);
    if (t->fd >= 0) { /* nobody took the file */
        close(t->fd);
        unlink(t->rq.save_to);
    }
    curl_slist_free_all(t->headers);
    str_free(&t->body);
    arena_free(&t->arena);
    mem_free(t);
}

/* --- the outcome --- */

static enum http_failure failure_of(const struct transfer *t, CURLcode code)
{
    if (t->refused)
        return HTTP_REFUSED;
    if (t->too_large)
        return HTTP_TOO_LARGE;
    if (t->headers_too_large)
        return HTTP_PROTOCOL;
    switch (code) {
    case CURLE_OK:
        return HTTP_DONE;
    case CURLE_COULDNT_CONNECT:
        return HTTP_CONNECT;
    case CURLE_COULDNT_RESOLVE_HOST:
        return HTTP_HOST;
    case CURLE_OPERATION_TIMEDOUT:
        return t->connected ? HTTP_TIMEOUT : HTTP_CONNECT;
    case CURLE_TOO_MANY_REDIRECTS:
        return HTTP_REDIRECTS;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return HTTP_TLS;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
        return HTTP_PROTOCOL;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        /* Before a connection it is what a redirect asked for, after it what the server spoke. */
        return t->connected && !t->began ? HTTP_PROTOCOL : HTTP_REFUSED;
    default:
        return HTTP_FAILED;
    }
}

static void explain(const struct transfer *t, CURLcode code, struct http_reply *r)
{
    const char *said = t->error[0] != '\0' ? t->error : curl_easy_strerror(code);

    if (t->refused || t->write_failed)
        str_copy(r->text, sizeof r->text, t->why);
    else if (t->too_large)
        snprintf(r->text, sizeof r->text, "the body is larger than %zu bytes", t->rq.max_bytes);
    else if (t->headers_too_large)
        snprintf(r->text, sizeof r->text, "the headers are larger than %d bytes",
                 (int)HTTP_MAX_HEADER_BYTES);
    else if (t->read_timeout)
        snprintf(r->text, sizeof r->text, "nothing came for %d ms", t->rq.read_ms);
    else if (r->failure != HTTP_DONE)
        str_copy(r->text, sizeof r->text, said);
}

/* What libcurl now knows replaces the jar, as far as it fits. */
static void fill_jar(struct transfer *t)
{
    struct curl_slist *list = NULL;
    struct http_jar fresh = {0};
    bool good = true;

    if (t->rq.jar == NULL || !t->cookies_came ||
        curl_easy_getinfo(t->easy, CURLINFO_COOKIELIST, &list) != CURLE_OK)
        return;
    for (const struct curl_slist *c = list; c != NULL && good; c = c->next)
        good = http_jar_add(&fresh, c->data) != ERR_NOMEM;
    curl_slist_free_all(list);
    if (!good) {
        http_jar_free(&fresh);
        return;
    }
    http_jar_free(t->rq.jar);
    *t->rq.jar = fresh;
}

static const char *field(const struct transfer *t, int which)
{
    return t->fields[which][0] != '\0' ? t->fields[which] : NULL;
}

void transfer_reply(struct transfer *t, CURLcode code, struct http_reply *r)
{
    long status = 0, redirects = 0;
    char *url = NULL;

    memset(r, 0, sizeof *r);
    r->failure = failure_of(t, code);
    explain(t, code, r);
    r->began = t->began;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_COUNT, &redirects);
    curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    r->status = r->failure == HTTP_DONE ? (int)status : 0;
    r->redirects = (int)redirects;
    r->url = url != NULL ? url : t->rq.url;
    r->content_type = field(t, FIELD_TYPE);
    r->etag = field(t, FIELD_ETAG);
    r->last_modified = field(t, FIELD_MODIFIED);
    r->cache_control = field(t, FIELD_CACHE);
    r->expires = field(t, FIELD_EXPIRES);
    r->body = str_text(&t->body);
    r->body_len = t->body.len;
    r->ms = (loop_now(t->owner->loop) - t->started) / 1000;
    fill_jar(t);
    if (t->fd >= 0 && r->failure == HTTP_DONE) {
        close(t->fd);
        t->fd = -1;
    }
}
