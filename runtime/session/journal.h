/* The journal: one append-only file of JSON lines a session,
 * STATE/journal/YYYY-MM-DD/SID.jsonl, written by the disk thread. It holds what happened and every
 * input needed to run the call again. `almon trace` prints it; nothing else stores it twice.
 *
 * Each line is an object with "t" (milliseconds since the session began) and "e" (what happened):
 *
 *   start      v sid account direction from to gateway codec at(ISO 8601) wall(ms) seed flow params
 *              parent(the CallSid that dialled it)
 *              settings                       those that a call can feel (config_settings());
 *              of a message (SM…, MM…) id, body and segments in place of codec; of one that is
 *              sent also media, and no flow
 *   state      old new                        the call's status changed
 *   request    id method url params           a webhook was asked
 *   reply      id status type ms body         its answer, whole
 *   failure    id code text                   or why there was none
 *   document   n url verbs                    a document begins
 *   handler    n url                          a handler (handler.h) begins
 *   log        level text                     a line that a handler wrote
 *   file       path bytes mtime body          a flow file was read
 *   kv         op folder key …                a handler asked the store and was told value (get,
 *                                             set, increment: after `by`), found (delete), pairs
 *                                             and more (list: `key` is the prefix), or code
 *   verb       name line depth attrs          a verb begins
 *   verb_end   name how                       done, error, end, stopped …
 *   say        request text voice             text is made into audio
 *   load       request url                    a file or URL is made into audio
 *   play       request text frames loops      audio is queued on the channel
 *   digits     request digits             DTMF is sent
 *   played     request how frames
 *   digit      key ms                         a key, and how long it was held
 *   answer                                    the channel was answered
 *   message    sid from to body media         a text message is sent: `sid` is its own session
 *   message_status status code text           (of that) what its gateway said
 *   dial       request sid to from            a party is called: `sid` is its own call
 *   leg        request stage sid              ringing, early, answered, ready, or ended, with
 *              status seconds redirected      … its fate
 *   offer      gateway trunk to from codec    (of the called party) a gateway was asked
 *   enqueue    request name queue size        the call waits in a queue
 *   take       request name queue             the call takes somebody out of it
 *   place      request position size …        where it stands in it, as its waitUrl is told:
 *                                             average, max
 *   refused    what code                      a conference (what 0), a queue (1) or whom it wanted
 *                                             to take (2) had no place for it; `warn` says it
 *   queue      request stage queue sid waited taken, returned, joined, parted; taken: url and
 *              url method                     method of what it is to hear first
 *   join       sid                            both calls hear each other
 *   part       sid                            and no more
 *   refer      request to                     the far end is asked to call somebody in our place
 *   refer_status response notify              what it said to that
 *   referred   to                             it asks us to
 *   recording  sid state seconds url source name
 *   conference event sid name call detail     what became of it in a conference; in the
 *                                             conference's own journal (CF….jsonl) of everybody
 *   amd        verdict ms                     who answered, and how long that took to be clear
 *   opt_out    what                           (of a message) stop, start or help, and it is obeyed
 *   message    sid from to body media         (of who sends it) a text message goes out; `sid` is
 *                                             its own journal
 *   message_status status code text           (of a message) what its gateway said
 *   known      sid                            (of a message) it was sent before a restart already
 *   resume     status account direction       (of a message) it goes on after a restart
 *              from to body
 *   room       stage sid url method           where he stands in it, as his verb is told: waits,
 *                                             talks, held, announces, left; what he is to hear
 *   callback   event url                      a status callback goes out; its fate follows as
 *   callback_end url status code              2xx or a warning 15003
 *   warn       code text where                something was wrong and the call goes on
 *   error      code text where                something was wrong and it does not
 *   redirect   url by                         from outside: a new document
 *   hangup     cause by quality               by: caller, flow, operator, limit, link; quality
 *                                             (may be missing): what its gateway told of the sound
 *   end        status seconds                 the last line
 *   cut                                       the journal's own bound was reached; nothing follows
 *                                             but `end`
 */
#ifndef ALMON_SESSION_JOURNAL_H
#define ALMON_SESSION_JOURNAL_H

#include <jansson.h>
#include <stdint.h>

struct session;

/* Writes one line: `what` is the "e", the rest as json_pack() wants it for an object, e.g.
 * journal_add(s, "state", "{s:s, s:s}", "old", "ringing", "new", "in-progress"). Cannot fail for
 * the caller: what could not be written is logged and counted. */
void journal_add(struct session *s, const char *what, const char *fmt, ...);
/* The same with a finished object, which is consumed. */
void journal_add_object(struct session *s, const char *what, json_t *object);

/* The two lines that hold inputs whole, so that a replay finds all of one kind alike. A body that
 * is no UTF-8 is no document either: its length tells enough, and it is null. */
void journal_file(struct session *s, int id, const char *path, const char *bytes, size_t len,
                  int64_t mtime);
struct journal_reply {
    int id, status, attempts;
    const char *type, *url; /* may be NULL */
    const char *body;       /* may be NULL when `len` is 0 */
    size_t len;
    int64_t ms;
};
void journal_reply(struct session *s, const struct journal_reply *r);

/* Writes the missing last line (`end`, failed, with `why`) of journals of calls that were live when
 * the exchange was killed. Blocking: at start. Returns how many. */
int journal_repair(const char *state, int64_t wall_ms);
/* Removes the sound of webhooks' answers that such calls never came to play. Blocking: at start.
 * Returns how many files. */
int replies_repair(const char *state);
/* "2026-01-01": the folder of a journal that began then. */
void journal_day(int64_t wall_ms, char out[32]);

/* Watches lines as they are written: of one session (`sid`) or all (NULL). `line` has no newline.
 */
struct journal_watch;
struct runtime;
typedef void journal_watch_h(const char *sid, const char *line, void *arg);
struct journal_watch *journal_watch_new(struct runtime *rt, const char *sid, journal_watch_h *h,
                                        void *arg);
struct journal_watch *journal_watch_free(struct journal_watch *w);

#endif
