/* Two readings of the same bytes: a batch from a hostile gateway (every record lies within it, and
 * all bytes are covered), and a script of what a link is asked to queue (what leaves is what was
 * put, in order, the oldest missing at most). */
#include "bridge/link.h"
#include "bridge/wire.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void must(bool good)
{
    if (!good)
        abort();
}

static void read_batch(const uint8_t *data, size_t size)
{
    struct wire_record r;
    size_t at = 0, before = 0;
    int rc;

    while ((rc = wire_batch_next(data, size, &at, &r)) > 0) {
        must(r.len <= FRAME_BYTES_MAX && at <= size && at == before + WIRE_HEADER + r.len);
        must(r.audio == data + before + WIRE_HEADER);
        before = at;
    }
    must(rc == 0 ? at == size : rc == ERR_INVALID);
}

static void no_kick(struct link *l)
{
    (void)l;
}

static const struct link_ops ops = {.kick = no_kick};

static uint32_t take(struct link *l, uint32_t newest)
{
    uint8_t *bytes;
    size_t len, at = 0;
    bool is_text;
    struct wire_record r;

    if (!link_next(l, &bytes, &len, &is_text))
        return newest;
    must(!is_text && len <= WIRE_BATCH_MAX);
    memset(bytes - WIRE_PAD, 0xee, WIRE_PAD);
    while (wire_batch_next(bytes, len, &at, &r) > 0) {
        must(r.channel > newest);
        must(r.len == 0 || (r.audio[0] == (uint8_t)r.channel && r.audio[r.len - 1] == r.audio[0]));
        newest = r.channel;
    }
    must(at == len);
    link_sent(l);
    return newest;
}

static void run_link(const uint8_t *data, size_t size)
{
    static const size_t lengths[] = {0, 160, 320, 640, 960, 160, 160, 160};
    struct link l = {0};
    uint32_t put = 0, newest = 0;
    uint8_t frame[FRAME_BYTES_MAX];

    link_init(&l, &ops);
    link_reserve(&l, 10, 160);
    for (size_t i = 0; i < size && i < 4096; i++) {
        switch (data[i] & 7) {
        case 0:
            link_flush(&l);
            break;
        case 1:
            newest = take(&l, newest);
            break;
        case 2:
            if (data[i] == 0xfa)
                link_reserve(&l, 20, 960);
            break;
        default:
            for (int n = data[i] >> 3; n >= 0; n--) {
                memset(frame, (int)(++put & 0xff), sizeof frame);
                link_frame(&l, put, frame, lengths[data[i] & 7]);
            }
        }
    }
    link_flush(&l);
    while (l.audio.sealed > 0)
        newest = take(&l, newest);
    must(newest == put);
    link_drain(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_batch(data, size);
    run_link(data, size);
    return 0;
}
