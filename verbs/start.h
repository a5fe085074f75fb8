/* Between <Start>, <Stop> and their nouns: what each does, told of its own node. Nothing waits; a
 * problem is said through session_warn(). */
#ifndef ALMON_START_H
#define ALMON_START_H

#include "session/verb.h"

void recording_begin(struct activation *a, const struct node *n);
void recording_end(struct activation *a, const struct node *n);

#endif
