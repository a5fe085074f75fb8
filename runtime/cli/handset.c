/* A telephone in the terminal: is called as client:NAME, and calls; one call at a time. */
#include "cli/handset.h"
#include "base/str.h"
#include "bridge/client.h"
#include "cli/caller.h"
#include "cli/talk.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LINK_MS = 5000,  /* for the link, its welcome, and the registration */
    HANGUP_MS = 200, /* for our last words to leave */
};

enum state {
    STATE_LINKING,
    STATE_IDLE,
    STATE_RINGING, /* we are called */
    STATE_CALLING, /* we call */
    STATE_TALKING,
    STATE_OVER
};

struct handset {
    const struct handset_options *o;
    struct loop *loop;
    struct bridge_client *client;
    struct teller teller;
    struct talk talk;
    struct terminal terminal;
    enum state state;
    bool registered, ours; /* at least once; the call is one that we made */
    uint32_t number;
    enum codec codec;
    unsigned saved; /* files written */
    unsigned failures;
    int status;
    char typed[260]; /* whom to call next, from the terminal */
    struct timer patience, answer, leave, relink;
};

static void say(struct handset *h, const char *event, const char *detail)
{
    teller_say(&h->teller, event, detail);
}

static void complain(const char *text)
{
    fprintf(stderr, "almon phone: %s\n", text);
}

/* --- the end --- */

static void on_left(void *arg)
{
    struct handset *h = arg;

    loop_stop(h->loop);
}

static void leave(struct handset *h, int status)
{
    if (h->state == STATE_OVER)
        return;
    h->state = STATE_OVER;
    h->status = status;
    talk_stop(&h->talk);
    timer_stop(&h->patience);
    timer_stop(&h->answer);
    timer_stop(&h->relink);
    timer_start(&h->leave, HANGUP_MS);
}

/* The call has ended, whoever ended it. */
static void put_down(struct handset *h, int status)
{
    talk_stop(&h->talk);
    timer_stop(&h->answer);
    h->talk.saving = saving_close(h->talk.saving);
    h->talk.spoken = spoken_free(h->talk.spoken);
    h->state = STATE_IDLE;
    if (h->o->once)
        leave(h, status);
}

static bool has_call(const struct handset *h)
{
    return h->state == STATE_RINGING || h->state == STATE_CALLING || h->state == STATE_TALKING;
}

static void hang_up(struct handset *h, enum cause cause, const char *what)
{
    int status = h->state == STATE_TALKING ? 0 : CALL_CAUSE + (int)cause;

    if (!has_call(h))
        return;
    say(h, what, NULL);
    client_hangup(h->client, h->number, cause);
    put_down(h, status);
}

static void on_patience(void *arg)
{
    struct handset *h = arg;

    if (!h->registered) {
        complain("no welcome from the exchange, or no registration, within 5 s");
        leave(h, CALL_NOT_LINKED);
        return;
    }
    say(h, "waited long enough", NULL);
    if (has_call(h)) {
        say(h, "hangs up", NULL);
        client_hangup(h->client, h->number, CAUSE_NORMAL);
    }
    leave(h, CALL_TIMEOUT);
}

/* --- talking --- */

/* FILE.wav for the first call, FILE-2.wav for the second … */
static void save_name(struct handset *h, char out[1024])
{
    const char *dot = strrchr(h->o->talk.save, '.');
    int stem = dot != NULL ? (int)(dot - h->o->talk.save) : (int)strlen(h->o->talk.save);

    if (++h->saved == 1)
        snprintf(out, 1024, "%s", h->o->talk.save);
    else
        snprintf(out, 1024, "%.*s-%u%s", stem, h->o->talk.save, h->saved, dot != NULL ? dot : "");
}

static void open_sound(struct handset *h)
{
    struct error err = {0};
    char path[1024];

    if (h->o->play != NULL && spoken_load(&h->talk.spoken, h->o->play, h->codec, &err) != 0)
        complain(err.text);
    if (h->o->tone != 0 && spoken_tone(&h->talk.spoken, h->o->tone, h->codec, &err) != 0)
        complain(err.text);
    if (h->o->talk.save == NULL)
        return;
    save_name(h, path);
    if (saving_open(&h->talk.saving, path, h->codec, &err) != 0)
        complain(err.text);
}

static void start_talking(struct handset *h)
{
    h->state = STATE_TALKING;
    h->talk.client = h->client;
    h->talk.number = h->number;
    h->talk.codec = h->codec;
    h->talk.steps = h->o->talk.steps;
    open_sound(h);
    if (h->talk.spoken != NULL)
        spoken_start(h->talk.spoken);
    talk_start(&h->talk);
}

static void answer(void *arg)
{
    struct handset *h = arg;

    if (h->state != STATE_RINGING)
        return;
    say(h, "answers", NULL);
    client_answer(h->client, h->number);
    start_talking(h);
}

static void call(struct handset *h, const char *to)
{
    char own[260], text[600];
    struct offer offer = {
        .to = to, .from = h->o->talk.from, .codec = h->o->talk.codec, .dtmf_events = true};
    struct error err = {0};

    if (offer.from == NULL) {
        snprintf(own, sizeof own, "client:%s", h->o->identity);
        offer.from = own;
    }
    snprintf(text, sizeof text, "%s from %s", to, offer.from);
    say(h, "calls", text);
    h->codec = offer.codec;
    h->ours = true;
    if (client_offer(h->client, &offer, &h->number, &err) == 0) {
        h->state = STATE_CALLING;
        return;
    }
    complain(err.text);
    put_down(h, 1);
}

/* --- what the exchange says --- */

static void on_ready(void *arg)
{
    struct handset *h = arg;

    client_register(h->client, h->o->identity);
}

static void on_registered(void *arg, const char *identity)
{
    struct handset *h = arg;
    bool first = !h->registered;
    char text[260];

    if (h->state != STATE_LINKING)
        return;
    snprintf(text, sizeof text, "client:%s", identity);
    say(h, "is", text);
    h->registered = true;
    h->failures = 0;
    h->state = STATE_IDLE;
    timer_stop(&h->patience);
    if (h->o->talk.timeout_s > 0 && first)
        timer_start(&h->patience, (int64_t)h->o->talk.timeout_s * 1000);
    if (h->o->call != NULL && first)
        call(h, h->o->call);
}

static void say_offer(struct handset *h, const struct offer *offer)
{
    char text[1200];

    snprintf(text, sizeof text, "%s%s%s to %s", offer->from, offer->caller_name != NULL ? ", " : "",
             offer->caller_name != NULL ? offer->caller_name : "", offer->to);
    say(h, "rings: call from", text);
    for (size_t i = 0; offer->params != NULL && offer->params[i] != NULL; i += 2) {
        snprintf(text, sizeof text, "%s = %s", offer->params[i], offer->params[i + 1]);
        say(h, "with", text);
    }
    if (!h->o->talk.json && isatty(STDOUT_FILENO)) {
        putchar('\a');
        fflush(stdout);
    }
}

static void on_offered(void *arg, uint32_t number, const struct offer *offer)
{
    struct handset *h = arg;

    if (h->state != STATE_IDLE) {
        client_hangup(h->client, number, CAUSE_BUSY);
        say(h, "is busy for a call from", offer->from);
        return;
    }
    h->state = STATE_RINGING;
    h->number = number;
    h->codec = offer->codec;
    h->ours = false;
    say_offer(h, offer);
    switch (h->o->rule) {
    case HANDSET_BUSY:
        hang_up(h, CAUSE_BUSY, "is busy");
        return;
    case HANDSET_REJECT:
        hang_up(h, CAUSE_REJECTED, "rejects it");
        return;
    case HANDSET_ANSWER:
        timer_start(&h->answer, h->o->answer_ms);
        break;
    case HANDSET_BY_HAND:
        break;
    }
    client_ringing(h->client, number);
}

static void on_ringing(void *arg, uint32_t number)
{
    (void)number;
    say(arg, "it rings there", NULL);
}

static void on_answered(void *arg, uint32_t number)
{
    (void)number;
    say(arg, "answered", NULL);
    start_talking(arg);
}

static void on_ended(void *arg, uint32_t number, enum cause cause)
{
    struct handset *h = arg;
    bool talked = h->state == STATE_TALKING;
    char text[40];

    if (!has_call(h) || number != h->number)
        return;
    snprintf(text, sizeof text, "(%s)", cause_name(cause));
    say(h, talked ? "hung up" : h->ours ? "not answered" : "the caller gave up", text);
    put_down(h, talked && cause == CAUSE_NORMAL ? 0 : CALL_CAUSE + (int)cause);
}

static void on_closed(void *arg, const char *why)
{
    struct handset *h = arg;

    if (h->state == STATE_OVER) {
        h->client = client_free(h->client);
        return;
    }
    if (!h->registered) {
        talk_options_not_linked(&h->o->talk, why);
        leave(h, CALL_NOT_LINKED);
    } else {
        say(h, "the link is gone:", why);
        h->state = STATE_LINKING;
        timer_start(&h->relink, client_backoff(h->failures++));
    }
    h->client = client_free(h->client);
}

static void on_error(void *arg, uint32_t number, const char *code, const char *text)
{
    struct handset *h = arg;

    (void)number;
    fprintf(stderr, "almon phone: the exchange says: %s (%s)\n", text, code);
    if (h->state == STATE_LINKING)
        leave(h, CALL_NOT_LINKED);
}

static void on_audio(void *arg, uint32_t number, const void *bytes, size_t len)
{
    struct handset *h = arg;

    if (h->state == STATE_TALKING && number == h->number)
        talk_audio(&h->talk, bytes, len);
}

static void on_prompt(void *arg, uint32_t number, bool began, const char *text)
{
    struct handset *h = arg;

    if (h->state == STATE_TALKING && number == h->number)
        talk_prompt(&h->talk, began, text);
}

static void on_digits(void *arg, uint32_t number, const char *digits)
{
    (void)number;
    say(arg, "is sent the digits", digits);
}

static const struct client_handlers handlers = {.ready = on_ready,
                                                .registered = on_registered,
                                                .offered = on_offered,
                                                .ringing = on_ringing,
                                                .answered = on_answered,
                                                .ended = on_ended,
                                                .closed = on_closed,
                                                .error = on_error,
                                                .audio = on_audio,
                                                .prompt = on_prompt,
                                                .digits = on_digits};

static void make_link(void *arg)
{
    struct handset *h = arg;
    const struct reach *to = &h->o->talk.reach;
    struct client_options link = {
        .url = to->link, .name = to->name, .token = to->token, .prompts = true};
    struct error err = {0};

    if (client_new(&h->client, h->loop, &link, &handlers, h, &err) == 0)
        return;
    complain(err.text);
    leave(h, 1);
}

/* --- keys --- */

/* Without a call, what is typed up to Enter is whom to call. */
static void type(struct handset *h, char key)
{
    size_t n = strlen(h->typed);

    if (key == '\n' || key == '\r') {
        if (n > 0)
            call(h, h->typed);
        h->typed[0] = '\0';
    } else if ((key == 127 || key == '\b') && n > 0) {
        h->typed[n - 1] = '\0';
    } else if ((unsigned char)key > ' ' && n + 1 < sizeof h->typed) {
        h->typed[n] = key;
        h->typed[n + 1] = '\0';
    }
    if (h->terminal.raw && h->state == STATE_IDLE) {
        printf("\r\033[Kcall: %s", h->typed);
        fflush(stdout);
    }
}

static void on_key(void *arg, char key)
{
    struct handset *h = arg;
    char digit[2] = {key, '\0'};

    if (key == 3 || (key == 'q' && h->typed[0] == '\0')) {
        hang_up(h, CAUSE_NORMAL, "hangs up");
        leave(h, h->status);
    } else if (h->state == STATE_IDLE) {
        type(h, key);
    } else if (h->state == STATE_RINGING && key == 'a') {
        answer(h);
    } else if (h->state == STATE_RINGING && (key == 'r' || key == 'b')) {
        hang_up(h, key == 'b' ? CAUSE_BUSY : CAUSE_REJECTED, key == 'b' ? "is busy" : "rejects it");
    } else if (key == 'h') {
        hang_up(h, h->ours && h->state == STATE_CALLING ? CAUSE_CANCELED : CAUSE_NORMAL,
                "hangs up");
    } else if (h->state == STATE_TALKING && key != '\0' &&
               strchr("0123456789ABCD*#", key) != NULL) {
        talk_press(&h->talk, digit);
    }
}

static void on_signal(void *arg)
{
    struct handset *h = arg;

    hang_up(h, CAUSE_NORMAL, "hangs up");
    leave(h, 0);
}

static void watch(struct handset *h)
{
    h->terminal = (struct terminal){.key = on_key, .signal = on_signal, .arg = h};
    terminal_watch_signals(&h->terminal, h->loop);
    if (terminal_watch_keys(&h->terminal, h->loop) && h->terminal.raw && !h->o->talk.json)
        puts("a answers, r rejects, b is busy, h hangs up, q leaves; keys 0-9 * # A-D in a call;\n"
             "without one, type whom to call, and Enter");
}

/* --- the whole --- */

int handset_run(const struct handset_options *o)
{
    struct handset h = {.o = o, .status = 0};
    struct error err = {0};

    if (loop_new(&h.loop, NULL, &err) != 0) {
        complain(err.text);
        return 1;
    }
    h.teller = (struct teller){.loop = h.loop, .json = o->talk.json};
    h.teller.start = teller_now(&h.teller);
    h.talk = (struct talk){.teller = &h.teller};
    talk_init(&h.talk);
    timer_init(&h.patience, h.loop, on_patience, &h);
    timer_init(&h.answer, h.loop, answer, &h);
    timer_init(&h.leave, h.loop, on_left, &h);
    timer_init(&h.relink, h.loop, make_link, &h);
    timer_start(&h.patience, LINK_MS);
    watch(&h);
    make_link(&h);
    loop_run(h.loop);
    terminal_unwatch(&h.terminal);
    talk_close(&h.talk, h.client);
    return h.status;
}
