/* Commands as somebody calls them who does not know them yet. */
#include "cli/cli.h"
#include "tests/unit/unit.h"

/* Nothing in the folder that was named: that is not the moment to run other scenarios. */
UNIT(test_runs_only_what_was_asked_for)
{
    char *argv[] = {"test", (char *)unit_folder(), NULL};

    ok_int(cli_test(2, argv), 1);
out:;
}

UNIT(test_refuses_what_it_does_not_know)
{
    char *option[] = {"test", "--nosuch", "x", NULL}, *value[] = {"test", "--jobs", "many", NULL},
         *path[] = {"test", "/nowhere/at/all", NULL};

    ok_int(cli_test(3, option), 2);
    ok_int(cli_test(3, value), 2);
    ok_int(cli_test(2, path), 2);
out:;
}

UNIT_MAIN(NO_TORTURE(test_runs_only_what_was_asked_for),
          NO_TORTURE(test_refuses_what_it_does_not_know))
