/* Who is called, as a hostile document writes it, and a pattern after a newline. Oracles: what was
 * accepted can be dialled as it stands (printable, one host, bounded), reads the same when it is
 * read again, and its numbers are E.164; a pattern for one host fits no other. */
#include "session/route_target.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void must(bool good)
{
    if (!good)
        abort();
}

static void check_e164(const char *number)
{
    size_t n = strlen(number);

    if (n == 0)
        return;
    must(number[0] == '+' && number[1] != '0' && n >= 8 && n <= 16);
    must(strspn(number + 1, "0123456789") == n - 1);
}

static void check_accepted(const struct target *t)
{
    struct target again;

    for (const char *c = t->name; *c != '\0'; c++)
        must((unsigned char)*c > ' ' && *c != 0x7f);
    check_e164(t->number);
    check_e164(t->other);
    must(target_read(&again, t->name, NULL) == 0);
    must(again.kind == t->kind && strcmp(again.name, t->name) == 0);
    must(strcmp(again.host, t->host) == 0 && strcmp(again.number, t->number) == 0);
    if (t->kind != TARGET_SIP) {
        must(target_fits(t, "sip:*") == 0);
        return;
    }
    must(strchr(t->name, '@') == strrchr(t->name, '@') && t->host[0] != '\0');
    must(target_fits(t, "sip:*") == 4 && target_fits(t, "*") == 0);
    must(target_fits(t, "sip:*@other.invalid") == 0 || strcmp(t->host, "other.invalid") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[3000];
    struct target t;
    struct error err = {0};
    char *pattern;

    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    pattern = strchr(text, '\n');
    if (pattern != NULL)
        *pattern++ = '\0';
    if (target_read(&t, text, &err) != 0) {
        must(err.text[0] != '\0' && err.twilio == 13224);
        return 0;
    }
    check_accepted(&t);
    if (pattern != NULL && *pattern != '\0')
        target_fits(&t, pattern);
    return 0;
}
