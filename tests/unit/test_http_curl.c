/* The exchange over real sockets: libcurl against a server of our own on the same loop. */
#include "http/exchange.h"

#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/http_server.h"
#include "tests/unit/unit.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct loop *loop;
    struct http_server *server, *other; /* two ports: two "hosts" */
    struct http_curl *curl;
    struct http_port port;
    struct http_jar jar;
    struct http_request rq;
    char url[400];
    struct timer guard, drip;
    struct http_conn *dripping;

    struct str log;     /* "METHOD path\n" of each request of either server */
    struct str headers; /* of the last request */
    struct str body;    /* of the last request */
    bool done, hung;
    struct http_reply reply; /* its pointers are dead, but for: */
    char content_type[100], etag[100], final_url[400];
    struct str answer;
};

static void on_drip(void *arg)
{
    struct fixture *f = arg;

    if (f->dripping == NULL)
        return;
    http_conn_raw(f->dripping, "x", 1);
    timer_start(&f->drip, 40);
}

/* 200 kB of zeros, deflated */
static void send_bomb(struct http_conn *c)
{
    static const unsigned char small[] = {
        0x78, 0xda, 0xed, 0xc1, 0x31, 0x01, 0x00, 0x00, 0x00, 0xc2, 0xa0, 0xf5, 0x4f, 0x6d, 0x06,
        0x7f, 0xa0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x80, 0xd7, 0x00, 0x0d, 0x6d, 0x00, 0x01};

    http_conn_reply(c, 200, "Content-Type: text/xml\r\nContent-Encoding: deflate\r\n",
                    (const char *)small, sizeof small);
}

static void send_redirect(struct http_conn *c, int status, const char *to)
{
    char headers[500];

    snprintf(headers, sizeof headers, "Location: %s\r\n", to);
    http_conn_reply(c, status, headers, "moved", 5);
}

static void serve_auth(struct http_conn *c, const struct http_got *got)
{
    bool basic = strcmp(got->path, "/basic") == 0;
    const char *want = basic ? "Authorization: Basic dTpw" : "Authorization: Digest username=\"u\"";

    if (strstr(got->head, want) != NULL)
        http_conn_reply(c, 200, "Content-Type: text/xml\r\n", "in", 2);
    else if (basic)
        http_conn_reply(c, 401, "WWW-Authenticate: Basic realm=\"r\"\r\n", "out", 3);
    else
        http_conn_reply(c, 401,
                        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", "
                        "algorithm=MD5\r\n",
                        "out", 3);
}

static void serve_badly(struct fixture *f, struct http_conn *c, const char *path)
{
    static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    static const char start[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";

    if (strcmp(path, "/reset") == 0) {
        http_conn_reset(c);
    } else if (strcmp(path, "/half") == 0) {
        http_conn_raw(c, half, sizeof half - 1);
        http_conn_close(c);
    } else if (strcmp(path, "/garbage") == 0) {
        http_conn_raw(c, "I am no web server\r\n", 20);
        http_conn_close(c);
    } else if (strcmp(path, "/stall") == 0) {
        http_conn_raw(c, start, sizeof start - 1);
        http_conn_raw(c, "x", 1);
    } else if (strcmp(path, "/drip") == 0) {
        http_conn_raw(c, start, sizeof start - 1);
        f->dripping = c;
        timer_start(&f->drip, 40);
    } else if (strcmp(path, "/headers") == 0) {
        http_conn_raw(c, "HTTP/1.1 200 OK\r\n", 17);
        for (int i = 0; i < 4000; i++)
            http_conn_raw(c, "X-Filler: 0123456789012345678901234567890123456789\r\n", 52);
    } else if (strcmp(path, "/hang") != 0) {
        http_conn_reply(c, 404, "Content-Type: text/plain\r\n", "no such page", 12);
    }
}

static void on_request(struct http_conn *c, const struct http_got *got, void *arg)
{
    struct fixture *f = arg;
    const char *to = strstr(got->path, "?to=");
    char big[70000];

    str_addf(&f->log, "%s %s\n", got->method, got->path);
    str_reset(&f->headers);
    str_add(&f->headers, got->head);
    str_reset(&f->body);
    str_add(&f->body, got->body);
    if (to != NULL)
        send_redirect(c, atoi(got->path + 1), to + 4);
    else if (strcmp(got->path, "/loop") == 0)
        send_redirect(c, 302, "/loop");
    else if (strcmp(got->path, "/basic") == 0 || strcmp(got->path, "/digest") == 0)
        serve_auth(c, got);
    else if (strcmp(got->path, "/bomb") == 0)
        send_bomb(c);
    else if (strcmp(got->path, "/big") == 0)
        http_conn_reply(c, 200, "", memset(big, 'x', sizeof big), sizeof big);
    else if (strcmp(got->path, "/set") == 0)
        http_conn_reply(c, 200, "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\n", "", 0);
    else if (strcmp(got->path, "/ok") == 0)
        http_conn_reply(c, 200, "Content-Type: text/xml; charset=utf-8\r\nETag: \"v1\"\r\n",
                        "<Response/>", 11);
    else
        serve_badly(f, c, got->path);
}

static void on_guard(void *arg)
{
    ((struct fixture *)arg)->hung = true;
}

static bool set_up(struct fixture *f)
{
    struct error err = {0};

    memset(f, 0, sizeof *f);
    signal(SIGPIPE, SIG_IGN);
    if (loop_new(&f->loop, NULL, &err) != 0)
        return false;
    timer_init(&f->guard, f->loop, on_guard, f);
    timer_init(&f->drip, f->loop, on_drip, f);
    str_init(&f->log, 10000);
    str_init(&f->headers, 100000);
    str_init(&f->body, 100000);
    str_init(&f->answer, 1000000);
    f->server = http_server_new(f->loop, on_request, f);
    f->other = http_server_new(f->loop, on_request, f);
    if (f->server == NULL || f->other == NULL || http_curl_new(&f->curl, f->loop, &err) != 0)
        return false;
    f->port = http_curl_port(f->curl);
    f->rq = (struct http_request){.method = "GET",
                                  .connect_ms = 2000,
                                  .read_ms = 3000,
                                  .total_ms = 5000,
                                  .max_bytes = 64 * 1024,
                                  .jar = &f->jar};
    return true;
}

static void tear_down(struct fixture *f)
{
    timer_stop(&f->guard);
    timer_stop(&f->drip);
    http_curl_free(f->curl);
    http_server_free(f->server);
    http_server_free(f->other);
    http_jar_free(&f->jar);
    str_free(&f->log);
    str_free(&f->headers);
    str_free(&f->body);
    str_free(&f->answer);
    if (f->loop != NULL)
        loop_free(f->loop);
}

static void on_reply(const struct http_reply *r, void *arg)
{
    struct fixture *f = arg;

    f->done = true;
    f->reply = *r;
    str_copy(f->content_type, sizeof f->content_type, r->content_type ? r->content_type : "");
    str_copy(f->etag, sizeof f->etag, r->etag ? r->etag : "");
    str_copy(f->final_url, sizeof f->final_url, r->url);
    str_reset(&f->answer);
    str_addn(&f->answer, r->body, r->body_len);
}

static bool turn_until_done(struct fixture *f)
{
    f->hung = false;
    timer_start(&f->guard, 10000);
    while (!f->done && !f->hung)
        loop_turn(f->loop, true);
    timer_stop(&f->guard);
    return f->done;
}

/* Asks the server for `path` and waits for what comes of it. */
static bool ask(struct fixture *f, const char *path)
{
    struct error err = {0};

    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d%s", http_server_port(f->server), path);
    f->rq.url = f->url;
    f->done = false;
    str_reset(&f->log);
    return f->port.start(f->port.self, &f->rq, on_reply, f, &err) != NULL && turn_until_done(f);
}

static bool ask_url(struct fixture *f, const char *url)
{
    struct error err = {0};

    f->rq.url = url;
    f->done = false;
    str_reset(&f->log);
    return f->port.start(f->port.self, &f->rq, on_reply, f, &err) != NULL && turn_until_done(f);
}

UNIT(curl_brings_status_headers_and_body)
{
    struct fixture f;

    ok(set_up(&f));
    ok(ask(&f, "/ok"));
    ok_int(f.reply.failure, HTTP_DONE);
    ok_int(f.reply.status, 200);
    ok_str(f.content_type, "text/xml; charset=utf-8");
    ok_str(f.etag, "\"v1\"");
    ok_str(str_text(&f.answer), "<Response/>");
    ok_str(f.final_url, f.url);
    ok(ask(&f, "/nothing"));
    ok_int(f.reply.failure, HTTP_DONE);
    ok_int(f.reply.status, 404);
out:
    tear_down(&f);
}

UNIT(curl_keeps_connections)
{
    struct fixture f;

    ok(set_up(&f));
    for (int i = 0; i < 5; i++)
        ok(ask(&f, "/ok") && f.reply.status == 200);
    ok_int(http_server_connections(f.server), 1);
    ok_int(http_server_requests(f.server), 5);
out:
    tear_down(&f);
}

UNIT(curl_names_what_failed)
{
    static const struct {
        const char *path;
        enum http_failure failure;
        bool began;
    } table[] = {
        {"/reset", HTTP_PROTOCOL, false},   {"/half", HTTP_PROTOCOL, true},
        {"/garbage", HTTP_PROTOCOL, false}, {"/loop", HTTP_REDIRECTS, true},
        {"/big", HTTP_TOO_LARGE, true},     {"/bomb", HTTP_TOO_LARGE, true},
        {"/headers", HTTP_PROTOCOL, true},
    };
    struct fixture f;

    ok(set_up(&f));
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ok(ask(&f, table[i].path));
        ok_int(f.reply.failure, table[i].failure);
        ok_int(f.reply.began, table[i].began);
        ok(f.reply.text[0] != '\0');
        ok_int(f.reply.status, 0);
    }
out:
    tear_down(&f);
}

UNIT(curl_follows_ten_redirects)
{
    struct fixture f;

    ok(set_up(&f));
    ok(ask(&f, "/loop"));
    ok_int(f.reply.failure, HTTP_REDIRECTS);
    ok_int(http_server_requests(f.server), 11);
out:
    tear_down(&f);
}

UNIT(curl_names_refused_and_unknown_hosts)
{
    struct fixture f;
    char url[60];

    ok(set_up(&f));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", http_server_port(f.other));
    f.other = http_server_free(f.other);
    loop_turn(f.loop, false);
    ok(ask_url(&f, url));
    ok_int(f.reply.failure, HTTP_CONNECT);
    ok(ask_url(&f, "http://no-such-host.invalid/"));
    ok_int(f.reply.failure, HTTP_HOST);
out:
    tear_down(&f);
}

UNIT(curl_ends_what_takes_too_long)
{
    struct fixture f;

    ok(set_up(&f));
    f.rq.read_ms = 150;
    ok(ask(&f, "/hang"));
    ok_int(f.reply.failure, HTTP_TIMEOUT);
    ok(!f.reply.began && f.reply.ms >= 140 && f.reply.ms < 2000);
    ok(ask(&f, "/stall"));
    ok_int(f.reply.failure, HTTP_TIMEOUT);
    ok(f.reply.began);
    f.rq.total_ms = 400; /* a byte every 40 ms never runs into read_ms */
    ok(ask(&f, "/drip"));
    f.dripping = NULL;
    ok_int(f.reply.failure, HTTP_TIMEOUT);
    ok(f.reply.ms >= 390);
    /* nothing of the broken ones hurts the next */
    ok(ask(&f, "/ok") && f.reply.status == 200);
out:
    tear_down(&f);
}

UNIT(curl_posts_and_turns_into_get_as_browsers_do)
{
    static const struct {
        const char *path, *log;
    } table[] = {
        {"/301?to=/ok", "POST /301?to=/ok\nGET /ok\n"},
        {"/302?to=/ok", "POST /302?to=/ok\nGET /ok\n"},
        {"/303?to=/ok", "POST /303?to=/ok\nGET /ok\n"},
        {"/307?to=/ok", "POST /307?to=/ok\nPOST /ok\n"},
        {"/308?to=/ok", "POST /308?to=/ok\nPOST /ok\n"},
    };
    struct fixture f;

    ok(set_up(&f));
    f.rq.method = "POST";
    f.rq.body = "a=1";
    f.rq.body_len = 3;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ok(ask(&f, table[i].path));
        ok_str(str_text(&f.log), table[i].log);
        ok_str(str_text(&f.body), i < 3 ? "" : "a=1");
        ok_int(f.reply.redirects, 1);
        ok(strstr(f.final_url, "/ok") != NULL && strstr(f.final_url, "to=") == NULL);
    }
out:
    tear_down(&f);
}

UNIT(curl_keeps_the_cookies_of_a_call_and_of_no_other)
{
    struct fixture f;
    struct http_jar second = {0};

    ok(set_up(&f));
    ok(ask(&f, "/set"));
    ok_int(f.jar.count, 2);
    ok(ask(&f, "/ok"));
    ok(strstr(str_text(&f.headers), "Cookie: a=1; b=2") != NULL ||
       strstr(str_text(&f.headers), "Cookie: b=2; a=1") != NULL);
    f.rq.jar = &second;
    ok(ask(&f, "/ok"));
    ok(strstr(str_text(&f.headers), "Cookie") == NULL);
    f.rq.jar = NULL;
    ok(ask(&f, "/ok"));
    ok(strstr(str_text(&f.headers), "Cookie") == NULL);
out:
    http_jar_free(&second);
    tear_down(&f);
}

UNIT(curl_answers_a_challenge_and_only_there)
{
    struct fixture f;
    char url[300];

    ok(set_up(&f));
    for (int digest = 0; digest < 2; digest++) {
        snprintf(url, sizeof url, "http://u:p@127.0.0.1:%d/%s", http_server_port(f.server),
                 digest ? "digest" : "basic");
        f.rq.method = "POST";
        f.rq.body = "x=1";
        f.rq.body_len = 3;
        ok(ask_url(&f, url));
        ok_int(f.reply.status, 200);
        ok_str(str_text(&f.log),
               digest ? "POST /digest\nPOST /digest\n" : "POST /basic\nPOST /basic\n");
        ok_str(str_text(&f.body), "x=1");
    }
    /* another host asks for the password: it does not get it */
    f.rq.method = "GET";
    f.rq.body = NULL;
    f.rq.rule.allow = (const char *const[]){"127.0.0.0/8"};
    f.rq.rule.n_allow = 1;
    snprintf(url, sizeof url, "http://u:p@127.0.0.1:%d/302?to=http://localhost:%d/basic",
             http_server_port(f.server), http_server_port(f.other));
    ok(ask_url(&f, url));
    ok_int(f.reply.status, 401);
    ok_int(http_server_requests(f.other), 1);
    ok(strstr(str_text(&f.headers), "Authorization") == NULL);
out:
    tear_down(&f);
}

UNIT(curl_keeps_documents_away_from_private_addresses)
{
    struct fixture f;
    char url[300], own[60];

    ok(set_up(&f));
    f.rq.rule.trust = HTTP_DOCUMENT;
    ok(ask(&f, "/ok"));
    ok_int(f.reply.failure, HTTP_REFUSED);
    ok(strstr(f.reply.text, "http.allow") != NULL);
    snprintf(url, sizeof url, "http://localhost:%d/ok", http_server_port(f.server));
    ok(ask_url(&f, url));
    ok_int(f.reply.failure, HTTP_REFUSED);
    snprintf(url, sizeof url, "http://2130706433:%d/ok", http_server_port(f.server));
    ok(ask_url(&f, url));
    ok_int(f.reply.failure, HTTP_REFUSED);
    ok_int(http_server_connections(f.server), 0);
    snprintf(own, sizeof own, "127.0.0.1:%d", http_server_port(f.server));
    f.rq.rule.own = own;
    ok(ask(&f, "/ok"));
    ok_int(f.reply.status, 200);
out:
    tear_down(&f);
}

UNIT(curl_judges_each_hop)
{
    struct fixture f;
    char path[200];

    ok(set_up(&f));
    snprintf(path, sizeof path, "/302?to=http://127.0.0.1:%d/ok", http_server_port(f.other));
    ok(ask(&f, path)); /* the operator's own URL, but not his redirect's target */
    ok_int(f.reply.failure, HTTP_REFUSED);
    ok_int(http_server_connections(f.other), 0);
    ok(ask(&f, "/302?to=file:///etc/passwd"));
    ok_int(f.reply.failure, HTTP_REFUSED);
    ok(ask(&f, "/302?to=gopher://127.0.0.1/"));
    ok_int(f.reply.failure, HTTP_REFUSED);
    ok(ask(&f, "/302?to=/ok"));
    ok_int(f.reply.status, 200);
out:
    tear_down(&f);
}

UNIT(curl_judges_a_kept_connection_too)
{
    struct fixture f;

    ok(set_up(&f));
    ok(ask(&f, "/ok"));
    ok_int(f.reply.status, 200);
    f.rq.rule.trust = HTTP_DOCUMENT;
    ok(ask(&f, "/ok"));
    ok_int(f.reply.failure, HTTP_REFUSED);
    ok_int(http_server_requests(f.server), 1);
out:
    tear_down(&f);
}

UNIT(curl_saves_to_a_file)
{
    struct fixture f;
    char path[300], got[20] = "";
    FILE *file = NULL;

    ok(set_up(&f));
    snprintf(path, sizeof path, "%s/media", unit_folder());
    f.rq.save_to = path;
    ok(ask(&f, "/ok"));
    ok_int(f.reply.status, 200);
    ok_int(f.reply.body_len, 0);
    file = fopen(path, "rb");
    ok(file != NULL && fread(got, 1, sizeof got - 1, file) == 11);
    ok_str(got, "<Response/>");
    ok(ask(&f, "/big"));
    ok_int(f.reply.failure, HTTP_TOO_LARGE);
    ok(access(path, F_OK) != 0);
out:
    if (file != NULL)
        fclose(file);
    tear_down(&f);
}

UNIT(curl_can_be_canceled_at_any_time)
{
    struct fixture f;
    struct error err = {0};
    void *handle;

    ok(set_up(&f));
    snprintf(f.url, sizeof f.url, "http://127.0.0.1:%d/hang", http_server_port(f.server));
    f.rq.url = f.url;
    handle = f.port.start(f.port.self, &f.rq, on_reply, &f, &err);
    ok(handle != NULL);
    f.port.cancel(f.port.self, handle);
    handle = f.port.start(f.port.self, &f.rq, on_reply, &f, &err);
    ok(handle != NULL);
    while (http_server_requests(f.server) == 0)
        loop_turn(f.loop, true);
    f.port.cancel(f.port.self, handle);
    ok(f.port.start(f.port.self, &f.rq, on_reply, &f, &err) != NULL);
    loop_turn(f.loop, false);
    f.curl = http_curl_free(f.curl); /* with one that still runs */
    ok(!f.done);
out:
    tear_down(&f);
}

static bool holds(const char *bytes, size_t len, const char *word)
{
    return memmem(bytes, len, word, strlen(word)) != NULL;
}

UNIT(curl_sends_a_server_name_unless_told_not_to)
{
    struct fixture f;
    char url[100];
    const char *hello;
    size_t len;

    ok(set_up(&f));
    f.rq.connect_ms = 200; /* the server speaks no TLS and never answers the hello */
    snprintf(url, sizeof url, "https://localhost:%d/", http_server_port(f.server));
    ok(ask_url(&f, url));
    ok_int(f.reply.failure, HTTP_CONNECT);
    hello = http_server_first_bytes(f.server, &len);
    ok(len > 50 && holds(hello, len, "localhost"));
    f.rq.no_sni = true;
    ok(ask_url(&f, url));
    hello = http_server_first_bytes(f.server, &len);
    ok(len > 50 && !holds(hello, len, "localhost"));
out:
    tear_down(&f);
}

UNIT_MAIN(NO_TORTURE(curl_brings_status_headers_and_body), NO_TORTURE(curl_keeps_connections),
          NO_TORTURE(curl_names_what_failed), NO_TORTURE(curl_follows_ten_redirects),
          NO_TORTURE(curl_names_refused_and_unknown_hosts),
          NO_TORTURE(curl_ends_what_takes_too_long),
          NO_TORTURE(curl_posts_and_turns_into_get_as_browsers_do),
          NO_TORTURE(curl_keeps_the_cookies_of_a_call_and_of_no_other),
          NO_TORTURE(curl_answers_a_challenge_and_only_there),
          NO_TORTURE(curl_keeps_documents_away_from_private_addresses),
          NO_TORTURE(curl_judges_each_hop), NO_TORTURE(curl_judges_a_kept_connection_too),
          NO_TORTURE(curl_saves_to_a_file), NO_TORTURE(curl_can_be_canceled_at_any_time),
          NO_TORTURE(curl_sends_a_server_name_unless_told_not_to))
