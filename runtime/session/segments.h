/* How many segments a text takes in the air (twiml-messaging.md §4, GSM 03.38): 160 septets when
 * all its characters are of the GSM alphabet, else 70 UTF-16 units; in several segments 153 and
 * 67 each. Neither an escape pair nor a surrogate pair is split. */
#ifndef ALMON_SESSION_SEGMENTS_H
#define ALMON_SESSION_SEGMENTS_H

#include <stdbool.h>

struct segments {
    int count;      /* 1 for an empty text */
    int units;      /* septets, or UTF-16 units */
    int characters; /* as people count them: code points */
    bool gsm;
};
/* `text` is UTF-8; what is invalid counts as one character that is not of the alphabet. */
struct segments segments_of(const char *text);

#endif
