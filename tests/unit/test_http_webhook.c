#include "http/webhook.h"

#include "base/mem.h"
#include "tests/unit/http_script.h"
#include "tests/unit/unit.h"
#include <stdio.h>
#include <string.h>

/* One webhook set over a script, in virtual time, and what came of the last request. */
struct fixture {
    struct vtime *vtime;
    struct loop *loop;
    struct rng rng;
    struct http_script script;
    struct webhooks *webhooks;
    struct webhook_params *params;
    struct config config;

    int calls;
    struct webhook_reply reply; /* its pointers are dead, but for these copies: */
    char content_type[80], body[200], url[200], warning[200];
    int64_t at_ms;
};

static bool set_up(struct fixture *f, const struct http_step *steps, size_t n)
{
    struct error err = {0};

    memset(f, 0, sizeof *f);
    rng_init_seeded(&f->rng, 7);
    f->config.http.timeout_ms = 15000;
    if (vtime_new(&f->vtime, &err) != 0 || loop_new(&f->loop, f->vtime, &err) != 0)
        return false;
    http_script_init(&f->script, f->loop, steps, n);
    f->params = webhook_params_new();
    if (f->params == NULL || webhook_params_add(f->params, "CallSid", "CA1") != 0 ||
        webhook_params_add(f->params, "From", "+15550100") != 0)
        return false;
    if (webhooks_new(&f->webhooks, f->loop, http_script_port(&f->script), &f->rng, &err) != 0)
        return false;
    webhooks_set_config(f->webhooks, &f->config);
    return true;
}

static void tear_down(struct fixture *f)
{
    webhooks_free(f->webhooks);
    http_script_free(&f->script);
    webhook_params_free(f->params);
    if (f->loop != NULL)
        loop_free(f->loop);
    if (f->vtime != NULL)
        vtime_free(f->vtime);
}

static void on_reply(const struct webhook_reply *r, void *arg)
{
    struct fixture *f = arg;

    f->calls++;
    f->reply = *r;
    str_copy(f->content_type, sizeof f->content_type, r->content_type ? r->content_type : "");
    str_copy(f->body, sizeof f->body, r->body);
    str_copy(f->url, sizeof f->url, r->url);
    str_copy(f->warning, sizeof f->warning, r->warning_text ? r->warning_text : "");
    f->at_ms = loop_now(f->loop) / 1000;
}

static struct webhook *ask(struct fixture *f, const char *url, struct error *err)
{
    return webhook_start(
        f->webhooks,
        &(struct webhook_request){
            .url = url, .params = f->params, .auth_token = "12345", .trust = HTTP_OPERATOR},
        on_reply, f, err);
}

static void run(struct fixture *f)
{
    vtime_run(f->vtime, loop_now(f->loop) + 60 * 1000000, NULL, NULL);
}

/* Asks, and runs until the answer. False only when memory was out. */
static bool answered(struct fixture *f, const char *url)
{
    struct error err = {0};

    if (ask(f, url, &err) == NULL)
        return false;
    run(f);
    return f->calls == 1;
}

#define STEPS(...)                                                                                 \
    static const struct http_step steps[] = {__VA_ARGS__};                                         \
    struct fixture f;                                                                              \
    bool up = set_up(&f, steps, sizeof steps / sizeof *steps)

#define XML .content_type = "text/xml; charset=utf-8", .body = "<Response/>"

/* --- parameters and signatures --- */

UNIT(webhook_signs_like_twilio)
{
    struct webhook_params *p = webhook_params_new();
    struct webhook_params *q = webhook_params_new();
    char out[32];

    ok(p != NULL && q != NULL);
    ok(webhook_params_add(p, "To", "+18005551212") == 0);
    ok(webhook_params_add(p, "CallSid", "CA1234567890ABCDE") == 0);
    ok(webhook_params_add(p, "Digits", "1234") == 0);
    ok(webhook_params_add(p, "From", "+14158675309") == 0);
    ok(webhook_params_add(p, "Caller", "+14158675309") == 0);
    ok(webhook_sign("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", p, out) == 0);
    ok_str(out, "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    ok(webhook_sign("12345",
                    "https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256="
                    "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620",
                    NULL, out) == 0);
    ok_str(out, "a9nBmqA0ju/hNViExpshrM61xv4=");
    ok(webhook_sign("12345", "wss://example.com/stream", NULL, out) == 0);
    ok_str(out, "KG4JbhDlv15BMlxSTOWKt9btbgg=");
    /* repeated names: sorted, each value once */
    ok(webhook_params_add(q, "MediaUrl", "b") == 0);
    ok(webhook_params_add(q, "a", "") == 0);
    ok(webhook_params_add(q, "MediaUrl", "a") == 0);
    ok(webhook_params_add(q, "B", "x") == 0);
    ok(webhook_params_add(q, "MediaUrl", "b") == 0);
    ok(webhook_sign("12345", "https://mycompany.com/myapp.php", q, out) == 0);
    ok_str(out, "kf3kr4ZESLJlfGQnf7xfWbIfPtk=");
out:
    webhook_params_free(p);
    webhook_params_free(q);
}

UNIT(webhook_signs_the_url_without_user_and_fragment)
{
    char plain[32], dressed[32], port[32];

    ok(webhook_sign("12345", "https://a.example/x?y=1", NULL, plain) == 0);
    ok(webhook_sign("12345", "https://me:pw@a.example/x?y=1#rc=2&ct=500", NULL, dressed) == 0);
    ok_str(dressed, plain);
    ok(webhook_sign("12345", "https://a.example:443/x?y=1", NULL, port) == 0);
    ok(strcmp(port, plain) != 0);
out:;
}

UNIT(webhook_params_keep_order_and_bounds)
{
    struct webhook_params *p = webhook_params_new();
    const char *value = NULL;

    ok(p != NULL);
    ok(webhook_params_add(p, "A", "1") == 0);
    ok(webhook_params_add(p, "B", "2") == 0);
    ok(webhook_params_add(p, "A", "3") == 0);
    ok(webhook_params_add(p, "None", NULL) == 0);
    ok_int(webhook_params_count(p), 3);
    ok_str(webhook_params_at(p, 2, &value), "A");
    ok_str(value, "3");
    ok(webhook_params_at(p, 3, &value) == NULL);
    ok(webhook_params_set(p, "A", "4") == 0);
    ok_int(webhook_params_count(p), 2);
    ok_str(webhook_params_get(p, "A"), "4");
    ok_str(webhook_params_get(p, "B"), "2");
    ok_str(webhook_params_get(p, "C"), NULL);
    for (int i = 2; i < 1000; i++)
        ok(webhook_params_add(p, "N", "") == 0);
    ok_int(webhook_params_add(p, "N", ""), ERR_LIMIT);
out:
    webhook_params_free(p);
}

/* --- the request --- */

UNIT(webhook_posts_a_signed_form)
{
    STEPS({XML});
    char want[32];
    struct http_seen *seen = &f.script.seen[0];

    ok(up && answered(&f, "http://user:pw@app.example:3000/voice?x=1#rc=0&ct=700&rt=800&sni=n"));
    ok_str(seen->method, "POST");
    ok_str(seen->url, "http://user:pw@app.example:3000/voice?x=1");
    ok_str(seen->body, "CallSid=CA1&From=%2B15550100");
    ok(webhook_sign("12345", "http://app.example:3000/voice?x=1", f.params, want) == 0);
    ok(strstr(seen->headers, want) != NULL);
    ok(strstr(seen->headers, "Content-Type: application/x-www-form-urlencoded") != NULL);
    ok(strstr(seen->headers, "User-Agent: Almon/") != NULL);
    ok_int(seen->connect_ms, 700);
    ok_int(seen->read_ms, 800);
    ok_int(seen->total_ms, 15000);
    ok(seen->no_sni);
    ok_int(f.reply.twilio, 0);
    ok_int(f.reply.kind, WEBHOOK_MARKUP);
    ok_int(f.reply.attempts, 1);
    ok_int(f.reply.warning, 0);
    ok_str(f.body, "<Response/>");
    ok_str(f.url, "http://user:pw@app.example:3000/voice?x=1");
out:
    tear_down(&f);
}

/* The application's framework sees, and checks, the URL of the request line. */
UNIT(webhook_url_beyond_ascii_is_encoded_and_signed_so)
{
    STEPS({XML});
    char want[32];

    ok(up && answered(&f, "http://app.example/caf\xc3\xa9?y=\xc3\xbc%20"));
    ok_str(f.script.seen[0].url, "http://app.example/caf%C3%A9?y=%C3%BC%20");
    ok(webhook_sign("12345", "http://app.example/caf%C3%A9?y=%C3%BC%20", f.params, want) == 0);
    ok(strstr(f.script.seen[0].headers, want) != NULL);
out:
    tear_down(&f);
}

UNIT(webhook_gets_with_parameters_in_the_query)
{
    STEPS({XML}, {XML});
    struct webhook_request rq = {.url = "https://a.example/x",
                                 .get = true,
                                 .auth_token = "12345",
                                 .trust = HTTP_DOCUMENT,
                                 .own = "app.example:3000"};
    struct error err = {0};
    char want[32];

    ok(up);
    rq.params = f.params;
    ok(webhook_start(f.webhooks, &rq, on_reply, &f, &err) != NULL);
    rq.url = "https://a.example/x?a=b#rc=1";
    ok(webhook_start(f.webhooks, &rq, on_reply, &f, &err) != NULL);
    run(&f);
    ok_int(f.calls, 2);
    ok_str(f.script.seen[0].method, "GET");
    ok_str(f.script.seen[0].url, "https://a.example/x?CallSid=CA1&From=%2B15550100");
    ok_str(f.script.seen[1].url, "https://a.example/x?a=b&CallSid=CA1&From=%2B15550100");
    ok_str(f.script.seen[0].body, "");
    ok_str(f.script.seen[0].own, "app.example:3000");
    ok_int(f.script.seen[0].trust, HTTP_DOCUMENT);
    ok(webhook_sign("12345", f.script.seen[1].url, NULL, want) == 0);
    ok(strstr(f.script.seen[1].headers, want) != NULL);
    ok(strstr(f.script.seen[1].headers, "Content-Type") == NULL);
out:
    tear_down(&f);
}

UNIT(webhook_refuses_what_is_no_url)
{
    static const char *const wrong[] = {"",
                                        "voice.xml",
                                        "ftp://a.example/",
                                        "http://",
                                        "http://:80/",
                                        "http://a.example:99999/",
                                        "http://[::",
                                        "http://a b.com/",
                                        "http://a.example/\r\nX: y",
                                        "file:///etc/passwd"};
    STEPS({XML});
    struct error err = {0};

    ok(up);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ok(ask(&f, wrong[i], &err) == NULL);
        ok(err.code != 0 && err.text[0] != '\0');
        ok(err.code == ERR_NOMEM || err.twilio == 11100);
    }
    ok_int(f.script.started, 0);
out:
    tear_down(&f);
}

/* --- retries --- */

UNIT(webhook_retries_once_when_it_cannot_connect)
{
    STEPS({.failure = HTTP_CONNECT, .delay_ms = 30}, {.failure = HTTP_TLS}, {XML});
    const char *token;

    ok(up && answered(&f, "http://a.example/"));
    ok_int(f.script.started, 2);
    ok_int(f.reply.attempts, 2);
    ok_int(f.reply.twilio, 11220);
    ok_int(f.reply.ms, 30);
    token = strstr(f.script.seen[0].headers, "I-Twilio-Idempotency-Token: ");
    ok(token != NULL);
    ok(strstr(f.script.seen[1].headers, token) != NULL);
    ok_int(f.script.seen[1].total_ms, 15000 - 30);
out:
    tear_down(&f);
}

UNIT(webhook_does_not_retry_what_may_have_been_done)
{
    static const struct http_step table[] = {
        {.status = 500, .body = "oops"}, {.status = 404},        {.failure = HTTP_TIMEOUT},
        {.failure = HTTP_PROTOCOL},      {.failure = HTTP_HOST}, {.failure = HTTP_REFUSED},
        {.failure = HTTP_REDIRECTS},
    };
    static const int codes[] = {11200, 11200, 11200, 11206, 11210, 11205, 11215};
    struct fixture f = {0};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ok(set_up(&f, &table[i], 1) && answered(&f, "http://a.example/"));
        ok_int(f.script.started, 1);
        ok_int(f.reply.twilio, codes[i]);
        ok(strstr(f.reply.text, "POST http://a.example/") != NULL);
        tear_down(&f);
        memset(&f, 0, sizeof f);
    }
out:
    tear_down(&f);
}

UNIT(webhook_follows_the_retry_policy_of_the_url)
{
    STEPS({.status = 503}, {.failure = HTTP_TIMEOUT, .delay_ms = 100}, {.status = 404}, {XML});

    ok(up && answered(&f, "http://a.example/#rc=5&rp=all"));
    ok_int(f.reply.attempts, 4);
    ok_int(f.reply.twilio, 0);
    ok_int(f.reply.kind, WEBHOOK_MARKUP);
out:
    tear_down(&f);
}

UNIT(webhook_never_retries_once_part_of_a_reply_came)
{
    STEPS({.failure = HTTP_PROTOCOL, .began = true, .text = "half a body"}, {XML});

    ok(up && answered(&f, "http://a.example/#rc=5&rp=all"));
    ok_int(f.reply.attempts, 1);
    ok_int(f.reply.twilio, 11206);
    ok(strstr(f.reply.text, "half a body") != NULL);
out:
    tear_down(&f);
}

UNIT(webhook_gives_up_after_15_seconds_over_all_attempts)
{
    STEPS({.failure = HTTP_CONNECT, .delay_ms = 5000}, {.failure = HTTP_CONNECT, .delay_ms = 5000},
          {.hang = true});

    ok(up && answered(&f, "http://a.example/#rc=5"));
    ok_int(f.at_ms, 15000);
    ok_int(f.reply.attempts, 3);
    ok_int(f.reply.twilio, 11200);
    ok_int(f.script.canceled, 1);
    ok_int(f.script.seen[2].total_ms, 5000);
out:
    tear_down(&f);
}

UNIT(webhook_obeys_the_shorter_of_url_and_configuration)
{
    STEPS({.hang = true}, {.hang = true});

    ok(up && answered(&f, "http://a.example/#tt=900"));
    ok_int(f.at_ms, 900);
    f.config.http.timeout_ms = 400;
    f.calls = 0;
    ok(answered(&f, "http://a.example/#tt=900"));
    ok_int(f.reply.ms, 400);
out:
    tear_down(&f);
}

UNIT(webhook_asks_with_defaults_when_overrides_are_wrong)
{
    static const struct {
        const char *url;
        int twilio;
    } table[] = {
        {"http://a.example/#e=atlantis", 11240}, {"http://a.example/#e=dublin,tokyo", 0},
        {"http://a.example/#zz=1", 11241},       {"http://a.example/#ct=99", 11241},
        {"http://a.example/#ct=10001", 11241},   {"http://a.example/#rt=15001", 11241},
        {"http://a.example/#sni=maybe", 11241},  {"http://a.example/#e=ashburn-ix", 11242},
        {"http://a.example/#rp=3xx", 11243},     {"http://a.example/#rc=6", 11243},
        {"http://a.example/#rc=", 11243},        {"http://a.example/#", 0},
    };
    static const struct http_step step = {XML};
    struct fixture f = {0};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ok(set_up(&f, &step, 1) && answered(&f, table[i].url));
        ok_int(f.reply.warning, table[i].twilio);
        ok((f.warning[0] != '\0') == (table[i].twilio != 0));
        ok_int(f.reply.twilio, 0);
        ok_int(f.script.seen[0].connect_ms, 5000);
        ok_int(f.script.seen[0].read_ms, 15000);
        tear_down(&f);
        memset(&f, 0, sizeof f);
    }
out:
    tear_down(&f);
}

/* --- the answer --- */

UNIT(webhook_sorts_answers_by_type)
{
    static const struct {
        const char *type;
        enum webhook_kind kind;
        int twilio;
    } table[] = {
        {"text/xml", WEBHOOK_MARKUP, 0},
        {"Application/XML ; charset=utf-8", WEBHOOK_MARKUP, 0},
        {"text/html", WEBHOOK_MARKUP, 0},
        {"text/plain;charset=utf-8", WEBHOOK_TEXT, 0},
        {"audio/mpeg", WEBHOOK_AUDIO, 0},
        {"application/json", WEBHOOK_OTHER, 12300},
        {"text/xmlish", WEBHOOK_OTHER, 12300},
        {NULL, WEBHOOK_OTHER, 12300},
    };
    struct fixture f = {0};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct http_step step = {.content_type = table[i].type, .body = "x"};

        ok(set_up(&f, &step, 1) && answered(&f, "http://a.example/"));
        ok_int(f.reply.kind, table[i].kind);
        ok_int(f.reply.twilio, table[i].twilio);
        tear_down(&f);
        memset(&f, 0, sizeof f);
    }
out:
    tear_down(&f);
}

UNIT(webhook_limits_the_body)
{
    static char big[WEBHOOK_MAX_BYTES + 2];
    struct http_step steps[] = {
        {.content_type = "text/xml", .body = big, .body_len = WEBHOOK_MAX_BYTES},
        {.content_type = "text/xml", .body = big, .body_len = WEBHOOK_MAX_BYTES + 1},
        {.failure = HTTP_TOO_LARGE},
        {.content_type = "text/xml"},
        {.status = 204},
    };
    static const int codes[] = {0, 11750, 11750, 11770, 0};
    struct fixture f = {0};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        ok(set_up(&f, &steps[i], 1) && answered(&f, "http://a.example/"));
        ok_int(f.reply.twilio, codes[i]);
        ok_int(f.reply.kind, i == 0 ? WEBHOOK_MARKUP : WEBHOOK_NOTHING);
        tear_down(&f);
        memset(&f, 0, sizeof f);
    }
out:
    tear_down(&f);
}

UNIT(webhook_callbacks_only_need_a_2xx)
{
    static const struct http_step table[] = {
        {.status = 200, .content_type = "application/json", .body = "{}"},
        {.status = 204},
        {.status = 302},
        {.status = 500},
        {.failure = HTTP_HOST},
    };
    struct error err = {0};
    struct fixture f = {0};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct webhook_request rq = {.url = "http://a.example/", .callback = true};

        ok(set_up(&f, &table[i], 1));
        ok(webhook_start(f.webhooks, &rq, on_reply, &f, &err) != NULL);
        run(&f);
        ok_int(f.calls, 1);
        ok_int(f.reply.twilio, i < 2 ? 0 : 15003);
        tear_down(&f);
        memset(&f, 0, sizeof f);
    }
out:
    tear_down(&f);
}

UNIT(webhook_canceled_says_nothing)
{
    STEPS({.delay_ms = 50, XML}, {.delay_ms = 50, XML});
    struct error err = {0};
    struct webhook *wh;

    ok(up);
    wh = ask(&f, "http://a.example/", &err);
    ok(wh != NULL);
    webhook_cancel(wh);
    ok(ask(&f, "http://a.example/", &err) != NULL);
    f.webhooks = webhooks_free(f.webhooks);
    run(&f);
    ok_int(f.calls, 0);
    ok_int(f.script.canceled, 2);
out:
    tear_down(&f);
}

UNIT(webhook_messages_hold_no_password)
{
    STEPS({.status = 500});

    ok(up && answered(&f, "https://user:hush@a.example/"));
    ok(strstr(f.reply.text, "hush") == NULL);
    ok(strstr(f.reply.text, "https://a.example/") != NULL);
out:
    tear_down(&f);
}

UNIT_MAIN(CASE(webhook_signs_like_twilio), CASE(webhook_signs_the_url_without_user_and_fragment),
          CASE(webhook_params_keep_order_and_bounds), CASE(webhook_posts_a_signed_form),
          CASE(webhook_url_beyond_ascii_is_encoded_and_signed_so),
          CASE(webhook_gets_with_parameters_in_the_query), CASE(webhook_refuses_what_is_no_url),
          CASE(webhook_retries_once_when_it_cannot_connect),
          CASE(webhook_does_not_retry_what_may_have_been_done),
          CASE(webhook_follows_the_retry_policy_of_the_url),
          CASE(webhook_never_retries_once_part_of_a_reply_came),
          CASE(webhook_gives_up_after_15_seconds_over_all_attempts),
          CASE(webhook_obeys_the_shorter_of_url_and_configuration),
          CASE(webhook_asks_with_defaults_when_overrides_are_wrong),
          CASE(webhook_sorts_answers_by_type), CASE(webhook_limits_the_body),
          CASE(webhook_callbacks_only_need_a_2xx), CASE(webhook_canceled_says_nothing),
          CASE(webhook_messages_hold_no_password))
