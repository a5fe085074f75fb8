/* The end may come at any time: the caller hangs up, or an operator hangs up or redirects, at
 * instants drawn by lot within a long flow, in markup and in Lua. However it comes, the call ends
 * once, with a final status, and nothing of it is left (allocations are counted, and the address
 * sanitizer looks on under `make asan`). */
#include "base/sid.h"
#include "session/runtime.h"
#include "tests/scenarios/rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

enum {
    INSTANTS = 40,
    FLOW_MS = 16000, /* about as long as the flows take */
    AFTER_MS = 6000,
};

#define APP "http://app.test"
static const char config[] =
    "number { '+1555*', voice = 'flow.xml', voice_fallback = 'sorry.xml',\n"
    "  status_callback = '" APP "/status', status_callback_events = "
    "{ 'initiated', 'ringing', 'answered', 'completed' } }\n"
    "number { '+1666*', voice = 'flow.lua', voice_fallback = 'sorry.xml',\n"
    "  status_callback = '" APP "/status' }\n"
    "server { public_url = 'https://almon.test' }\n";

#define RECORD                                                                                     \
    "<Record action=\"" APP "/done\" maxLength=\"3\" timeout=\"2\" recordingStatusCallback=\"" APP \
    "/told\" recordingStatusCallbackEvent=\"in-progress completed absent\"/>"

static const char markup[] =
    "<Response><Pause length=\"1\"/>"
    "<Gather numDigits=\"2\" timeout=\"2\"><Say>One or two.</Say><Pause/></Gather>"
    "<Play>" APP "/tone.wav</Play><Play digits=\"1w2\"/>"
    "<Lua>call:say('One or two.') call:pause{length = 1} call:record{action = '" APP "/next',"
    " maxLength = 2}</Lua></Response>";

static const char lua[] =
    "local http = require 'http'\n"
    "return function(call)\n"
    "  call:on_hangup(function() http.get('" APP "/bye') end)\n"
    "  local got = call:gather{numDigits = 2, timeout = 2, say = 'One or two.'}\n"
    "  http.get('" APP "/slow')\n"
    "  call:run([[<Response><Say>One or two.</Say><Lua>call:pause{length = 1}</Lua></Response>]])\n"
    "  call:record{maxLength = 2, recordingStatusCallback = '" APP "/told'}\n"
    "  call:play('" APP "/tone.wav')\n"
    "  call:record{maxLength = 2, action = '" APP "/next'}\n"
    "end\n";

static struct rig *storm(void)
{
    struct rig *r = rig_new(config);

    if (r == NULL)
        return NULL;
    rig_file(r, "flow.xml", markup);
    rig_file(r, "flow.lua", lua);
    rig_file(r, "sorry.xml", "<Response><Say>Sorry.</Say></Response>");
    rig_answer(r, &(struct rig_answer){.url = APP "/next",
                                       .body = "<Response>" RECORD "</Response>",
                                       .delay_ms = 700});
    rig_answer(r, &(struct rig_answer){.url = APP "/done",
                                       .body = "<Response><Say>One or two.</Say></Response>",
                                       .delay_ms = 300});
    rig_answer(r,
               &(struct rig_answer){.url = APP "/tone.wav", .type = "text/html", .delay_ms = 800});
    rig_answer(r, &(struct rig_answer){.url = APP "/slow", .body = "", .delay_ms = 1000});
    rig_answer(r, &(struct rig_answer){.url = APP "/bye", .body = "", .delay_ms = 400});
    rig_answer(r, &(struct rig_answer){.url = APP "/told", .body = "", .delay_ms = 2000});
    rig_answer(r, &(struct rig_answer){.url = APP "/status", .body = "", .delay_ms = 900});
    rig_sends(r, 2);
    return r;
}

enum blow { BLOW_CALLER, BLOW_OPERATOR, BLOW_REDIRECT, BLOWS };

static void redirect(struct rig *r, struct rng *rng)
{
    static const char *const targets[] = {"flow.lua", "flow.xml", APP "/next", "none.xml",
                                          APP "/none"};
    struct error err = {0};

    runtime_redirect(rig_runtime(r), rig_sid(r),
                     targets[rng_u64(rng) % (sizeof targets / sizeof *targets)], &err);
    rig_waits(r, (int64_t)(rng_u64(rng) % AFTER_MS));
}

/* One call, ended in this way after `ms`; false when it did not end well. */
static bool weather(struct rig *r, const char *to, enum blow blow, int64_t ms, struct rng *rng)
{
    int ends = rig_journal(r, "end", NULL);
    struct error err = {0};

    rig_call(r, to, "+15550199");
    if (rng_u64(rng) % 2 == 0) {
        rig_waits(r, ms / 2);
        rig_press(r, "12");
        ms -= ms / 2;
    }
    rig_waits(r, ms);
    if (blow == BLOW_REDIRECT)
        redirect(r, rng);
    if (blow == BLOW_OPERATOR)
        runtime_hangup(rig_runtime(r), rig_sid(r), &err);
    else
        rig_hangs_up(r);
    return rig_settles(r) && rig_is_over(r) && rig_journal(r, "end", NULL) == ends + 1;
}

static bool storm_over(const char *to, uint64_t seed)
{
    struct rig *r = storm();
    struct rng rng;
    bool good = r != NULL;
    int64_t ms;

    rng_init_seeded(&rng, seed);
    for (int i = 0; good && i < INSTANTS; i++)
        for (int blow = 0; good && blow < BLOWS; blow++) {
            ms = (int64_t)(rng_u64(&rng) % FLOW_MS);
            good = weather(r, to, (enum blow)blow, ms, &rng);
            if (!good)
                fprintf(stderr, "# seed %llu, instant %d (%lld ms), blow %d: %s\n",
                        (unsigned long long)seed, i, (long long)ms, blow, rig_sid(r));
        }
    /* Every end has a final status, and no recording was refused for the one before it. */
    good = good && rig_journal(r, "end", "\"in-progress\"") == 0 &&
           rig_journal(r, "end", "\"ringing\"") == 0 && rig_journal(r, "warn", "13600") == 0 &&
           rig_journal(r, "recording", "\"completed\"") > 0;
    rig_free(r);
    return good;
}

UNIT(a_flow_in_markup_ends_whenever_it_must)
{
    ok(storm_over("+15550100", 1));
out:;
}

UNIT(a_flow_in_lua_ends_whenever_it_must)
{
    ok(storm_over("+16660100", 2));
out:;
}

UNIT_MAIN(NO_TORTURE(a_flow_in_markup_ends_whenever_it_must),
          NO_TORTURE(a_flow_in_lua_ends_whenever_it_must))
