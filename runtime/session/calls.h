/* Records of calls: one line of JSON for each that has ended, children too, in
 * STATE/calls/YYYY-MM-DD.jsonl by the day that it began (as its journal), written by the disk
 * thread in the order in which they end. `almon calls` lists them; the store takes them over once
 * it is there. Members, null where there is nothing to say:
 *
 *   sid parent_sid account direction      "inbound", "outbound-dial"
 *   from to forwarded_from caller_name
 *   status                                completed, busy, failed, no-answer, canceled
 *   start answer end                      "2026-01-01T00:00:00.000Z"
 *   duration                              whole seconds from answer to end, begun ones count
 *   answered_by                           of answering machine detection
 *   queue_time                            ms that it waited to be placed, as at Twilio: 0, a
 *                                         call over an account's ceiling is refused
 *   queued                                whole seconds that it waited in queues (Enqueue), until
 *                                         it was taken or left; null after a crash
 *   recordings                            SIDs
 *   quality                               how it sounded to its gateway: sent received lost late
 *                                         jitter_us round_trip_us mos remote_loss remote_jitter_us,
 *                                         as bridge/README.md says; the last that was told before
 *                                         the hang-up */
#ifndef ALMON_SESSION_CALLS_H
#define ALMON_SESSION_CALLS_H

#include <jansson.h>
#include <stdint.h>

/* At the end of the call, once its recordings are on disk and its callbacks answered. */
struct session;
void calls_write(struct session *s);
/* A recording of the call is on disk. */
void calls_recorded(struct session *s, const char *recording_sid);
/* The record of a call that was live when the exchange was killed, made of its journal's first line
 * `start`; `end_ms` is the last that was heard of it, since its start. Blocking: at start. */
void calls_repair(const char *state, const json_t *start, int64_t end_ms);

#endif
