/* {{ expression }} in markup: finding them. What they are worth is somebody else's business. */
#ifndef ALMON_SCRIPT_TEMPLATE_H
#define ALMON_SCRIPT_TEMPLATE_H

#include "base/error.h"
#include "base/str.h"

/* Appends the value of the expression that stands on `line` to `out`, escaped. 0 or an error. */
typedef int template_value_h(const char *expression, size_t len, int line, struct str *out,
                             void *arg, struct error *err);

/* Copies `text` to `out` with each {{ expression }} replaced. Comments, CDATA and the text of <Lua>
 * stay as they are (nested tables of Lua look the same). Braces and quoted texts within an
 * expression may hold "}}". 0; an error of `h`; ERR_INVALID for a {{ without its end, with *line;
 * or ERR_LIMIT. A pure function of its bytes otherwise. */
int template_fill(const char *text, size_t len, struct str *out, template_value_h *h, void *arg,
                  int *line, struct error *err);

#endif
