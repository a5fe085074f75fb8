#include "tests/unit/unit.h"

#include "base/log.h"
#include "base/mem.h"
#include <ftw.h>
#include <libxml/xmlerror.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TORTURE_MOST = 20000 }; /* a case that allocates more often is too big for a unit test */

static bool torturing;
static char failure[2048]; /* what went wrong first in the running case; empty: nothing */
static char folder[256];

static void fail_case(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void fail_case(const char *fmt, ...)
{
    va_list ap;

    if (failure[0] != '\0')
        return;
    va_start(ap, fmt);
    vsnprintf(failure, sizeof failure, fmt, ap);
    va_end(ap);
}

/* True when what went wrong may be only the allocation that we failed. */
static bool is_excused(void)
{
    return torturing && mem_has_failed();
}

bool unit_ok(bool good, const char *what, const char *file, int line)
{
    if (!good && !is_excused())
        fail_case("%s:%d: not so: %s", file, line, what);
    return good;
}

bool unit_rc(int rc, const struct error *err, const char *what, const char *file, int line)
{
    const char *text = err == NULL ? "(no message wanted)" : err->text;

    if (rc == 0)
        return true;
    if (text[0] == '\0')
        fail_case("%s:%d: %s: answered %d without a message", file, line, what, rc);
    else if (!is_excused())
        fail_case("%s:%d: %s: answered %d: %s", file, line, what, rc, text);
    return false;
}

bool unit_str(const char *got, const char *want, const char *file, int line)
{
    bool good = got == NULL || want == NULL ? got == want : strcmp(got, want) == 0;

    if (!good && !is_excused())
        fail_case("%s:%d: got  \"%s\"\n  want \"%s\"", file, line, got == NULL ? "(NULL)" : got,
                  want == NULL ? "(NULL)" : want);
    return good;
}

bool unit_int(long long got, long long want, const char *what, const char *file, int line)
{
    if (got != want && !is_excused())
        fail_case("%s:%d: %s: got %lld, want %lld", file, line, what, got, want);
    return got == want;
}

/* --- the folder --- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_folder(void)
{
    if (folder[0] != '\0')
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    folder[0] = '\0';
}

const char *unit_folder(void)
{
    const char *tmp = getenv("TMPDIR");

    if (folder[0] != '\0')
        return folder;
    snprintf(folder, sizeof folder, "%s/almon-test-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        exit(1);
    }
    return folder;
}

/* --- running a case --- */

long unit_live(void)
{
    xmlResetLastError();
    return mem_live();
}

static void torture(const struct unit_case *c)
{
    long before = unit_live();

    for (long n = 1; n <= TORTURE_MOST; n++) {
        bool injected;
        long leaked;

        remove_folder();
        mem_fail_at(n);
        c->run();
        injected = mem_has_failed();
        mem_fail_at(0);
        leaked = unit_live() - before;
        if (failure[0] == '\0' && leaked != 0)
            fail_case("%ld blocks leaked", leaked);
        if (failure[0] != '\0')
            fail_msg("with allocation %ld failing: %s", n, failure);
        if (!injected)
            return;
    }
    fail_msg("makes more than %d allocations", TORTURE_MOST);
}

static void run_case(void **state)
{
    const struct unit_case *c = *state;

    failure[0] = '\0';
    remove_folder();
    c->run(); /* under torture also the warm-up: what libraries keep for ever is made here */
    if (failure[0] != '\0')
        fail_msg("%s", failure);
    if (torturing && !c->calm)
        torture(c);
}

static void swallow(const char *line, void *arg)
{
    (void)line;
    (void)arg;
}

#ifdef __SANITIZE_THREAD__
#include <setjmp.h>

/* Debian's Lua leaves by this function, which the thread sanitizer does not know: its own stack of
 * functions would grow with each error until it is full. It does know the other one. */
void __longjmp_chk(struct __jmp_buf_tag env[1], int value);
void __longjmp_chk(struct __jmp_buf_tag env[1], int value)
{
    longjmp(env, value);
}
#endif

int unit_main(const struct unit_case *cases, size_t n, int argc, char **argv)
{
    const char *filter = argc > 1 ? argv[1] : "";
    struct CMUnitTest *tests = calloc(n, sizeof *tests);
    size_t chosen = 0;
    int failed;

    if (tests == NULL)
        return 1;
    for (size_t i = 0; i < n; i++) {
        if (strstr(cases[i].name, filter) == NULL)
            continue;
        tests[chosen].name = cases[i].name;
        tests[chosen].test_func = run_case;
        tests[chosen++].initial_state = (void *)(uintptr_t)&cases[i];
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    mem_hook_libraries();
    torturing = getenv("ALMON_TORTURE") != NULL;
    if (torturing)
        log_set_sink(swallow, NULL);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = _cmocka_run_group_tests("almon", tests, chosen, NULL, NULL);
    remove_folder();
    free(tests);
    return failed == 0 ? 0 : 1;
}
