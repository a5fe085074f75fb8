/* Journals read back: what is in them, which inputs they hold, and what a scenario of them says. */
#include "base/mem.h"
#include "sim/past.h"
#include "sim/replay.h"
#include "sim/tell.h"
#include "tests/unit/unit.h"

#include <string.h>

#define START                                                                                      \
    "{\"t\":0,\"e\":\"start\",\"v\":1,\"sid\":\"CA00000000000000000000000000000001\","             \
    "\"account\":\"AC00000000000000000000000000000001\",\"from\":\"+15550199\","                   \
    "\"to\":\"+15550100\",\"codec\":\"PCMU\",\"flow\":\"http://app.test/voice\","                  \
    "\"dtmf_events\":true,\"at\":\"2026-01-01T00:00:00.000Z\",\"params\":{}}\n"
#define GATHER "\"e\":\"verb\",\"name\":\"Gather\",\"line\":1,\"depth\":0,\"attrs\":{}}\n"
#define SAY    "\"e\":\"verb\",\"name\":\"Say\",\"line\":1,\"depth\":1,\"attrs\":{}}\n"

static int parse(struct past **p, const char *text, struct error *err)
{
    return past_parse(p, text, strlen(text), err);
}

UNIT(a_key_has_its_time_from_the_verb_that_took_it)
{
    struct past *p = NULL;
    struct error err = {0};

    ok_rc(parse(&p,
                START "{\"t\":100," GATHER "{\"t\":150,\"e\":\"verb_end\",\"name\":\"Gather\"}\n"
                      "{\"t\":1000," GATHER "{\"t\":1000," SAY
                      "{\"t\":1700,\"e\":\"digit\",\"key\":\"5\",\"ms\":90}\n",
                &err),
          &err);
    ok_int(p->n_inputs, 1);
    ok_str(p->inputs[0].verb, "Gather");
    ok_int(p->inputs[0].nth, 1);
    ok_int(p->inputs[0].offset, 700);
    ok_str(p->inputs[0].text, "5");
out:
    past_free(p);
}

UNIT(a_key_that_no_verb_took_has_its_time_in_the_call)
{
    struct past *p = NULL;
    struct error err = {0};

    ok_rc(parse(&p, START "{\"t\":100," SAY "{\"t\":700,\"e\":\"digit\",\"key\":\"5\",\"ms\":9}\n",
                &err),
          &err);
    ok_int(p->n_inputs, 1);
    ok_str(p->inputs[0].verb, NULL);
    ok_int(p->inputs[0].t, 700);
out:
    past_free(p);
}

#define CHILD "CA00000000000000000000000000000002"
#define DIAL  "\"e\":\"dial\",\"request\":1,\"sid\":\"" CHILD "\",\"to\":\"+15550101\"}\n"
#define LEG   "\"e\":\"leg\",\"request\":1,\"sid\":\"" CHILD "\",\"stage\":"

UNIT(what_became_of_the_calls_that_it_made)
{
    struct past *p = NULL, *child = NULL;
    struct error err = {0};

    ok_rc(parse(&p,
                START "{\"t\":200," DIAL "{\"t\":1200," LEG "\"ringing\"}\n{\"t\":3200," LEG
                      "\"answered\"}\n{\"t\":9200," LEG "\"ended\",\"status\":\"completed\"}\n",
                &err),
          &err);
    ok_int(p->n_children, 1);
    ok_str(p->children[0].to, "+15550101");
    ok_int(p->children[0].t, 200);
    ok_int(p->children[0].rang, 1000);
    ok_int(p->children[0].answered, 3000);
    ok_int(p->children[0].ended, 9000);
    ok_str(p->children[0].status, "completed");
    ok_rc(parse(&child,
                "{\"t\":0,\"e\":\"start\",\"v\":1,\"sid\":\"" CHILD "\",\"account\":"
                "\"AC00000000000000000000000000000001\",\"parent\":"
                "\"CA00000000000000000000000000000001\",\"from\":\"+15550199\",\"to\":"
                "\"+15550101\",\"codec\":\"PCMU\"}\n"
                "{\"t\":9000,\"e\":\"hangup\",\"cause\":\"normal\",\"by\":\"callee\"}\n",
                &err),
          &err);
    ok(child->flow == NULL && child->n_inputs == 1);
    ok_int(child->inputs[0].kind, PAST_CALLER_HANGUP);
    ok(past_adopt(p, child));
    ok(!past_adopt(p, child)); /* it has it already */
    child = NULL;
out:
    past_free(p);
    past_free(child);
}

UNIT(what_a_flow_did_is_no_input)
{
    struct past *p = NULL;
    struct error err = {0};

    ok_rc(
        parse(&p, START "{\"t\":9,\"e\":\"hangup\",\"cause\":\"normal\",\"by\":\"flow\"}\n", &err),
        &err);
    ok_int(p->n_inputs, 0);
    p = past_free(p);
    ok_rc(parse(&p, START "{\"t\":9,\"e\":\"hangup\",\"cause\":\"normal\",\"by\":\"caller\"}\n",
                &err),
          &err);
    ok_int(p->n_inputs, 1);
    ok_int(p->inputs[0].kind, PAST_CALLER_HANGUP);
out:
    past_free(p);
}

UNIT(silence_that_ended_a_recording_is_an_input)
{
    struct past *p = NULL;
    struct error err = {0};

    ok_rc(parse(&p,
                START "{\"t\":1000,\"e\":\"verb\",\"name\":\"Record\",\"line\":1,\"depth\":0,"
                      "\"attrs\":{\"timeout\":\"2\"}}\n"
                      "{\"t\":6000,\"e\":\"recording\",\"state\":\"completed\",\"seconds\":3}\n"
                      "{\"t\":6000,\"e\":\"verb_end\",\"name\":\"Record\",\"how\":\"go\"}\n",
                &err),
          &err);
    ok_int(p->n_inputs, 2);
    ok_int(p->inputs[0].kind, PAST_SPEAKS);
    ok_int(p->inputs[1].kind, PAST_QUIET);
    ok_int(p->inputs[1].offset, 3000);
out:
    past_free(p);
}

UNIT(a_line_that_a_crash_cut_off_is_left_out)
{
    struct past *p = NULL;
    struct error err = {0};

    ok_rc(parse(&p, START "{\"t\":5,\"e\":\"answer\"}\n{\"t\":7,\"e\":\"ver", &err), &err);
    ok_int(p->n_lines, 2);
out:
    past_free(p);
}

UNIT(what_is_no_journal_is_refused_with_its_line)
{
    static const char *const bad[] = {"", "hello\n", "{\"t\":0,\"e\":\"start\"}\n",
                                      START "{\"t\":-5,\"e\":\"answer\"}\n", START "[1,2]\n" START};
    struct past *p = NULL;
    struct error err = {0};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error_clear(&err);
        ok(parse(&p, bad[i], &err) != 0);
        ok(err.text[0] != '\0');
    }
    ok(strstr(err.text, "line 2") != NULL);
out:
    past_free(p);
}

UNIT(a_call_is_told_as_a_scenario)
{
    struct past *p = NULL;
    struct str told = STR_INIT(1 << 16);
    struct error err = {0};

    ok_rc(parse(&p,
                START "{\"t\":0,\"e\":\"request\",\"id\":1,\"method\":\"POST\","
                      "\"url\":\"http://app.test/voice\",\"params\":{}}\n"
                      "{\"t\":50,\"e\":\"reply\",\"id\":1,\"status\":200,\"type\":\"text/xml\","
                      "\"body\":\"<Response/>\"}\n"
                      "{\"t\":60,\"e\":\"play\",\"request\":2,\"text\":\"Say \\\"]]\\\"\\n\"}\n"
                      "{\"t\":500,\"e\":\"digit\",\"key\":\"5\",\"ms\":9}\n"
                      "{\"t\":900,\"e\":\"played\",\"request\":2,\"how\":\"ended\"}\n"
                      "{\"t\":900,\"e\":\"end\",\"status\":\"completed\"}\n",
                &err),
          &err);
    retell(p, &told);
    ok(!told.failed);
    ok(strstr(str_text(&told), "t:web(\"http://app.test/voice\", { body = \"<Response/>\", "
                               "delay = \"50ms\", })") != NULL);
    ok(strstr(str_text(&told), "caller:hears_start([=[Say \"]]\"\n]=])\n  "
                               "caller:waits(\"440ms\")\n  caller:press(\"5\")") != NULL);
    ok(strstr(str_text(&told), "caller:ends(\"completed\")") != NULL);
out:
    str_free(&told);
    past_free(p);
}

/* A value of `p` as "before key=value", the first of that key and place. */
static bool has_value(const struct past *p, size_t before, const char *key, const char *value)
{
    for (size_t i = 0; i < p->n_values; i++) {
        const struct past_value *v = &p->values[i];
        const char *text = json_string_value(v->value);

        if (v->before == before && strcmp(v->key, key) == 0 &&
            (text == NULL ? value == NULL : value != NULL && strcmp(text, value) == 0))
            return true;
    }
    return false;
}

#define KV(op, key, rest)                                                                          \
    "{\"t\":10,\"e\":\"kv\",\"op\":\"" op "\",\"folder\":\"/f\",\"key\":\"" key "\"," rest "}\n"

UNIT(what_others_kept_is_read_out_of_what_the_call_was_told)
{
    struct past *p = NULL;
    struct error err = {0};

    ok_rc(parse(&p,
                START KV("get", "a", "\"value\":\"1\"") KV("get", "none", "\"value\":null") KV(
                    "increment", "a", "\"by\":2,\"value\":\"3\"") KV("set", "b", "\"value\":\"x\"")
                    KV("get", "b", "\"value\":\"y\"") KV("delete", "a", "\"found\":false")
                        KV("increment", "n", "\"by\":1,\"value\":\"8\"")
                            KV("list", "r/", "\"after\":\"\",\"pairs\":[[\"r/1\",\"z\"]]")
                                KV("get", "r/2", "\"value\":\"q\""),
                &err),
          &err);
    ok_int(p->n_values, 6);
    ok(has_value(p, 0, "a", "1"));   /* it was there from the beginning */
    ok(has_value(p, 4, "b", "y"));   /* somebody set it between set and get */
    ok(has_value(p, 5, "a", NULL));  /* and deleted this */
    ok(has_value(p, 0, "n", "7"));   /* before one was added */
    ok(has_value(p, 0, "r/1", "z")); /* the list shows it … */
    ok(has_value(p, 8, "r/2", "q")); /* … and that this came later */
out:
    past_free(p);
}

/* Of an error the end counts most; elsewhere a long text is cut, between two characters. */
UNIT(what_went_wrong_is_told_whole)
{
    struct str out = STR_INIT(1 << 16);
    char path[101], line[600];

    memset(path, 'p', 100);
    path[100] = '\0';
    snprintf(line, sizeof line, "{\"t\":1,\"e\":\"error\",\"text\":\"%s: why\"}", path);
    tell_line(&out, line);
    ok(out.failed || strstr(str_text(&out), "ppp: why\"") != NULL);
    str_reset(&out);
    snprintf(line, sizeof line, "{\"t\":1,\"e\":\"say\",\"text\":\"%.69s\xc3\xa4 more\"}", path);
    tell_line(&out, line);
    ok(out.failed || strstr(str_text(&out), "ppp…\"") != NULL);
out:
    str_free(&out);
}

UNIT_MAIN(CASE(what_others_kept_is_read_out_of_what_the_call_was_told),
          CASE(a_key_has_its_time_from_the_verb_that_took_it),
          CASE(a_key_that_no_verb_took_has_its_time_in_the_call), CASE(what_a_flow_did_is_no_input),
          CASE(what_became_of_the_calls_that_it_made),
          CASE(silence_that_ended_a_recording_is_an_input),
          CASE(a_line_that_a_crash_cut_off_is_left_out),
          CASE(what_is_no_journal_is_refused_with_its_line), CASE(a_call_is_told_as_a_scenario),
          CASE(what_went_wrong_is_told_whole))
