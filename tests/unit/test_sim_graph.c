/* A flow as a picture: what leads where, and what nothing leads to. */
#include "base/mem.h"
#include "sim/graph.h"
#include "tests/unit/unit.h"
#include "verbs/verbs.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

static int make(struct graph **g, const char *flow, struct error *err)
{
    char path[400];

    snprintf(path, sizeof path, "%s/%s", unit_folder(), flow);
    return graph_make(g, path, &verb_schemas, err);
}

static const struct graph_place *find(const struct graph *g, const char *name)
{
    for (size_t i = 0; i < g->n_places; i++)
        if (strcmp(g->places[i].name, name) == 0)
            return &g->places[i];
    return NULL;
}

static bool leads(const struct graph *g, const char *from, const char *to, const char *label)
{
    for (size_t i = 0; i < g->n_ways; i++)
        if (strcmp(g->places[g->ways[i].from].name, from) == 0 &&
            strcmp(g->places[g->ways[i].to].name, to) == 0 && strcmp(g->ways[i].label, label) == 0)
            return true;
    return false;
}

UNIT(each_key_leads_to_its_file)
{
    struct graph *g = NULL;
    struct error err = {0};

    write_file("menu.xml", "<Response><Gather numDigits=\"1\" action=\"menu-{Digits}.xml\"/>"
                           "<Redirect>bye.xml</Redirect></Response>");
    write_file("menu-1.xml", "<Response><Redirect>menu.xml</Redirect></Response>");
    write_file("menu-star.xml", "<Response><Hangup/></Response>");
    write_file("menu-old.xml", "<Response/>");
    write_file("bye.xml", "<Response><Say>{{ Name or '<you>' "
                          "}}</Say><Redirect>http://app.test/end</Redirect></Response>");
    ok_rc(make(&g, "menu.xml", &err), &err);
    ok(leads(g, "menu.xml", "menu-1.xml", "Gather 1"));
    ok(leads(g, "menu.xml", "menu-star.xml", "Gather *"));
    ok(leads(g, "menu-1.xml", "menu.xml", "Redirect"));
    ok(leads(g, "bye.xml", "http://app.test/end", "Redirect"));
    ok(find(g, "menu-star.xml")->reached);
    ok(find(g, "menu-old.xml") != NULL && !find(g, "menu-old.xml")->reached);
out:
    graph_free(g);
}

UNIT(an_answer_to_a_message_leads_on_by_its_redirect_alone)
{
    struct graph *g = NULL;
    struct error err = {0};

    write_file("sms.xml", "<Response><Message action=\"told.xml\">Hello</Message>"
                          "<Redirect>more.xml</Redirect><Message>Never</Message></Response>");
    write_file("more.xml", "<Response><Message>More</Message></Response>");
    write_file("told.xml", "<Response/>");
    ok_rc(make(&g, "sms.xml", &err), &err);
    ok(leads(g, "sms.xml", "more.xml", "Redirect"));
    ok_str(str_text(&find(g, "sms.xml")->verbs), "Message, Redirect");
    ok(strstr(str_text(&find(g, "sms.xml")->unreachable), "Message (line 1)") != NULL);
    ok(!find(g, "told.xml")->reached); /* it is a callback, whose answer is not run */
    ok_str(str_text(&find(g, "more.xml")->verbs), "Message");
out:
    graph_free(g);
}

UNIT(what_is_never_reached_is_named)
{
    struct graph *g = NULL;
    struct str dot = STR_INIT(1 << 16);
    struct error err = {0};

    write_file("one.xml", "<Response>\n<Hangup/>\n<Say>Never</Say>\n</Response>");
    write_file("two.xml", "<Response><Redirect>gone.xml</Redirect></Response>");
    ok_rc(make(&g, "one.xml", &err), &err);
    ok(find(g, "one.xml") != NULL);
    ok_str(str_text(&find(g, "one.xml")->unreachable), "Say (line 3)");
    g = graph_free(g);
    ok_rc(make(&g, "two.xml", &err), &err);
    ok(find(g, "gone.xml") != NULL);
    ok(find(g, "gone.xml")->kind == GRAPH_MISSING);
    graph_dot(g, &dot);
    ok(!dot.failed);
    ok(strstr(str_text(&dot), "gone.xml\\nno such file\", color=red") != NULL);
    ok(strstr(str_text(&dot), "one.xml\\nnothing leads here\", style=dashed") != NULL);
out:
    str_free(&dot);
    graph_free(g);
}

static void make_folder(const char *name)
{
    char path[400];

    snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
    mkdir(path, 0700);
}

/* A first flow beside a whole tree of others: they are no part of its picture. */
UNIT(folders_that_the_flow_never_enters_are_left_out)
{
    struct graph *g = NULL;
    struct error err = {0};

    make_folder("menus");
    make_folder("others");
    write_file("top.xml", "<Response><Redirect>menus/main.xml</Redirect></Response>");
    write_file("menus/main.xml", "<Response/>");
    write_file("menus/old.xml", "<Response/>");
    write_file("others/flow.xml", "<Response/>");
    ok_rc(make(&g, "top.xml", &err), &err);
    ok(find(g, "menus/main.xml") != NULL && find(g, "menus/main.xml")->reached);
    ok(find(g, "menus/old.xml") != NULL && !find(g, "menus/old.xml")->reached);
    ok(find(g, "others/flow.xml") == NULL);
out:
    graph_free(g);
}

UNIT(a_handler_leads_to_the_files_that_it_names)
{
    struct graph *g = NULL;
    struct error err = {0};

    write_file("main.lua",
               "-- 'not.xml'\nreturn function(call)\n  call:redirect('next.xml')\nend\n");
    write_file("next.xml", "<Response/>");
    write_file("not.xml", "<Response/>");
    write_file("main_test.lua", "scenario('x', function(t) end)");
    ok_rc(make(&g, "main.lua", &err), &err);
    ok(find(g, "next.xml")->reached);
    ok(!find(g, "not.xml")->reached);
    ok(find(g, "main_test.lua") == NULL);
out:
    graph_free(g);
}

UNIT(a_dial_shows_whom_it_calls_and_what_they_hear)
{
    struct graph *g = NULL;
    struct error err = {0};

    write_file("flow.xml",
               "<Response><Dial action='after.xml' recordingStatusCallback='told.xml'>"
               "<Number url='screen.xml' statusCallback='told.xml'>+15550101</Number>"
               "<Client><Identity>joe</Identity></Client></Dial><Say>No.</Say></Response>");
    write_file("after.xml",
               "<Response><Dial><Conference waitUrl='wait.xml'>Staff</Conference></Dial>"
               "<Enqueue>Line</Enqueue></Response>");
    write_file("screen.xml", "<Response><Say>Who.</Say></Response>");
    write_file("wait.xml", "<Response><Say>Wait.</Say></Response>");
    write_file("told.xml", "<Response/>");
    ok_rc(make(&g, "flow.xml", &err), &err);
    ok(strstr(str_text(&find(g, "flow.xml")->verbs), "Dial +15550101, joe") != NULL);
    ok(strstr(str_text(&find(g, "flow.xml")->unreachable), "Say") != NULL);
    ok(strstr(str_text(&find(g, "after.xml")->verbs), "Dial Conference Staff, Enqueue Line") !=
       NULL);
    ok(leads(g, "flow.xml", "after.xml", "Dial"));
    ok(leads(g, "flow.xml", "screen.xml", "Number url"));
    ok(leads(g, "after.xml", "wait.xml", "Conference waitUrl"));
    ok(!find(g, "told.xml")->reached); /* callbacks lead nowhere */
out:
    graph_free(g);
}

UNIT_MAIN(CASE(folders_that_the_flow_never_enters_are_left_out),
          CASE(a_dial_shows_whom_it_calls_and_what_they_hear), CASE(each_key_leads_to_its_file),
          CASE(what_is_never_reached_is_named),
          NO_TORTURE(an_answer_to_a_message_leads_on_by_its_redirect_alone),
          CASE(a_handler_leads_to_the_files_that_it_names))
