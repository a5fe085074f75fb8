/* How a call of ours ends in SIP, in Q.850 and in CallStatus: one table, as callers see it. */
#include "bridge/cause.h"
#include "gateways/sip/status.h"
#include "unit.h"
#include <string.h>

static const struct {
    unsigned status;
    int q850; /* of the answer; -1: none */
    const char *call_status;
    int network; /* Q.850 of the status alone */
} table[] = {
    {404, -1, "failed", 1},
    {410, -1, "failed", 22},
    {484, -1, "failed", 28},
    {604, -1, "failed", 1},
    {486, -1, "busy", 17},
    {600, -1, "busy", 17},
    {603, -1, "busy", 21},
    {403, -1, "busy", 21},
    {607, -1, "busy", 21},
    {608, -1, "busy", 21},
    {480, -1, "no-answer", 18},
    {408, -1, "no-answer", 102},
    {504, -1, "no-answer", 102},
    {487, -1, "canceled", 16},
    {503, -1, "failed", 41},
    {500, -1, "failed", 41},
    {488, -1, "failed", 79},
    {302, -1, "failed", 23},
    /* What is not listed means what its class does. */
    {399, -1, "failed", 23},
    {499, -1, "failed", 41},
    {599, -1, "failed", 41},
    {699, -1, "busy", 17},
    /* The network's own cause is more exact than the status that carries it … */
    {480, 17, "busy", 18},
    {500, 1, "failed", 41},
    {503, 17, "busy", 41},
    {404, 21, "busy", 1},
    {480, 34, "failed", 18},
    {500, 102, "no-answer", 41},
    /* … unless it says only that the call ended. */
    {486, 16, "busy", 17},
    {480, 31, "no-answer", 18},
    {404, 27, "failed", 1},
    /* What no network says. */
    {486, 128, "busy", 17},
    {486, 0, "busy", 17},
    {0, -1, "failed", 127},
    {799, -1, "failed", 127},
};

UNIT(every_answer_and_cause_is_one_ending_to_a_caller)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        enum cause cause = status_cause(table[i].status, table[i].q850);

        ok_str(cause_call_status(cause, 0), table[i].call_status);
        ok_int(status_to_q850(table[i].status), table[i].network);
    }
out:;
}

UNIT(nothing_that_an_answer_may_say_is_left_without_an_ending)
{
    for (unsigned status = 0; status < 1000; status++) {
        int network = status_to_q850(status);

        ok((unsigned)status_cause(status, -1) < CAUSE_LINK_LOST);
        ok(network == -1 ? status < 200 : network >= 1 && network <= 127);
    }
    for (int q850 = 0; q850 <= 127; q850++)
        ok((unsigned)status_cause(480, q850) < CAUSE_LINK_LOST);
out:;
}

UNIT_MAIN(CASE(every_answer_and_cause_is_one_ending_to_a_caller),
          CASE(nothing_that_an_answer_may_say_is_left_without_an_ending))
