/* How long a flow may run. A hook counts instructions; what C functions do for it is charged to the
 * same account. In virtual time only steps count, so that a run repeats; else the thread's
 * processor time does.
 *
 * A state that went too far is dead: the hook yields out of it and it is abandoned, since an error
 * could be swallowed by pcall. Where it cannot yield (inside sort, say) it raises, and pcall and
 * the coroutine functions (threads.c) raise again. */
#include "script/private.h"

#include <string.h>
#include <time.h>

static int64_t clock_us(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t cpu_us(void)
{
    return clock_us(CLOCK_THREAD_CPUTIME_ID);
}

void budget_begin_event(struct script *s)
{
    s->steps = s->unchecked = 0;
    s->spent_us = 0;
    s->late = false;
    s->max_steps = SCRIPT_EVENT_STEPS;
}

void budget_begin_slice(struct script *s)
{
    s->sliced = false;
    s->slice_began_steps = s->steps;
    s->slice_began_us = cpu_us();
}

void budget_end_slice(struct script *s)
{
    s->spent_us += cpu_us() - s->slice_began_us;
}

/* The clock of processor time is dear, and the hook may come often: a cheap one goes before. */
static bool is_time_to_look(struct script *s)
{
    int64_t now = clock_us(CLOCK_MONOTONIC);

    if (now - s->looked_us < SCRIPT_LOOK_US && now >= s->looked_us)
        return false;
    s->looked_us = now;
    return true;
}

static bool too_much(struct script *s, bool *slice_over)
{
    int64_t us;

    if (s->virtual_time || s->no_slices) {
        *slice_over = s->steps - s->slice_began_steps > SCRIPT_SLICE_STEPS && !s->no_slices;
        if (s->steps > s->max_steps || !is_time_to_look(s))
            return s->steps > s->max_steps;
        us = s->spent_us + cpu_us() - s->slice_began_us;
        return us > (s->virtual_time ? SCRIPT_VIRTUAL_US : SCRIPT_EVENT_US);
    }
    if (!is_time_to_look(s))
        return false;
    us = cpu_us() - s->slice_began_us;
    *slice_over = us > SCRIPT_SLICE_US;
    return s->spent_us + us > SCRIPT_EVENT_US;
}

bool budget_spend_quietly(struct script *s, uint64_t steps)
{
    bool slice;

    s->steps += steps;
    s->unchecked += steps;
    if (s->unchecked < 8 * SCRIPT_HOOK)
        return true;
    s->unchecked = 0;
    return !too_much(s, &slice);
}

/* Names one level of the stack: "menu.lua:12: in function 'ask'". */
static void add_level(lua_State *L, lua_Debug *ar, struct str *out)
{
    lua_getinfo(L, "Sln", ar);
    if (ar->currentline > 0)
        str_addf(out, "\n  %s:%d: in ", ar->short_src, ar->currentline);
    else
        str_addf(out, "\n  %s: in ", ar->short_src);
    if (*ar->namewhat != '\0')
        str_addf(out, "%s '%s'", ar->namewhat, ar->name);
    else if (*ar->what == 'm')
        str_add(out, "main chunk");
    else if (*ar->what == 'C')
        str_add(out, "the runtime");
    else
        str_addf(out, "function <%s:%d>", ar->short_src, ar->linedefined);
}

void traceback(lua_State *L, const char *message, struct str *out)
{
    enum { LEVELS = 16, MESSAGE = 2000 };
    lua_Debug ar;

    str_addn(out, message, strnlen(message, MESSAGE));
    for (int level = 0; level < LEVELS && lua_getstack(L, level, &ar); level++)
        add_level(L, &ar, out);
}

/* Where the flow's own code stands: the first level that has a line. */
static void add_position(lua_State *L, struct str *out)
{
    lua_Debug ar;

    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline > 0) {
            str_addf(out, "%s:%d: ", ar.short_src, ar.currentline);
            return;
        }
    }
}

void budget_die(struct script *s, lua_State *L, const char *what)
{
    struct str message = STR_INIT(1000), text = STR_INIT(sizeof s->why - 1);

    if (s->dead)
        return;
    s->dead = true;
    add_position(L, &message);
    str_add(&message, what);
    traceback(L, str_text(&message), &text);
    str_copy(s->why, sizeof s->why, str_text(&text));
    str_free(&message);
    str_free(&text);
}

static const char *no_time(const struct script *s)
{
    return s->no_slices ? "the {{ }} of this document take too long"
                        : "the handler ran for 50 ms without waiting for anything: it was ended "
                          "(is there a loop without end?)";
}

static void die_of_time(struct script *s, lua_State *L)
{
    budget_die(s, L, no_time(s));
}

const char *budget_no_memory(const struct script *s)
{
    return s->late ? no_time(s) : "the call's Lua has no more memory (limits.lua_memory_kb)";
}

void budget_hook(lua_State *L, lua_Debug *ar)
{
    struct script *s = script_of(L);
    bool slice_over = false;

    if (ar->event == LUA_HOOKLINE) {
        lines_tell(L, ar);
        return;
    }
    s->steps += (uint64_t)lua_gethookcount(L);
    if (s->dead || too_much(s, &slice_over)) {
        die_of_time(s, L);
        lua_sethook(L, budget_hook, LUA_MASKCOUNT, 1);
        if (!lua_isyieldable(L))
            luaL_error(L, "the handler was ended");
        lua_yield(L, 0); /* and nobody resumes it */
        return;
    }
    if (lua_gethookcount(L) != s->hook)
        budget_watch(s, L);
    if (slice_over && lua_isyieldable(L)) {
        s->sliced = true;
        lua_yield(L, 0);
    }
}

void budget_watch(struct script *s, lua_State *L)
{
    lua_sethook(L, budget_hook, LUA_MASKCOUNT | lines_mask(), s->hook);
}

/* One instruction compares two strings, whatever is in them: 8 ms for two of a megabyte of zeros.
 * So the hook comes the more often the longer they are. */
void budget_long_string(struct script *s, size_t bytes)
{
    int hook = SCRIPT_HOOK;

    while (bytes > SCRIPT_LONG_STRING && hook > SCRIPT_HOOK_LEAST) {
        hook /= 2;
        bytes /= 2;
    }
    if (hook >= s->hook)
        return;
    s->hook = hook;
    if (s->current != NULL && !s->dead)
        budget_watch(s, s->current);
}

void budget_check(lua_State *L)
{
    if (script_of(L)->dead)
        luaL_error(L, "the handler was ended");
}

void budget_spend(lua_State *L, uint64_t steps)
{
    struct script *s = script_of(L);

    if (!budget_spend_quietly(s, steps))
        die_of_time(s, L);
    budget_check(L);
}

void budget_started(lua_State *L)
{
    struct script *s = script_of(L);

    if (++s->started <= SCRIPT_MAX_STARTED)
        return;
    budget_die(s, L, "the flow of one call may start at most 1000 requests, sleeps and file reads");
    budget_check(L);
}
