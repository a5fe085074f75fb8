/* The sound of a call: frames between RTP and the bridge, digits, sound before the answer. */
#include "base/log.h"
#include "base/mem.h"
#include "gateways/sip/call_private.h"
#include <string.h>

/* Between the channel's codec and that of the wire, which have the same rate: a phone may speak
 * the other law than the exchange chose, or change it within the call. */
static const void *convert(enum codec from, enum codec to, const void *bytes, size_t *len,
                           uint8_t out[FRAME_BYTES_MAX])
{
    int16_t samples[FRAME_BYTES_MAX / 2];
    size_t n = codec_frame_samples(from);

    if (from == to || *len == 0)
        return bytes;
    codec_decode(from, bytes, n, samples);
    codec_encode(to, samples, n, out);
    *len = codec_frame_bytes(to);
    return out;
}

/* The next frame of a digit that came as INFO on a call whose digits are tones; NULL: there is
 * none. */
static const void *tone_frame(struct call *c)
{
    char digit[2] = {c->pending[0], '\0'};
    size_t size = codec_frame_bytes(c->codec);

    if (c->tone != NULL && c->tone_at == c->tone->frames)
        c->tone = audio_unref(c->tone);
    if (c->tone == NULL && digit[0] != '\0') {
        memmove(c->pending, c->pending + 1, strlen(c->pending));
        c->tone_at = 0;
        if (audio_from_digits(&c->tone, c->codec, digit, NULL) != 0)
            c->tone = NULL;
    }
    return c->tone != NULL ? c->tone->data + size * c->tone_at++ : NULL;
}

static void on_frame(void *arg, const void *bytes, size_t len)
{
    struct call *c = arg;
    uint8_t out[FRAME_BYTES_MAX];
    const void *tone;

    if (!c->on_bridge || c->g->client == NULL)
        return;
    if (c->frames++ % QUALITY_FRAMES == QUALITY_FIRST)
        call_tell_quality(c);
    tone = tone_frame(c);
    if (tone != NULL)
        len = codec_frame_bytes(c->codec);
    else
        bytes = convert(c->wire_codec, c->codec, bytes, &len, out);
    client_audio(c->g->client, c->number, tone != NULL ? tone : bytes, len);
}

/* Sound for a caller who is not answered yet: a 183 makes way for it. */
static bool make_way(struct call *c)
{
    struct str sdp = STR_INIT(SDP_TEXT_MAX);

    if (c->early || !c->came_in || c->choice < 0 || c->we_offered)
        return c->early;
    /* Once: what was said already is not said in other words. */
    if (c->progress == NULL && call_describe(c, &sdp) && call_start_sound(c) == 0)
        c->progress = str_take(&sdp);
    str_free(&sdp);
    if (c->progress == NULL)
        return false;
    c->early = leg_progress(c->leg, c->progress);
    return c->early;
}

void call_audio(struct call *c, const void *bytes, size_t len)
{
    uint8_t out[FRAME_BYTES_MAX];

    if (!c->answered && !make_way(c))
        return;

    bytes = convert(c->codec, c->wire_codec, bytes, &len, out);
    rtp_send_frame(c->rtp, bytes, len);
}

void call_press(struct call *c, enum digit_way way, char digit)
{
    char digits[2] = {digit, '\0'};

    if (c->digits == DIGITS_ANY)
        c->digits = way;
    if (c->digits != way || !c->answered || c->g->client == NULL)
        return;
    if (c->events)
        client_digits(c->g->client, c->number, digits);
    else if (strlen(c->pending) + 1 < sizeof c->pending)
        strcat(c->pending, digits);
}

static void on_rtp_digit(void *arg, char digit, unsigned duration_ms)
{
    (void)duration_ms;
    call_press(arg, DIGITS_RTP, digit);
}

static void on_rtp_timeout(void *arg)
{
    struct call *c = arg;

    if (c->answered && c->remote.way == SDP_SENDRECV)
        call_free(c, 408, CAUSE_NORMAL, "its sound stopped coming");
}

static void on_rtp_keyless(void *arg, const char *why)
{
    struct call *c = arg;

    log_warn("sip", NULL, "%s: no keys were agreed by DTLS: %s", c->id, why);
    call_free(c, 500, CAUSE_ERROR, "its sound cannot be decrypted");
}

const struct rtp_handlers call_rtp_handlers = {
    .frame = on_frame, .digit = on_rtp_digit, .timeout = on_rtp_timeout, .keyless = on_rtp_keyless};
