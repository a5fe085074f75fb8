/* Which parts of the tested flows no scenario reached: verbs, branches, attributes, lines of Lua.
 * What was reached is gathered from journals, as a JSON object { path: { fact: true } }, so that
 * workers can hand it over and it can be merged. */
#ifndef ALMON_SIM_COVER_H
#define ALMON_SIM_COVER_H

#include "base/str.h"
#include "flow/schema.h"
#include "sim/sim.h"
#include <jansson.h>

struct cover;

/* Files below `scratch` are a scenario's own and do not count. NULL when memory is out. */
struct cover *cover_new(const char *scratch);
struct cover *cover_free(struct cover *c);
/* One line of a call's journal. */
void cover_line(struct cover *c, const struct sim_line *line);
/* One line of Lua ran. */
void cover_lua(struct cover *c, const char *path, int line);
/* What was reached; belongs to `c`. */
const json_t *cover_facts(const struct cover *c);

/* Adds `part` to `all`. */
void cover_merge(json_t *all, const json_t *part);
/* What was never reached, file by file with line numbers, and how much was; then the flow files
 * (.xml, .lua) of the same folders that were never read at all. `prefix` begins each line. */
void cover_report(const json_t *all, const struct schema_table *table, const char *prefix,
                  struct str *out);

/* The lines of a Lua file on which something can run (cover_lua.c): `lines[n]` for 1 to `max`.
 * False when it cannot be compiled. */
bool cover_lua_lines(const char *path, bool *lines, int max);

#endif
