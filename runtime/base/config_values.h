/* Private to config: one file being read, and how its values become fields. */
#ifndef ALMON_BASE_CONFIG_VALUES_H
#define ALMON_BASE_CONFIG_VALUES_H

#include "base/arena.h"
#include "base/config_scan.h"
#include "base/config_schema.h"
#include "base/str.h"
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

struct config;

struct config_problem {
    struct config_problem *next;
    int line; /* 0: of the file as a whole */
    const char *text;
};

/* `account = "AC…"` waits here until all accounts are known. */
struct config_link {
    struct config_link *next;
    size_t entry;  /* which number */
    size_t offset; /* of the field in it */
    const char *sid;
    int line;
};

struct config_loader {
    struct config *config;
    struct arena scratch; /* what is not kept: entries as they come, problems, tokens */
    struct scan scan;
    struct config_problem *problems; /* by line */
    size_t n_problems;
    struct config_link *links;
    struct config_entry **entries; /* of each section, the last first */
    size_t *n_entries;
    int *seen; /* the line of each section's call, for those that stand once */
    size_t n_all;
    bool nomem;
    bool complete; /* the file ran to its end */
};

/* The nearest of some names to a misspelt word: init, try each, ask. */
struct config_nearest {
    const char *word, *best;
    unsigned distance;
};
void config_nearest_try(struct config_nearest *n, const char *name);

/* Notes a mistake; `line` 0 when there is none. */
void config_problem(struct config_loader *l, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Appends "; did you mean 'x'?" to a message when something is near enough. */
void config_add_nearest(struct str *s, const struct config_nearest *n);

/* Stores the default of a key in its field. */
void config_default(const struct config_key *key, void *base);
/* Checks the value on top of the Lua stack and stores it in its field at base + key->offset. A
 * mistake is noted, and the field left alone. Raises no Lua error. */
void config_value(struct config_loader *l, lua_State *L, const struct config_section *section,
                  const struct config_key *key, int line, void *base);

/* Notes routes that lead to nothing that the file has. */
void config_check_routes(struct config_loader *l);
/* Gives each number its account. */
void config_check_accounts(struct config_loader *l);

/* What stands behind an unknown global name: calling it is a mistake, and so is using it as a
 * value. Its only upvalue is the name. */
int config_unknown(lua_State *L);

#endif
