/* Session descriptions: whatever is accepted can be answered, and the answer can be read again and
 * says the same. */
#include "base/str.h"
#include "gateways/sip/sdp.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
