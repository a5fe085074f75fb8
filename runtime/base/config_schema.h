/* Private to config: the one table of what almon.lua may say. */
#ifndef ALMON_BASE_CONFIG_SCHEMA_H
#define ALMON_BASE_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

/* How a value is checked and stored; see config_values.c. */
enum config_type {
    CONFIG_TEXT,    /* const char *; not empty */
    CONFIG_SID,     /* const char *: AC and 32 hex digits */
    CONFIG_PATTERN, /* const char *: a number, perhaps with '*' at the end */
    CONFIG_FLOW,    /* const char *: an http(s) URL, or a file below the folder */
    CONFIG_URL,     /* const char *: an http(s) URL; a slash at the end is dropped */
    CONFIG_ADDRESS, /* const char *: host:port */
    CONFIG_LEVELS,  /* const char *: log_set_levels() */
    CONFIG_CHOICE,  /* const char *: one of the choices */
    CONFIG_ACCOUNT, /* const struct config_account *: written as its sid */
    CONFIG_LIST,    /* const char *const *, and right behind it size_t: one text or several */
    CONFIG_EVENTS,  /* unsigned: a bit for each of the choices, in their order */
    CONFIG_INT,     /* int */
    CONFIG_BOOL,    /* bool */
};

struct config_key {
    const char *name; /* NULL ends the table */
    enum config_type type;
    const char *def; /* as one would write it; NULL: absent */
    long min, max;   /* CONFIG_INT */
    const char *const *choices;
    /* CONFIG_TEXT, CONFIG_LIST: what the text, or each of them, must be; NULL when it is. */
    const char *(*check)(const char *text);
    bool required;
    bool first;    /* also the value without a key: number { "+1…" } */
    bool felt;     /* a call can feel it: config_settings() */
    size_t offset; /* in the struct of the section */
    const char *help;
};

struct config_section {
    const char *name;
    const char *help;
    const struct config_key *keys;
    bool repeatable;

    /* A section that may be repeated is an array in struct config; `size` is that of an element,
     * and `unique` the key by which no two may be equal. The offsets of the others are from struct
     * config itself. */
    size_t size;
    size_t items, n_items; /* offsets of the array and its length */
    size_t line;           /* offset of the element's line */
    const struct config_key *unique;
};

/* For `check`, config_check.c: a country or a beginning of numbers; a number, perhaps with '*' at
 * its end; route{…}'s caller_id and pattern; a client's name. */
const char *config_check_country(const char *text);
const char *config_check_sip_host(const char *text);
const char *config_check_own_number(const char *text);
const char *config_check_caller_id(const char *text);
const char *config_check_route_pattern(const char *text);
const char *config_check_identity(const char *text);

/* config_schema_sip.c: the keys of sip{…}, trunk{…} and phone{…}. */
extern const struct config_key config_sip_keys[], config_trunk_keys[], config_phone_keys[];

extern const struct config_section config_sections[];
extern const size_t config_n_sections;

#endif
