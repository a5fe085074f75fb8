/* Journal lines as a person reads them. */
#ifndef ALMON_SIM_TELL_H
#define ALMON_SIM_TELL_H

#include "base/str.h"
#include "sim/sim.h"

/* Appends "  2.340  verb      name="Gather" line=3 …", cut to one line. */
void tell_line(struct str *out, const char *json);
/* The last `n` lines of the call `sid` ("": of all). */
void tell_last(struct str *out, const struct sim *s, const char *sid, size_t n);
/* A line in a few words: "Gather numDigits="4"", "request POST http://…". False when `wanted` does
 * not want its "e". */
bool tell_short(const char *json, bool (*wanted)(const char *e), char *out, size_t size);

#endif
