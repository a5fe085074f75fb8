/* What a verb may ask of its session. A verb includes this and session/verb.h, nothing else of the
 * runtime: no socket, HTTP, SQL, XML or Lua.
 *
 * Requests return a number, and exactly one event with that number answers each (EVENT_STARTED
 * comes besides); 0 means that it could not even begin, which was then said in the journal: the
 * verb returns VERB_ERROR. A verb that ends takes its pending requests with it: late answers move
 * nothing. */
#ifndef ALMON_SESSION_SESSION_H
#define ALMON_SESSION_SESSION_H

#include "base/sid.h"
#include "base/str.h"
#include "flow/document.h"
#include "session/event.h"
#include "session/leg.h"
#include "session/queue.h"
#include "session/verb.h"
#include "speech/speech.h"
#include <stdbool.h>
#include <stdint.h>

struct activation;

/* --- what it is --- */
const struct node *activation_node(const struct activation *a);
/* The running verb's parsed attributes. */
const void *activation_args(const struct activation *a);
/* Memory that lives as long as the running verb. */
struct arena *activation_arena(struct activation *a);
bool session_is_answered(const struct activation *a);
/* Answers the caller if he still hears ringing. */
void session_pick_up(struct activation *a);
enum codec session_codec(const struct activation *a);

/* --- sound --- */
/* Text to audio: EVENT_AUDIO. */
uint32_t session_say(struct activation *a, const struct utterance *u);
/* A file or URL (relative to the document) to audio: EVENT_AUDIO. */
uint32_t session_load(struct activation *a, const char *url);
/* The music that who waits hears when nobody chose any, one round of it: EVENT_AUDIO. */
uint32_t session_music(struct activation *a);
/* Sends DTMF (0-9 A-D * # w W): EVENT_PLAYED. */
uint32_t session_send_digits(struct activation *a, const char *digits);
/* A short beep, at once: a reference of the caller's, NULL when it cannot be. */
struct audio *session_beep(struct activation *a);
/* Plays after what plays already: EVENT_STARTED, EVENT_PLAYED. `text`: what it says (may be NULL).
 */
uint32_t session_play(struct activation *a, struct audio *audio, unsigned loops, const char *text);
/* Rings as a telephone of that country does ("de", "us-old"; NULL: "us"), until cancelled:
 * EVENT_PLAYED. */
uint32_t session_ring(struct activation *a, const char *country);
/* Sends back what is heard, until switched off or the verb ends. */
void session_echo(struct activation *a, bool on);

/* --- time --- */
uint32_t session_timer(struct activation *a, int64_t ms); /* EVENT_TIMER */

/* --- recording --- */
enum record_track { RECORD_BOTH, RECORD_INBOUND, RECORD_OUTBOUND };
struct record_options {
    int max_ms, silence_ms; /* 0: no bound, no silence timer */
    bool trim;
    enum record_track track; /* inbound: what this call's party says; outbound: what he hears */
    bool dual;               /* RECORD_BOTH in two channels, first what he says */
    const char *callback;    /* recordingStatusCallback, NULL none */
    enum flow_method callback_method;
    unsigned callback_events; /* bit 0 in-progress, 1 completed, 2 absent */
    const char *source;       /* RecordingSource: "RecordVerb", "DialVerb" … */
};
struct recording {
    char sid[35];
    const char *url; /* as the application gets it, without suffix */
    int seconds;
    bool heard; /* there was sound above the threshold */
};
/* EVENT_RECORDED. At most three recordings run at once on a call. */
uint32_t session_record(struct activation *a, const struct record_options *o);
/* Ends it now; EVENT_RECORDED follows. */
void session_record_stop(struct activation *a, uint32_t request);
/* The call's last status callback tells of it (RecordingUrl …), and waits for it. */
void session_record_told(struct activation *a, uint32_t request);
/* … so does that of the party which session_dial() called, while that call lives. */
void session_record_told_by(struct activation *a, uint32_t request, uint32_t leg);
/* Records beside the document, until it is stopped by its name (NULL: it has none) or the call
 * ends; the verb hears no more of it. False when it could not begin, which was said. */
bool session_record_background(struct activation *a, const char *name,
                               const struct record_options *o);
/* False when none of that name runs. */
bool session_record_background_stop(struct activation *a, const char *name);
/* The configuration's recordings.empty_falls_through. */
bool session_empty_record_falls_through(const struct activation *a);

/* --- transfer --- */
/* Asks the far end, over SIP, to call `to` in our place: EVENT_REFER. 0 when that cannot be, which
 * was said. */
uint32_t session_refer(struct activation *a, const char *to);

/* --- text messages --- */
struct message_draft {
    const char *to, *from;    /* NULL: who wrote or called; the number he wrote to or called */
    const char *body;         /* "" with media alone */
    const char *const *media; /* URLs, NULL-ended, at most 10; NULL: none */
    const char *callback;     /* told what becomes of it; NULL: nobody */
    enum flow_method callback_method;
};
/* Sends it: 0 and its MessageSid, and it is "queued". Else Twilio's code, and it was said that and
 * why nothing is sent. */
int session_send_message(struct activation *a, const struct message_draft *d, char sid[SID_SIZE]);

/* --- control --- */
/* Runs the children of the verb's node as verbs, one after another, on top of this one:
 * EVENT_CHILDREN. Their digits pass down to this verb. */
uint32_t session_run_children(struct activation *a);
/* Runs the text of the verb's node, or the file `src` (not NULL), as a handler on top of this verb:
 * EVENT_CHILDREN when it is over. 0 when that is not allowed here, which was said. */
uint32_t session_run_script(struct activation *a, const char *src);
/* Fetches the document at `url` (relative to this one) and runs it on top of this verb, whose
 * parameters so far (session_go_param()) go with the request: EVENT_CHILDREN. Verbs that `use` does
 * not allow are left out with a warning. The number's fallback does not stand in for it. */
enum document_use {
    USE_FLOW,       /* all verbs */
    USE_WHISPER,    /* on a called party, before both are joined (twiml-voice.md §5.3) */
    USE_ROOM_WAIT,  /* waitUrl of a conference (§5.4) */
    USE_QUEUE_WAIT, /* waitUrl of a queue (§6.1) */
    USE_QUEUE_TAKEN /* url of <Queue>, on the caller who waited (§6.3) */
};
uint32_t session_run_document(struct activation *a, const char *url, enum flow_method method,
                              enum document_use use);
/* The same with the flow of an application{…} of almon.lua; all verbs may stand in it. */
uint32_t session_run_application(struct activation *a, const char *sid);
/* Stops one pending request; its answer will not come. 0 and ended ones are fine. */
void session_cancel(struct activation *a, uint32_t request);
/* Adds a parameter to the request that the next session_go() makes. */
void session_go_param(struct activation *a, const char *name, const char *value);
/* Continues with the document at `url` (NULL or "": this document's own): the verb returns what
 * this returns, VERB_GO. */
enum verb_result session_go(struct activation *a, const char *url, enum flow_method method);
/* The same when there is an action. Without one the next verb runs, and what was to be told is
 * dropped; a handler gets it as its result. */
enum verb_result session_go_if(struct activation *a, const char *action, enum flow_method method);
/* What was to be told (session_go_param()) is a handler's result, whatever it named; documents go
 * on with the next verb. */
enum verb_result session_result(struct activation *a);
/* Tells the action without going there: its answer is ignored. */
void session_notify(struct activation *a, const char *url, enum flow_method method);
/* session_go() to a document that takes over from handlers, too, which otherwise get what the verb
 * was to tell as its result unless they named an action. */
enum verb_result session_go_away(struct activation *a, const char *url, enum flow_method method);
/* How the call ends when the verb then returns VERB_END. Without it: hung up normally. */
enum session_end { SESSION_HANGUP, SESSION_BUSY, SESSION_REJECTED };
void session_end_as(struct activation *a, enum session_end how);
/* A warning with Twilio's code, in journal and log, with the document and line. */
void session_warn(struct activation *a, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
