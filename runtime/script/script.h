/* Flows in Lua: what session/handler.h asks for. One Lua state a session, made at first use, in a
 * sandbox (README.md); a handler is a coroutine in it. */
#ifndef ALMON_SCRIPT_SCRIPT_H
#define ALMON_SCRIPT_SCRIPT_H

#include "session/handler.h"

/* For struct runtime_parts. */
extern const struct handler_type script_handlers;

#endif
