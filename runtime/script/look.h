/* Flows looked at without running them, for `almon check`: whether Lua can be compiled, and what
 * the tables say of the calls in it. */
#ifndef ALMON_SCRIPT_LOOK_H
#define ALMON_SCRIPT_LOOK_H

#include "base/str.h"
#include "flow/document.h"

struct look_source {
    const char *text; /* with a byte 0 behind it */
    size_t len;
    int line;        /* of its file, on which it begins */
    bool of_message; /* <Lua> of an answer to a message: `message` is there */
};
/* Reports the mistake that keeps it from being compiled, or each call:verb{ option = … } (and
 * message:verb{…}, in a file with a function of `message`) whose verb or option does not exist. */
void look_at_lua(const struct look_source *source, const struct schema_table *table, diag_h *report,
                 void *arg);

/* True when a function of the file takes `message`, and none takes `call`: it is for messages. */
bool look_is_of_messages(const char *text);

#define LOOK_HOLE "{{}}" /* what stands in place of an expression */
/* The {{ expressions }} of a document: reports those that cannot be compiled, and appends the
 * document with LOOK_HOLE in place of each (its lines stay the same). */
void look_at_braces(const char *text, size_t len, struct str *out, diag_h *report, void *arg);
/* The same for who only wants to read the document (a graph, coverage): false when the braces are
 * wrong, or memory is out; then the text as it is will do. */
bool look_past_braces(const char *text, size_t len, struct str *out);

#endif
