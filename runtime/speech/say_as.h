/* <say-as>: text that is read in a particular way, written out as words for the engine. English has
 * rules of its own here; in other languages the engine's own reading of numbers and dates is better
 * than ours, so there only spelling (characters, digits, telephone) is done. */
#ifndef ALMON_SPEECH_SAY_AS_H
#define ALMON_SPEECH_SAY_AS_H

#include "base/str.h"
#include <stdbool.h>

/* Appends how `text` is read. `as` is one of Twilio's values of interpret-as, `format` one of its
 * date formats or NULL. Text that does not fit (a date that is none) is appended as it is. A pure
 * function of its arguments. */
void say_as(struct str *out, const char *text, const char *as, const char *format, bool english);

/* The parts of say_as.c that have files of their own: false when the text does not fit, then
 * nothing was appended. */
bool say_date(struct str *out, const char *text, const char *format);
bool say_time(struct str *out, const char *text);
bool say_unit(struct str *out, const char *text);
void say_address(struct str *out, const char *text);

#endif
