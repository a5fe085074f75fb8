/* Coverage: what no call reached is named with its line. */
#include "sim/cover.h"
#include "tests/unit/unit.h"
#include "verbs/verbs.h"

#include <stdio.h>
#include <string.h>

static void write_file(const char *name, const char *text)
{
    char path[400];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
    f = fopen(path, "w");
    if (f == NULL)
        return;
    fputs(text, f);
    fclose(f);
}

static void line(struct cover *c, const char *text)
{
    char sid[] = "CA1";
    char copy[1000];

    snprintf(copy, sizeof copy, "%s", text);
    cover_line(c, &(struct sim_line){.sid = sid, .text = copy});
}

/* A call that comes into menu.xml and is asked for a key. */
static void begin(struct cover *c)
{
    char text[600];

    snprintf(text, sizeof text, "{\"t\":0,\"e\":\"document\",\"url\":\"%s/menu.xml\"}",
             unit_folder());
    line(c, text);
    line(c, "{\"t\":0,\"e\":\"verb\",\"name\":\"Gather\",\"line\":2}");
}

static void write_menu(void)
{
    write_file("menu.xml", "<Response>\n<Gather numDigits=\"1\" action=\"menu-{Digits}.xml\"/>\n"
                           "<Say>Sorry {{ Name or '<you>' }}</Say>\n</Response>");
    write_file("menu-1.xml", "<Response/>");
    write_file("menu-2.xml", "<Response/>");
}

UNIT(branches_that_nobody_took_are_named)
{
    struct cover *c = cover_new("/nowhere");
    struct str out = STR_INIT(1 << 16);

    ok(c != NULL);
    write_menu();
    begin(c);
    line(c, "{\"t\":9,\"e\":\"digit\",\"key\":\"1\",\"ms\":0}");
    line(c, "{\"t\":9,\"e\":\"verb_end\",\"name\":\"Gather\",\"how\":\"go\"}");
    line(c, "{\"t\":9,\"e\":\"end\"}");
    cover_report(cover_facts(c), &verb_schemas, "", &out);
    ok(!out.failed);
    ok(strstr(str_text(&out), "line 2: <Gather> was never answered with 2\n") != NULL);
    ok(strstr(str_text(&out), "answered with 1\n") == NULL);
    ok(strstr(str_text(&out), "line 2: <Gather> never met a caller who pressed nothing") != NULL);
    ok(strstr(str_text(&out), "line 2: <Gather> never met a caller who hung up") != NULL);
    ok(strstr(str_text(&out), "leads nowhere (invalid input)") != NULL);
    ok(strstr(str_text(&out), "line 3: <Say> was never reached") != NULL);
out:
    str_free(&out);
    cover_free(c);
}

UNIT(answers_to_messages_count_by_their_verbs)
{
    struct cover *c = cover_new("/nowhere");
    struct str out = STR_INIT(1 << 16);
    char text[600];

    ok(c != NULL);
    write_file("sms.xml",
               "<Response>\n<Message>One</Message>\n<Message>Two</Message>\n</Response>");
    snprintf(text, sizeof text, "{\"t\":0,\"e\":\"document\",\"url\":\"%s/sms.xml\"}",
             unit_folder());
    line(c, text);
    line(c, "{\"t\":0,\"e\":\"verb\",\"name\":\"Message\",\"line\":2}");
    line(c, "{\"t\":0,\"e\":\"verb_end\",\"name\":\"Message\",\"how\":\"done\"}");
    cover_report(cover_facts(c), &verb_schemas, "", &out);
    ok(strstr(str_text(&out), "sms.xml: 1 of 2\n") != NULL);
    ok(strstr(str_text(&out), "line 3: <Message> was never reached") != NULL);
    ok(strstr(str_text(&out), "line 2: <Message>") == NULL);
out:
    str_free(&out);
    cover_free(c);
}

UNIT(files_that_no_call_came_to_are_wholly_uncovered)
{
    struct cover *c = cover_new("/nowhere");
    struct str out = STR_INIT(1 << 16);
    char line_of[600];

    ok(c != NULL);
    write_menu();
    write_file("never.xml", "<Response><Say>One</Say><Hangup/></Response>");
    write_file("never.lua", "return function(call)\n  call:say('x')\nend\n");
    write_file("note.xml", "<note/>");
    write_file("menu_test.lua", "local x = 1\nprint(x)\n");
    begin(c);
    cover_report(cover_facts(c), &verb_schemas, "", &out);
    snprintf(line_of, sizeof line_of, "%s/never.xml: 0 of 2, it was never read\n", unit_folder());
    ok(strstr(str_text(&out), line_of) != NULL);
    ok(strstr(str_text(&out), "never.lua: 0 of 2, it was never read\n") != NULL);
    ok(strstr(str_text(&out), "note.xml") == NULL && strstr(str_text(&out), "_test") == NULL);
    ok(strstr(str_text(&out), "menu.xml: 1 of") != NULL);
out:
    str_free(&out);
    cover_free(c);
}

UNIT(calls_of_several_scenarios_add_up)
{
    struct cover *one = cover_new("/nowhere"), *two = cover_new("/nowhere");
    json_t *all = json_object();
    struct str out = STR_INIT(1 << 16);

    ok(one != NULL && two != NULL && all != NULL);
    write_menu();
    begin(one);
    line(one, "{\"t\":9,\"e\":\"verb_end\",\"name\":\"Gather\",\"how\":\"done\"}");
    line(one, "{\"t\":9,\"e\":\"verb\",\"name\":\"Say\",\"line\":3}");
    begin(two);
    line(two, "{\"t\":9,\"e\":\"verb_end\",\"name\":\"Gather\",\"how\":\"hangup\"}");
    cover_merge(all, cover_facts(one));
    cover_merge(all, cover_facts(two));
    cover_report(all, &verb_schemas, "", &out);
    ok(!out.failed);
    ok(strstr(str_text(&out), "pressed nothing") == NULL);
    ok(strstr(str_text(&out), "hung up") == NULL);
    ok(strstr(str_text(&out), "<Say>") == NULL);
    ok(strstr(str_text(&out), "answered with 1") != NULL);
out:
    json_decref(all);
    str_free(&out);
    cover_free(one);
    cover_free(two);
}

UNIT(lines_of_functions_that_never_came_to_be_count)
{
    static bool lines[20];
    char path[400];

    write_file("flow.lua", "-- a remark\n"
                           "local function outer()\n"
                           "  local function inner()\n"
                           "    return 1\n"
                           "  end\n"
                           "  return inner()\n"
                           "end\n"
                           "\n"
                           "return outer\n");
    snprintf(path, sizeof path, "%s/flow.lua", unit_folder());
    ok(cover_lua_lines(path, lines, 19));
    ok(!lines[1] && lines[4] && lines[6] && !lines[8] && lines[9]);
    write_file("flow.lua", "this is not Lua");
    ok(!cover_lua_lines(path, lines, 19));
out:
    return;
}

UNIT(a_dial_that_somebody_always_answered_is_named)
{
    struct cover *c = cover_new("/nowhere");
    struct str out = STR_INIT(1 << 16);
    char text[600];

    ok(c != NULL);
    write_file("dial.xml", "<Response>\n<Dial>+15550101</Dial>\n<Say>Sorry</Say>\n</Response>");
    write_file("wait.xml", "<Response>\n<Say>Wait</Say>\n</Response>");
    snprintf(text, sizeof text, "{\"t\":0,\"e\":\"document\",\"url\":\"%s/dial.xml\"}",
             unit_folder());
    line(c, text);
    line(c, "{\"t\":0,\"e\":\"verb\",\"name\":\"Dial\",\"line\":2}");
    line(c, "{\"t\":1,\"e\":\"leg\",\"stage\":\"answered\"}");
    snprintf(text, sizeof text, "{\"t\":2,\"e\":\"document\",\"url\":\"%s/wait.xml\"}",
             unit_folder());
    line(c, text); /* on top of it */
    line(c, "{\"t\":3,\"e\":\"verb_end\",\"name\":\"Dial\",\"how\":\"done\"}");
    line(c, "{\"t\":3,\"e\":\"verb\",\"name\":\"Say\",\"line\":3}"); /* of dial.xml again */
    cover_report(cover_facts(c), &verb_schemas, "", &out);
    ok(strstr(str_text(&out), "line 2: <Dial> was answered every time") != NULL);
    ok(strstr(str_text(&out), "never met somebody who answered") == NULL);
    ok(strstr(str_text(&out), "line 3: <Say> was never reached") == NULL);
out:
    str_free(&out);
    cover_free(c);
}

UNIT_MAIN(CASE(a_dial_that_somebody_always_answered_is_named),
          NO_TORTURE(answers_to_messages_count_by_their_verbs),
          NO_TORTURE(files_that_no_call_came_to_are_wholly_uncovered),
          NO_TORTURE(branches_that_nobody_took_are_named),
          NO_TORTURE(calls_of_several_scenarios_add_up),
          NO_TORTURE(lines_of_functions_that_never_came_to_be_count))
