/* Flows looked at without running them. */
#include "script/look.h"
#include "tests/unit/unit.h"
#include "verbs/verbs.h"

#include <stdio.h>
#include <string.h>

static char told[4000];

static void on_problem(const struct diag *d, void *arg)
{
    size_t n = strlen(told);

    (void)arg;
    snprintf(told + n, sizeof told - n, "%d %s\n", d->line, d->text);
}

static const char *lua(const char *text, int line)
{
    told[0] = '\0';
    look_at_lua(text, strlen(text), line, &verb_schemas, on_problem, NULL);
    return told;
}

UNIT(a_mistake_in_the_syntax_has_its_line)
{
    ok_str(lua("local x = 1\nreturn function(call)\n  x = = 2\nend\n", 1),
           "3 unexpected symbol near '='\n");
    ok_str(lua("\nx = = 2", 41), "42 unexpected symbol near '='\n");
    ok_str(lua("return function(call) call:say('x') end", 1), "");
out:;
}

UNIT(calls_are_held_against_the_tables)
{
    ok_str(lua("return function(call)\n"
               "  call:sya('Hello')\n"
               "  call : gather{ timeout = 5,\n"
               "    numdigits = 1, say = { voice = 'x' }, ['finshOnKey'] = '#' }\n"
               "end",
               1),
           "2 call has no 'sya': did you mean 'say'?\n"
           "4 call:gather: no option 'numdigits' in Gather: did you mean 'numDigits'?\n"
           "4 call:gather: no option 'finshOnKey' in Gather: did you mean 'finishOnKey'?\n");
out:;
}

UNIT(what_is_no_call_of_a_verb_is_left_alone)
{
    ok_str(lua("-- call:sya{}\n"
               "local text = 'call:sya{}' .. [[ call:sya{} ]]\n"
               "return function(call)\n"
               "  other:sya{ x = 1 } recall:sya{} my.call:sya{}\n"
               "  call:on_hangup(print) call:run '<Response/>' call:answer()\n"
               "  call:play{ 'a.wav', loop = 2 } sya{ x = 1 }\n"
               "end",
               1),
           "");
out:;
}

UNIT(expressions_of_a_document_are_compiled_where_they_stand)
{
    static const char text[] = "<Response>\n<Say>{{ From }}</Say>\n<Say>{{ From or }}</Say>\n"
                               "<Say>{{ a <\n b }}</Say>\n<Pause/>{{ open";
    struct str out = STR_INIT(4096);

    told[0] = '\0';
    look_at_braces(text, strlen(text), &out, on_problem, NULL);
    ok_str(told, "3 unexpected symbol near <eof>\n"
                 "6 {{ without its }}: an expression of Lua stands between\n");
    ok(strncmp(str_text(&out),
               "<Response>\n<Say>{{}}</Say>\n<Say>{{}}</Say>\n<Say>{{}}\n</Say>\n<Pause/>",
               60) == 0);
out:
    str_free(&out);
}

UNIT_MAIN(NO_TORTURE(a_mistake_in_the_syntax_has_its_line),
          NO_TORTURE(calls_are_held_against_the_tables),
          NO_TORTURE(what_is_no_call_of_a_verb_is_left_alone),
          NO_TORTURE(expressions_of_a_document_are_compiled_where_they_stand))
