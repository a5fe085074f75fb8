/* An exchange and a gateway's client joined in virtual time, each writing down what it is told, for
 * the tests of the bridge. */
#ifndef ALMON_TESTS_BRIDGE_STAND_H
#define ALMON_TESTS_BRIDGE_STAND_H

#include "base/str.h"
#include "bridge/bridge.h"
#include "bridge/client.h"
#include "bridge/link.h"
#include "tests/unit/unit.h"

struct stand {
    struct vtime *vtime;
    struct loop *control;
    struct media *media;
    struct config_gateway gateways[3];
    struct config config;
    struct bridge *bridge;
    bool bridge_closed;

    /* the exchange's side */
    struct str said;         /* "offered +1 +2;ringing;digit 5;…" */
    struct channel *channel; /* the last one offered; NULL once released */
    unsigned offered, released, ended;
    bool deaf; /* do not bind what is offered */
    bool answer_at_once;

    /* the gateway's side */
    struct bridge_client *client;
    char why[128];       /* the link closed */
    struct str heard;    /* "ready;answered 1;hangup 1 normal;…" */
    unsigned frames;     /* of audio, over all channels */
    int64_t first, last; /* when the first and the last came, ms of the virtual clock */
    bool uneven;         /* two frames not 20 ms apart */
};

/* Makes exchange and media; gateways "gw" (max 3 channels), "out" (may not originate) and "pbx" (an
 * Asterisk, max 2), token "secret" all. */
bool stand_up(struct stand *s);
/* Joins the client as `name`, whatever comes of it. */
bool stand_knock(struct stand *s, const char *name, const char *token);
/* Joins the client as `name` and waits for its welcome. */
bool stand_join(struct stand *s, const char *name, const char *token);
/* The same on real time: media on its thread, the bridge on a free port of the loopback, the client
 * over a WebSocket (without waiting). */
bool stand_up_live(struct stand *s);
bool stand_join_live(struct stand *s);
int stand_connect(struct stand *s, const char *url, struct error *err);
/* One call offered and presented; its number in *number. */
bool stand_call(struct stand *s, uint32_t *number);
void stand_run(struct stand *s, int64_t ms);
/* Takes all down, also when only half of it was built. */
void stand_down(struct stand *s);

#endif
