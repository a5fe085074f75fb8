/* What a hostile Asterisk says. Oracles: what was accepted is within its bounds and printable, what
 * was refused has a message, and a digit is a digit. */
#include "bridge/asterisk.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void must(bool good)
{
    if (!good)
        abort();
}

static void check_text(const char *s, size_t max)
{
    if (s == NULL)
        return;
    must(strlen(s) > 0 && strlen(s) <= max);
    for (; *s != '\0'; s++)
        must((unsigned char)*s >= 0x20 && *s != 0x7f);
}

static void check_event(const struct asterisk_event *e)
{
    size_t n = 0;

    check_text(e->to, ASTERISK_NUMBER_MAX);
    check_text(e->from, ASTERISK_NUMBER_MAX);
    check_text(e->caller_name, ASTERISK_NUMBER_MAX);
    check_text(e->forwarded_from, ASTERISK_NUMBER_MAX);
    while (e->params[n] != NULL)
        check_text(e->params[n++], 1024);
    must(n % 2 == 0);
    must(e->kind != ASTERISK_DIGIT || strchr("0123456789ABCD*#", e->digit) != NULL);
    must(e->kind != ASTERISK_START || (e->format != NULL && e->channel_id != NULL));
    if (e->id != NULL)
        must(strlen(e->id) <= WIRE_TEXT_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct asterisk_event e;
    struct error err = {0};
    char out[ASTERISK_NUMBER_MAX + 1];
    int rc = asterisk_parse(&e, (const char *)data, size, &err);

    if (rc == 0)
        check_event(&e);
    else
        must(rc == ERR_INVALID && err.text[0] != '\0');
    asterisk_event_free(&e);
    if (asterisk_pair((const char *)data, size, '\n', true, "to", out, sizeof out))
        check_text(out, sizeof out - 1);
    return 0;
}
