/* A scripted http_port: what would come from the network comes from a list, after a delay of the
 * loop's own (virtual) time. It remembers what was asked. */
#ifndef ALMON_TESTS_HTTP_SCRIPT_H
#define ALMON_TESTS_HTTP_SCRIPT_H

#include "http/exchange.h"

struct http_step {
    int delay_ms;
    bool hang; /* never answers */
    enum http_failure failure;
    bool began;
    int status; /* 0: 200 */
    const char *url, *content_type, *body;
    size_t body_len; /* 0: strlen(body) */
    const char *etag, *last_modified, *cache_control, *expires;
    const char *text;
};

enum { HTTP_SCRIPT_SEEN = 16 };

struct http_seen {
    char method[8];
    char *url, *headers /* one a line */, *body;
    char own[300], save_to[400];
    int connect_ms, read_ms, total_ms;
    bool no_sni;
    enum http_trust trust;
};

struct http_script {
    struct loop *loop;
    const struct http_step *steps;
    size_t n_steps;
    size_t started, canceled;
    struct http_seen seen[HTTP_SCRIPT_SEEN];
    struct list running;
};

void http_script_init(struct http_script *s, struct loop *loop, const struct http_step *steps,
                      size_t n_steps);
void http_script_free(struct http_script *s);
struct http_port http_script_port(struct http_script *s);

#endif
