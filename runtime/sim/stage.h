/* Private to runtime/sim: one scenario under way. Its function runs as a coroutine, an actor; what
 * waits yields, and the driver lets the clock run until somebody has what he waits for. There may
 * be several actors (t:together), so the clock moves only when all of them wait. */
#ifndef ALMON_SIM_STAGE_H
#define ALMON_SIM_STAGE_H

#include "sim/private.h"
#include "sim/scenario.h"
#include "sim/tell.h"
#include <lauxlib.h>
#include <lua.h>

enum {
    STAGE_ACTORS = 100,
    STAGE_NUMBERS = 1000,
    STAGE_PARAMS = 50,              /* of one call or text */
    STAGE_HEAR_MS = 60 * 1000,      /* how long a caller listens for a prompt */
    STAGE_EXPECT_MS = 60 * 1000,    /* and t for a request */
    STAGE_END_MS = 4 * 3600 * 1000, /* and a caller for the end of his call */
    STAGE_INSTRUCTIONS = 100000,    /* of Lua between two looks at the time */
    STAGE_CPU_MS = 30000,           /* processor time a scenario may take */
};
#define STAGE_BASE "http://app.test" /* what a URL that begins with / stands on */

#define STAGE_FROM "+15550199" /* who calls and texts when nobody is named */

#define STAGE_FILE "file://" /* what t:flow and t:file answer begins with */

struct stage;

struct actor {
    struct stage *stage;
    lua_State *co;
    int ref;    /* keeps it from being collected */
    int parent; /* index of the actor that waits for it in t:together; -1 */
    bool over;
    int64_t until;                  /* sim_now() when the wait ends at the latest */
    bool (*ready)(struct actor *a); /* NULL: waits for the time alone */
    /* What `ready` looks at. */
    struct stage_caller *caller;
    size_t index;
    const char *url;
    void *thing;
};

struct stage_caller {
    struct stage *stage;
    struct sim_caller *caller; /* NULL: a callee that was not called yet */
    struct sim_callee *callee; /* NULL: he called himself */
    size_t calls;              /* of the callee: those that came before the next */
    bool rung;                 /* bob:rings() saw this call */
    size_t next_heard;
    size_t begun; /* prompts whose start was heard are no surprise when they are cut off */
    bool tones;   /* presses keys as tones in his audio */
};

/* number{…} as it will stand in the configuration. */
struct stage_number {
    char *pattern, *text;
};

struct stage {
    const struct scenario_options *o;
    lua_State *L;
    struct sim *sim;
    char *home;  /* folder of the scenario file */
    char *files; /* folder of t:file */
    long files_written;
    struct str config;      /* of t:config */
    struct sim_row numbers; /* struct stage_number */
    bool changed;           /* the exchange has not yet seen all of these */
    char config_problem[ERROR_TEXT_MAX];
    struct sim_row actors;   /* struct actor * */
    struct sim_row web_refs; /* struct web_function * */
    struct actor *current;   /* whose Lua runs; NULL: the driver */
    struct str why;          /* what went wrong */
};

struct stage *stage_of(lua_State *L);

/* --- actors (actor.c) --- */

struct actor *actor_new(struct stage *st, lua_State *from, int function);
/* For methods that wait: `return actor_wait(L, ready, ms, k)`; `k` goes on when it is over. */
int actor_wait(lua_State *L, bool (*ready)(struct actor *a), int64_t ms, lua_KFunction k);
/* The same, with something for `k`. */
int actor_wait_with(lua_State *L, bool (*ready)(struct actor *a), int64_t ms, lua_KFunction k,
                    lua_KContext ctx);
/* The actor that runs; an error in Lua where none does (a web answer's function). */
struct actor *actor_current(lua_State *L);
/* Runs all until the first is over. False: stage->why says what went wrong. */
bool actor_drive(struct stage *st);
void actor_free_all(struct stage *st);

/* --- what a scenario calls --- */

/* Makes `name` of the methods in the table on the stack, which it pops, with a helpful error for
 * what it does not know. */
void stage_metatable(lua_State *L, const char *name, const char *thing);
void stage_open_t(lua_State *L);          /* stage_t.c */
void stage_open_require(lua_State *L);    /* stage_require.c */
void stage_open_caller(lua_State *L);     /* stage_caller.c */
extern const luaL_Reg stage_room_words[]; /* of t: conferences (stage_room.c) */
void stage_open_callee(lua_State *L);     /* stage_callee.c */
void stage_push_caller(lua_State *L, struct sim_caller *c, bool tones);
/* A caller, or a callee that was called. */
struct stage_caller *stage_check_caller(lua_State *L, int arg);
/* What both can do. */
extern const luaL_Reg stage_caller_words[];
/* stage_callee.c */
int stage_callee(lua_State *L);
/* The call that is next, if it came; true when there is a call. */
bool stage_callee_take(struct stage_caller *c);
/* stage_text.c */
int stage_text(lua_State *L);
void stage_open_texter(lua_State *L);
extern const luaL_Reg stage_text_words[]; /* of callers and callees, too */
/* stage_tone.c */
int stage_plays_tone(lua_State *L);
int stage_hears_tone(lua_State *L);
int stage_hears_tones(lua_State *L);
int stage_hears_no_tone(lua_State *L);
/* stage_refer.c */
int stage_is_referred(lua_State *L);
int stage_refer_status(lua_State *L);
int stage_refers(lua_State *L);
/* stage_past.c */
int stage_kv(lua_State *L);
int stage_begins(lua_State *L);
/* stage_web.c */
int stage_web(lua_State *L);
int stage_expect_request(lua_State *L);
int stage_expect_no_request(lua_State *L);
int stage_requests(lua_State *L);
void stage_web_free(struct stage *st);
/* Numbers and the rest of the configuration hold for what begins from now on. */
void stage_configure(lua_State *L);
/* The further webhook parameters of { params = { FromCity = "…" } }, into room for
 * 2 * STAGE_PARAMS + 1; they stay on the stack. */
void stage_read_params(lua_State *L, int table, const char **pairs);
/* string.find(text, pattern) */
bool stage_matches(lua_State *L, const char *text, int pattern);
/* Pushes a list of the journal's lines of that session, with that "e" (NULL: all), as tables. */
int stage_push_journal(lua_State *L, const char *sid, const char *e);
/* "1.5s", "500ms", "2m" or a number of seconds, in milliseconds. */
int64_t stage_duration(lua_State *L, int arg);
/* How waits end that have nothing more to do. */
int stage_nothing_more(lua_State *L, int status, lua_KContext k);
/* A URL that begins with / stands on STAGE_BASE; pushes the whole. */
const char *stage_url(lua_State *L, int arg);
/* A file named in the scenario: relative to its folder. Pushes the path. */
const char *stage_path(lua_State *L, const char *name);
/* Where a call goes on: "/voice" is the web application's, what t:flow and t:file answered begins
 * with file://, and any other name without a scheme is a file beside the scenario. Pushes a URL or
 * an absolute path. */
const char *stage_target(lua_State *L, const char *value);
/* Raises an error with place, message, and the journal of that caller (NULL: of all). */
int stage_fail(lua_State *L, const struct stage_caller *c, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
