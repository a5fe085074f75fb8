#include "base/error.h"

#include "base/utf8.h"
#include <stdarg.h>
#include <stdio.h>

static void fill(struct error *err, int code, int twilio, const char *fmt, va_list ap)
{
    err->code = code;
    err->twilio = twilio;
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    utf8_clean(err->text);
}

int error_set(struct error *err, int code, const char *fmt, ...)
{
    va_list ap;

    if (err == NULL)
        return code;
    va_start(ap, fmt);
    fill(err, code, 0, fmt, ap);
    va_end(ap);
    return code;
}

int error_set_twilio(struct error *err, int code, int twilio, const char *fmt, ...)
{
    va_list ap;

    if (err == NULL)
        return code;
    va_start(ap, fmt);
    fill(err, code, twilio, fmt, ap);
    va_end(ap);
    return code;
}

int error_nomem(struct error *err)
{
    return error_set(err, ERR_NOMEM, "out of memory");
}

void error_clear(struct error *err)
{
    if (err == NULL)
        return;
    err->code = err->twilio = 0;
    err->text[0] = '\0';
}
