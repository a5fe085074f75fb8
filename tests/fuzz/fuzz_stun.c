/* ICE's checks: whatever comes, nothing is answered that the password does not prove, and no answer
 * is longer than its question or the field for it. */
#include "gateways/sip/ice.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ice fixed = {.ufrag = "evtj", .pwd = "VOkJxbRl1RmTxUk/WvJxBt"};
    struct ice i = fixed;
    struct sockaddr_storage from = {.ss_family = size % 2 == 0 ? AF_INET : AF_INET6};
    uint8_t reply[STUN_OUT_MAX];
    size_t n = 0;
    struct stun s;

    if (ice_input(&i, 0, &from, data, size, 1000000, reply, &n) == ICE_DROP)
        return 0;
    if (n == 0 || n > sizeof reply || n > size + 24 || !stun_parse(&s, data, size) ||
        !stun_is_proved(&s, fixed.pwd))
        abort();
    return 0;
}
