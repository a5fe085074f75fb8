/* What is remembered, in memory alone, of who writes to which number: the cookies of their
 * webhooks, as a browser has them, for four hours after the last message (twiml-messaging.md §2);
 * and how fast they are answered, since two machines that answer each other do not stop by
 * themselves. */
#ifndef ALMON_SESSION_PAIRS_H
#define ALMON_SESSION_PAIRS_H

#include "base/loop.h"
#include "http/exchange.h"

enum {
    PAIRS_MOST = 1000, /* of From and To; then the one that was quiet longest is forgotten */
    PAIRS_MS = 4 * 3600 * 1000,
    PAIRS_BURST = 30,     /* messages of one that are answered, however fast they come; */
    PAIRS_EACH_MS = 2000, /* then one in this time */
};

struct pairs;
struct pairs *pairs_new(struct loop *loop); /* NULL when memory is out */
struct pairs *pairs_free(struct pairs *c);

/* Puts what is known of the pair into `jar`, which is empty. When memory is out it stays so. */
void pairs_give_cookies(struct pairs *c, const char *from, const char *to, struct http_jar *jar);
/* Keeps `jar`, which is empty afterwards, for the pair's next message. */
void pairs_keep_cookies(struct pairs *c, const char *from, const char *to, struct http_jar *jar);
/* Counts one message that will be answered; false: too many came in too short a time. */
bool pairs_may_answer(struct pairs *c, const char *from, const char *to);

#endif
