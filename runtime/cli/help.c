/* almon help [VERB]: the reference of the language, from its tables. */
#include "cli/cli.h"

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

int cli_help(int argc, char **argv)
{
    struct str text = STR_INIT(256 * 1024);
    struct error err;
    int rc = schema_help(&verb_schemas, argc > 1 ? bare_name(argv[1]) : NULL, &text, &err);

    if (rc == 0)
        fputs(str_text(&text), stdout);
    else
        fprintf(stderr, "almon help: %s\n", err.text);
    str_free(&text);
    return rc == 0 ? 0 : 1;
}
