/* SSML inside Say: its ten elements (tables only, declared in verbs.h) and the way from a Say's
 * children to pieces of speech. */
#ifndef ALMON_VERBS_SSML_H
#define ALMON_VERBS_SSML_H

#include "session/session.h"

/* The text and SSML inside `say` as pieces, in order; all of it lives in the arena or in the
 * document. White space between elements is kept as one space. 0; 13520 when there is nothing to
 * say, 13521 when there is too much; ERR_NOMEM. */
int ssml_flatten(const struct node *say, struct arena *arena, struct speech_piece **pieces,
                 size_t *count, struct error *err);

#endif
