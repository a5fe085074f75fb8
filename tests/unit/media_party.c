#include "tests/unit/media_party.h"

#include "base/mem.h"
#include "tests/unit/media_stand.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static void on_frame(struct media_port *p, uint32_t number, const void *audio, size_t len)
{
    struct guest *g = (struct guest *)((char *)p - offsetof(struct guest, port));
    size_t n = codec_frame_samples(g->codec);

    (void)number;
    (void)len;
    if (g->frames < PARTY_FRAMES)
        codec_decode(g->codec, audio, n, g->heard + g->frames * n);
    g->frames++;
}

static void on_flush(struct media_port *p)
{
    (void)p;
}

static void on_digit(void *arg, char digit, unsigned ms)
{
    struct guest *g = arg;
    size_t n = strlen(g->digits);

    (void)ms;
    if (n + 1 < sizeof g->digits)
        g->digits[n] = digit;
}

static void on_started(void *arg, uint32_t request)
{
    (void)arg;
    (void)request;
}

static void on_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    (void)request;
    (void)how;
    (void)frames;
    ((struct guest *)arg)->played++;
}

static void on_tapped(void *arg, uint32_t request, const struct tap_result *r)
{
    struct guest *g = arg;

    (void)request;
    g->tapped++;
    g->tap = *r;
}

static void on_released(void *arg)
{
    ((struct guest *)arg)->released++;
}

static const struct media_handlers handlers = {on_digit, on_started, on_played, on_tapped,
                                               on_released};

int party_add(struct party *p, enum codec c, struct error *err)
{
    struct guest *g = &p->guests[p->count];
    int rc;

    memset(g, 0, sizeof *g);
    g->codec = c;
    g->level = 0.2;
    rc = media_channel_new(&g->channel, p->media, c, true, &handlers, g, err);
    if (rc != 0)
        return rc;
    g->port = (struct media_port){.frame = on_frame, .flush = on_flush};
    media_channel_attach(g->channel, &g->port, p->count++);
    return 0;
}

int party_open(struct party *p, const enum codec *codecs, unsigned count, size_t places,
               struct error *err)
{
    unsigned i;
    int rc;

    memset(p, 0, sizeof *p);
    rc = vtime_new(&p->vtime, err);
    if (rc == 0)
        rc = loop_new(&p->control, p->vtime, err);
    if (rc == 0)
        rc = media_new(&p->media, p->control, p->vtime, places, err);
    for (i = 0; rc == 0 && i < count; i++)
        rc = party_add(p, codecs[i], err);
    return rc;
}

static void pass(struct party *p, int ms)
{
    vtime_run(p->vtime, loop_now(p->control) + ms * 1000, NULL, NULL);
}

void party_release(struct party *p, unsigned guest)
{
    struct guest *g = &p->guests[guest];

    if (g->channel == NULL)
        return;
    media_channel_release(g->channel);
    g->channel = NULL;
}

void party_close(struct party *p)
{
    unsigned i;

    for (i = 0; i < p->count; i++)
        party_release(p, i);
    if (p->control != NULL)
        pass(p, 100);
    media_free(p->media);
    loop_free(p->control);
    vtime_free(p->vtime);
    memset(p, 0, sizeof *p);
}

static void speak(struct guest *g)
{
    int16_t samples[FRAME_BYTES_MAX / 2];
    uint8_t bytes[FRAME_BYTES_MAX];
    size_t n = codec_frame_samples(g->codec), i;
    double turn = 2 * 3.14159265358979323846 * g->hz / codec_rate(g->codec);

    for (i = 0; i < n; i++)
        samples[i] = (int16_t)lrint(32767 * g->level * sin(turn * (double)(g->spoken + i)));
    g->spoken += n;
    codec_encode(g->codec, samples, n, bytes);
    media_channel_input(g->channel, bytes, codec_frame_bytes(g->codec));
}

void party_run(struct party *p, int frames)
{
    unsigned i;

    while (frames-- > 0) {
        for (i = 0; i < p->count; i++) {
            struct guest *g = &p->guests[i];

            if (g->channel == NULL)
                continue;
            if (g->quiet)
                media_channel_input(g->channel, NULL, 0);
            else if (g->hz > 0)
                speak(g);
        }
        pass(p, FRAME_MS);
        for (i = 0; i < p->count; i++) {
            p->guests[i].gaps += p->guests[i].frames == p->guests[i].seen;
            p->guests[i].seen = p->guests[i].frames;
        }
    }
}

void party_listen(struct party *p)
{
    unsigned i;

    for (i = 0; i < p->count; i++)
        p->guests[i].frames = p->guests[i].seen = p->guests[i].gaps = 0;
}

double party_tone(const struct party *p, unsigned guest, double hz)
{
    const struct guest *g = &p->guests[guest];
    unsigned frames = g->frames < PARTY_FRAMES ? g->frames : PARTY_FRAMES;

    return stand_tone(g->heard, frames * codec_frame_samples(g->codec), codec_rate(g->codec), hz);
}

bool party_hears(const struct party *p, unsigned guest, const char *whom)
{
    unsigned i;

    for (i = 0; i < p->count && whom[i] != '\0'; i++) {
        double level = party_tone(p, guest, p->guests[i].hz);
        double full = p->guests[i].level;

        if (whom[i] == '1' ? level > full * 0.8 && level < full * 1.2
                           : whom[i] == '.' || level < full * 0.05)
            continue;
        printf("guest %u hears guest %u at %.3f of %.3f\n", guest, i, level, full);
        return false;
    }
    return true;
}
