/* Folders that the commands with a simulated exchange share. */
#ifndef ALMON_CLI_PROMPTS_H
#define ALMON_CLI_PROMPTS_H

#include <stdbool.h>
#include <stddef.h>

/* Where spoken prompts are kept between runs: $ALMON_PROMPTS, else ~/.cache/almon/prompts. */
const char *prompts_folder(void);
/* Makes a new scratch folder; false when it cannot (said on standard error). */
bool prompts_scratch(char *out, size_t size);

#endif
