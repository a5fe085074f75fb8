/* Private to runtime/session. */
#ifndef ALMON_SESSION_PRIVATE_H
#define ALMON_SESSION_PRIVATE_H

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "media/cache.h"
#include "media/file.h"
#include "session/handler.h"
#include "session/journal.h"
#include "session/route.h"
#include "session/runtime.h"
#include "session/session.h"
#include "store/messages.h"

/* --- the runtime --- */

/* A configuration and how many calls still use it. */
struct config_holder {
    struct config *config;
    unsigned refs;
};

struct runtime {
    struct runtime_parts parts;
    struct schema_table table;
    struct bridge *bridge;
    struct config_holder *config;
    struct map by_sid;     /* sid → struct session */
    struct map recordings; /* sid → struct session_recording */
    struct list sessions;  /* newest first */
    unsigned count;
    struct map queues; /* "AC…/name" → struct queue */
    struct list all_queues;
    struct list watches;
    struct list decodings;  /* load.c: audio being decoded */
    struct list tunes;      /* music.c: music being computed */
    struct map rooms;       /* "account/name" → struct room, those that are not over */
    unsigned room_sessions; /* sessions that are rooms' */
    unsigned message_sessions, reports_awaited; /* messages'; of these sent and waiting only for a
                                                   report */
    struct pairs *pairs;                        /* of their webhooks */
    struct messages *messages;                  /* what the store keeps of them; NULL: no store */
    struct flow_files *files;
    struct runtime_then then; /* in a replay: what calls find */
    struct routes *routes;    /* how calls go out, and how many may */
    struct runtime_stats stats;
    bool closing;              /* since runtime_close() */
    void (*closed)(void *arg); /* set until its caller was told */
    void *closed_arg;
    struct task close_task;
};

struct config_holder *config_holder_ref(struct config_holder *h);
struct config_holder *config_holder_unref(struct config_holder *h);
/* Last of a session; may tell runtime_close()'s caller. */
void runtime_forget(struct runtime *rt, struct session *s);

/* --- calls --- */

enum call_status {
    CALL_QUEUED,
    CALL_INITIATED,
    CALL_RINGING,
    CALL_IN_PROGRESS,
    CALL_COMPLETED,
    CALL_BUSY,
    CALL_FAILED,
    CALL_NO_ANSWER,
    CALL_CANCELED,
};
const char *call_status_name(enum call_status s);
bool call_status_is_final(enum call_status s);

enum session_phase {
    SESSION_RUNNING, /* its stack runs */
    SESSION_ENDING,  /* the leg is over; verbs that asked for it finish, callbacks go out */
};

/* Who is told of the call's status. */
struct status_target {
    const char *url; /* NULL: nobody */
    bool get;
    unsigned events; /* CONFIG_EVENT_* */
    enum http_trust trust;
};

/* Requests of channels that are no verb's. */
enum {
    LEG_DIGITS_REQUEST = UINT32_MAX,      /* sendDigits of a called party */
    PASSED_DIGIT_REQUEST = UINT32_MAX - 1 /* a key passed on to the other of a pair */
};

struct session {
    char sid[SID_SIZE];
    struct runtime *rt;
    struct config_holder *config;
    const struct config_number *number; /* NULL: no flow for the number */
    const struct config_account *account;
    struct link_node in_sessions;

    struct status_target told;

    struct leg *leg;         /* somebody dials this call and waits for it; NULL: nobody */
    struct list attempts;    /* offers to gateways, before one of them becomes the channel */
    struct route_step route; /* of the channel … */
    bool routed;             /* … when it was called by us */
    struct session *joined;  /* both hear each other */

    struct channel *channel; /* NULL once released, and before a called party's is decided */
    bool channel_over;       /* ended, by either side */
    enum call_status status;
    enum session_phase phase;
    enum cause end_cause; /* of the hang-up that session_end_as() chose */

    struct arena arena; /* the strings below */
    const char *from, *to, *forwarded_from, *caller_name, *call_token, *direction, *parent_sid;
    const char *const *offered; /* further parameters from the gateway: name, value … NULL */
    unsigned hops;              /* how often it was passed on (route.h) */

    struct room *room;       /* this is a room's own session (room_private.h); NULL: a call */
    struct message *message; /* this is a message (message.h); NULL: a call, or a room's */
    unsigned texts_sent;     /* messages that its flow sent */
    bool ended_from_outside;

    struct activation *top; /* the stack */
    struct list requests;   /* pending struct request */
    uint32_t last_request;

    struct http_jar jar;
    int documents, fetches; /* so far */
    unsigned callbacks_out, callback_sequence;
    struct list recordings; /* of this call, also those that are being finished */
    json_t *quality; /* how it sounded, as its gateway told until the hang-up; NULL: not at all */
    struct call_recording *kept_recordings;   /* SIDs of those on disk (calls.c) */
    struct session_recording *told_recording; /* of which the last status callback will tell */
    struct recorded_call *recorded;           /* … what it will tell (callback.c) */

    int64_t queued_us;       /* in queues, so far as it left them (queue.c) */
    const char *answered_by; /* what answering machine detection found; NULL: nothing yet */

    int64_t began, answered; /* loop_now(); answered 0: not yet */
    int64_t began_wall, ended_wall;
    int seconds;         /* from answer to end, set at the end */
    struct timer limit;  /* longest call; and the longest ending */
    struct task advance; /* runs the interpreter from the loop */
    uint64_t seed;

    char *flow_root; /* folder whose files the flow may use; NULL: none */
    void *script;    /* the handler type's own, made at first use */
    char *journal_path;
    size_t journal_bytes;
    bool journal_cut;
};

/* In a replay: what the call found then, else RUNTIME_NOT_KNOWN. */
int session_found(const struct session *s, enum runtime_asked what);
/* Others left no place for it: says so, and `refused` for a replay. */
#define session_refuse(a, asked, code, ...)                                                        \
    do {                                                                                           \
        journal_add((a)->session, "refused", "{s:i, s:i}", "what", (int)(asked), "code", (code));  \
        session_warn((a), (code), __VA_ARGS__);                                                    \
    } while (0)
/* One function changes the status; it writes old → new and sends the status callback. */
void session_set_status(struct session *s, enum call_status status);
/* Answers the channel if it still rings. */
void session_answer(struct session *s);
/* It was answered, by either side. */
void session_now_answered(struct session *s);
/* The channel is the session's from now on. */
void session_take_channel(struct session *s, struct channel *channel);
/* Bare, in no list yet; session_drop_child() undoes it. NULL when memory is out. */
struct session *session_make(struct runtime *rt, struct config_holder *config,
                             const struct config_number *number, const struct offer *o,
                             const char *prefix);
/* A call that `parent` makes: not a call yet (session_start_child()), and without a channel. NULL
 * when memory is out. */
struct session *session_new_child(struct session *parent, const struct offer *o);
/* … and it will not become one. */
void session_drop_child(struct session *s);
void session_start_child(struct session *s, const struct offer *o);
/* The leg is over: tells every verb, ends the stack, sends the last callback, frees when all is
 * done. `by` is for the journal: caller, flow, operator, limit, link. */
void session_finish(struct session *s, enum call_status status, enum cause cause, const char *by);
/* Something that kept an ending session alive is over: looks, from the loop, whether all is. */
void session_settled(struct session *s);
/* Frees the session when nothing is left to wait for. Only session_advance() calls it. */
void session_free_if_done(struct session *s);
/* Says a problem in journal and log; `error`: the document or call cannot go on with it. */
void session_say_problem(struct session *s, bool error, int code, const char *where,
                         const char *text);
/* A call that a gateway offered: makes its session, ringing; then its flow begins. */
struct session *session_new(struct runtime *rt, struct channel *channel, const struct offer *o,
                            const struct config_number *number);
void session_begin(struct session *s);

/* --- called parties (leg.c); they do nothing for a session without a leg --- */

void leg_ringing(struct session *s);
/* Sound comes before the answer. */
void leg_early(struct session *s);
/* The gateway told of it: name, value, …, NULL. */
void leg_facts(struct session *s, const char *const *params);
void leg_answered(struct session *s);
void leg_digits_sent(struct session *s);
/* Its whisper is over, or there is none. */
void leg_ready(struct session *s);
/* An unanswered channel or attempt of it ended: another is tried, or the session ends. */
void leg_failed(struct session *s, enum cause cause);
/* The session is over; who dialled it is told. */
void leg_over(struct session *s, enum cause cause);
/* It was given another document, and goes on by itself. */
void leg_redirected(struct session *s);
/* The verb that dialled is over. */
void leg_cancel(struct leg *leg);

/* --- queues (queue.c) --- */

struct queued;
struct taker;
/* The verb's request is over before its time. */
void queue_leave(struct queued *m);
void queue_untake(struct taker *t);
void queues_free(struct runtime *rt);

/* --- pairs (join.c) --- */

bool session_join_channels(struct session *a, struct session *b);
/* Nothing when it is in no pair. */
void session_unjoin(struct session *s);
void session_pass_digit(struct session *s, char key);

/* --- activations and the interpreter (activation.c) --- */

enum activation_kind {
    ACTIVATION_DOCUMENT,
    ACTIVATION_CHILDREN, /* the nested verbs of a verb below: one document with it */
    ACTIVATION_HANDLER,  /* a handler (session/handler.h); its document only has a URL */
};

struct activation {
    struct session *session;
    struct activation *below;
    enum activation_kind kind;
    struct document *document; /* NULL until the first one is fetched */
    const struct node *next;   /* the node to run next */
    const struct node *node;   /* the running verb's */
    const struct verb *verb;   /* NULL: none runs */
    void *state;
    struct arena arena;   /* of the running verb */
    bool echo;            /* the running verb switched echo on */
    bool joins;           /* … or joined the call with another */
    uint32_t children_of; /* the request of the verb below whose answer is that this one is over;
                             0: none */

    void *handler;                 /* ACTIVATION_HANDLER */
    char *broken;                  /* it could not even be made: why */
    struct webhook_params *params; /* what its document was asked with, when that holds <Lua> */
    bool waits;                    /* the handler waits for something of its own */
    bool at_end;                   /* the handler runs after the call */
    bool is_fallback;              /* it came from the number's fallback */
    bool guest;                    /* a document of its own on top of a verb: when it cannot be had,
                                      that verb is told, and nobody apologises */
    bool failed;                   /* … and it could not */
    bool left;                     /* <Leave> ended it */
    enum document_use use;         /* which verbs it may hold */
    enum verb_result outcome;      /* of what the handler last asked for */
    struct webhook_params *outcome_got; /* and what came of it */

    struct fetch_job *fetch; /* a document on its way */
    struct webhook_params *go_params;
    char *go_url;
    bool go_get;
    bool go_away; /* a handler is left for it, too */
    bool stays;   /* … is not, though the verb has an action */
};

/* Pushes an activation that will fetch its document from `url` (owned by the caller). Also when it
 * answers 0 the session may have ended: what cannot even be asked for fails at once. */
int activation_push_url(struct session *s, const char *url, bool get, enum http_trust trust,
                        enum document_use use, struct error *err);
/* A new one on top of the stack; NULL when memory is out. */
struct activation *activation_new(struct session *s, enum activation_kind kind);
/* How many stand below it. */
unsigned activation_depth(const struct activation *a);
/* Gives an event to all running verbs; what they answer means nothing. */
void activation_tell(struct session *s, const struct event *ev);
/* Pops all, stopping each verb once; with `tell`, EVENT_HANGUP is given first and verbs that answer
 * VERB_WAIT may stay until they are done. */
void activation_unwind(struct session *s, bool tell);
/* May this verb run here? Says so when not (nested.c). */
bool nested_allows(struct activation *a, const struct verb *verb);
/* Pops what stands above `a`: the children of its verb. */
void activation_pop_above(struct activation *a, const char *how);
/* Gives an event to whom it belongs and goes on with what follows. */
void session_deliver(struct session *s, struct activation *a, const struct event *ev);
/* Runs the top of the stack until it waits. Called from the loop through session->advance. */
void session_advance(void *session);
/* fetch.c → interpreter: a handler is there; its source is lent. 0 or an error. */
int activation_handler(struct activation *a, const struct handler_source *source,
                       struct error *err);
/* fetch.c → interpreter: the document is there (a reference is given), or could not be had. */
void activation_document(struct activation *a, struct document *d);
void activation_failed(struct activation *a);

/* --- requests (request.c) --- */

enum request_kind {
    REQUEST_SAY,
    REQUEST_LOAD,
    REQUEST_PLAY,
    REQUEST_TIMER,
    REQUEST_RECORD,
    REQUEST_CHILDREN,
    REQUEST_MUSIC,
    REQUEST_LEG,
    REQUEST_ROOM,
    REQUEST_QUEUED,
    REQUEST_TAKER,
    REQUEST_REFER,
};

struct request {
    struct link_node node;
    struct session *session;
    struct activation *owner;
    uint32_t id;
    unsigned refer_response; /* REQUEST_REFER: the SIP status so far, 0: none */
    enum request_kind kind;
    bool verb_gone; /* REQUEST_RECORD only: finish the file, tell nobody */
    union {
        struct speech_request *say;
        struct load *load;
        struct timer timer;
        struct session_recording *recording;
        struct link_node music; /* among those who wait for it */
        struct leg *leg;
        struct room_member *member;
        struct queued *queued;
        struct taker *taker;
    };
};

struct request *request_new(struct activation *a, enum request_kind kind);
struct request *request_find(struct session *s, uint32_t id);
/* A number for something that is no request of a verb, but answered like one. */
uint32_t request_number(struct session *s);
/* Unlinks and frees; cancels nothing. */
void request_free(struct request *r);
/* Cancels it where it runs, then frees. */
void request_cancel(struct request *r);
/* All of one activation's running verb. */
void request_cancel_all(struct activation *a);
/* Answers it: frees the request, then delivers. */
void request_answer(struct request *r, struct event *ev);
/* The channel's answers (session.c passes them on). */
void request_started(struct session *s, uint32_t id);
void request_played(struct session *s, uint32_t id, enum play_end how, uint32_t frames);

/* --- files of flows (files.c): read on a worker --- */

struct flow_files;
struct flow_read;
/* `bytes` NULL: *err says why. `path` is the file's own. */
typedef void flow_read_h(const char *path, const char *bytes, size_t len, int64_t mtime,
                         const struct error *err, void *arg);
/* Reads `path`, which must lie below `root` (no symbolic links, no ..). */
struct flow_read *flow_read(struct runtime *rt, const char *root, const char *path, size_t max,
                            flow_read_h *h, void *arg, struct error *err);
void flow_read_cancel(struct flow_read *r);

/* What was found of a file a moment ago (files_seen.c). */
struct flow_seen {
    char *bytes; /* NULL: it was only looked at; a NUL behind them is not counted */
    size_t len;
    long long size, mtime_ns;
};
/* NULL when it must be asked anew. Valid until the next flow_saw(). */
const struct flow_seen *flow_seen(struct runtime *rt, const char *root, const char *path);
/* Copies what `said` has; does nothing where memory does not suffice, and in virtual time. */
void flow_saw(struct runtime *rt, const char *root, const char *path, const struct flow_seen *said);
void flow_files_free(struct flow_files *f);

/* True for a URL with a scheme and host; else it is a file. */
bool url_is_http(const char *url);
/* A file descriptor on `path` below `root`, or an error. Blocks: for workers. */
int flow_open(const char *root, const char *path, struct error *err);
/* Where the audio of webhook answers is kept until it was loaded once, below STATE. */
#define REPLY_FOLDER "/cache/replies/"

/* --- loading audio for Play (load.c) --- */

typedef void load_h(struct audio *audio, const struct error *err, void *arg);
struct load *load_start(struct session *s, const struct document *d, const char *url,
                        enum codec codec, load_h *h, void *arg, struct error *err);
void load_cancel(struct load *l);

/* --- the music of those who wait (music.c) --- */

/* The runtime goes; what is still being computed forgets it. */
void music_forget(struct runtime *rt);

/* --- documents (fetch.c) --- */

struct fetch_job;
/* Fetches `url` (absolute) for the activation and calls activation_document() or
 * activation_failed(). Takes `params` (may be NULL): the verb's own, added to the standard ones. */
int fetch_document(struct activation *a, const char *url, bool get, enum http_trust trust,
                   struct webhook_params *params, struct error *err);
void fetch_document_cancel(struct fetch_job *job);
/* The handler of `a` broke: goes on with the number's fallback, or the apology. */
void fetch_fallback(struct activation *a, const char *url, int code, const char *text);
/* The leg is over and a verb still makes its action request: sent, its answer ignored. */
void fetch_farewell(struct session *s, const char *url, bool get, struct webhook_params *params);
/* "host:port" of the number's own flow, or NULL; in `out`. */
const char *fetch_own(const struct session *s, char *out, size_t size);

/* --- parameters (params.c) --- */

/* The standard parameters of webhooks.md §2. NULL when memory is out. */
struct webhook_params *params_standard(const struct session *s);
/* Appends all of `more` to `to`. */
int params_merge(struct webhook_params *to, const struct webhook_params *more);
/* "Wed, 02 Sep 2026 13:00:00 +0000" */
void params_rfc2822(int64_t wall_ms, char out[40]);
void params_iso8601(int64_t wall_ms, char out[32]);

/* --- callbacks (callback.c) --- */

/* A status callback of the call, when the number asked for this event (CONFIG_EVENT_*). */
void callback_status(struct session *s, unsigned event);
/* The recording of which the last one tells is on disk; NULL: it failed. */
void callback_recorded(struct session *s, const struct recording *rec);
/* Frees what was kept for it. */
void callback_forget(struct session *s);
/* Any callback: takes `params`. The session lives until it is done. */
void callback_send(struct session *s, const char *event, const char *url, bool get,
                   enum http_trust trust, struct webhook_params *params);

/* --- conferences (room.c; more in room_private.h) --- */

struct room;
/* The session of a room that the call `by` makes: of the same account and configuration. */
struct session *session_new_room(const struct session *by, struct room *room);

/* --- transfers (refer.c): what the channel tells --- */

void refer_status(struct session *s, unsigned response, unsigned notify);
void refer_asked(struct session *s, const char *to, const char *const *params);

/* --- answering machine detection (amd.c) --- */

/* Listens to who answered `s`, just now, as `o` says (nothing unless `o->on`); its callback is
 * relative to `base`. */
struct leg_detection;
void amd_start(struct session *s, const struct leg_detection *o, const char *base);

/* --- recordings of calls (record.c; more in recording.h) --- */

struct session_recording;
void recording_stop(struct session_recording *rec);
/* A tap of the channel has ended. */
void record_tapped(struct session *s, uint32_t tap, const struct tap_result *result);
/* The last status callback of `s`, the call itself or one that it made, tells of it and waits for
 * it. At most two do. */
void record_tells(struct session_recording *rec, struct session *s);
void record_untold(struct session *s);
/* Records a room (its own session). */
int record_room(struct session *own, const struct record_options *o, struct error *err);

#endif
