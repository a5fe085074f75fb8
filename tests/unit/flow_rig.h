/* Parsing with the real tables, every problem written down as "LINE error|warning CODE text". */
#ifndef ALMON_TESTS_FLOW_RIG_H
#define ALMON_TESTS_FLOW_RIG_H

#include "base/str.h"
#include "flow/document.h"

struct flow_rig {
    struct document *doc; /* NULL: it was refused */
    struct error err;
    struct str said; /* one problem a line */
    int problems, errors;
};

/* `kind` is guessed. Answers document_parse()'s. */
int flow_rig_parse(struct flow_rig *r, const char *markup);
int flow_rig_parse_bytes(struct flow_rig *r, const char *bytes, size_t len);
void flow_rig_free(struct flow_rig *r);
/* True when some problem's line begins with `start` and holds `piece`. Prints them when not. */
bool flow_rig_said(const struct flow_rig *r, const char *start, const char *piece);
/* The tree in one line: Response(Gather(Say("hi")) Hangup). */
void flow_rig_tree(const struct flow_rig *r, struct str *out);

#endif
