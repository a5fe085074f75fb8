#include "bridge/cause.h"
#include <string.h>

static const struct {
    const char *word;
    int sip;
    const char *status;
} causes[CAUSE_COUNT] = {
    [CAUSE_NORMAL] = {"normal", 480, "canceled"},
    [CAUSE_BUSY] = {"busy", 486, "busy"},
    [CAUSE_REJECTED] = {"rejected", 603, "busy"},
    [CAUSE_NO_ANSWER] = {"no-answer", 480, "no-answer"},
    [CAUSE_CANCELED] = {"canceled", 487, "canceled"},
    [CAUSE_UNROUTABLE] = {"unroutable", 404, "failed"},
    [CAUSE_CONGESTION] = {"congestion", 503, "failed"},
    [CAUSE_ERROR] = {"error", 500, "failed"},
    [CAUSE_LINK_LOST] = {"link-lost", 503, "failed"},
};

const char *cause_name(enum cause c)
{
    return causes[c].word;
}

int cause_find(const char *name)
{
    for (int i = 0; i < CAUSE_COUNT; i++)
        if (strcmp(causes[i].word, name) == 0)
            return i;
    return -1;
}

int cause_sip(enum cause c)
{
    return causes[c].sip;
}

const char *cause_call_status(enum cause c, int answered)
{
    return answered ? "completed" : causes[c].status;
}
