/* What a webhook costs above libcurl itself: signed form posts on a kept loopback connection, one
 * after the other, beside a bare curl_easy_perform() loop that sends the same bytes. */
#include "http/webhook.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5000, WARM_UP = 200 };

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 62\r\n"
                             "\r\n<Response><Gather><Say>Press one.</Say></Gather></Response>   ";

/* Answers every request on every connection; a request is whole when its last byte is the form's
 * last, which all requests here share. */
static void *serve(void *arg)
{
    int listener = *(int *)arg, fd, one = 1;
    char in[8192];
    size_t len;
    ssize_t n;

    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        len = 0;
        while ((n = read(fd, in + len, sizeof in - len)) > 0) {
            len += (size_t)n;
            if (len < 3 || memcmp(in + len - 3, "END", 3) != 0)
                continue;
            len = 0;
            if (write(fd, answer, sizeof answer - 1) < 0)
                break;
        }
        close(fd);
    }
    return NULL;
}

static int listen_anywhere(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        return -1;
    *port = ntohs(a.sin_port);
    return fd;
}

static double now_us(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct result {
    double cpu_us, p50_us, p99_us;
};

static struct result summed(double *times, double cpu)
{
    qsort(times, ROUNDS, sizeof *times, by_value);
    return (struct result){cpu / ROUNDS, times[ROUNDS / 2], times[ROUNDS * 99 / 100]};
}

/* --- ours --- */

static void on_reply(const struct webhook_reply *r, void *arg)
{
    *(int *)arg = r->twilio == 0 && r->kind == WEBHOOK_MARKUP ? 1 : -1;
}

static bool one_webhook(struct loop *loop, struct webhooks *w, const struct webhook_request *rq)
{
    int done = 0;
    struct error err = {0};

    if (webhook_start(w, rq, on_reply, &done, &err) == NULL)
        return false;
    while (done == 0)
        loop_turn(loop, true);
    return done > 0;
}

static bool run_ours(const char *url, const struct webhook_params *params, struct result *out)
{
    static double times[ROUNDS];
    struct webhook_request rq = {.url = url, .params = params, .auth_token = "12345"};
    struct loop *loop = NULL;
    struct http_curl *curl = NULL;
    struct webhooks *w = NULL;
    struct rng rng;
    struct error err = {0};
    double cpu = 0, start;
    bool good;

    rng_init_secure(&rng);
    good = loop_new(&loop, NULL, &err) == 0 && http_curl_new(&curl, loop, &err) == 0 &&
           webhooks_new(&w, loop, http_curl_port(curl), &rng, &err) == 0;
    for (int i = -WARM_UP; good && i < ROUNDS; i++) {
        if (i == 0)
            cpu = now_us(CLOCK_THREAD_CPUTIME_ID);
        start = now_us(CLOCK_MONOTONIC);
        good = one_webhook(loop, w, &rq);
        if (i >= 0)
            times[i] = now_us(CLOCK_MONOTONIC) - start;
    }
    *out = summed(times, now_us(CLOCK_THREAD_CPUTIME_ID) - cpu);
    webhooks_free(w);
    http_curl_free(curl);
    loop_free(loop);
    return good;
}

/* --- the floor --- */

static size_t ignore(char *bytes, size_t size, size_t n, void *arg)
{
    (void)bytes;
    (void)arg;
    return size * n;
}

static bool run_bare(const char *url, const char *form, struct result *out)
{
    static double times[ROUNDS];
    CURL *easy = curl_easy_init();
    double cpu = 0, start;
    bool good = easy != NULL;

    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, form);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    for (int i = -WARM_UP; good && i < ROUNDS; i++) {
        if (i == 0)
            cpu = now_us(CLOCK_THREAD_CPUTIME_ID);
        start = now_us(CLOCK_MONOTONIC);
        good = curl_easy_perform(easy) == CURLE_OK;
        if (i >= 0)
            times[i] = now_us(CLOCK_MONOTONIC) - start;
    }
    *out = summed(times, now_us(CLOCK_THREAD_CPUTIME_ID) - cpu);
    curl_easy_cleanup(easy);
    return good;
}

int main(void)
{
    static const char *const names[] = {"CallSid", "AccountSid", "From",      "To",
                                        "Caller",  "Called",     "Direction", "CallStatus"};
    struct webhook_params *params = webhook_params_new();
    struct result ours, bare;
    char url[60], form[800] = "";
    pthread_t thread;
    int port = 0, listener = listen_anywhere(&port);

    signal(SIGPIPE, SIG_IGN);
    if (listener < 0 || params == NULL || pthread_create(&thread, NULL, serve, &listener) != 0)
        return 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        webhook_params_add(params, names[i], "CA0123456789abcdef0123456789abcdef");
        snprintf(form + strlen(form), sizeof form - strlen(form),
                 "%s=CA0123456789abcdef0123456789abcdef&", names[i]);
    }
    webhook_params_add(params, "Digits", "END");
    strcat(form, "Digits=END");
    snprintf(url, sizeof url, "http://127.0.0.1:%d/voice", port);
    if (!run_bare(url, form, &bare) || !run_ours(url, params, &ours)) {
        fprintf(stderr, "a request failed\n");
        return 1;
    }
    printf("figure webhook_cpu %.1f us floor=%.1f aim=%.1f\n", ours.cpu_us, bare.cpu_us,
           1.5 * bare.cpu_us);
    printf("figure webhook_p50 %.1f us floor=%.1f aim=%.1f\n", ours.p50_us, bare.p50_us,
           1.5 * bare.p50_us);
    printf("figure webhook_p99 %.1f us floor=%.1f aim=3000\n", ours.p99_us, bare.p99_us);
    webhook_params_free(params);
    return 0;
}
