/* Which country a telephone number belongs to, by the ITU's assignments of E.164 prefixes (ITU-T
 * E.164.D, and the national plans where several countries share a code: +1, +7, +39, +44 …). Pure
 * functions over one table. */
#ifndef ALMON_BASE_COUNTRY_H
#define ALMON_BASE_COUNTRY_H

#include <stdbool.h>

/* The ISO 3166 code of the longest prefix that fits "+493012345": "DE". NULL when no country has
 * it. */
const char *country_of(const char *number);
/* True for the code of a country in the table, in capitals. */
bool country_known(const char *iso);
/* The country's first prefix, with '+': "+49"; NULL for unknown codes. Written into `out`. */
const char *country_prefix(const char *iso, char out[12]);
/* What makes calls to this number dear wherever they come from: "a premium-rate number", "a
 * satellite telephone" …; NULL for ordinary numbers. The list holds the ranges that toll fraud is
 * known to use; national plans change, so it is a second fence: the first are routes and the
 * account's countries. */
const char *country_dear(const char *number);

#endif
