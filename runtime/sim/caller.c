/* Simulated callers: ears, mouth and fingers on one bridge client. */
#include "base/log.h"
#include "base/mem.h"
#include "sim/private.h"
#include <jansson.h>
#include <string.h>

struct sim_caller *sim_caller_of(struct sim *s, uint32_t number)
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

    sim_tone_frame(c, frame);
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

/* What he does not say, or what nobody listens to, takes none of our time. */
static bool is_mute(const struct sim_caller *c)
{
    return c->playing == NULL &&
           (c->sends == SIM_NOTHING || (c->sends == SIM_SILENCE && !c->heeded));
}

/* An answered channel sends a frame or a silence every 20 ms. */
static void mouth_moves(void *arg)
{
    struct sim_caller *c = arg;

    if (c->over || is_mute(c))
        return;
    send_frame(c);
    timer_start(&c->mouth, FRAME_MS);
}

/* Goes on in the beat that it always had. */
static void mouth_wakes(struct sim_caller *c)
{
    const int64_t beat = FRAME_MS * 1000;
    int64_t since = loop_now(c->sim->far) - c->first;

    if ((c->answered || c->early) && !c->over && !c->mouth.active && !is_mute(c))
        timer_start_at(&c->mouth, c->first + (since / beat + 1) * beat);
}

void sim_caller_sends(struct sim_caller *c, enum sim_sends what)
{
    c->sends = what;
    c->hz = 0;
    mouth_wakes(c);
}

void sim_caller_plays(struct sim_caller *c, struct audio *audio)
{
    audio_unref(c->playing);
    c->playing = audio->frames > 0 && audio->stream == NULL ? audio_ref(audio) : NULL;
    c->played = 0;
    mouth_wakes(c);
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
    timer_stop(&c->plan);
}

void sim_callers_lost(struct sim *s)
{
    struct sim_caller **all = s->callers.items;

    for (size_t i = 0; i < s->callers.count; i++)
        if (!all[i]->over)
            end(all[i], CAUSE_LINK_LOST);
}

static void on_closed(void *arg, const char *why)
{
    log_debug("sim", NULL, "the callers' link closed: %s", why);
    sim_callers_lost(arg);
}

static void mouth_opens(struct sim_caller *c)
{
    c->first = loop_now(c->sim->far);
    timer_start(&c->mouth, 0);
}

void sim_caller_begin(struct sim_caller *c)
{
    c->answered = true;
    if (!c->early)
        mouth_opens(c);
}

void sim_caller_begin_early(struct sim_caller *c)
{
    c->early = true;
    mouth_opens(c);
}

static void on_answered(void *arg, uint32_t number)
{
    struct sim_caller *c = sim_caller_of(arg, number);

    if (c != NULL && !c->over)
        sim_caller_begin(c);
}

static void on_heeds(void *arg, uint32_t number, bool on)
{
    struct sim_caller *c = sim_caller_of(arg, number);

    if (c == NULL)
        return;
    c->heeded = on;
    mouth_wakes(c);
}

static void on_ended(void *arg, uint32_t number, enum cause cause)
{
    struct sim_caller *c = sim_caller_of(arg, number);

    if (c != NULL && !c->over)
        end(c, cause);
}

static void on_audio(void *arg, uint32_t number, const void *bytes, size_t len)
{
    struct sim_caller *c = sim_caller_of(arg, number);
    int64_t *at;

    if (c == NULL || len == 0)
        return;
    sim_tone_hear(c, bytes);
    at = sim_row_add(&c->sound_at, sizeof *at, SIM_FRAMES);
    if (at != NULL)
        *at = sim_now(c->sim);
}

static void on_digits(void *arg, uint32_t number, const char *digits)
{
    struct sim_caller *c = sim_caller_of(arg, number);

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
    struct sim_caller *c = sim_caller_of(arg, number);
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

const struct client_handlers sim_client_events = {
    .ready = on_ready,
    .closed = on_closed,
    .answered = on_answered,
    .ended = on_ended,
    .audio = on_audio,
    .heeds = on_heeds,
    .digits = on_digits,
    .prompt = on_prompt,
    .offered = sim_callee_offered,
    .refer = sim_refer_asked,
    .refer_status = sim_refer_status,
    .message = sim_text_comes,
    .message_status = sim_text_status,
};

/* --- life --- */

struct sim_caller *sim_caller_free(struct sim_caller *c)
{
    struct sim_heard *heard;

    if (c == NULL)
        return NULL;
    heard = c->heard.items;
    timer_stop(&c->mouth);
    timer_stop(&c->plan);
    audio_unref(c->playing);
    for (size_t i = 0; i < c->heard.count; i++)
        mem_free(heard[i].text);
    mem_free(heard);
    mem_free(c->sound_at.items);
    mem_free(c->tones.items);
    mem_free(c->refer_to);
    str_free(&c->digits);
    arena_free(&c->strings);
    mem_free(c);
    return NULL;
}

void sim_callers_free(struct sim *s)
{
    struct sim_caller **all = s->callers.items;

    for (size_t i = 0; i < s->callers.count; i++)
        sim_caller_free(all[i]);
    mem_free(all);
}

struct sim_caller *sim_caller_new(struct sim *s, enum codec codec)
{
    struct sim_caller *c = mem_alloc(sizeof *c);

    if (c == NULL)
        return NULL;
    c->sim = s;
    c->codec = codec;
    c->sends = SIM_SILENCE;
    c->heeded = true;
    str_init(&c->digits, 10000);
    arena_init(&c->strings, SIM_OFFER_CHUNK, SIM_OFFER_BYTES);
    timer_init(&c->mouth, s->far, mouth_moves, c);
    timer_init(&c->plan, s->far, sim_callee_acts, c);
    return c;
}

int sim_caller_keep(struct sim_caller *c, struct error *err)
{
    struct sim_caller **at = sim_row_add(&c->sim->callers, sizeof *at, SIM_CALLERS);

    if (at == NULL)
        return error_set(err, ERR_LIMIT, "more than %d callers in one exchange", SIM_CALLERS);
    *at = c;
    return 0;
}

int sim_call(struct sim *s, const struct offer *offer, struct sim_caller **cp, struct error *err)
{
    struct sim_caller *c = sim_caller_new(s, offer->codec);
    int rc;

    if (c == NULL)
        return error_nomem(err);
    c->from = arena_strdup(&c->strings, offer->from);
    c->to = arena_strdup(&c->strings, offer->to);
    rc = c->from != NULL && c->to != NULL ? client_offer(s->client, offer, &c->number, err)
                                          : error_nomem(err);
    if (rc == 0 && (rc = sim_caller_keep(c, err)) != 0)
        client_hangup(s->client, c->number, CAUSE_NORMAL);
    if (rc == 0)
        *cp = c;
    else
        sim_caller_free(c);
    return rc;
}

/* Sessions begin in the order of the offers, so the first caller without one is meant. */
static struct sim_caller *newcomer(struct sim *s)
{
    struct sim_caller **all = s->callers.items;

    for (size_t i = 0; i < s->callers.count; i++)
        if (all[i]->offer == NULL && all[i]->sid[0] == '\0' && !all[i]->over)
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

static void read_start(struct sim *s, const struct sim_line *line)
{
    json_t *j = json_loads(line->text, 0, NULL);
    const char *direction = json_string_value(json_object_get(j, "direction"));
    struct sim_caller *c = NULL;

    if (sid_valid(line->sid, "SM") || sid_valid(line->sid, "MM"))
        sim_text_begins(s, line->sid, json_string_value(json_object_get(j, "from")),
                        json_string_value(json_object_get(j, "to")));
    else if (direction != NULL && strncmp(direction, "outbound", 8) == 0)
        sim_callee_begins(s, line->sid, json_string_value(json_object_get(j, "to")));
    else
        c = newcomer(s);
    if (c != NULL)
        str_copy(c->sid, sizeof c->sid, line->sid);
    json_decref(j);
}

static void read_state(struct sim *s, const struct sim_line *line)
{
    json_t *j = json_loads(line->text, 0, NULL);
    const char *status = json_string_value(json_object_get(j, "new"));
    struct sim_caller *c = caller_with(s, line->sid);

    if (c != NULL && status != NULL)
        str_copy(c->status, sizeof c->status, status);
    else if (status != NULL)
        sim_callee_becomes(s, line->sid, status);
    json_decref(j);
}

void sim_callers_read(struct sim *s, const struct sim_line *line)
{
    if (strstr(line->text, ",\"e\":\"start\",") != NULL)
        read_start(s, line);
    else if (strstr(line->text, ",\"e\":\"state\",") != NULL)
        read_state(s, line);
}

/* --- fingers --- */

void sim_caller_press(struct sim_caller *c, const char *digits)
{
    if (!c->over)
        client_digits(c->sim->client, c->number, digits);
}

void sim_caller_hangup(struct sim_caller *c)
{
    sim_caller_refuse(c, CAUSE_NORMAL);
}

void sim_caller_refuse(struct sim_caller *c, enum cause cause)
{
    if (c->over)
        return;
    end(c, cause);
    client_hangup(c->sim->client, c->number, cause);
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

const char *sim_caller_from(const struct sim_caller *c)
{
    return c->offer != NULL ? c->offer->to : c->from;
}

const char *sim_caller_to(const struct sim_caller *c)
{
    return c->offer != NULL ? c->offer->from : c->to;
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
