/* Simulated callers: ears, mouth and fingers on one bridge client. */
#include "base/log.h"
#include "base/mem.h"
#include "sim/private.h"
#include <jansson.h>
#include <string.h>

struct sim_caller {
    struct sim *sim;
    uint32_t number;
    enum codec codec;
    bool answered, over;
    enum cause cause;
    char sid[SID_SIZE];
    char status[16];

    struct sim_row heard;    /* struct sim_heard */
    struct sim_row sound_at; /* int64_t: when frames of sound came */
    struct str digits;

    enum sim_sends sends;
    struct audio *playing; /* what he says instead; NULL: nothing */
    size_t played;         /* frames of it */
    struct timer mouth;
};

static struct sim_caller *caller_of(struct sim *s, uint32_t number)
{
    struct sim_caller **all = s->callers.items;

    for (size_t i = s->callers.count; i > 0; i--)
        if (all[i - 1]->number == number)
            return all[i - 1];
    return NULL;
}

/* --- mouth --- */

static void send_tone(struct sim_caller *c)
{
    uint8_t frame[FRAME_BYTES_MAX];
    int16_t samples[FRAME_BYTES_MAX / 2];
    size_t n = codec_frame_samples(c->codec), period = n / 20; /* a square wave of 1 kHz */

    for (size_t i = 0; i < n; i++)
        samples[i] = i % period < period / 2 ? 8000 : -8000;
    codec_encode(c->codec, samples, n, frame);
    client_audio(c->sim->client, c->number, frame, codec_frame_bytes(c->codec));
}

static void send_frame(struct sim_caller *c)
{
    size_t bytes = codec_frame_bytes(c->codec);

    if (c->playing != NULL) {
        client_audio(c->sim->client, c->number, c->playing->data + c->played * bytes, bytes);
        if (++c->played == c->playing->frames)
            c->playing = audio_unref(c->playing);
    } else if (c->sends == SIM_TONE) {
        send_tone(c);
    } else if (c->sends == SIM_SILENCE) {
        client_audio(c->sim->client, c->number, NULL, 0);
    } else {
        return;
    }
    client_flush(c->sim->client);
}

/* An answered channel sends a frame or a silence every 20 ms. */
static void mouth_moves(void *arg)
{
    struct sim_caller *c = arg;

    if (c->over)
        return;
    send_frame(c);
    timer_start(&c->mouth, FRAME_MS);
}

void sim_caller_sends(struct sim_caller *c, enum sim_sends what)
{
    c->sends = what;
}

void sim_caller_plays(struct sim_caller *c, struct audio *audio)
{
    audio_unref(c->playing);
    c->playing = audio->frames > 0 && audio->stream == NULL ? audio_ref(audio) : NULL;
    c->played = 0;
}

bool sim_caller_is_playing(const struct sim_caller *c)
{
    return c->playing != NULL && !c->over;
}

/* --- what the link tells --- */

static void on_ready(void *arg)
{
    ((struct sim *)arg)->ready = true;
}

static void end(struct sim_caller *c, enum cause cause)
{
    c->over = true;
    c->cause = cause;
    c->playing = audio_unref(c->playing);
    timer_stop(&c->mouth);
}

static void on_closed(void *arg, const char *why)
{
    struct sim *s = arg;
    struct sim_caller **all = s->callers.items;

    log_debug("sim", NULL, "the callers' link closed: %s", why);
    for (size_t i = 0; i < s->callers.count; i++)
        if (!all[i]->over)
            end(all[i], CAUSE_LINK_LOST);
}

static void on_answered(void *arg, uint32_t number)
{
    struct sim_caller *c = caller_of(arg, number);

    if (c == NULL || c->over)
        return;
    c->answered = true;
    timer_start(&c->mouth, 0);
}

static void on_ended(void *arg, uint32_t number, enum cause cause)
{
    struct sim_caller *c = caller_of(arg, number);

    if (c != NULL && !c->over)
        end(c, cause);
}

static void on_audio(void *arg, uint32_t number, const void *bytes, size_t len)
{
    struct sim_caller *c = caller_of(arg, number);
    int64_t *at;

    (void)bytes;
    if (c == NULL || len == 0)
        return;
    at = sim_row_add(&c->sound_at, sizeof *at, SIM_FRAMES);
    if (at != NULL)
        *at = sim_now(c->sim);
}

static void on_digits(void *arg, uint32_t number, const char *digits)
{
    struct sim_caller *c = caller_of(arg, number);

    if (c != NULL)
        str_add(&c->digits, digits);
}

static void hear_begin(struct sim_caller *c, const char *text)
{
    struct sim_heard *h = sim_row_add(&c->heard, sizeof *h, SIM_HEARD);

    if (h == NULL)
        return;
    h->text = mem_strdup(text);
    h->began = sim_now(c->sim);
    h->ended = -1;
}

static void on_prompt(void *arg, uint32_t number, bool began, const char *text)
{
    struct sim_caller *c = caller_of(arg, number);
    struct sim_heard *heard;

    if (c == NULL || text == NULL || *text == '\0')
        return; /* a beep or a file says nothing */
    if (began) {
        hear_begin(c, text);
        return;
    }
    heard = c->heard.items;
    for (size_t i = c->heard.count; i > 0; i--)
        if (heard[i - 1].ended < 0) {
            heard[i - 1].ended = sim_now(c->sim);
            return;
        }
}

static void on_offered(void *arg, uint32_t number, const struct offer *offer)
{
    struct sim *s = arg;

    /* Callees are not part of the exchange yet: nobody answers. */
    (void)offer;
    client_hangup(s->client, number, CAUSE_UNROUTABLE);
}

const struct client_handlers sim_client_events = {
    .ready = on_ready,
    .closed = on_closed,
    .answered = on_answered,
    .ended = on_ended,
    .audio = on_audio,
    .digits = on_digits,
    .prompt = on_prompt,
    .offered = on_offered,
};

/* --- life --- */

static void caller_free(struct sim_caller *c)
{
    struct sim_heard *heard = c->heard.items;

    timer_stop(&c->mouth);
    audio_unref(c->playing);
    for (size_t i = 0; i < c->heard.count; i++)
        mem_free(heard[i].text);
    mem_free(heard);
    mem_free(c->sound_at.items);
    str_free(&c->digits);
    mem_free(c);
}

void sim_callers_free(struct sim *s)
{
    struct sim_caller **all = s->callers.items;

    for (size_t i = 0; i < s->callers.count; i++)
        caller_free(all[i]);
    mem_free(all);
}

int sim_call(struct sim *s, const struct offer *offer, struct sim_caller **cp, struct error *err)
{
    struct sim_caller *c = mem_alloc(sizeof *c), **at;
    int rc;

    if (c == NULL)
        return error_nomem(err);
    c->sim = s;
    c->codec = offer->codec;
    c->sends = SIM_SILENCE;
    str_init(&c->digits, 10000);
    timer_init(&c->mouth, s->far, mouth_moves, c);
    rc = client_offer(s->client, offer, &c->number, err);
    if (rc != 0) {
        caller_free(c);
        return rc;
    }
    at = sim_row_add(&s->callers, sizeof *at, SIM_CALLERS);
    if (at == NULL) {
        client_hangup(s->client, c->number, CAUSE_NORMAL);
        caller_free(c);
        return error_set(err, ERR_LIMIT, "more than %d callers in one exchange", SIM_CALLERS);
    }
    *at = c;
    *cp = c;
    return 0;
}

/* Sessions begin in the order of the offers, so the first caller without one is meant. */
static struct sim_caller *newcomer(struct sim *s)
{
    struct sim_caller **all = s->callers.items;

    for (size_t i = 0; i < s->callers.count; i++)
        if (all[i]->sid[0] == '\0' && !all[i]->over)
            return all[i];
    return NULL;
}

static struct sim_caller *caller_with(struct sim *s, const char *sid)
{
    struct sim_caller **all = s->callers.items;

    for (size_t i = s->callers.count; i > 0; i--)
        if (strcmp(all[i - 1]->sid, sid) == 0)
            return all[i - 1];
    return NULL;
}

static void read_state(struct sim_caller *c, const char *text)
{
    json_t *line = json_loads(text, 0, NULL);
    const char *status = json_string_value(json_object_get(line, "new"));

    if (status != NULL)
        str_copy(c->status, sizeof c->status, status);
    json_decref(line);
}

void sim_callers_read(struct sim *s, const struct sim_line *line)
{
    struct sim_caller *c;

    if (strstr(line->text, ",\"e\":\"start\",") != NULL) {
        c = newcomer(s);
        if (c != NULL)
            str_copy(c->sid, sizeof c->sid, line->sid);
    } else if (strstr(line->text, ",\"e\":\"state\",") != NULL) {
        c = caller_with(s, line->sid);
        if (c != NULL)
            read_state(c, line->text);
    }
}

/* --- fingers --- */

void sim_caller_press(struct sim_caller *c, const char *digits)
{
    if (!c->over)
        client_digits(c->sim->client, c->number, digits);
}

void sim_caller_hangup(struct sim_caller *c)
{
    if (c->over)
        return;
    end(c, CAUSE_NORMAL);
    client_hangup(c->sim->client, c->number, CAUSE_NORMAL);
}

/* --- asking --- */

bool sim_caller_is_answered(const struct sim_caller *c)
{
    return c->answered;
}

bool sim_caller_is_over(const struct sim_caller *c)
{
    return c->over;
}

enum cause sim_caller_cause(const struct sim_caller *c)
{
    return c->cause;
}

enum codec sim_caller_codec(const struct sim_caller *c)
{
    return c->codec;
}

const char *sim_caller_sid(const struct sim_caller *c)
{
    return c->sid;
}

const char *sim_caller_status(const struct sim_caller *c)
{
    return c->status;
}

size_t sim_caller_heard(const struct sim_caller *c)
{
    return c->heard.count;
}

const struct sim_heard *sim_caller_heard_at(const struct sim_caller *c, size_t i)
{
    return i < c->heard.count ? (const struct sim_heard *)c->heard.items + i : NULL;
}

size_t sim_caller_frames(const struct sim_caller *c)
{
    return c->sound_at.count;
}

size_t sim_caller_frames_within(const struct sim_caller *c, int64_t ms)
{
    const int64_t *at = c->sound_at.items;
    size_t n = 0;

    while (n < c->sound_at.count && at[c->sound_at.count - 1 - n] > sim_now(c->sim) - ms)
        n++;
    return n;
}

const char *sim_caller_digits(const struct sim_caller *c)
{
    return str_text(&c->digits);
}
