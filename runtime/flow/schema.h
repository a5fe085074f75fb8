/* The declarative half of a verb: one table for each element, from which everything else is
 * derived: the checker's messages, the typed values a verb reads, the Lua calls, `almon help`.
 *
 * A table is written like this (verbs/pause.c):
 *
 *   struct pause_args { int length; };
 *   static const struct attr pause_attrs[] = {
 *       {.name = "length", .type = ATTR_INT, .def = "1", .min = 1, .max = 3600, .code = 13910,
 *        .offset = offsetof(struct pause_args, length), .text = "Seconds of silence."},
 *       {0},
 *   };
 */
#ifndef ALMON_FLOW_SCHEMA_H
#define ALMON_FLOW_SCHEMA_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

/* What an attribute's text becomes in the args struct, at `offset`. */
enum attr_type {
    ATTR_STR,    /* const char *; NULL when absent and without default */
    ATTR_URL,    /* const char *, as written (relative ones are resolved when used) */
    ATTR_INT,    /* int within min..max; ATTR_ABSENT when absent and without default */
    ATTR_BOOL,   /* bool; "true" or "false" (any case), absent without default is false */
    ATTR_CHOICE, /* int: index in `choices`; ATTR_ABSENT when absent and without default */
    ATTR_LIST,   /* unsigned: bit mask of `choices`, written with spaces between; absent is 0 */
    ATTR_METHOD, /* enum flow_method */
    ATTR_DIGITS, /* const char *: only characters of `set` */
    ATTR_AUTO,   /* int as ATTR_INT, or the word "auto" which gives ATTR_IS_AUTO */
};
#define ATTR_ABSENT  (-1)
#define ATTR_IS_AUTO (-2)

enum flow_method { FLOW_POST, FLOW_GET };

struct node;
struct checker;

struct attr {
    const char *name; /* NULL ends the table */
    enum attr_type type;
    const char *def;            /* as a user would write it; NULL none */
    int min, max;               /* ATTR_INT, ATTR_AUTO: bounds, both included */
    const char *const *choices; /* ATTR_CHOICE, ATTR_LIST: NULL-ended */
    bool open;                  /* ATTR_CHOICE: other values are fine too; the field is then a
                                   const char * as for ATTR_STR, choices only feed help */
    bool required;
    const char *set;  /* ATTR_DIGITS: allowed characters; "" is allowed where `min` is 0;
                         `max` > 0 bounds the length */
    int code;         /* Twilio's warning code for a bad value; 0 means 12200 */
    size_t offset;    /* of the field in the args struct */
    const char *text; /* one line for people */
};

enum schema_flags {
    SCHEMA_TEXT = 1,      /* holds text: node->text, trimmed; without it text is a warning */
    SCHEMA_MIXED = 2,     /* holds text between its children (Say, SSML): text nodes among them */
    SCHEMA_ENDS = 4,      /* what follows it can never be reached (Redirect, Hangup, Reject) */
    SCHEMA_LATER = 8,     /* grammar only: the behaviour is not in this version */
    SCHEMA_VOICE = 16,    /* may stand in voice documents */
    SCHEMA_MESSAGE = 32,  /* may stand in messaging documents */
    SCHEMA_EXTENSION = 64 /* ours, not Twilio's */
};

struct schema {
    const char *name;           /* element name, case-sensitive */
    const char *const *parents; /* NULL-ended: where it may stand; NULL for the root */
    unsigned flags;             /* enum schema_flags */
    const struct attr *attrs;   /* NULL: none */
    size_t args_size;           /* bytes of the args struct */
    int nested_code;            /* Twilio's code when a child stands where it may not (13320 …) */
    /* Rules across attributes and children, after all were read; reports through `report`. May be
     * NULL. */
    void (*check)(const struct node *node, struct checker *c);
    const char *text; /* one line for people */
};

/* The finished table, NULL-ended, sorted by name; several schemas may share a name when their
 * parents differ (Sip under Dial, Sip under Refer). `main` hands it down; nothing below includes
 * verbs/. */
struct schema_table {
    const struct schema *const *all;
    size_t count;
};

/* The schema of `name` as a child of `parent` (NULL: as root): the one that may stand there, else
 * any of that name with *misplaced set, else NULL. */
const struct schema *schema_find(const struct schema_table *t, const char *name,
                                 const struct schema *parent, bool *misplaced);
/* The known name nearest to a misspelt one among the children of `parent`, NULL when none is near.
 */
const char *schema_nearest(const struct schema_table *t, const char *name,
                           const struct schema *parent);
/* The same among all names, for `almon help`. */
const char *schema_nearest_any(const struct schema_table *t, const char *name);
const struct attr *attr_find(const struct schema *s, const char *name);
const char *attr_nearest(const struct schema *s, const char *name);
/* Parses one value into the args struct. 0, or ERR_INVALID with *err saying what would be right
 * (then the default stands in the field). Strings are not copied: they must outlive `args`. */
int attr_parse(const struct attr *a, const char *value, void *args, struct error *err);
/* Writes all defaults. */
void attr_defaults(const struct schema *s, void *args);

#endif
