#include "cli/prompts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *prompts_folder(void)
{
    static char folder[4096];
    const char *given = getenv("ALMON_PROMPTS"), *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");

    if (given != NULL && *given != '\0')
        return given;
    if (cache != NULL && *cache != '\0')
        snprintf(folder, sizeof folder, "%s/almon/prompts", cache);
    else
        snprintf(folder, sizeof folder, "%s/.cache/almon/prompts", home != NULL ? home : "/tmp");
    return folder;
}

bool prompts_scratch(char *out, size_t size)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(out, size, "%s/almon-sim-XXXXXX", tmp != NULL && *tmp != '\0' ? tmp : "/tmp");
    if (mkdtemp(out) != NULL)
        return true;
    fprintf(stderr, "almon: %s: %s\n", out, strerror(errno));
    return false;
}
