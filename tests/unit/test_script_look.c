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
    look_at_lua(&(struct look_source){.text = text, .len = strlen(text), .line = line},
                &verb_schemas, on_problem, NULL);
    return told;
}

/* <Lua> of an answer to a message. */
static const char *lua_of_message(const char *text)
{
    told[0] = '\0';
    look_at_lua(
        &(struct look_source){.text = text, .len = strlen(text), .line = 1, .of_message = true},
        &verb_schemas, on_problem, NULL);
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

UNIT(handlers_of_messages_are_held_against_their_own_verbs)
{
    ok_str(lua("local function on_message(message)\n"
               "  message:reply{ 'Hello', stausCallback = '/x' }\n"
               "  message:message{ to = '+15550100', body = 'a', media = 'b' }\n"
               "  message:run '<Response/>' message:redirect 'x.xml'\n"
               "  message:answer()\n"
               "  message:say 'Hello'\n"
               "  message:repyl 'Hello'\n"
               "end\n"
               "function on_call(call) call:message 'x' call:sms 'x' call:reply 'x' end",
               1),
           "2 message:reply: no option 'stausCallback' in Message: did you mean 'statusCallback'?\n"
           "5 message has no 'answer': `almon help` lists the verbs\n"
           "6 message has no 'say': that is for calls; a message has reply, message and redirect\n"
           "7 message has no 'repyl': did you mean 'reply'?\n"
           "9 call has no 'message': that answers a message; in a call write call:sms{…}\n"
           "9 call has no 'reply': that answers a message; in a call write call:sms{…}\n");
    ok_str(lua_of_message("message:unsubscribe('Hello')"),
           "1 message has no 'unsubscribe': `almon help` lists the verbs\n");
out:;
}

/* `message` is a good name for a text, too. */
UNIT(a_text_called_message_is_left_alone)
{
    ok_str(lua("return function(call)\n"
               "  local message = 'Hello'\n"
               "  call:say(message:sub(1, 2)) message:upper()\n"
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
          NO_TORTURE(handlers_of_messages_are_held_against_their_own_verbs),
          NO_TORTURE(a_text_called_message_is_left_alone),
          NO_TORTURE(expressions_of_a_document_are_compiled_where_they_stand))
