/* Private to the room: what webhook.c does with parameters beyond webhook.h. */
#ifndef ALMON_HTTP_PARAMS_H
#define ALMON_HTTP_PARAMS_H

#include "base/str.h"
#include "http/webhook.h"

/* As application/x-www-form-urlencoded; NULL adds nothing. */
void webhook_params_form(const struct webhook_params *p, struct str *out);

#endif
