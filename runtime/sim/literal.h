/* Values as a scenario in Lua says them: private to retell.c. */
#ifndef ALMON_SIM_LITERAL_H
#define ALMON_SIM_LITERAL_H

#include "base/str.h"
#include <jansson.h>

/* In quotes, or as a long string where that reads better. `text` ends with a NUL behind `len`. */
void literal_bytes(struct str *out, const char *text, size_t len);
void literal_text(struct str *out, const char *text);
/* A value of the store as stdlib/kv.lua packed it; nil when it is no string. */
void literal_kept(struct str *out, const json_t *value);

#endif
