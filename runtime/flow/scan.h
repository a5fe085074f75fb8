/* A first, cheap look at the bytes of a document, before libxml2 sees them: refuses what would cost
 * libxml2 much time or would make it load something, and notes where the start tags are. */
#ifndef ALMON_FLOW_SCAN_H
#define ALMON_FLOW_SCAN_H

#include "base/error.h"
#include "flow/document.h"
#include <stddef.h>

enum {
    SCAN_MAX_PREFIXES = 64, /* colons in names: libxml2 looks namespaces up one by one */
};

struct scan_tag {
    unsigned at; /* offset of its '<' */
    int line;
};

struct scan {
    const char *bytes;
    size_t len;
    struct scan_tag tags[DOCUMENT_MAX_NODES]; /* the start tags, in order */
    int count;
    int line; /* where scan_document() found what it refused */
    /* The attribute asked for last: the next one is found from there. */
    struct {
        int tag, index, line;
        const char *at;
    } cursor;
};

/* 0, or an error with Twilio's code (11750, 11770, 12100, 12101); its line is in s->line. Bytes
 * that are merely malformed are left to libxml2. */
int scan_document(struct scan *s, const char *bytes, size_t len, struct error *err);
/* The line on which attribute `index` (from 0) of start tag `tag` begins. */
int scan_attribute_line(struct scan *s, int tag, int index);

#endif
