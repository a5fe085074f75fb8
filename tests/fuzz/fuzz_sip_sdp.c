/* Session descriptions: whatever is accepted can be answered, and the answer can be read again and
 * says the same. */
#include "base/str.h"
#include "gateways/sip/secure.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the terms make of it: what is taken can be answered, and gives RTP what it needs. */
static void describe_securely(const struct sdp *remote, const struct sdp_ours *ours)
{
    for (int policy = SECURE_OFF; policy <= SECURE_REQUIRED; policy++) {
        struct secure s = {
            .terms = {.policy = (enum secure_policy)policy, .fingerprint = "sha-256 AB"}};
        struct sdp_ours o = *ours;
        struct rtp_peer peer = {0};
        struct sdp plain = *remote;

        plain.ice = false; /* that wants sockets */
        if (secure_take(&s, &plain, false, NULL) != 0)
            continue;
        if (secure_describe(&s, NULL, &plain, &o, NULL) != 0)
            abort();
        secure_peer(&s, &plain, &peer);
        if (policy == SECURE_REQUIRED && peer.key_in == NULL && peer.dtls == NULL)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sdp s, again;
    struct str out = STR_INIT(65536);
    struct error err = {0};
    struct sdp_ours o = {.address = "192.0.2.1", .port = 20000, .session = 1, .version = 1};
    struct rtp_peer peer;

    if (sdp_parse(&s, (const char *)data, size, SDP_PLAIN | SDP_SECURE, &err) != 0) {
        if (err.text[0] == '\0')
            abort();
        return 0;
    }
    sdp_peer(&s, 0, false, true, &peer);
    describe_securely(&s, &o);
    sdp_write_answer(&out, &o, &s, 0);
    if (out.failed || sdp_parse(&again, out.data, out.len, SDP_PLAIN | SDP_SECURE, &err) != 0)
        abort();
    if (again.n_media != s.n_media || again.audio != s.audio ||
        again.codecs[0].codec != s.codecs[0].codec ||
        again.codecs[0].payload != s.codecs[0].payload)
        abort();
    str_free(&out);
    return 0;
}
