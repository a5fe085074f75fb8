#include "sim/compare.h"

#include "base/mem.h"
#include "sim/replay.h"
#include "sim/tell.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 4 }; /* lines before a difference */

struct side {
    const char *root;
    bool changed, entry; /* entry: the request for the number's own document was seen */
    const struct past *past;
    const struct sim *sim;
    const char *sid;
    size_t next, n;
};

/* What of each kind of line counts. A flow that was changed is measured by what is noticed outside:
 * `inner` lines are then left out. */
static const struct {
    const char *e;
    bool inner;
    const char *keys[5];
} kinds[] = {
    {"answer", false, {NULL}},
    {"say", false, {"text", "voice", "language"}},
    {"digits", false, {"digits"}},
    {"dial", false, {"to", "from"}},
    {"leg", false, {"stage", "status"}},
    {"room", false, {"stage"}},
    {"join", false, {NULL}},
    {"part", false, {NULL}},
    {"refer", false, {"to"}},
    {"message", false, {"to", "from", "body", "media"}},
    {"request", false, {"method", "url", "params"}},
    {"callback", false, {"event", "url"}},
    {"hangup", false, {"cause", "by"}},
    {"end", false, {"status"}},
    {"recording", true, {"state"}},
    {"verb", true, {"name", "line", "depth", "attrs"}},
    {"verb_end", true, {"name", "how"}},
    {"document", true, {"url", "verbs"}},
    {"handler", true, {"url"}},
    {"file", true, {"path"}},
    {"load", true, {"url"}},
    {"warn", true, {"code"}}, /* their words hold folders, and those of the network then */
    {"error", true, {"code"}},
};

/* Parameters that are new in every call. */
static const char *const own[] = {
    "CallSid",     "RecordingSid",     "RecordingUrl",  "RecordingDuration", "RecordingStartTime",
    "Timestamp",   "CallToken",        "CallDuration",  "Duration",          "ParentCallSid",
    "DialCallSid", "DialCallDuration", "ConferenceSid", "QueueSid",          "QueueTime",
    "MessageSid",  "SmsSid",           "SmsMessageSid"};

/* The folder of the flow, where the text names it; NULL when it does not. A relative one ("." of an
 * almon.lua in the folder where `almon serve` was started) may be any word or stop of a text: it
 * counts only as the beginning of a path. */
static const char *find_root(const char *text, const char *root)
{
    size_t n = strlen(root);
    const char *at = n > 0 ? strstr(text, root) : NULL;

    while (at != NULL && *root != '/' &&
           (at[n] != '/' ||
            (at > text && (isalnum((unsigned char)at[-1]) || strchr("._-/", at[-1]) != NULL))))
        at = strstr(at + 1, root);
    return at;
}

/* Without the folder of the flow, which is another one now. */
static void add_rootless(struct str *out, const struct side *s, const char *text)
{
    const char *at;

    for (; (at = find_root(text, s->root)) != NULL; text = at + strlen(s->root))
        str_addn(out, text, (size_t)(at - text));
    str_add(out, text);
}

static void add_value(struct str *out, const struct side *s, const char *key, const json_t *v)
{
    const char *text = json_string_value(v);
    char *dump;

    if (text == NULL) {
        dump = json_dumps(v, JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_COMPACT);
        str_addf(out, " %s=%s", key, dump != NULL ? dump : "?");
        mem_free(dump);
        return;
    }
    str_addf(out, " %s=", key);
    if (strstr(text, "/cache/replies/") != NULL) {
        str_add(out, "(audio of an answer)"); /* its name is the call's */
        return;
    }
    add_rootless(out, s, text);
}

/* ErrorUrl is what failed: perhaps a file of the flow. */
static void move_error_url(json_t *params, const struct side *s)
{
    const char *url = json_string_value(json_object_get(params, "ErrorUrl"));
    struct str text = STR_INIT(1 << 14);

    if (url == NULL)
        return;
    add_rootless(&text, s, url);
    json_object_set_new(params, "ErrorUrl", json_string(str_text(&text)));
    str_free(&text);
}

static void add_params(struct str *out, const struct side *s, const json_t *params)
{
    json_t *copy = json_copy((json_t *)(uintptr_t)params);

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        json_object_del(copy, own[i]);
    move_error_url(copy, s);
    add_value(out, s, "params", copy);
    json_decref(copy);
}

/* The line in a form to compare; false when it does not count. */
static bool canonical(struct side *s, const json_t *j, struct str *out)
{
    const char *e = json_string_value(json_object_get(j, "e"));
    const json_t *v;

    str_reset(out);
    for (size_t i = 0; e != NULL && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].e, e) != 0)
            continue;
        if (s->changed && kinds[i].inner)
            return false;
        if (s->changed && strcmp(e, "request") == 0 && !s->entry) {
            s->entry = true; /* how the flow itself came is no difference of the flow */
            if (json_object_get(json_object_get(j, "params"), "Digits") == NULL)
                return false;
        }
        str_add(out, e);
        for (size_t k = 0; k < 5 && kinds[i].keys[k] != NULL; k++) {
            v = json_object_get(j, kinds[i].keys[k]);
            if (json_is_object(v) && strcmp(kinds[i].keys[k], "params") == 0)
                add_params(out, s, v);
            else if (v != NULL && !json_is_null(v))
                add_value(out, s, kinds[i].keys[k], v);
        }
        return true;
    }
    return false;
}

/* The next line that counts, its canonical form in `out` and its text (mem_free) in *text. */
static bool advance(struct side *s, struct str *out, char **text)
{
    const struct sim_line *line;
    bool counts;
    json_t *j;

    mem_free(*text);
    *text = NULL;
    while (s->next < s->n) {
        line = s->past == NULL ? sim_line_at(s->sim, s->next) : NULL;
        j = NULL;
        if (s->past != NULL)
            j = json_incref(s->past->lines[s->next].j);
        else if (strcmp(line->sid, s->sid) == 0)
            j = json_loads(line->text, 0, NULL);
        s->next++;
        counts = canonical(s, j, out);
        if (counts)
            *text = json_dumps(j, JSON_COMPACT);
        json_decref(j);
        if (counts)
            return true;
    }
    return false;
}

/* Both lines whole, in the form in which they were compared. */
static void tell_pair(struct str *out, const char *word, const char *line, const struct str *form)
{
    json_t *j = line != NULL ? json_loads(line, 0, NULL) : NULL;

    str_addf(out, "%s ", word);
    if (line == NULL)
        str_add(out, "nothing more");
    else
        str_addf(out, "at %.3f s: %s", (double)json_integer_value(json_object_get(j, "t")) / 1000,
                 str_text(form));
    str_addc(out, '\n');
    json_decref(j);
}

static void tell_context(struct str *out, const struct side *old, const char *then)
{
    size_t first = old->next > CONTEXT + 1 ? old->next - CONTEXT - 1 : 0;
    char *text;

    str_add(out, "the first difference comes after\n");
    for (size_t i = first; i + 1 < old->next || (then == NULL && i < old->next); i++) {
        text = json_dumps(old->past->lines[i].j, JSON_COMPACT);
        if (text != NULL)
            tell_line(out, text);
        mem_free(text);
    }
}

void compare_calls(const struct comparison *c, struct str *out)
{
    struct side old = {
        .root = c->old_root, .changed = c->changed, .past = c->past, .n = c->past->n_lines};
    struct side new = {.root = c->new_root,
                       .changed = c->changed,
                       .sim = c->sim,
                       .sid = c->sid,
                       .n = sim_lines(c->sim)};
    struct str a = STR_INIT(1 << 20), b = STR_INIT(1 << 20);
    char *then = NULL, *now = NULL;
    bool more_old, more_new;

    do {
        more_old = advance(&old, &a, &then);
        more_new = advance(&new, &b, &now);
        if (more_old != more_new || (more_old && strcmp(str_text(&a), str_text(&b)) != 0)) {
            tell_context(out, &old, more_old ? then : NULL);
            tell_pair(out, "then", more_old ? then : NULL, &a);
            tell_pair(out, "now ", more_new ? now : NULL, &b);
            break;
        }
    } while (more_old);
    mem_free(then);
    mem_free(now);
    str_free(&a);
    str_free(&b);
}
