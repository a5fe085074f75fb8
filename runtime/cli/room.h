/* Conferences over the control socket: what `almon serve` does with the requests of room.c.
 *
 *   {"cmd":"rooms"}                                   → {"ok":true,"rooms":[{sid, name, account,
 *                                                        status, members:[{call, label, …}]}]}
 *   {"cmd":"room","sid":"CF…","do":"end"}             → {"ok":true} | {"ok":false,"error":"…"}
 *   … "do":"announce","url":"…"
 *   … "do":"mute" unmute hold unhold kick announce,"who":CallSid or label,"url":"…" */
#ifndef ALMON_CLI_ROOM_H
#define ALMON_CLI_ROOM_H

#include "base/error.h"
#include <jansson.h>

struct runtime;

/* A new reference; NULL when memory is out. */
json_t *cli_room_list(struct runtime *rt);
int cli_room_act(struct runtime *rt, const json_t *request, struct error *err);

#endif
