/* A past call as a scenario: yesterday's call is tomorrow's regression test. */
#include "base/config.h"
#include "base/mem.h"
#include "sim/literal.h"
#include "sim/party.h"
#include "sim/past.h"
#include "sim/replay_private.h"
#include <stdio.h>
#include <string.h>

struct prompt {
    const char *text;
    int64_t began, request;
    bool told; /* hears_start was written */
};

struct telling {
    const struct past *past;
    struct str *out;
    char root[4096];
    int64_t now; /* where the scenario stands */
    struct prompt prompt;
    size_t kv_ops; /* of the call on the store, so far */
};

static void add_field(struct str *out, const struct past_line *l, const char *key)
{
    literal_bytes(out, past_text(l, key), json_string_length(json_object_get(l->j, key)));
}

/* --- what was there before the call --- */

static bool seen_before(const struct past *p, size_t i, const char *e, const char *key)
{
    const char *text = past_text(&p->lines[i], key), *other;

    for (size_t k = 0; k < i; k++) {
        other = strcmp(p->lines[k].e, e) == 0 ? past_text(&p->lines[k], key) : NULL;
        if (other != NULL && strcmp(other, text) == 0)
            return true;
    }
    return false;
}

static void tell_files(struct telling *t, const struct past *p)
{
    for (size_t i = 0; i < p->n_lines; i++) {
        const struct past_line *l = &p->lines[i];

        if (strcmp(l->e, "file") != 0 || past_text(l, "path") == NULL ||
            past_text(l, "body") == NULL || seen_before(p, i, "file", "path"))
            continue;
        str_add(t->out, "  t:file(");
        literal_text(t->out, replay_below(t->root, past_text(l, "path")));
        str_add(t->out, ", ");
        add_field(t->out, l, "body");
        str_add(t->out, ")\n");
    }
}

/* How long the URL is that an answer is written down for: the query of a GET is its form. */
static size_t url_bytes(const struct past *p, size_t answer, const char *url)
{
    int64_t id = past_number(&p->lines[answer], "id");
    const char *method = NULL;

    for (size_t i = 0; i < answer; i++)
        if (strcmp(p->lines[i].e, "request") == 0 && past_number(&p->lines[i], "id") == id)
            method = past_text(&p->lines[i], "method");
    return strcspn(url, method != NULL && strcmp(method, "GET") == 0 ? "#?" : "#");
}

static void tell_answer(struct telling *t, const struct past *p, size_t i)
{
    const struct past_line *l = &p->lines[i];
    struct sim_answer a;

    if (!replay_answer(p, i, &a))
        return;
    str_add(t->out, "  t:web(");
    literal_bytes(t->out, a.url, url_bytes(p, i, a.url));
    str_add(t->out, ", { ");
    if (a.failure != HTTP_DONE)
        str_addf(t->out, "error = \"%s\", ", sim_failure_name(a.failure));
    if (a.body != NULL) {
        str_add(t->out, "body = ");
        add_field(t->out, l, "body");
        str_add(t->out, ", ");
    }
    if (a.type != NULL && strcmp(a.type, "text/xml") != 0) {
        str_add(t->out, "type = ");
        literal_text(t->out, a.type);
        str_add(t->out, ", ");
    }
    if (a.status != 0 && a.status != 200)
        str_addf(t->out, "status = %d, ", a.status);
    if (a.delay_ms > 0)
        str_addf(t->out, "delay = \"%dms\", ", a.delay_ms);
    str_add(t->out, "})\n");
}

static void tell_folder(struct telling *t, const char *name)
{
    str_add(t->out, "t:folder(");
    literal_text(t->out, name);
    str_addc(t->out, ')');
}

static void tell_flow(struct telling *t)
{
    const char *flow = t->past->flow, *slash = strrchr(flow, '/');

    if (strncmp(flow, "http", 4) == 0)
        literal_text(t->out, flow);
    else
        tell_folder(t, slash != NULL ? slash + 1 : flow);
}

static void tell_fallback(struct telling *t)
{
    bool is_file;
    const char *fallback = replay_fallback(t->past, &is_file);

    if (replay_gets(t->past))
        str_addf(t->out, ", %s_method = \"GET\"", replay_door(t->past));
    if (fallback == NULL)
        return;
    str_addf(t->out, ", %s_fallback = ", replay_door(t->past));
    if (is_file)
        tell_folder(t, replay_below(t->root, fallback));
    else
        literal_text(t->out, fallback);
}

/* What was in the store before the next operation of the call, or was changed until then. */
static void tell_values(struct telling *t)
{
    for (size_t i = 0; i < t->past->n_values; i++) {
        const struct past_value *v = &t->past->values[i];

        if (v->before != t->kv_ops)
            continue;
        str_add(t->out, "  t:kv(");
        tell_flow(t);
        str_add(t->out, ", ");
        literal_text(t->out, v->key);
        str_add(t->out, ", ");
        literal_kept(t->out, v->value);
        str_add(t->out, ")\n");
    }
}

static void tell_number(struct telling *t)
{
    const struct past *p = t->past;
    struct str number = STR_INIT(1 << 14), beside = STR_INIT(1 << 14);

    config_settings_text(p->settings, &number, &beside);
    if (beside.len > 0) {
        str_add(t->out, "  t:config(");
        literal_text(t->out, beside.data);
        str_add(t->out, ")\n");
    }
    if (p->wall != 0 && p->seed != 0)
        str_addf(t->out, "  t:begins{ wall = %lld, seed = %lld }\n", (long long)p->wall,
                 (long long)p->seed);
    str_add(t->out, "  t:number(");
    literal_text(t->out, p->to);
    str_addf(t->out, ", { %s = ", replay_door(t->past));
    tell_flow(t);
    tell_fallback(t);
    str_add(t->out, str_text(&number));
    str_add(t->out, " })\n");
    str_free(&number);
    str_free(&beside);
    tell_values(t);
}

static void tell_call(struct telling *t)
{
    static const char *const said[] = {"forwarded_from", "caller_name", "call_token"};
    const struct past *p = t->past;
    const json_t *params = json_object_get(p->lines[0].j, "params");
    const char *name;
    json_t *value;

    str_add(t->out, "  local caller = t:call(");
    literal_text(t->out, p->to);
    str_add(t->out, ", { from = ");
    literal_text(t->out, p->from);
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (past_text(&p->lines[0], said[i]) != NULL) {
            str_addf(t->out, ", %s = ", said[i]);
            literal_text(t->out, past_text(&p->lines[0], said[i]));
        }
    str_add(t->out, json_object_size(params) > 0 ? ", params = { " : "");
    json_object_foreach((json_t *)(uintptr_t)params, name, value)
    {
        str_add(t->out, "[");
        literal_text(t->out, name);
        str_add(t->out, "] = ");
        literal_text(t->out, json_string_value(value) != NULL ? json_string_value(value) : "");
        str_add(t->out, ", ");
    }
    str_add(t->out, json_object_size(params) > 0 ? "} })\n" : " })\n");
}

/* --- the call --- */

static void tell_wait(struct telling *t, int64_t until)
{
    if (until > t->now)
        str_addf(t->out, "  caller:waits(\"%lldms\")\n", (long long)(until - t->now));
    t->now = until;
}

/* Something is done while a prompt may sound. */
static void tell_until(struct telling *t, int64_t until)
{
    if (t->prompt.text != NULL && !t->prompt.told) {
        str_add(t->out, "  caller:hears_start(");
        literal_text(t->out, t->prompt.text);
        str_add(t->out, ")\n");
        t->prompt.told = true;
        t->now = t->prompt.began;
    }
    tell_wait(t, until);
}

static void tell_prompt(struct telling *t, const struct past_line *l)
{
    if (t->prompt.text == NULL || past_number(l, "request") != t->prompt.request)
        return;
    str_add(t->out, "  caller:hears(");
    literal_text(t->out, t->prompt.text);
    str_add(t->out, ")\n");
    if (l->t > t->now)
        t->now = l->t;
    t->prompt = (struct prompt){0};
}

/* Keys of the same instant, in one word. */
static void tell_keys(struct telling *t, const struct past *p, size_t i, int64_t at,
                      const char *who)
{
    const struct past_line *l = &p->lines[i];
    const char *key;

    if (i > 0 && strcmp(p->lines[i - 1].e, "digit") == 0 && p->lines[i - 1].t == l->t)
        return; /* told with the first of them */
    tell_until(t, at);
    str_addf(t->out, "  %s:press(\"", who);
    for (; i < p->n_lines && strcmp(p->lines[i].e, "digit") == 0 && p->lines[i].t == l->t; i++) {
        key = past_text(&p->lines[i], "key");
        str_add(t->out, key != NULL && strlen(key) == 1 && key[0] > ' ' ? key : "");
    }
    str_add(t->out, "\")\n");
}

static void tell_request(struct telling *t, const struct past_line *l)
{
    const char *digits =
        json_string_value(json_object_get(json_object_get(l->j, "params"), "Digits"));
    const char *url = past_text(l, "url");

    if (digits == NULL || url == NULL)
        return;
    str_add(t->out, "  t:expect_request(");
    literal_bytes(t->out, url, strcspn(url, "#"));
    str_add(t->out, ", { Digits = ");
    literal_text(t->out, digits);
    str_add(t->out, " })\n");
}

static void tell_hangup(struct telling *t, const struct past_line *l)
{
    const char *by = past_text(l, "by");

    if (by == NULL)
        return;
    if (strcmp(by, "caller") == 0 || strcmp(by, "link") == 0) {
        tell_until(t, l->t);
        str_add(t->out, "  caller:hangs_up()\n");
    } else if (strcmp(by, "operator") == 0) {
        tell_until(t, l->t);
        str_add(t->out, "  t:hangup(caller)\n");
    }
}

/* What he said into a Record: as a sound, until silence or something else ended it. */
static void tell_speech(struct telling *t, const struct past_line *l)
{
    const struct past *p = t->past;
    const struct past_line *end = l;
    int64_t ms;

    for (size_t i = 0; i < p->n_inputs; i++) {
        if (p->inputs[i].kind != PAST_SPEAKS || p->inputs[i].t != l->t)
            continue;
        while (end < p->lines + p->n_lines - 1 && strcmp(end->e, "verb_end") != 0)
            end++;
        ms = i + 1 < p->n_inputs && p->inputs[i + 1].kind == PAST_QUIET ? p->inputs[i + 1].offset
                                                                        : end->t - l->t - FRAME_MS;
        tell_wait(t, l->t);
        if (ms > 0)
            str_addf(t->out, "  caller:speaks(\"%lldms\")\n", (long long)ms);
        t->now += ms > 0 ? ms : 0;
        return;
    }
}

static void tell_kv(struct telling *t, const struct past_line *l)
{
    t->kv_ops++;
    for (size_t i = 0; i < t->past->n_values; i++)
        if (t->past->values[i].before == t->kv_ops) {
            tell_until(t, l->t);
            tell_values(t);
            return;
        }
}

/* Transfers, whoever asks for them. */
static bool tell_refer(struct telling *t, const struct past_line *l, int64_t at, const char *who)
{
    bool asked = strcmp(l->e, "refer") == 0, asks = strcmp(l->e, "referred") == 0;

    if ((asked || asks) && past_text(l, "to") != NULL) {
        tell_until(t, at);
        str_addf(t->out, "  %s:%s(", who, asked ? "is_referred" : "refers");
        literal_text(t->out, past_text(l, "to"));
        str_add(t->out, ")\n");
        return true;
    }
    if (strcmp(l->e, "refer_status") != 0)
        return false;
    tell_until(t, at);
    str_addf(t->out, "  %s:refer_status(%lld, %lld)\n", who, (long long)past_number(l, "response"),
             (long long)past_number(l, "notify"));
    return true;
}

static void tell_line_of_call(struct telling *t, size_t i)
{
    const struct past_line *l = &t->past->lines[i];
    const char *text = past_text(l, "text");

    if (tell_refer(t, l, l->t, "caller"))
        return;
    if (strcmp(l->e, "play") == 0 && text != NULL && *text != '\0')
        t->prompt =
            (struct prompt){.text = text, .began = l->t, .request = past_number(l, "request")};
    else if (strcmp(l->e, "played") == 0)
        tell_prompt(t, l);
    else if (strcmp(l->e, "verb") == 0)
        tell_speech(t, l);
    else if (strcmp(l->e, "digit") == 0)
        tell_keys(t, t->past, i, l->t, "caller");
    else if (strcmp(l->e, "request") == 0)
        tell_request(t, l);
    else if (strcmp(l->e, "hangup") == 0)
        tell_hangup(t, l);
    else if (strcmp(l->e, "kv") == 0)
        tell_kv(t, l);
}

/* --- a message --- */

static void tell_text(struct telling *t)
{
    const struct past *p = t->past;
    const char *pairs[REPLAY_PAIRS], *body = past_text(p->lines, "body");
    size_t n = replay_text_params(p, pairs);

    str_add(t->out, "  local writer = t:text(");
    literal_text(t->out, p->to);
    str_add(t->out, ", { from = ");
    literal_text(t->out, p->from);
    str_add(t->out, ", body = ");
    literal_text(t->out, body != NULL ? body : "");
    str_add(t->out, n > 0 ? ", params = { " : "");
    for (size_t i = 0; i < n; i++) {
        str_addf(t->out, "[");
        literal_text(t->out, pairs[2 * i]);
        str_add(t->out, "] = ");
        literal_text(t->out, pairs[2 * i + 1]);
        str_add(t->out, ", ");
    }
    str_add(t->out, n > 0 ? "} })\n" : " })\n");
}

/* Each text that it sent is read by whoever got it. */
static void tell_line_of_message(struct telling *t, size_t i)
{
    const struct past_line *l = &t->past->lines[i];
    const char *to = past_text(l, "to"), *body = past_text(l, "body");

    if (strcmp(l->e, "kv") == 0) {
        t->kv_ops++;
        tell_values(t);
    }
    if (strcmp(l->e, "message") != 0 || to == NULL || body == NULL)
        return;
    str_add(t->out, "  ");
    if (strcmp(to, t->past->from) == 0) {
        str_add(t->out, "writer");
    } else {
        str_add(t->out, "t:callee(");
        literal_text(t->out, to);
        str_addc(t->out, ')');
    }
    str_add(t->out, ":reads(");
    literal_text(t->out, body);
    str_add(t->out, ")\n");
}

static void tell_message(struct telling *t)
{
    tell_text(t);
    for (size_t i = 0; i < t->past->n_lines; i++)
        tell_line_of_message(t, i);
    str_add(t->out, "  writer:reads_nothing(\"1s\")\n  t:settles()\nend)\n");
}

/* --- those whom it called --- */

/* Which telephone of the scenario that is, 1 the first. */
static size_t callee_number(const struct past *p, const struct past_child *child)
{
    size_t n = 1;

    for (const struct past_child *c = p->children; strcmp(c->to, child->to) != 0; c++) {
        const struct past_child *same = p->children;

        while (strcmp(same->to, c->to) != 0)
            same++;
        n += same == c; /* the first call to another address */
    }
    return n;
}

static void tell_time(struct str *out, const char *name, int ms, bool otherwise)
{
    if (ms >= 0)
        str_addf(out, "%s = \"%dms\", ", name, ms);
    else if (otherwise)
        str_addf(out, "%s = false, ", name);
}

static void tell_manner(struct str *out, const struct past_child *child)
{
    struct sim_manner m;

    party_manner(child, &m);
    str_add(out, "{ ");
    tell_time(out, "rings", m.rings_ms, true);
    tell_time(out, "answers", m.answers_ms, false);
    if (m.refuses_ms >= 0)
        str_addf(out, "fails = \"%s\", ", cause_name(m.cause));
    tell_time(out, "after", m.refuses_ms, false);
    str_add(out, "}, ");
}

static void tell_callees(struct telling *t)
{
    const struct past *p = t->past;
    size_t known = 0;

    for (size_t i = 0; i < p->n_children; i++) {
        if (callee_number(p, &p->children[i]) <= known)
            continue;
        str_addf(t->out, "  local callee%zu = t:callee(", ++known);
        literal_text(t->out, p->children[i].to);
        str_add(t->out, ", { ");
        for (size_t k = i; k < p->n_children; k++)
            if (strcmp(p->children[k].to, p->children[i].to) == 0)
                tell_manner(t->out, &p->children[k]);
        str_add(t->out, "})\n");
    }
}

static void tell_line_of_child(struct telling *t, const struct past_moment *m)
{
    const struct past_line *l = &m->past->lines[m->line];
    const char *by = past_text(l, "by");
    char who[40];

    snprintf(who, sizeof who, "callee%zu", callee_number(t->past, m->child));
    if (tell_refer(t, l, m->t, who))
        return;
    if (strcmp(l->e, "digit") == 0) {
        tell_keys(t, m->past, m->line, m->t, who);
    } else if (strcmp(l->e, "start") == 0) {
        str_addf(t->out, "  %s:rings()\n", who);
        t->now = m->t > t->now ? m->t : t->now;
    } else if (strcmp(l->e, "hangup") == 0 && by != NULL && strcmp(by, "operator") == 0) {
        tell_until(t, m->t);
        str_addf(t->out, "  t:hangup(%s)\n", who);
    } else if (strcmp(l->e, "hangup") == 0 && by != NULL && strcmp(by, "callee") == 0 &&
               m->child->answered >= 0) {
        tell_until(t, m->t);
        str_addf(t->out, "  %s:hangs_up()\n", who);
    }
}

/* --- the whole --- */

static void tell_what_was(struct telling *t, const struct past_moment *all, size_t n)
{
    tell_files(t, t->past);
    for (size_t i = 0; i < t->past->n_children; i++)
        if (t->past->children[i].past != NULL)
            tell_files(t, t->past->children[i].past);
    for (size_t i = 0; i < n; i++)
        tell_answer(t, all[i].past, all[i].line);
    tell_number(t);
    tell_callees(t);
}

void retell(const struct past *past, struct str *out)
{
    struct telling t = {.past = past, .out = out};
    const struct past_line *last = &past->lines[past->n_lines - 1];
    const char *what = past->message ? "message" : "call";
    struct past_moment *all;
    size_t n = 0;

    if (past->flow == NULL) {
        str_addf(out, "-- %s was made by %s: that is the call to make a test of.\n", past->sid,
                 past->parent);
        return;
    }
    all = past_moments(past, &n);
    if (all == NULL) {
        out->failed = true;
        return;
    }
    replay_root(past, t.root, sizeof t.root);
    str_addf(out,
             "-- Made from the journal of a %s by `almon replay --as-test`.\n"
             "scenario(\"%s %.10s of %.19s\", function(t)\n",
             what, what, past->sid, past->at != NULL ? past->at : "an unknown day");
    tell_what_was(&t, all, n);
    if (past->message) {
        tell_message(&t);
        mem_free(all);
        return;
    }
    tell_call(&t);
    for (size_t i = 0; i < n; i++)
        if (all[i].child == NULL)
            tell_line_of_call(&t, all[i].line);
        else
            tell_line_of_child(&t, &all[i]);
    if (strcmp(last->e, "end") == 0 && past_text(last, "status") != NULL) {
        str_add(out, "  caller:ends(");
        literal_text(out, past_text(last, "status"));
        str_add(out, ")\n");
    }
    str_add(out, "end)\n");
    mem_free(all);
}
