/* Flows in Lua: what session/handler.h asks for. One Lua state a session, made at first use, in a
 * sandbox (README.md); a handler is a coroutine in it. */
#ifndef ALMON_SCRIPT_SCRIPT_H
#define ALMON_SCRIPT_SCRIPT_H

#include "session/handler.h"
#include "store/kv.h"

/* For struct runtime_parts. */
extern const struct handler_type script_handlers;

/* The namespace of a flow folder's values in the store (store/kv.h). */
void script_kv_space(char out[KV_SPACE_MAX + 1], const char *account, const char *folder);

/* For `almon test --coverage`: told of each line of a flow that runs, in all states made from now
 * on; `path` as in messages. NULL: nobody. It must not touch Lua. */
typedef void script_line_h(const char *path, int line, void *arg);
void script_watch_lines(script_line_h *h, void *arg);

#endif
