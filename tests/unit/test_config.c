#include "base/config.h"

#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/unit.h"
#include <stdio.h>
#include <string.h>

#define SID     "AC0123456789abcdef0123456789abcdef"
#define ACCOUNT "account { sid = '" SID "', token = 'secret' }\n"

static char reports[8192];

static void on_report(int line, const char *text, void *arg)
{
    (void)line;
    (void)arg;
    strncat(reports, text, sizeof reports - strlen(reports) - 2);
    strcat(reports, "\n");
}

static int parse(struct config **cp, const char *text, struct error *err)
{
    reports[0] = '\0';
    return config_parse(cp, text, strlen(text), "dir/almon.lua", on_report, NULL, err);
}

UNIT(config_fills_defaults)
{
    struct config *c = NULL;
    struct error err = {0};

    ok_rc(parse(&c, ACCOUNT "gateway { name = 'local', token = 't' } number { '*' }", &err), &err);
    ok_str(c->path, "dir/almon.lua");
    ok_str(c->folder, "dir");
    ok_int(c->n_accounts, 1);
    ok_str(c->accounts[0].sid, SID);
    ok(c->accounts[0].name == NULL);
    ok_int(c->accounts[0].line, 1);
    ok_int(c->gateways[0].max_channels, 10000);
    ok(c->gateways[0].originate && c->gateways[0].terminate);
    ok_int(c->gateways[0].line, 2);
    ok(c->numbers[0].account == &c->accounts[0] && c->numbers[0].voice == NULL);
    ok_str(c->numbers[0].voice_method, "POST");
    ok_int(c->numbers[0].status_callback_events, CONFIG_EVENT_COMPLETED);
    ok_str(c->server.state, "state");
    ok_str(c->server.http, "127.0.0.1:8080");
    ok_str(c->server.bridge, "127.0.0.1:8081");
    ok_str(c->server.public_url, "http://127.0.0.1:8080");
    ok_str(c->server.log, "info");
    ok(c->http.n_allow == 0 && c->http.timeout_ms == 15000 && c->http.ca_file == NULL);
    ok_str(c->speech.voice, "man");
    ok_str(c->speech.language, "en-US");
    ok(c->speech.cache_mb == 64 && c->speech.disk_mb == 512);
    ok(!c->recordings.open && !c->recordings.empty_falls_through);
    ok(c->limits.calls == 10000 && c->limits.documents_per_call == 500);
    ok(c->limits.call_seconds == 14400 && c->limits.late_ms == 60 && c->limits.journal_kb == 4096);
out:
    config_free(c);
}

UNIT(config_reads_every_kind_of_value)
{
    static const char text[] =
        "local base = 'https://app.example/'\n"
        "number { pattern = '+1555*', voice = base .. 'voice', voice_method = 'GET',\n"
        "  status_callback = base .. 'status/', lua_in_webhooks = true,\n"
        "  status_callback_events = { 'initiated', 'answered' }, account = 'AC" //
        "ffffffffffffffffffffffffffffffff' }\n" ACCOUNT
        "account { sid = 'ACffffffffffffffffffffffffffffffff', token = 'x', name = 'second' }\n"
        "for i = 1, 3 do number { '+1' .. i, voice = 'flows/' .. i .. '.xml' } end\n"
        "server { public_url = 'https://example.com//', http = '[::1]:0', log = 'warn,http=debug' "
        "}\n"
        "http { allow = { '10.0.0.0/8', 'host:80' }, timeout_ms = 5000 }\n"
        "recordings { public = true }\n"
        "limits { calls = 7 }\n";
    struct config *c = NULL;
    struct error err = {0};

    ok_rc(parse(&c, text, &err), &err);
    ok_int(c->n_numbers, 4);
    ok_str(c->numbers[0].voice, "https://app.example/voice");
    ok_str(c->numbers[0].voice_method, "GET");
    ok_str(c->numbers[0].status_callback, "https://app.example/status/");
    ok(c->numbers[0].lua_in_webhooks);
    ok_int(c->numbers[0].status_callback_events, CONFIG_EVENT_INITIATED | CONFIG_EVENT_ANSWERED);
    ok_str(c->numbers[0].account->name, "second");
    ok_str(c->numbers[3].pattern, "+13");
    ok_str(c->numbers[3].voice, "flows/3.xml");
    ok_str(c->numbers[3].account->sid, SID);
    ok_str(c->server.public_url, "https://example.com");
    ok_str(c->server.http, "[::1]:0");
    ok_int(c->http.n_allow, 2);
    ok_str(c->http.allow[1], "host:80");
    ok_int(c->http.timeout_ms, 5000);
    ok(c->recordings.open);
    ok_int(c->limits.calls, 7);
out:
    config_free(c);
}

UNIT(config_reports_every_mistake_with_its_line)
{
    static const char text[] =
        "account {\n"
        "  sid = 'AC12',\n"
        "}\n"
        "-- a comment { voise = 1 }\n"
        "number { '+1 555',\n"
        "  voise = 'x.xml', --[[ long\n"
        "  comment ]] voice_method = 'PUT',\n"
        "  [\"message\"] = '../x.xml',\n"
        "  7,\n"
        "  voice = function() return { 1, 2 } end,\n"
        "}\n"
        "nmuber { '+1' }\n"
        "server {\n"
        "  http = '8080',\n"
        "  log = 'loud',\n"
        "  public_url = example,\n"
        "}\n"
        "limits { calls = 'many' }\n"
        "limits { late_ms = 0, [true] = 1 }\n"
        "recordings 'x'\n"
        "number { '+3', voice = '/etc/passwd' }\n"
        "number { '+2', account = 'AC9', status_callback_events = {'anwsered'} }\n";
    static const char want[] =
        "dir/almon.lua:1: account: 'token' is missing\n"
        "dir/almon.lua:2: account: sid must be AC and 32 of the digits 0-9 a-f, not 'AC12'\n"
        "dir/almon.lua:5: number: pattern must be without spaces, not '+1 555'\n"
        "dir/almon.lua:6: number: unknown key 'voise'; did you mean 'voice'?\n"
        "dir/almon.lua:7: number: voice_method must be POST or GET, not 'PUT'\n"
        "dir/almon.lua:8: number: message must be a file below the folder of this file, not "
        "'../x.xml'\n"
        "dir/almon.lua:9: number: a value without a key; write key = value\n"
        "dir/almon.lua:10: number: voice must be a URL or a file in quotes, not a function\n"
        "dir/almon.lua:12: unknown section 'nmuber'; did you mean 'number'?\n"
        "dir/almon.lua:14: server: http must be host:port, as '127.0.0.1:8080' or '[::1]:8080', "
        "not "
        "'8080'\n"
        "dir/almon.lua:15: server: log: log level 'loud': say debug, info, warn or error, or "
        "COMPONENT=LEVEL\n"
        "dir/almon.lua:16: server: public_url: nothing is called 'example' here; text stands in "
        "quotes\n"
        "dir/almon.lua:18: limits: calls must be a whole number from 1 to 1000000, not 'many'\n"
        "dir/almon.lua:19: limits: a key must be a name\n"
        "dir/almon.lua:19: limits: late_ms must be a whole number from 1 to 10000, not 0\n"
        "dir/almon.lua:19: limits: stands here again; the first is in line 18\n"
        "dir/almon.lua:20: recordings: write recordings { key = value, … }\n"
        "dir/almon.lua:21: number: voice must be a file below the folder of this file, not "
        "'/etc/passwd'\n"
        "dir/almon.lua:22: number: account 'AC9' is not in this file\n"
        "dir/almon.lua:22: number: status_callback_events must be initiated, ringing, answered or "
        "completed, not 'anwsered'\n";
    struct config *c = NULL;
    struct error err = {0};

    ok_int(parse(&c, text, &err), ERR_INVALID);
    ok(c == NULL);
    ok_str(reports, want);
    ok_str(err.text, "dir/almon.lua:1: account: 'token' is missing");
out:
    config_free(c);
}

UNIT(config_finds_doubles)
{
    struct config *c = NULL;
    struct error err = {0};

    ok_int(parse(&c, ACCOUNT "number { '+1' }\nnumber { '+2' }\nnumber { '+1' }\n" ACCOUNT, &err),
           ERR_INVALID);
    ok_str(reports, "dir/almon.lua:4: number: pattern '+1' stands already in line 2\n"
                    "dir/almon.lua:5: account: sid '" SID "' stands already in line 1\n");
    /* Of an account that is misspelt nobody says that it is missing. */
    ok_int(parse(&c, "acount { sid = '" SID "', token = 't' }", &err), ERR_INVALID);
    ok_str(reports, "dir/almon.lua:1: unknown section 'acount'; did you mean 'account'?\n");
    ok_int(parse(&c, ACCOUNT "number { voice = 'x.xml' }", &err), ERR_INVALID);
    ok_str(reports, "dir/almon.lua:2: number: 'pattern' is missing; write number { \"…\", … }\n");
    ok_int(parse(&c, "number { '+1' }", &err), ERR_INVALID);
    ok_str(reports, "dir/almon.lua: no account; write account { sid = \"AC…\", token = \"…\" }\n");
out:
    config_free(c);
}

UNIT(config_runs_in_a_bare_and_bounded_state)
{
    static const struct {
        const char *text, *want;
    } bad[] = {
        {ACCOUNT "\nwhile true do end\n", "dir/almon.lua:3: the file does too much"},
        {ACCOUNT "local s = 'x' while true do s = s .. s end", "dir/almon.lua: the file needs too"},
        {ACCOUNT "number {\n'+1', voice = \n}", "dir/almon.lua:4: unexpected symbol near '}'"},
        {ACCOUNT "account = nil\naccount {}\n", "dir/almon.lua:3: unknown section 'account'"},
        {"\x1bLua", "dir/almon.lua: attempt to load a binary chunk"},
        {ACCOUNT "os.exit(1)", "dir/almon.lua:2: attempt to index a function value (global 'os')"},
        {ACCOUNT "number { '1', voice = hello.xml }",
         "dir/almon.lua:2: attempt to index a function value (global 'hello'); text stands in "
         "quotes, \"like this\""},
        {ACCOUNT "local t = nil + 1", "dir/almon.lua:2: attempt to perform arithmetic on a nil"},
        {ACCOUNT "for i = 1, 200000 do http {} end", "dir/almon.lua:2: "},
    };
    struct config *c = NULL;
    struct error err = {0};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ok_int(parse(&c, bad[i].text, &err), ERR_INVALID);
        if (strncmp(reports, bad[i].want, strlen(bad[i].want)) != 0)
            ok_str(reports, bad[i].want);
    }
out:
    config_free(c);
}

UNIT(config_finds_the_longest_pattern)
{
    struct config *c = NULL;
    struct error err = {0};

    ok_rc(parse(&c,
                ACCOUNT "number { '+1*', voice = 'a' } number { '+1555*', voice = 'b' }"
                        "number { '+1555', voice = 'c' } number { '*', voice = 'd' }"
                        "gateway { name = 'g', token = 't' }",
                &err),
          &err);
    ok_str(config_find_number(c, "+1444")->voice, "a");
    ok_str(config_find_number(c, "+15551")->voice, "b");
    ok_str(config_find_number(c, "+1555")->voice, "c");
    ok_str(config_find_number(c, "")->voice, "d");
    ok(config_find_account(c, SID) == &c->accounts[0] && config_find_account(c, "AC") == NULL);
    ok(config_find_gateway(c, "g") == &c->gateways[0] && config_find_gateway(c, "h") == NULL);
    c = config_free(c);
    ok_rc(parse(&c, ACCOUNT "number { '+1555' }", &err), &err);
    ok(config_find_number(c, "+15551") == NULL);
out:
    config_free(c);
}

UNIT(config_loads_a_file)
{
    struct config *c = NULL;
    struct error err = {0};
    char path[512];
    FILE *f;

    snprintf(path, sizeof path, "%s/almon.lua", unit_folder());
    reports[0] = '\0';
    ok_int(config_load(&c, path, on_report, NULL, &err), ERR_MISSING);
    ok(strstr(err.text, path) != NULL && strstr(reports, path) != NULL);
    f = fopen(path, "w");
    ok(f != NULL);
    fputs(ACCOUNT, f);
    fclose(f);
    ok_rc(config_load(&c, path, on_report, NULL, &err), &err);
    ok_str(c->folder, unit_folder());
out:
    config_free(c);
}

UNIT(what_a_call_can_feel_is_told_and_can_be_said_again)
{
    static const char text[] = ACCOUNT "number { '+1', voice = 'a.xml', lua_in_webhooks = true }"
                                       "limits { call_seconds = 60, calls = 5 }"
                                       "speech { voice = 'a \\\"b\\\"' }";
    struct str number = STR_INIT(1000), beside = STR_INIT(1000);
    struct config *c = NULL;
    struct error err = {0};
    json_t *settings = NULL;

    ok_rc(config_parse(&c, text, strlen(text), "almon.lua", on_report, NULL, &err), &err);
    settings = config_settings(c, &c->numbers[0]);
    ok(settings != NULL);
    config_settings_text(settings, &number, &beside);
    ok_str(str_text(&number), ", lua_in_webhooks = true");
    ok_str(str_text(&beside), "speech { voice = \"a \\\"b\\\"\", } limits { call_seconds = 60, } ");
out:
    json_decref(settings);
    str_free(&number);
    str_free(&beside);
    config_free(c);
}

UNIT(config_help_names_every_key)
{
    struct str help = STR_INIT(100000);

    config_help(&help);
    ok(!help.failed);
    ok(strstr(help.data, "status_callback_events = one or more of initiated") != NULL);
    ok(strstr(help.data, "late_ms = number from 1 to 10000, default 60") != NULL);
    ok(strstr(help.data, "pattern = number, required, may stand without the key") != NULL);
out:
    str_free(&help);
}

UNIT_MAIN(CASE(config_fills_defaults), CASE(config_reads_every_kind_of_value),
          CASE(config_reports_every_mistake_with_its_line), CASE(config_finds_doubles),
          NO_TORTURE(config_runs_in_a_bare_and_bounded_state),
          CASE(config_finds_the_longest_pattern), CASE(config_loads_a_file),
          CASE(config_help_names_every_key),
          CASE(what_a_call_can_feel_is_told_and_can_be_said_again))
