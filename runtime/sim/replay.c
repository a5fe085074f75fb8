/* A past call runs again: those who took part do what they did, when they did it. */
#include "base/log.h"
#include "base/mem.h"
#include "sim/compare.h"
#include "sim/private.h"
#include "sim/replay_private.h"
#include <string.h>

enum { TAIL_MS = 60 * 1000 }; /* beyond the journal's end: then somebody hangs up */

/* --- the store, as the call found it --- */

/* What was in it before the next operation of the call, or was changed by others until then. */
static void give_values(struct replay *r)
{
    char root[REPLAY_PATH];

    replay_root(r->past, root, sizeof root);
    for (size_t i = 0; i < r->past->n_values; i++) {
        const struct past_value *v = &r->past->values[i];
        struct error err = {0};

        if (v->before == r->kv_ops &&
            sim_keep(r->sim, *root != '\0' && strcmp(v->folder, root) == 0 ? r->root : v->folder,
                     v->key, json_string_value(v->value), json_string_length(v->value), &err) != 0)
            log_warn("replay", NULL, "%s: %s", v->key, err.text);
    }
}

/* --- running --- */

struct party *replay_party(struct replay *r, const char *sid)
{
    for (size_t i = 0; i < r->n_parties; i++)
        if (r->parties[i].caller != NULL && strcmp(sim_caller_sid(r->parties[i].caller), sid) == 0)
            return &r->parties[i];
    return NULL;
}

/* Of the call or message itself, not of those that it made. */
static bool is_own(struct replay *r, const char *sid)
{
    if (r->past->message)
        return r->sent != NULL && strcmp(r->sent->sid, sid) == 0;
    return replay_party(r, sid) == r->parties;
}

static void on_line(const struct sim_line *line, void *arg)
{
    struct replay *r = arg;
    struct party *p;
    const char *name;
    json_t *j;

    if (strstr(line->text, ",\"e\":\"start\",") != NULL)
        r->news = true;
    if (strstr(line->text, ",\"e\":\"kv\",") != NULL && is_own(r, line->sid)) {
        r->kv_ops++;
        give_values(r);
    }
    if (strstr(line->text, ",\"e\":\"verb\",") == NULL)
        return;
    j = json_loads(line->text, 0, NULL);
    name = json_string_value(json_object_get(j, "name"));
    p = replay_party(r, line->sid);
    if (p != NULL && name != NULL)
        party_verb(p, name);
    r->news = true;
    json_decref(j);
}

static bool all_over(const struct replay *r)
{
    for (size_t i = 0; i < r->n_parties; i++)
        if (!party_is_over(&r->parties[i]))
            return false;
    return true;
}

static bool stop_running(void *arg)
{
    struct replay *r = arg;

    return r->news || all_over(r);
}

/* Who does something next. */
static struct party *next_party(struct replay *r, int64_t *when, size_t *input)
{
    struct party *best = NULL;
    int64_t at;
    size_t i = 0;

    *when = INT64_MAX;
    for (size_t k = 0; k < r->n_parties; k++) {
        party_look(&r->parties[k]);
        at = party_due(&r->parties[k], &i);
        if (at < *when) {
            *when = at;
            *input = i;
            best = &r->parties[k];
        }
    }
    return best;
}

static int64_t last_moment(const struct past *p)
{
    int64_t last = p->end, end;

    for (size_t i = 0; i < p->n_children; i++) {
        end = p->children[i].past != NULL ? p->children[i].t + p->children[i].past->end : 0;
        last = end > last ? end : last;
    }
    return last + TAIL_MS;
}

static void live_it(struct replay *r)
{
    int64_t when, last = last_moment(r->past), now;
    struct party *p;
    size_t input = 0;

    sim_run(r->sim, 0, NULL, NULL);
    while (!all_over(r) && (now = sim_now(r->sim)) < last) {
        p = next_party(r, &when, &input);
        if (p != NULL && when <= now) {
            party_give(p, input);
            continue;
        }
        r->news = false;
        sim_run(r->sim, (when < last ? when : last) - now, stop_running, r);
        sim_run(r->sim, 0, NULL, NULL); /* a call that began has come to the callee */
    }
    for (size_t i = 0; i < r->n_parties; i++)
        if (r->parties[i].caller != NULL)
            sim_caller_hangup(r->parties[i].caller);
    sim_settles(r->sim);
}

/* Those who were called are there again, and do what they did. */
static int place_callee(struct replay *r, size_t i, struct error *err)
{
    const struct past_child *all = r->past->children, *child = &all[i];
    struct party *p = &r->parties[i + 1];
    struct sim_manner m;
    int rc = party_init(p, r->sim, child->past, err);

    party_manner(child, &m);
    for (size_t k = 0; k < i; k++)
        if (strcmp(all[k].to, child->to) == 0) {
            p->callee = r->parties[k + 1].callee;
            p->nth++;
        }
    if (rc == 0)
        rc = p->callee != NULL ? sim_callee_then(p->callee, &m, err)
                               : sim_add_callee(r->sim, &m, &p->callee, err);
    return rc;
}

static int place_call(struct replay *r, struct error *err)
{
    const struct past *p = r->past;
    const json_t *params = json_object_get(p->lines[0].j, "params");
    const char *pairs[101] = {0}, *key;
    int codec = codec_find(p->codec), rc;
    struct offer o = {.from = p->from,
                      .to = p->to,
                      .forwarded_from = past_text(p->lines, "forwarded_from"),
                      .caller_name = past_text(p->lines, "caller_name"),
                      .call_token = past_text(p->lines, "call_token"),
                      .params = pairs,
                      .codec = codec >= 0 ? (enum codec)codec : CODEC_PCMU,
                      .dtmf_events = true}; /* the journal has keys, however they came */
    json_t *value;
    size_t n = 0;

    json_object_foreach((json_t *)(uintptr_t)params, key,
                        value) if (n < 100 && json_is_string(value))
    {
        pairs[n++] = key;
        pairs[n++] = json_string_value(value);
    }
    rc = party_init(&r->parties[0], r->sim, p, err);
    for (size_t i = 0; rc == 0 && i < p->n_children; i++)
        rc = place_callee(r, i, err);
    for (size_t i = 0; r->o->flow == NULL && i < r->n_parties; i++) {
        r->parties[i].old_root = *r->old_root != '\0' ? r->old_root : NULL;
        r->parties[i].new_root = r->root;
    }
    if (rc == 0)
        rc = sim_call(r->sim, &o, &r->parties[0].caller, err);
    if (rc == 0)
        live_it(r);
    return rc;
}

static void compare_all(struct replay *r, struct str *out)
{
    struct comparison c = {.sim = r->sim, .new_root = r->root, .changed = r->o->flow != NULL};
    char root[REPLAY_PATH];

    replay_root(r->past, root, sizeof root);
    c.old_root = root;
    if (r->sent != NULL) {
        c.past = r->past;
        c.sid = r->sent->sid;
        compare_calls(&c, out);
    }
    for (size_t i = 0; i < r->n_parties && out->len == 0; i++) {
        if (r->parties[i].past == NULL || r->parties[i].caller == NULL)
            continue; /* that nobody was called is a difference in the caller's own call */
        c.past = r->parties[i].past;
        c.sid = sim_caller_sid(r->parties[i].caller);
        compare_calls(&c, out);
    }
}

static int run(struct replay *r, struct str *out, struct error *err)
{
    struct str config = STR_INIT(1 << 16);
    struct sim_options o = {.path = "/almon.lua",
                            .folder = r->o->folder,
                            .speech = r->o->speech,
                            .account = r->past->account,
                            .seed = 1,
                            .call_seed = (uint64_t)r->past->seed,
                            .wall = r->past->wall,
                            .verbs = r->o->verbs,
                            .handlers = r->o->handlers};
    int rc = replay_flow(r, err);

    replay_root(r->past, r->old_root, sizeof r->old_root);
    replay_config(r, &config);
    o.config = str_text(&config);
    if (rc == 0)
        rc = sim_new(&r->sim, &o, err);
    if (rc == 0) {
        sim_watch(r->sim, on_line, r);
        replay_then(r);
        give_values(r);
        rc = replay_web(r, err);
    }
    if (rc == 0)
        rc = r->past->message ? replay_text(r, err) : place_call(r, err);
    if (rc == 0)
        compare_all(r, out);
    str_free(&config);
    return rc;
}

int replay_run(const struct past *past, const struct replay_options *o, struct str *out,
               struct error *err)
{
    struct replay *r;
    int rc;

    if (past->flow == NULL)
        return error_set(err, ERR_INVALID, "%s was made by %s: replay that call", past->sid,
                         past->parent);
    r = mem_alloc(sizeof *r);
    if (r == NULL)
        return error_nomem(err);
    r->past = past;
    r->o = o;
    r->n_parties = 1 + past->n_children;
    r->parties = mem_alloc(r->n_parties * sizeof *r->parties);
    rc = r->parties == NULL ? error_nomem(err) : run(r, out, err);
    sim_free(r->sim);
    for (size_t i = 0; r->parties != NULL && i < r->n_parties; i++)
        party_free(&r->parties[i]);
    mem_free(r->parties);
    mem_free(r);
    return rc;
}
