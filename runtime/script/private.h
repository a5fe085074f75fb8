/* Private to runtime/script. */
#ifndef ALMON_SCRIPT_PRIVATE_H
#define ALMON_SCRIPT_PRIVATE_H

#include "script/script.h"
#include "script/stdlib.h"
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

/* Signs for the reader: the function may leave by longjmp, so nothing of C may be owned across a
 * call of it. */
#define RAISES

enum {
    SCRIPT_MAX_STRING = 1024 * 1024, /* longest string a flow may make */
    SCRIPT_HOOK = 256,               /* instructions between two looks at the clock, */
    SCRIPT_HOOK_LEAST = 4,           /* … when there are very long strings */
    SCRIPT_LONG_STRING = 8 * 1024,   /* from here on one instruction may take long (a < b) */
    SCRIPT_EVENT_US = 50 * 1000,     /* processor time of one event */
    SCRIPT_SLICE_US = 2 * 1000,      /* after which others have their turn */
    SCRIPT_LOOK_US = 100,            /* time of the wall between two looks at processor time */
    SCRIPT_EVENT_STEPS = 5000000,    /* the same in virtual time, where a run must repeat; */
    SCRIPT_VIRTUAL_US = 1000 * 1000, /* … what takes longer than any sane number of steps */
    SCRIPT_SLICE_STEPS = 200000,
    SCRIPT_EXPAND_STEPS = 500000, /* of all {{ }} of one document */
    SCRIPT_MAX_LOGS = 1000,       /* lines that the flow of one call may log */
    SCRIPT_MAX_STARTED = 1000,    /* requests, sleeps and file reads of one call */
    SCRIPT_AT_END = 8,            /* functions for the hang-up */
};

struct handler;

/* The state of one session. */
struct script {
    lua_State *L;
    struct activation *activation; /* whose handler runs, or ran last */
    struct handler *running;       /* NULL: none */
    size_t used, cap;              /* bytes */
    bool open;                     /* made: from here on the limits hold */

    /* The budget of the event being handled. */
    uint64_t steps, unchecked, slice_began_steps, max_steps;
    int64_t spent_us, slice_began_us, looked_us;
    bool virtual_time, no_slices;
    bool sliced; /* it yielded only to let others have their turn */
    bool late;   /* memory was refused because the time was over */
    bool dead;   /* a cap was broken: everything in it is wound up */
    char why[HANDLER_MAX_TEXT];

    lua_State *current; /* the coroutine that runs, alive; NULL: none */
    int hook;           /* instructions from one call of the hook to the next */

    /* What C owns while Lua may leave by an error: freed at the next use, or with the state. */
    struct str text;
    struct json_t *json;

    unsigned started, logs, names;
    unsigned handlers; /* alive */
};

/* What a handler waits for besides verbs: an HTTP request, a file, the store, a timer. The owner
 * calls wait_over() when it is there. */
struct wait {
    struct handler *handler;
    void (*cancel)(struct wait *w); /* frees it, too */
};

enum want { WANT_NOTHING, WANT_VERB, WANT_RUN, WANT_BECOME, WANT_WAIT };

/* One coroutine. */
struct handler {
    struct script *script;
    struct activation *activation;
    lua_State *co;
    int ref; /* keeps `co` alive */
    int args;
    bool at_end; /* runs after the call: no verbs */
    enum want want;
    const struct node *node;
    struct document *document;
    struct wait *wait;  /* WANT_WAIT: pending */
    struct wait *ready; /* it is over: what came of it, until the handler was resumed with it */
    struct task turn;   /* wakes it from the loop */
    bool sliced;        /* it goes on within the same event */
    const struct handler_outcome *outcome;
};

/* --- state.c --- */
struct script *script_of(lua_State *L);
/* The session's state, made when there is none. NULL with *err set. */
struct script *script_open(struct activation *a, struct error *err);
void script_close(void *script);
/* Calls `f` protected with `arg` as its light userdata; its error becomes *err. */
int script_protected(struct script *s, lua_CFunction f, void *arg, struct error *err);

/* --- budget.c --- */
void budget_begin_event(struct script *s);
void budget_begin_slice(struct script *s);
void budget_end_slice(struct script *s);
void budget_hook(lua_State *L, lua_Debug *ar);
/* Sets the hook of a new state, or of a coroutine, to what the state's strings ask for. */
void budget_watch(struct script *s, lua_State *L);
/* A string of so many bytes is about to be made. */
void budget_long_string(struct script *s, size_t bytes);
/* lines.c: what a state's hook is asked for besides, and what it does with it. */
int lines_mask(void);
void lines_tell(lua_State *L, lua_Debug *ar);
/* A C function says how much it is about to do, in something like instructions. */
RAISES void budget_spend(lua_State *L, uint64_t steps);
/* The same from where nothing may be raised: false when it is too much. */
bool budget_spend_quietly(struct script *s, uint64_t steps);
/* What an allocation that failed means. */
const char *budget_no_memory(const struct script *s);
/* Marks the state dead with a message and where it stands. */
void budget_die(struct script *s, lua_State *L, const char *what);
/* Raises when the state is dead: nothing catches it for good. */
RAISES void budget_check(lua_State *L);
/* Counts one more thing that a flow starts. */
RAISES void budget_started(lua_State *L);

/* "file.lua:3: text" and where it was called from, without asking Lua for memory. */
void traceback(lua_State *L, const char *message, struct str *out);

/* --- run.c --- */
/* The handler that runs now; raises when there is none (in {{ }}). */
RAISES struct handler *handler_of(lua_State *L);
/* Ends a C function that waits for the session: `return handler_yield(L, h, WANT_VERB, k);` */
RAISES int handler_yield(lua_State *L, struct handler *h, enum want want, lua_KFunction k);
/* Ends a C function that waits for `w`, which it takes over; `what` is for the message when it
 * cannot wait here. In `k`, handler->ready is `w`. */
RAISES int handler_wait(lua_State *L, struct wait *w, const char *what, lua_KFunction k);
/* The name of a file for messages: as seen from the folder of almon.lua. */
const char *chunk_name(const struct script *s, const char *path);
/* One more function to be run after the call. */
RAISES void at_end_add(lua_State *L, int index);
/* The wait is over: the handler goes on from the loop. */
void wait_over(struct wait *w);

/* --- what a flow sees --- */
RAISES void base_open(lua_State *L); /* base.c: env at top of the stack */
/* Pushes what tostring() gives. */
RAISES void push_tostring(lua_State *L, int index);
/* A line of the flow's, into journal and log, unless there were too many. */
void script_log(struct script *s, const char *level, const char *text);
RAISES void threads_open(lua_State *L); /* threads.c: coroutine, pcall */
RAISES void strings_open(lua_State *L); /* strings.c */
RAISES void tables_open(lua_State *L);  /* tables.c */
RAISES void modules_open(lua_State *L); /* modules.c: require */
/* compiled.c: as luaL_loadbufferx() of a module of stdlib/. */
int compiled_load(lua_State *L, const struct script_stdlib *m, const char *chunk);
/* Each pushes the table of a half in C (stdlib.h). */
RAISES int http_module(lua_State *L);
RAISES int json_module(lua_State *L);
RAISES int kv_module(lua_State *L);
RAISES int log_module(lua_State *L);
RAISES int time_module(lua_State *L);
RAISES int schema_module(lua_State *L);
/* Pushes a list of the keys of the table at `table` (absolute), in the order of pairs. */
RAISES void push_keys(lua_State *L, int table);
RAISES void call_open(lua_State *L); /* call.c */
/* What a handler is a function of: `call`, or `message`. */
struct subject {
    const char *name;
    unsigned flag; /* of the schemas that are its methods */
    const luaL_Reg *methods;
    const char *alias, *alias_of;     /* another name of a verb; NULL: none has one */
    const char *const *no_facts;      /* NULL-ended: what only the other one knows */
    const char *no_other;             /* said of a verb that only the other one has */
    const char *const usual_names[3]; /* of a file's function when none is named; NULL-ended */
};
extern const struct subject subject_call, subject_message;
/* The session's. */
const struct subject *subject_of(const struct script *s);
/* It has a method of that name that is no verb. */
bool subject_has(const struct subject *subject, const char *name);
enum { VERB_NAME_BYTES = 64, SUBJECT_TEXT_BYTES = 300 };
/* The verb that call:NAME is; NULL, and then `near` is the nearest one ("" for none). */
const struct schema *verb_named(const struct schema_table *table, const struct subject *subject,
                                const char *name, char near[VERB_NAME_BYTES]);
/* What is said when it has none. */
void subject_lacks(const struct schema_table *table, const struct subject *subject,
                   const char *name, const char *near, char out[SUBJECT_TEXT_BYTES]);
/* Pushes `call` or `message` for a handler with the parameters it came with. */
RAISES void call_push(lua_State *L, const struct webhook_params *params);
/* Pushes a table of them. */
RAISES void params_push(lua_State *L, const struct webhook_params *params);
/* Sets functions of a ready-made library in the table at the top. */
RAISES void allow(lua_State *L, lua_CFunction library, const char *const *names);

/* --- build.c --- */
/* The node of a verb from the arguments of call:verb(…), which begin at `first`; `verb` is what was
 * called, for messages: "call:say". */
RAISES struct node *build_node(lua_State *L, struct activation *a, const struct schema *schema,
                               const char *verb, int first);
/* The element that `key` names among the children of `parent`; NULL when there is none. */
const struct schema *child_named(const struct schema_table *table, const char *key,
                                 const struct schema *parent);
/* UTF-8 without a byte 0: what may go into documents, requests and the journal. */
bool is_text(const char *text, size_t len);
/* The same with bytes 0: what JSON can hold. `text` ends with a byte 0 behind `len`, as Lua's do.
 */
bool is_utf8(const char *text, size_t len);
/* "numDigits" of "NumDigits". */
void lower_first(char *out, size_t size, const char *name);

/* --- expand.c --- */
int template_expand(struct activation *a, const struct handler_source *source, struct str *out,
                    struct error *err);

#endif
