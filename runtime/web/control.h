/* The control socket STATE/almon.sock (mode 0600, JSON lines): what the command line asks of a
 * running exchange. Each request is one line, each answer one line with the same "id":
 *
 *   {"cmd":"status"}                                   → {"ok":true,"status":{…}}
 *   {"cmd":"redirect","sid":"CA…","url":"…"}           → {"ok":true} | {"ok":false,"error":"…"}
 *   {"cmd":"hangup","sid":"CA…"}                       → likewise
 *   {"cmd":"rooms"}, {"cmd":"room",…}                 → cli/room.h
 *   {"cmd":"join","gateway":"…","connection":"…",
 *    "from":"…","to":"…"}                              → likewise; see bridge_join()
 *   {"cmd":"record","sid":"CA…"|"RE…","do":"start"}    → {"ok":true,"recording":"RE…"} | likewise;
 *                                                        "do": start, dual (two channels), pause,
 *                                                        skip (a pause that leaves nothing),
 * resume, stop
 *   {"cmd":"trace","sid":"CA…"|null}                   → {"ok":true}, then journal lines as they
 *                                                        are written: {"sid":"CA…","line":{…}}
 *
 * Clients, line lengths and what waits for a slow reader are bounded. */
#ifndef ALMON_WEB_CONTROL_H
#define ALMON_WEB_CONTROL_H

#include "base/error.h"
#include "base/loop.h"
#include <jansson.h>

typedef void control_line_h(const char *sid, const char *line, void *arg);

/* What the socket may do; given by main, so that web knows nothing of sessions. */
struct control_actions {
    int (*redirect)(void *arg, const char *sid, const char *url, struct error *err);
    int (*hangup)(void *arg, const char *sid, struct error *err);
    /* Journal lines of one call (`sid` NULL: all) from now on. NULL when memory is out. */
    void *(*watch)(void *arg, const char *sid, control_line_h *h, void *h_arg);
    void (*unwatch)(void *arg, void *watch);
    json_t *(*status)(void *arg); /* a new reference */
    json_t *(*rooms)(void *arg);  /* likewise: conferences */
    int (*room)(void *arg, const json_t *request, struct error *err);
    void *arg;
    /* Connects to an Asterisk's waiting channel; see bridge_join(). */
    int (*join)(void *arg, const char *gateway, const char *id, const char *from, const char *to,
                struct error *err);
    /* `what` is the "do"; `made` (35 bytes) gets the SID of what was begun, else "". */
    int (*record)(void *arg, const char *sid, const char *what, char *made, struct error *err);
};

struct control;
/* Listens on STATE/almon.sock. A stale socket file is replaced; a live one is an error. */
int control_new(struct control **cp, struct loop *loop, const char *state,
                const struct control_actions *actions, struct error *err);
struct control *control_free(struct control *c);

#endif
