/* Reads one JSON object of a control message, in place: the strings are unescaped where they stand
 * and nothing is allocated, so that nothing can run out. (jansson 2.14 writes past a string whose
 * buffer cannot grow.) The whole text is checked against RFC 8259; only the members of the object
 * and of the objects directly in it are kept, what is deeper or in arrays is passed over. */
#ifndef ALMON_BRIDGE_SCAN_H
#define ALMON_BRIDGE_SCAN_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_MEMBERS_MAX 256 /* kept, over both levels */

enum scan_kind {
    SCAN_NULL,
    SCAN_BOOL,
    SCAN_INTEGER, /* a number without fraction or exponent, within 64 bits */
    SCAN_NUMBER,  /* any other */
    SCAN_STRING,
    SCAN_OBJECT,
    SCAN_ARRAY
};

struct scan_member {
    const char *name; /* NUL-terminated; no U+0000 can be in it or in a string */
    enum scan_kind kind;
    const char *string;
    size_t len;     /* of the string */
    int64_t number; /* or 0 and 1 for false and true */
    size_t count;   /* members of an object; they follow it in the list */
    uint8_t level;  /* 1: of the message, 2: of an object in it */
};

struct scan {
    struct scan_member list[SCAN_MEMBERS_MAX];
    size_t count;
};

/* `text` has `len` bytes, is followed by a NUL, and is changed. `depth` bounds the nesting. 0, or
 * ERR_INVALID with a message for the sender. */
int scan_object(struct scan *s, char *text, size_t len, int depth, struct error *err);
/* The member of that name at level 1, or NULL. */
const struct scan_member *scan_find(const struct scan *s, const char *name);

#endif
