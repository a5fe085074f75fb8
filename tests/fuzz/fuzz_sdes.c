/* Key lines of hostile SDP: what is read is written and read again as the same. */
#include "gateways/sip/sdes.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[SDES_TEXT_MAX];
    struct error err = {0};
    struct sdes s, again;
    int rc = sdes_parse(&s, (const char *)data, size, &err);

    if (rc != 0) {
        if ((rc != ERR_INVALID && rc != ERR_REFUSED) || err.text[0] == 0)
            abort();
        return 0;
    }
    sdes_print(text, &s);
    if (sdes_parse(&again, text, strlen(text), NULL) != 0 || again.tag != s.tag ||
        !srtp_key_is_same(&again.key, &s.key))
        abort();
    return 0;
}
