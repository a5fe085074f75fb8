/* The problems of one document, gathered while it is read and reported in the order of its lines.
 */
#ifndef ALMON_FLOW_CHECKER_H
#define ALMON_FLOW_CHECKER_H

#include "flow/document.h"

struct checker {
    const struct schema_table *table;
    enum document_kind kind;
    bool wanted; /* somebody listens: else nothing is written down */
    bool told_unreachable;
    bool failed; /* memory was out: some are missing */
    struct arena *arena;
    struct diag list[DOCUMENT_MAX_DIAGS];
    int count;
};

void checker_init(struct checker *c, const struct document_source *source,
                  const struct schema_table *table, struct arena *arena);
/* False when nobody listens, or there is no place for more: then messages need not be made. */
bool checker_wants(const struct checker *c);
/* One more problem. The last place is kept for a fatal one. */
void checker_add(struct checker *c, int line, bool error, int code, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* The rules across attributes and elements, when the tree is complete. */
void checker_rules(struct checker *c, const struct node *root);
/* Reports all, in the order of their lines. `fatal` (may be NULL) ended the parsing at `line`. */
void checker_tell(struct checker *c, const struct document_source *source,
                  const struct error *fatal, int line);

#endif
