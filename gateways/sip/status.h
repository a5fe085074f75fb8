/* Why calls end, in the three languages that meet here: SIP statuses, Q.850 causes, and the
 * bridge's words. One table. */
#ifndef ALMON_SIP_STATUS_H
#define ALMON_SIP_STATUS_H

#include "bridge/cause.h"

/* A call of ours that ended before its answer. `q850` -1: not given. */
enum cause status_cause(unsigned status, int q850);
/* What a Reason header says of our own cause. */
int status_q850(enum cause cause);
/* The cause that a network would give for this final answer. */
int status_to_q850(unsigned status);
/* The words of an answer: "Busy Here". */
const char *status_reason(unsigned status);

#endif
