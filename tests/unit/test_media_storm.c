/* Pairs, rooms, taps and detection on the real media thread, in a random order: for the sanitizers,
 * which see what one thread takes from the other. */
#include "media/amd.h"
#include "media/mixer.h"
#include "tests/unit/unit.h"

#include <string.h>

#define CHANNELS 12
#define ROOMS    2
#define STEPS    400

struct storm {
    struct media_port port; /* first */
    struct loop *control;
    struct media *media;
    struct media_channel *channels[CHANNELS];
    struct media_room *rooms[ROOMS];
    struct audio *prompt;
    struct tap *taps[CHANNELS];
    struct timer step, feed; /* of control; of the media loop */
    unsigned steps, made, released, plays, played, taps_begun, tapped, asked, told, joined;
    uint32_t seed;
    uint64_t frames; /* media's */
};

static struct storm s;

static void on_frame(struct media_port *p, uint32_t number, const void *audio, size_t len)
{
    (void)p;
    (void)number;
    (void)audio;
    (void)len;
    s.frames++;
}

static void on_flush(struct media_port *p)
{
    (void)p;
}

static void on_digit(void *arg, char digit, unsigned ms)
{
    (void)arg;
    (void)digit;
    (void)ms;
}

static void on_started(void *arg, uint32_t request)
{
    (void)arg;
    (void)request;
}

static void on_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    (void)arg;
    (void)request;
    (void)how;
    (void)frames;
    s.played++;
}

static void on_tapped(void *arg, uint32_t request, const struct tap_result *r)
{
    (void)arg;
    (void)request;
    (void)r;
    s.tapped++;
}

static void on_released(void *arg)
{
    (void)arg;
    if (++s.released == s.made)
        loop_stop(s.control);
}

static void on_told(void *arg, const struct amd_result *r)
{
    (void)arg;
    (void)r;
    s.told++;
}

static void on_speaking(void *arg, struct media_channel *c, bool on)
{
    (void)arg;
    (void)c;
    (void)on;
}

static const struct media_handlers handlers = {on_digit, on_started, on_played, on_tapped,
                                               on_released};

static void on_feed(void *arg)
{
    uint8_t bytes[FRAME_BYTES_MAX];
    int i;

    (void)arg;
    memset(bytes, 0x23, sizeof bytes);
    for (i = 0; i < CHANNELS; i++) {
        enum codec c = (enum codec)(i % CODEC_COUNT);

        media_channel_input(s.channels[i], bytes, codec_frame_bytes(c));
    }
    timer_start(&s.feed, 3);
}

static void on_attach(const struct crossing_msg *m)
{
    media_channel_attach(m->ptr, &s.port, (uint32_t)m->num[0]);
}

static void on_feed_begin(const struct crossing_msg *m)
{
    (void)m;
    timer_init(&s.feed, media_loop(s.media), on_feed, NULL);
    timer_start(&s.feed, 1);
}

static void on_feed_end(const struct crossing_msg *m)
{
    (void)m;
    timer_stop(&s.feed);
}

static void command(crossing_h *h, void *ptr, uint64_t num)
{
    struct crossing_msg m = {.h = h, .ptr = ptr, .num = {num}};

    crossing_command(media_crossing(s.media), &m, 0);
}

static void release_all(void)
{
    int i;

    command(on_feed_end, NULL, 0);
    for (i = 0; i < ROOMS; i++)
        media_room_release(s.rooms[i]);
    for (i = 0; i < CHANNELS; i++)
        media_channel_release(s.channels[i]);
}

static void on_step(void *arg)
{
    uint32_t x = s.seed = s.seed * 1664525 + 1013904223;
    unsigned i = (x >> 8) % CHANNELS, j = (x >> 16) % CHANNELS;
    struct media_channel *c = s.channels[i], *other = s.channels[j];
    struct amd_config config = amd_defaults(AMD_ENABLE);
    enum room_mode mode = (enum room_mode)((x >> 20) % 4);
    struct error err = {0};

    (void)arg;
    switch (x >> 28) {
    case 0:
    case 1:
    case 2:
        s.joined += media_join(c, other) == 0;
        break;
    case 3:
        media_part(c);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        s.joined += media_room_join(s.rooms[x % ROOMS], c, mode, other, &err) == 0;
        break;
    case 8:
    case 9:
        media_room_mode(c, mode, other, &err);
        break;
    case 10:
        media_room_leave(c);
        break;
    case 11:
        s.plays += media_play(media_room_voice(s.rooms[x % ROOMS]), s.prompt, 2, 1) == 0;
        break;
    case 12:
        s.asked += media_amd(c, &config, on_told, NULL) == 0;
        break;
    case 13:
        media_amd_stop(c);
        break;
    case 14:
        s.taps_begun += media_tap(c, s.taps[i], 0, 0, 1) == 0;
        break;
    default:
        media_tap_pause(c, 1, (enum tap_pause)(x % 3));
        if (x & 1 << 24)
            media_tap_stop(c, 1);
    }
    if (++s.steps == STEPS)
        release_all();
    else
        timer_start(&s.step, 1);
}

static int open_storm(struct error *err)
{
    struct room_config config = {.rate = 16000, .speaking = on_speaking};
    int rc, i;

    memset(&s, 0, sizeof s);
    s.seed = 5;
    s.port = (struct media_port){.frame = on_frame, .flush = on_flush};
    rc = loop_new(&s.control, NULL, err);
    if (rc == 0)
        rc = media_new(&s.media, s.control, NULL, 256, err);
    if (rc == 0)
        rc = audio_from_tone(&s.prompt, CODEC_L16_16, 440, 60, 0.2, err);
    for (i = 0; rc == 0 && i < CHANNELS + ROOMS; i++) {
        enum codec c = (enum codec)(i % CODEC_COUNT);

        if (i >= CHANNELS)
            rc = media_room_new(&s.rooms[i - CHANNELS], s.media, &config, &handlers, NULL, err);
        else if ((rc = media_channel_new(&s.channels[i], s.media, c, true, &handlers, NULL, err)) ==
                 0)
            rc = tap_new_tracks(&s.taps[i], c, (enum tap_tracks)(i % 4), 64, err);
        s.made += rc == 0;
    }
    return rc;
}

UNIT(all_comes_and_goes_on_the_real_thread)
{
    struct error err = {0};
    int i;

    ok_rc(open_storm(&err), &err);
    for (i = 0; i < CHANNELS; i++)
        command(on_attach, s.channels[i], (uint64_t)i);
    command(on_feed_begin, NULL, 0);
    timer_init(&s.step, s.control, on_step, NULL);
    timer_start(&s.step, 1);
    loop_run(s.control);
    s.media = media_free(s.media); /* the thread is joined: its numbers may be read */
    ok_int(s.released, CHANNELS + ROOMS);
    ok_int(s.played, s.plays);
    ok_int(s.tapped, s.taps_begun);
    ok_int(s.told, s.asked);
    ok(s.joined > 20 && s.asked > 3 && s.taps_begun > 3 && s.plays > 3);
    ok(s.frames > 100);
out:
    audio_unref(s.prompt);
    for (i = 0; i < CHANNELS; i++)
        tap_free(s.taps[i]);
    media_free(s.media);
    loop_free(s.control);
}

UNIT_MAIN(NO_TORTURE(all_comes_and_goes_on_the_real_thread))
