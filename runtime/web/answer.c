/* One request: who asks, what for, and the bytes back. */
#include "web/private.h"

#include "base/log.h"
#include "base/sid.h"
#include "base/str.h"
#include <jansson.h>
#include <string.h>
#include <unistd.h>

static void clear(struct answer *a)
{
    if (a->waiting != NULL)
        recording_forget(a);
    if (a->file_open)
        close(a->fd);
    memset(a, 0, sizeof *a);
}

/* --- the head of an answer --- */

struct head {
    int status;
    const char *type;
    int64_t length;
    const char *extra[3]; /* "name:", then its value */
    const char *extra_value[3];
};

static int send_head(struct answer *a, const struct head *h)
{
    unsigned char *start = a->web->buffer + LWS_PRE, *p = start;
    unsigned char *end = a->web->buffer + sizeof a->web->buffer - 1;
    struct lws *wsi = a->wsi;

    if (lws_add_http_common_headers(wsi, (unsigned)h->status, h->type, (lws_filepos_t)h->length, &p,
                                    end) != 0)
        return -1;
    for (int i = 0; i < 3 && h->extra[i] != NULL; i++)
        if (lws_add_http_header_by_name(wsi, (const unsigned char *)h->extra[i],
                                        (const unsigned char *)h->extra_value[i],
                                        (int)strlen(h->extra_value[i]), &p, end) != 0)
            return -1;
    if (lws_finalize_write_http_header(wsi, start, &p, end) != 0)
        return -1;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, WEB_SLOW_S);
    lws_callback_on_writable(wsi);
    return 0;
}

static int send_text(struct answer *a, int status, const char *type, const char *name,
                     const char *value)
{
    struct head h = {.status = status, .type = type, .extra = {name}, .extra_value = {value}};

    a->text_len = strlen(a->text);
    h.length = (int64_t)a->text_len;
    return send_head(a, &h);
}

/* An error as Twilio's REST API words it. */
static int send_problem(struct answer *a, int status, int code, const char *message)
{
    char more[80];
    json_t *j;

    snprintf(more, sizeof more, "https://www.twilio.com/docs/errors/%d", code);
    j = json_pack("{s:i, s:s, s:s, s:i}", "code", code, "message", message, "more_info", more,
                  "status", status);
    a->text_len = j != NULL ? json_dumpb(j, a->text, sizeof a->text - 1, JSON_COMPACT) : 0;
    json_decref(j);
    if (a->text_len >= sizeof a->text)
        a->text_len = 0;
    a->text[a->text_len] = '\0';
    return send_text(a, status, "application/json", status == 401 ? "www-authenticate:" : NULL,
                     "Basic realm=\"Almon\"");
}

static int send_not_found(struct answer *a, const char *path)
{
    char message[400];

    snprintf(message, sizeof message, "The requested resource %.300s was not found", path);
    return send_problem(a, 404, 20404, message);
}

/* --- who asks --- */

/* Takes the same time wherever the first difference is. */
static bool same_secret(const char *got, const char *want)
{
    size_t n = strlen(got), m = strlen(want);
    volatile unsigned char diff = n != m;

    for (size_t i = 0; i < n && m > 0; i++)
        diff |= (unsigned char)(got[i] ^ want[i % m]);
    return diff == 0;
}

/* The account whose Basic credentials came with the request; NULL: none or wrong ones. */
static const struct config_account *who_asks(struct answer *a)
{
    const struct config_account *account;
    char field[512], plain[400], *password;
    int n = lws_hdr_copy(a->wsi, field, sizeof field, WSI_TOKEN_HTTP_AUTHORIZATION);

    if (n <= 6 || strncasecmp(field, "Basic ", 6) != 0)
        return NULL;
    n = lws_b64_decode_string(field + 6, plain, sizeof plain);
    if (n < 0 || (size_t)n >= sizeof plain)
        return NULL;
    plain[n] = '\0';
    password = strchr(plain, ':');
    if (password == NULL)
        return NULL;
    *password++ = '\0';
    account = config_find_account(a->web->config, plain);
    return account != NULL && same_secret(password, account->token) ? account : NULL;
}

/* --- recordings --- */

/* "AC…/Recordings/RE…" and what follows it, e.g. ".mp3"; NULL when the path is nothing like it. */
static const char *split_path(struct answer *a, const char *path)
{
    static const char root[] = "/2010-04-01/Accounts/", folder[] = "/Recordings/";

    if (strncmp(path, root, sizeof root - 1) != 0)
        return NULL;
    path += sizeof root - 1;
    if (strlen(path) < 34 + sizeof folder - 1 + 34)
        return NULL;
    memcpy(a->account, path, 34);
    path += 34;
    if (strncmp(path, folder, sizeof folder - 1) != 0)
        return NULL;
    path += sizeof folder - 1;
    memcpy(a->recording, path, 34);
    a->account[34] = a->recording[34] = '\0';
    return sid_valid(a->account, "AC") && sid_valid(a->recording, "RE") ? path + 34 : NULL;
}

static int send_file(struct answer *a, int fd, int64_t size, const char *type)
{
    struct head h = {.status = 200,
                     .type = type,
                     .length = size,
                     .extra = {"accept-ranges:"},
                     .extra_value = {"bytes"}};
    char field[100], range[100];
    int64_t from = 0, to = size - 1;
    int kind = 0;

    if (lws_hdr_copy(a->wsi, field, sizeof field, WSI_TOKEN_HTTP_RANGE) > 0)
        kind = recording_range(field, size, &from, &to);
    if (kind < 0) {
        close(fd);
        snprintf(range, sizeof range, "bytes */%lld", (long long)size);
        a->text[0] = '\0';
        return send_text(a, 416, "text/plain", "content-range:", range);
    }
    if (kind > 0) {
        snprintf(range, sizeof range, "bytes %lld-%lld/%lld", (long long)from, (long long)to,
                 (long long)size);
        h.status = 206;
        h.length = to - from + 1;
        h.extra[1] = "content-range:";
        h.extra_value[1] = range;
    }
    a->fd = fd;
    a->file_open = true;
    a->left = h.length;
    if (kind > 0 && lseek(fd, from, SEEK_SET) < 0)
        return -1;
    return send_head(a, &h);
}

static int serve_mp3(struct answer *a, const char *path)
{
    int64_t size;
    int fd = recording_open(a->web, a->account, a->recording, ".mp3", &size);

    if (fd >= 0)
        return send_file(a, fd, size, "audio/mpeg");
    if (a->failed)
        return send_problem(a, 500, 20500, "The recording could not be turned into mp3");
    fd = recording_open(a->web, a->account, a->recording, ".wav", &size);
    if (fd < 0)
        return send_not_found(a, path);
    close(fd);
    if (recording_convert(a->web, a) != 0)
        return send_problem(a, 503, 20503, "Too many recordings are being turned into mp3");
    lws_set_timeout(a->wsi, PENDING_TIMEOUT_HTTP_CONTENT, WEB_CONVERT_S);
    return 0;
}

static int serve_recording(struct answer *a, const char *path, const char *suffix)
{
    const struct config_account *account = NULL;
    int64_t size;
    int fd;

    if (!a->web->config->recordings.open) {
        account = who_asks(a);
        if (account == NULL)
            return send_problem(a, 401, 20003, "Authenticate");
        /* Not 403: another account's recordings do not exist. */
        if (strcmp(account->sid, a->account) != 0)
            return send_not_found(a, path);
    }
    if (strcmp(suffix, ".mp3") == 0)
        return serve_mp3(a, path);
    if (strcmp(suffix, "") != 0 && strcmp(suffix, ".wav") != 0 && strcmp(suffix, ".json") != 0)
        return send_not_found(a, path);
    if (suffix[0] == '\0')
        suffix = ".wav";
    fd = recording_open(a->web, a->account, a->recording, suffix, &size);
    if (fd < 0)
        return send_not_found(a, path);
    return send_file(a, fd, size, suffix[1] == 'j' ? "application/json" : "audio/x-wav");
}

/* --- the table of paths --- */

static int serve(struct answer *a, const char *path)
{
    const char *suffix;

    if (strcmp(path, "/") == 0) {
        str_copy(a->text, sizeof a->text,
                 "Almon: call and message flows on your own machine. Recordings are at "
                 "/2010-04-01/Accounts/{AC}/Recordings/{RE}\n");
        return send_text(a, 200, "text/plain", NULL, NULL);
    }
    if (strcmp(path, "/healthz") == 0) {
        str_copy(a->text, sizeof a->text, "ok\n");
        return send_text(a, 200, "text/plain", NULL, NULL);
    }
    suffix = split_path(a, path);
    return suffix != NULL ? serve_recording(a, path, suffix) : send_not_found(a, path);
}

static int on_request(struct answer *a, struct web *w, struct lws *wsi, const char *in)
{
    char *uri, path[300];
    int len, method;

    clear(a);
    a->web = w;
    a->wsi = wsi;
    method = lws_http_get_uri_and_method(wsi, &uri, &len);
    if (!str_copy(path, sizeof path, in))
        return send_problem(a, 404, 20404, "The requested resource was not found");
    if (method != LWSHUMETH_GET && method != LWSHUMETH_HEAD) {
        a->close = true; /* its body is not read */
        return send_problem(a, 405, 20004, "Method not allowed");
    }
    a->head = method == LWSHUMETH_HEAD;
    return serve(a, path);
}

/* --- the body of an answer --- */

static int end_answer(struct answer *a)
{
    struct lws *wsi = a->wsi;
    bool last = a->close;

    clear(a);
    return last || lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int send_chunk(struct answer *a)
{
    unsigned char *bytes = a->web->buffer + LWS_PRE;
    size_t want = a->left < WEB_CHUNK ? (size_t)a->left : WEB_CHUNK;
    ssize_t n = read(a->fd, bytes, want);

    if (n <= 0) {
        log_warn("web", NULL, "%s ended before its length", a->recording);
        return -1; /* the client sees that bytes are missing */
    }
    a->left -= n;
    if (lws_write(a->wsi, bytes, (size_t)n, a->left == 0 ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) <
        n)
        return -1;
    lws_set_timeout(a->wsi, PENDING_TIMEOUT_HTTP_CONTENT, WEB_SLOW_S);
    if (a->left == 0)
        return end_answer(a);
    lws_callback_on_writable(a->wsi);
    return 0;
}

static int on_writable(struct answer *a)
{
    unsigned char *bytes;

    if (a->web == NULL || a->waiting != NULL)
        return 0;
    if (a->converted) {
        a->converted = false;
        return serve_mp3(a, a->recording);
    }
    if (a->head)
        return end_answer(a);
    if (a->file_open && a->left > 0)
        return send_chunk(a);
    if (a->text_len > 0) {
        bytes = a->web->buffer + LWS_PRE;
        memcpy(bytes, a->text, a->text_len);
        if (lws_write(a->wsi, bytes, a->text_len, LWS_WRITE_HTTP_FINAL) < (int)a->text_len)
            return -1;
    }
    return end_answer(a);
}

void answer_converted(struct answer *a, bool good)
{
    a->waiting = NULL;
    a->converted = true;
    a->failed = !good;
    lws_callback_on_writable(a->wsi);
}

int answer_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct web *w = lws_context_user(lws_get_context(wsi));

    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return on_request(user, w, wsi, in);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_writable(user);
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        if (user != NULL)
            clear(user);
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1; /* nothing here speaks WebSocket */
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
}
