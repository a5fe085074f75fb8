#include "base/log.h"

#include "tests/unit/unit.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static char last[20000];
static int lines;

static void keep(const char *line, void *arg)
{
    (void)arg;
    strncpy(last, line, sizeof last - 1);
    lines++;
}

static int64_t noon(void *arg)
{
    (void)arg;
    return 1767225600000 + 43200000 + 7;
}

static void listen(void)
{
    log_set_sink(keep, NULL);
    log_set_clock(noon, NULL);
    log_set_levels("", NULL);
    lines = 0;
    last[0] = '\0';
}

static void forget(void)
{
    log_set_sink(NULL, NULL);
    log_set_clock(NULL, NULL);
    log_set_levels("", NULL);
}

UNIT(log_line_has_its_columns)
{
    listen();
    log_info("session", "CA0123", "answered after %d ms", 12);
    ok_str(last, "2026-01-01T12:00:00.007Z info  CA0123  session  answered after 12 ms");
    log_error("http", NULL, "no");
    ok_str(last, "2026-01-01T12:00:00.007Z error -  http  no");
out:
    forget();
}

UNIT(log_escapes_hostile_bytes)
{
    listen();
    log_info("x", "CA\n", "a\nb\r\t\\ \x1b[31m \x7f");
    ok_str(strstr(last, "CA"), "CA\\n  x  a\\nb\\r\\t\\\\ \\x1b[31m \\x7f");
    log_info("x", NULL, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
    ok_str(strstr(last, "gr"), "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
    /* not UTF-8, over-long, C1 control, line separator, right-to-left override, cut short */
    log_info("x", NULL, "!\xff \xc0\xaf \xc2\x85 \xe2\x80\xa8 \xe2\x80\xae \xe2\x82");
    ok_str(strstr(last, "!"),
           "!\\xff \\xc0\\xaf \\xc2\\x85 \\xe2\\x80\\xa8 \\xe2\\x80\\xae \\xe2\\x82");
out:
    forget();
}

UNIT(log_cuts_what_is_too_long)
{
    static char longer[100000];

    listen();
    memset(longer, 'a', sizeof longer - 1);
    log_info("x", NULL, "%s", longer);
    ok(strlen(last) > 4000 && strlen(last) < 5000);
    ok_str(last + strlen(last) - 4, "a...");
    memset(longer, '\x01', sizeof longer - 1);
    log_info("x", NULL, "%s", longer);
    ok(strlen(last) < 17000);
out:
    forget();
}

UNIT(log_levels_go_by_component)
{
    struct error err = {0};

    listen();
    log_debug("bridge", NULL, "x");
    ok_int(lines, 0);
    ok_rc(log_set_levels("warn,bridge=debug,http=error", &err), &err);
    log_info("session", NULL, "x");
    log_warn("http", NULL, "x");
    ok_int(lines, 0);
    log_debug("bridge", NULL, "x");
    log_warn("session", NULL, "x");
    log_error("http", NULL, "x");
    ok_int(lines, 3);
    ok_int(log_set_levels("info,bridge=loud", &err), ERR_INVALID);
    ok(strstr(err.text, "bridge=loud") != NULL);
    ok_int(log_set_levels("=debug", &err), ERR_INVALID);
    log_info("session", NULL, "x"); /* the old levels stay */
    ok_int(lines, 3);
out:
    forget();
}

UNIT_MAIN(CASE(log_line_has_its_columns), CASE(log_escapes_hostile_bytes),
          CASE(log_cuts_what_is_too_long), CASE(log_levels_go_by_component))
