/* TLS of the exchange: only a valid chain to the right name is spoken to. */
#include "http/exchange.h"

#include "base/str.h"
#include "tests/unit/tls_server.h"
#include "tests/unit/unit.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct fixture {
    struct loop *loop;
    struct http_curl *curl;
    struct tls_server *server;
    char cert[400];
    bool done;
    enum http_failure failure;
    int status;
    char body[40];
};

static bool set_up(struct fixture *f, bool expired)
{
    struct error err = {0};

    memset(f, 0, sizeof *f);
    signal(SIGPIPE, SIG_IGN);
    snprintf(f->cert, sizeof f->cert, "%s/cert.pem", unit_folder());
    f->server = tls_server_new("localhost", f->cert, expired);
    return f->server != NULL && loop_new(&f->loop, NULL, &err) == 0 &&
           http_curl_new(&f->curl, f->loop, &err) == 0;
}

static void tear_down(struct fixture *f)
{
    http_curl_free(f->curl);
    if (f->loop != NULL)
        loop_free(f->loop);
    tls_server_free(f->server);
}

static void on_reply(const struct http_reply *r, void *arg)
{
    struct fixture *f = arg;

    f->done = true;
    f->failure = r->failure;
    f->status = r->status;
    str_copy(f->body, sizeof f->body, r->body);
}

static bool ask(struct fixture *f, const char *host, const char *ca_file)
{
    char url[100];
    struct error err = {0};
    struct http_port port = http_curl_port(f->curl);
    struct http_request rq = {.method = "GET",
                              .url = url,
                              .connect_ms = 3000,
                              .read_ms = 3000,
                              .total_ms = 5000,
                              .max_bytes = 1000,
                              .rule = {.ca_file = ca_file}};

    snprintf(url, sizeof url, "https://%s:%d/", host, tls_server_port(f->server));
    f->done = false;
    if (port.start(port.self, &rq, on_reply, f, &err) == NULL)
        return false;
    while (!f->done)
        loop_turn(f->loop, true);
    return true;
}

UNIT(tls_trusts_the_operators_own_authority)
{
    struct fixture f;

    ok(set_up(&f, false));
    ok(ask(&f, "localhost", f.cert));
    ok_int(f.failure, HTTP_DONE);
    ok_int(f.status, 200);
    ok_str(f.body, "secure");
out:
    tear_down(&f);
}

UNIT(tls_refuses_what_nobody_vouches_for)
{
    struct fixture f;

    ok(set_up(&f, false));
    ok(ask(&f, "localhost", NULL));
    ok_int(f.failure, HTTP_TLS);
    ok_int(tls_server_requests(f.server), 0);
out:
    tear_down(&f);
}

UNIT(tls_refuses_another_name)
{
    struct fixture f;

    ok(set_up(&f, false));
    ok(ask(&f, "127.0.0.1", f.cert));
    ok_int(f.failure, HTTP_TLS);
    ok_int(tls_server_requests(f.server), 0);
out:
    tear_down(&f);
}

UNIT(tls_refuses_what_is_expired)
{
    struct fixture f;

    ok(set_up(&f, true));
    ok(ask(&f, "localhost", f.cert));
    ok_int(f.failure, HTTP_TLS);
    ok_int(tls_server_requests(f.server), 0);
out:
    tear_down(&f);
}

UNIT_MAIN(NO_TORTURE(tls_trusts_the_operators_own_authority),
          NO_TORTURE(tls_refuses_what_nobody_vouches_for), NO_TORTURE(tls_refuses_another_name),
          NO_TORTURE(tls_refuses_what_is_expired))
