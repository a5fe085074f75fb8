/* almon help [VERB | almon.lua] (of commands: main.c): the reference of the language and of the
 * configuration, from their tables. */
#include "cli/cli.h"

#include "base/config.h"
#include "base/str.h"
#include "flow/document.h"
#include "verbs/verbs.h"
#include <stdio.h>
#include <string.h>

/* "<Say>" and "Say" are the same to a reader. */
static const char *bare_name(char *name)
{
    size_t n = strlen(name);

    if (n > 2 && name[0] == '<' && name[n - 1] == '>') {
        name[n - 1] = '\0';
        return name + 1;
    }
    return name;
}

static int write_help(char *about, struct str *text, struct error *err)
{
    if (about == NULL || strcmp(about, "almon.lua") != 0)
        return schema_help(&verb_schemas, about == NULL ? NULL : bare_name(about), text, err);
    config_help(text);
    return text->failed ? error_nomem(err) : 0;
}

int cli_help(int argc, char **argv)
{
    struct str text = STR_INIT(256 * 1024);
    struct error err;
    int rc;

    if (argc > 1 && argv[1][0] == '-') {
        bool asked = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;

        fputs("usage: almon help [VERB | COMMAND | almon.lua]\n"
              "Prints the reference of a verb or of the configuration; lists the verbs without.\n",
              asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    rc = write_help(argc > 1 ? argv[1] : NULL, &text, &err);
    if (rc == 0)
        fputs(str_text(&text), stdout);
    else
        fprintf(stderr, "almon help: %s\n", err.text);
    str_free(&text);
    return rc == 0 ? 0 : 1;
}
