/* A thread that sends. On its way out a packet passes through the system's IP at its sender's
 * cost, which is 40 % of all that almon-sip does for a packet each way; beyond some hundred calls
 * that is done on another core. The thread knows sockets, addresses and bytes, nothing of calls,
 * and libre nothing of it.
 *
 * All functions are for one thread, the loop's. Packets leave in the order in which they were
 * handed over. A socket must stay open until rtp_post_is_sent() says that its last one is. */
#ifndef ALMON_SIP_RTP_POST_H
#define ALMON_SIP_RTP_POST_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct rtp_post;

/* Starts the thread, with the niceness of the caller's. ERR_NOMEM, ERR_IO. */
int rtp_post_new(struct rtp_post **pp, struct error *err);
/* What was handed over is sent before. Returns NULL. */
struct rtp_post *rtp_post_free(struct rtp_post *p);
/* Copies a packet and its address, and returns its number, from 1. 0: 1,024 are waiting, or it is
 * larger than a packet of sound; whoever has it may send it himself, past the others. */
uint64_t rtp_post_send(struct rtp_post *p, int fd, const struct sockaddr_storage *to,
                       const void *bytes, size_t len);
/* Whether the packet of that number (0: none) has left, and all before it. */
bool rtp_post_is_sent(const struct rtp_post *p, uint64_t number);
/* Waits until it is: some microseconds for each that waits before it. */
void rtp_post_wait(const struct rtp_post *p, uint64_t number);

#endif
