/* Control messages from a hostile gateway. Oracles: what was accepted is within its bounds, is
 * written again and read again as the same bytes; what was refused has a message; and jansson, an
 * independent reader, takes whatever we took. */
#include "base/mem.h"
#include "bridge/wire.h"
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void must(bool good)
{
    if (!good)
        abort();
}

/* Keys may stand twice deeper down, and numbers there be of any size, where we only pass over:
 * jansson is stricter than the grammar there. */
static bool is_json(const char *text, size_t len)
{
    json_error_t why;
    json_t *j = json_loadb(text, len, JSON_DECODE_INT_AS_REAL, &why);

    if (j == NULL)
        return json_error_code(&why) == json_error_numeric_overflow;
    json_decref(j);
    return true;
}

static void check_accepted(const struct wire_msg *m, const char *text, size_t len)
{
    struct wire_text *once = wire_format(m), *twice;
    struct wire_msg again;

    must(is_json(text, len));
    must(m->type < WIRE_TYPE_COUNT);
    must(m->from == NULL || strlen(m->from) <= 256);
    must(m->digits == NULL || strlen(m->digits) <= WIRE_DIGITS_MAX);
    if (once == NULL)
        return; /* escaping made it longer than a message may be */
    must(once->len <= WIRE_TEXT_MAX);
    must(wire_parse(&again, once->data, once->len, NULL) == 0);
    twice = wire_format(&again);
    must(twice != NULL && twice->len == once->len);
    must(memcmp(once->data, twice->data, once->len) == 0);
    wire_msg_free(&again);
    mem_free(once);
    mem_free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_msg m;
    struct error err = {0};
    int rc = wire_parse(&m, (const char *)data, size, &err);

    if (rc == 0)
        check_accepted(&m, (const char *)data, size);
    else
        must(rc == ERR_INVALID && err.text[0] != '\0');
    wire_msg_free(&m);
    return 0;
}
