/* What a channel is asked to do: play, dial digits, record; and the answers to that. */
#include "base/mem.h"
#include "bridge/channel_inside.h"
#include <string.h>

/* --- answers --- */

static struct prompt *prompt_find(struct channel *c, uint32_t request)
{
    for (int i = 0; i < BRIDGE_PLAYS_MAX; i++)
        if (c->prompts[i].request == request)
            return &c->prompts[i];
    return NULL;
}

static void say_prompt(struct channel *c, const struct prompt *p, bool begin)
{
    if (c->peer != NULL)
        peer_send(c->peer,
                  &(struct wire_msg){
                      .type = WIRE_PROMPT, .channel = c->number, .begin = begin, .text = p->text});
}

void channel_requests_started(void *arg, uint32_t request)
{
    struct channel *c = arg;
    struct prompt *p = prompt_find(c, request);

    if (p != NULL) {
        p->begun = true;
        say_prompt(c, p, true);
    }
    if (c->state != CHANNEL_ENDED)
        c->h->started(c->arg, request);
}

void channel_requests_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    struct channel *c = arg;
    struct prompt *p = prompt_find(c, request);

    if (p != NULL) {
        if (p->begun)
            say_prompt(c, p, false);
        mem_free(p->text);
        *p = (struct prompt){0};
    }
    c->h->played(c->arg, request, how, frames);
}

void channel_requests_tapped(void *arg, uint32_t request, const struct tap_result *result)
{
    struct channel *c = arg;

    c->h->tapped(c->arg, request, result);
}

static uint32_t dialling_ms(const char *digits)
{
    uint32_t ms = 0;

    for (; *digits != '\0'; digits++)
        ms += *digits == 'w' ? 500 : *digits == 'W' ? 1000 : 200;
    return ms;
}

/* Sends as much of the rest as one message holds, and waits until that has been dialled. */
static void send_rest(struct channel *c, struct dialling *d)
{
    char part[WIRE_DIGITS_MAX + 1];
    size_t n = strnlen(d->rest, WIRE_DIGITS_MAX);

    memcpy(part, d->rest, n);
    part[n] = '\0';
    memmove(d->rest, d->rest + n, strlen(d->rest + n) + 1);
    if (d->rest[0] == '\0') {
        mem_free(d->rest);
        d->rest = NULL;
    }
    peer_send(c->peer, &(struct wire_msg){.type = WIRE_DTMF, .channel = c->number, .digits = part});
    timer_start(&c->dialled, dialling_ms(part));
}

static void answer_dialling(struct channel *c)
{
    struct dialling d = c->diallings[0];

    mem_free(d.rest);
    c->n_diallings--;
    memmove(c->diallings, c->diallings + 1, c->n_diallings * sizeof *c->diallings);
    if (c->n_diallings > 0)
        timer_start(&c->dialled, c->diallings[0].stopped || c->diallings[0].rest != NULL
                                     ? 0
                                     : c->diallings[0].ms);
    c->h->played(c->arg, d.request, d.stopped ? PLAY_STOPPED : PLAY_ENDED,
                 d.stopped ? 0 : d.ms / FRAME_MS);
}

static void on_dialled(void *arg)
{
    struct channel *c = arg;

    if (c->diallings[0].rest != NULL && !c->diallings[0].stopped)
        send_rest(c, &c->diallings[0]);
    else
        answer_dialling(c);
}

void channel_requests_init(struct channel *c)
{
    timer_init(&c->dialled, c->bridge->control, on_dialled, c);
}

void channel_requests_stop(struct channel *c)
{
    for (unsigned i = 0; i < c->n_diallings; i++)
        c->diallings[i].stopped = true;
    if (c->n_diallings > 0)
        timer_start(&c->dialled, 0);
}

void channel_requests_end(struct channel *c)
{
    while (c->n_diallings > 0)
        answer_dialling(c);
    timer_stop(&c->dialled);
    for (int i = 0; i < BRIDGE_PLAYS_MAX; i++)
        mem_free(c->prompts[i].text);
}

/* --- requests --- */

/* Copies a prompt's text as a message may carry it: cut between characters, control characters as
 * spaces. */
static char *clean_text(const char *text)
{
    size_t n = strlen(text);
    char *copy;

    if (n > WIRE_PROMPT_MAX)
        for (n = WIRE_PROMPT_MAX; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
            ;
    copy = mem_strndup(text, n);
    for (char *p = copy; p != NULL && *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    return copy;
}

int channel_play(struct channel *c, struct audio *audio, unsigned loops, const char *text,
                 uint32_t request)
{
    struct prompt *p;
    int rc;

    if (c->state == CHANNEL_ENDED)
        return ERR_WRONG_STATE;
    rc = media_play(c->media, audio, loops, request);
    p = prompt_find(c, 0);
    if (rc != 0 || !c->peer->prompts || p == NULL)
        return rc;
    p->request = request;
    p->text = text != NULL ? clean_text(text) : NULL;
    return 0;
}

void channel_play_stop(struct channel *c, uint32_t request)
{
    if (c->state == CHANNEL_ENDED)
        return; /* all is being stopped already */
    for (unsigned i = 0; i < c->n_diallings; i++)
        if (request == 0 || c->diallings[i].request == request)
            c->diallings[i].stopped = true;
    if (c->n_diallings > 0 && c->diallings[0].stopped)
        timer_start(&c->dialled, 0);
    media_play_stop(c->media, request);
}

void channel_echo(struct channel *c, bool on)
{
    if (c->state != CHANNEL_ENDED)
        media_echo(c->media, on);
}

int channel_tap(struct channel *c, struct tap *tap, int silence_ms, int max_ms, uint32_t request)
{
    return c->state == CHANNEL_ENDED ? ERR_WRONG_STATE
                                     : media_tap(c->media, tap, silence_ms, max_ms, request);
}

void channel_tap_stop(struct channel *c, uint32_t request)
{
    if (c->state != CHANNEL_ENDED)
        media_tap_stop(c->media, request);
}

void channel_tap_pause(struct channel *c, uint32_t request, enum tap_pause how)
{
    if (c->state != CHANNEL_ENDED)
        media_tap_pause(c->media, request, how);
}

/* More than one message holds waits its turn, and so does what comes behind that: a gateway need
 * not keep more than one message's digits. */
static int send_digits_as_message(struct channel *c, const char *digits, uint32_t request)
{
    struct dialling *last = c->n_diallings > 0 ? &c->diallings[c->n_diallings - 1] : NULL;
    struct dialling d = {.request = request, .ms = dialling_ms(digits)};

    if (c->n_diallings == BRIDGE_PLAYS_MAX)
        return ERR_LIMIT;
    if (strlen(digits) > WIRE_DIGITS_MAX || (last != NULL && last->rest != NULL)) {
        d.rest = mem_strdup(digits);
        if (d.rest == NULL)
            return ERR_NOMEM;
    } else {
        peer_send(c->peer,
                  &(struct wire_msg){.type = WIRE_DTMF, .channel = c->number, .digits = digits});
    }
    c->diallings[c->n_diallings] = d;
    if (c->n_diallings++ == 0)
        timer_start(&c->dialled, d.rest != NULL ? 0 : d.ms);
    return 0;
}

/* A to D stand for themselves in either case; w and W are two pauses. */
static bool read_digits(const char *digits, char out[BRIDGE_DIGITS_MAX + 1])
{
    size_t n = 0;

    for (; *digits != '\0'; digits++) {
        if (n == BRIDGE_DIGITS_MAX || strchr("0123456789ABCDabcd*#wW", *digits) == NULL)
            return false;
        out[n++] = *digits >= 'a' && *digits <= 'd' ? (char)(*digits - 'a' + 'A') : *digits;
    }
    out[n] = '\0';
    return n > 0;
}

int channel_send_digits(struct channel *c, const char *text, uint32_t request)
{
    char digits[BRIDGE_DIGITS_MAX + 1];
    struct audio *tones;
    int rc;

    if (c->state == CHANNEL_ENDED)
        return ERR_WRONG_STATE;
    if (!read_digits(text, digits))
        return ERR_INVALID;
    if (c->dtmf_events && c->peer->asterisk == NULL) /* it has no word for them */
        return send_digits_as_message(c, digits, request);
    rc = audio_from_digits(&tones, c->codec, digits, NULL);
    if (rc != 0)
        return rc;
    rc = media_play(c->media, tones, 1, request);
    audio_unref(tones);
    return rc;
}
