/* almon check and almon help, as a person at a terminal sees them. */
#include "base/str.h"
#include "cli/cli.h"
#include "tests/unit/unit.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    bool good = f != NULL && fputs(text, f) >= 0;

    return f != NULL && fclose(f) == 0 && good;
}

/* Runs a command in the folder of this test with standard output going to a file. */
static int run(int (*command)(int, char **), char **argv, char *out, size_t size)
{
    int argc = 0, kept = dup(STDOUT_FILENO), file, rc;
    char path[300];
    ssize_t n;

    while (argv[argc] != NULL)
        argc++;
    snprintf(path, sizeof path, "%s/out", unit_folder());
    file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    fflush(stdout);
    dup2(file, STDOUT_FILENO);
    rc = command(argc, argv);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    n = pread(file, out, size - 1, 0);
    close(file);
    out[n < 0 ? 0 : n] = '\0';
    return rc;
}

UNIT(check_prints_file_line_code_and_remedy)
{
    char path[300], out[4096], want[1024];
    char *argv[] = {"check", path, NULL};

    snprintf(path, sizeof path, "%s/menu.xml", unit_folder());
    ok(write_file(path, "<Response>\n  <Gather numdigits=\"1\"/>\n  <Pause length=\"x\"/>\n"
                        "</Response>\n"));
    ok_int(run(cli_check, argv, out, sizeof out), 0);
    snprintf(want, sizeof want,
             "%s:2: warning 12200: <Gather> has no attribute numdigits: did you mean numDigits? "
             "(it is ignored)\n"
             "%s:3: warning 13910: length=\"x\": write a whole number from 1 to 3600 (1 is used)\n",
             path, path);
    ok_str(out, want);
out:;
}

UNIT(check_fails_on_an_error)
{
    char path[300], out[4096];
    char *argv[] = {"check", path, NULL};

    snprintf(path, sizeof path, "%s/bad.xml", unit_folder());
    ok(write_file(path, "<Response>\n<Say>x</Response>"));
    ok_int(run(cli_check, argv, out, sizeof out), 1);
    ok(strstr(out, "bad.xml:2: error 12100: ") != NULL);
out:;
}

UNIT(check_is_content_with_a_good_file)
{
    char path[300], out[4096];
    char *argv[] = {"check", path, NULL};

    snprintf(path, sizeof path, "%s/good.xml", unit_folder());
    ok(write_file(path, "<Response><Dial>+15550100</Dial></Response>"));
    ok_int(run(cli_check, argv, out, sizeof out), 0);
    ok_str(out, "no problems found\n");
out:;
}

UNIT(check_says_what_it_cannot_read)
{
    char out[4096];
    char *none[] = {"check", "/nowhere/at/all.xml", NULL}, *folder[] = {"check", "/", NULL};

    ok_int(run(cli_check, none, out, sizeof out), 1);
    ok_str(out, "/nowhere/at/all.xml: error: cannot be opened: No such file or directory\n");
    ok_int(run(cli_check, folder, out, sizeof out), 1);
    ok(strstr(out, "directory") != NULL);
out:;
}

UNIT(help_shows_a_verb_from_its_table)
{
    char out[16384], name[] = "<Say>";
    char *list[] = {"help", NULL}, *say[] = {"help", name, NULL}, *none[] = {"help", "Sy", NULL};

    ok_int(run(cli_help, list, out, sizeof out), 0);
    ok(strstr(out, "\n  Gather ") != NULL && strstr(out, "\n  Message ") != NULL);
    ok_int(run(cli_help, say, out, sizeof out), 0);
    ok(strstr(out, "loop  0 to 1000; default 1") != NULL);
    ok(strstr(out, "<emphasis>") != NULL);
    ok_int(run(cli_help, none, out, sizeof out), 1);
    ok_str(out, "");
out:;
}

UNIT(help_shows_the_configuration)
{
    char out[32768];
    char *config[] = {"help", "almon.lua", NULL}, *usage[] = {"help", "--help", NULL};

    ok_int(run(cli_help, config, out, sizeof out), 0);
    ok(strstr(out, "\nnumber { … }") != NULL);
    ok_int(run(cli_help, usage, out, sizeof out), 0);
    ok(strncmp(out, "usage: almon help", 17) == 0);
out:;
}

UNIT(check_notes_what_is_not_carried_out_yet)
{
    char path[300], out[4096];
    char *argv[] = {"check", path, NULL};

    snprintf(path, sizeof path, "%s/later.xml", unit_folder());
    ok(write_file(path, "<Response>\n<Connect><Stream url=\"wss://example.com/x\"/></Connect>\n"
                        "<Say>Bye</Say></Response>"));
    ok_int(run(cli_check, argv, out, sizeof out), 0);
    ok(strstr(out, "later.xml:2: note: <Connect> is checked only") != NULL);
    ok(strstr(out, "<Stream>") == NULL && strstr(out, "<Say>") == NULL);
out:;
}

UNIT_MAIN(CASE(check_notes_what_is_not_carried_out_yet),
          CASE(check_prints_file_line_code_and_remedy), CASE(check_fails_on_an_error),
          CASE(check_is_content_with_a_good_file), CASE(check_says_what_it_cannot_read),
          CASE(help_shows_a_verb_from_its_table), CASE(help_shows_the_configuration))
