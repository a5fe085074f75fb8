/* Values that several elements share. */
#include "verbs/verbs.h"

const char *const verb_trims[] = {"trim-silence", "do-not-trim", NULL};
const char *const verb_recording_events[] = {"in-progress", "completed", "absent", NULL};
const char *const verb_call_events[] = {"initiated", "ringing", "answered", "completed", NULL};
const char *const verb_tracks[] = {"inbound_track", "outbound_track", "both_tracks", NULL};
const char *const verb_recorded_tracks[] = {"both", "inbound", "outbound", NULL};
const char *const verb_dial_records[] = {"do-not-record",
                                         "record-from-answer",
                                         "record-from-ringing",
                                         "record-from-answer-dual",
                                         "record-from-ringing-dual",
                                         "true",
                                         "false",
                                         NULL};
const char *const verb_machine_modes[] = {"Enable", "DetectMessageEnd", NULL};
const char *const verb_card_types[] = {"visa",   "mastercard", "amex",        "maestro", "discover",
                                       "optima", "jcb",        "diners-club", "enroute", NULL};

const char *const verb_in_response[] = {"Response", NULL};
