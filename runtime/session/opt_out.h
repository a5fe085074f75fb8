/* STOP, START and HELP (twiml-messaging.md §5): who writes one of these words alone to a number is
 * sent nothing more by it, or again, whatever its flow says; and is told so. The message reaches
 * the flow nevertheless. number{ opt_out = false } leaves all of it to the flow. */
#ifndef ALMON_SESSION_OPT_OUT_H
#define ALMON_SESSION_OPT_OUT_H

struct session;

enum opt_out { OPT_OUT_NONE, OPT_OUT_STOP, OPT_OUT_START, OPT_OUT_HELP };
/* What the whole text says, in capitals or not, with spaces and a full stop around it or without;
 * also in the wide letters of Asian keyboards. */
enum opt_out opt_out_word(const char *body);
/* A message that came, and is kept: it is done as it says. */
void opt_out_obey(struct session *s);

#endif
