/* A past message again: who wrote it writes it once more, and what its flow made of it is compared.
 * What became of its replies is told by their own journals, and changes nothing here. */
#include "base/mem.h"
#include "sim/private.h"
#include "sim/replay_private.h"
#include <string.h>

enum { TEXT_TAIL_MS = 60 * 1000 }; /* beyond the journal's end */

size_t replay_text_params(const struct past *p, const char *pairs[REPLAY_PAIRS])
{
    const json_t *params = json_object_get(p->lines[0].j, "params");
    const char *key;
    json_t *value;
    size_t n = 0;

    json_object_foreach((json_t *)(uintptr_t)params, key, value)
    {
        if (n + 2 < REPLAY_PAIRS && json_is_string(value)) {
            pairs[n++] = key;
            pairs[n++] = json_string_value(value);
        }
    }
    pairs[n] = NULL;
    return n / 2;
}

static bool is_over(void *arg)
{
    struct runtime_stats stats;

    runtime_stats(sim_runtime(arg), &stats);
    return stats.sessions == 0;
}

int replay_text(struct replay *r, struct error *err)
{
    const struct past *p = r->past;
    struct sim_inbox *inbox = sim_inbox(r->sim, p->from);
    const char *pairs[REPLAY_PAIRS], *body = past_text(p->lines, "body");
    int rc;

    if (inbox == NULL)
        return error_nomem(err);
    replay_text_params(p, pairs);
    rc = sim_text(
        inbox,
        &(struct bridge_text){.to = p->to, .body = body != NULL ? body : "", .params = pairs},
        &r->sent, err);
    if (rc != 0)
        return rc;
    sim_run(r->sim, 0, NULL, NULL);
    sim_run(r->sim, p->end + TEXT_TAIL_MS, is_over, r->sim);
    sim_settles(r->sim);
    return 0;
}
