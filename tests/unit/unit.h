/* Unit tests: cmocka underneath, plus what `make torture` needs. A test is a function of one
 * argument that checks with ok() and cleans up after `out:`, whatever happened:
 *
 *   UNIT(str_keeps_its_maximum)
 *   {
 *       struct str s = STR_INIT(4);
 *       str_add(&s, "hello");
 *       ok(s.failed);
 *   out:
 *       str_free(&s);
 *   }
 *   UNIT_MAIN(CASE(str_keeps_its_maximum))
 *
 * Run plainly, a false ok() fails the test. Under torture the same test runs again and again with
 * allocation 1, 2, 3 … failing: then a false ok() after the injected failure only jumps to `out:`,
 * but a crash, a leak, or an error without a message (see ok_rc) fails it. */
#ifndef ALMON_TESTS_UNIT_H
#define ALMON_TESTS_UNIT_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

struct unit_case {
    const char *name;
    void (*run)(void);
    bool calm; /* not under torture */
};

bool unit_ok(bool good, const char *what, const char *file, int line);
bool unit_rc(int rc, const struct error *err, const char *what, const char *file, int line);
bool unit_str(const char *got, const char *want, const char *file, int line);
bool unit_int(long long got, long long want, const char *what, const char *file, int line);
int unit_main(const struct unit_case *cases, size_t n, int argc, char **argv);
/* Folder for this test program's files; emptied before each case, removed at the end. */
const char *unit_folder(void);
/* Blocks alive, as mem_live(), without what libxml2 keeps of its last error. */
long unit_live(void);

#define UNIT(name) static void name(void)
#define CASE(name)                                                                                 \
    {                                                                                              \
#name, name, false                                                                         \
    }
/* For what real sockets, processes and threads make different each time: run once, plainly. */
#define NO_TORTURE(name)                                                                           \
    {                                                                                              \
#name, name, true                                                                          \
    }
#define UNIT_MAIN(...)                                                                             \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        static const struct unit_case cases[] = {__VA_ARGS__};                                     \
        return unit_main(cases, sizeof cases / sizeof *cases, argc, argv);                         \
    }

/* Goes to `out` unless the condition holds. */
#define ok(cond)                                                                                   \
    do {                                                                                           \
        if (!unit_ok((cond), #cond, __FILE__, __LINE__))                                           \
            goto out;                                                                              \
    } while (0)
/* Goes to `out` unless rc is 0; a negative rc must have left a message in *err. */
#define ok_rc(rc, err)                                                                             \
    do {                                                                                           \
        if (!unit_rc((rc), (err), #rc, __FILE__, __LINE__))                                        \
            goto out;                                                                              \
    } while (0)
/* Equal strings (NULL equals only NULL). */
#define ok_str(got, want)                                                                          \
    do {                                                                                           \
        if (!unit_str((got), (want), __FILE__, __LINE__))                                          \
            goto out;                                                                              \
    } while (0)
#define ok_int(got, want)                                                                          \
    do {                                                                                           \
        if (!unit_int((long long)(got), (long long)(want), #got, __FILE__, __LINE__))              \
            goto out;                                                                              \
    } while (0)

#endif
