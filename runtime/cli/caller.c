/* A caller: links, offers one call, hears, speaks and presses keys, and says what happens. */
#include "cli/caller.h"
#include "bridge/client.h"
#include "cli/talk.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINK_MS   5000 /* for the link and its welcome */
#define HANGUP_MS 200  /* for our last words to leave */

enum phase { PHASE_LINKING, PHASE_CALLING, PHASE_TALKING, PHASE_OVER };

struct caller {
    const struct call_options *o;
    struct loop *loop;
    struct bridge_client *client;
    struct teller teller;
    struct talk talk;
    enum phase phase;
    uint32_t number;
    bool refused;
    int status;
    struct timer patience, leave;
    struct terminal terminal;
};

/* --- the end --- */

static void on_left(void *arg)
{
    struct caller *c = arg;

    loop_stop(c->loop);
}

static void leave(struct caller *c, int status)
{
    if (c->phase == PHASE_OVER)
        return;
    c->phase = PHASE_OVER;
    c->status = status;
    talk_stop(&c->talk);
    timer_stop(&c->patience);
    timer_start(&c->leave, HANGUP_MS);
}

static void hang_up(struct caller *c, int status)
{
    if (c->phase == PHASE_CALLING || c->phase == PHASE_TALKING) {
        teller_say(&c->teller, "hangs up", NULL);
        client_hangup(c->client, c->number, CAUSE_NORMAL);
    }
    leave(c, status);
}

static int status_of(const struct caller *c, enum cause cause)
{
    return c->phase == PHASE_TALKING && cause == CAUSE_NORMAL ? 0 : CALL_CAUSE + (int)cause;
}

static void on_patience(void *arg)
{
    struct caller *c = arg;

    if (c->phase == PHASE_LINKING) {
        fprintf(stderr, "almon call: no welcome from %s within %d s\n", c->o->talk.reach.link,
                LINK_MS / 1000);
        leave(c, CALL_NOT_LINKED);
        return;
    }
    teller_say(&c->teller, "waited long enough", NULL);
    hang_up(c, CALL_TIMEOUT);
}

/* --- what the exchange says --- */

static void on_ready(void *arg)
{
    struct caller *c = arg;
    struct offer offer = {.from = c->o->talk.from,
                          .to = c->o->number,
                          .codec = c->o->talk.codec,
                          .dtmf_events = true};
    struct error err = {0};
    char text[600];

    c->teller.start = teller_now(&c->teller);
    c->phase = PHASE_CALLING;
    timer_start(&c->patience, (int64_t)c->o->talk.timeout_s * 1000);
    snprintf(text, sizeof text, "%s from %s", c->o->number, c->o->talk.from);
    teller_say(&c->teller, "calls", text);
    if (client_offer(c->client, &offer, &c->number, &err) != 0) {
        fprintf(stderr, "almon call: %s\n", err.text);
        leave(c, 1);
    }
}

static void on_ringing(void *arg, uint32_t number)
{
    struct caller *c = arg;

    (void)number;
    teller_say(&c->teller, "rings", NULL);
}

static void on_answered(void *arg, uint32_t number)
{
    struct caller *c = arg;

    (void)number;
    teller_say(&c->teller, "answered", NULL);
    c->phase = PHASE_TALKING;
    c->talk.client = c->client;
    c->talk.number = c->number;
    talk_start(&c->talk);
}

static void on_ended(void *arg, uint32_t number, enum cause cause)
{
    struct caller *c = arg;
    char text[40];

    (void)number;
    if (c->phase == PHASE_OVER)
        return;
    snprintf(text, sizeof text, "(%s)", cause_name(cause));
    teller_say(&c->teller, c->phase == PHASE_TALKING ? "hung up" : "not answered", text);
    leave(c, status_of(c, cause));
}

static void on_closed(void *arg, const char *why)
{
    struct caller *c = arg;

    if (c->phase == PHASE_LINKING && !c->refused)
        talk_options_not_linked(&c->o->talk, why);
    leave(c, CALL_NOT_LINKED);
}

static void on_error(void *arg, uint32_t number, const char *code, const char *text)
{
    struct caller *c = arg;

    (void)number;
    c->refused = c->phase == PHASE_LINKING;
    fprintf(stderr, "almon call: the exchange says: %s (%s)\n", text, code);
}

static void on_audio(void *arg, uint32_t number, const void *bytes, size_t len)
{
    struct caller *c = arg;

    (void)number;
    talk_audio(&c->talk, bytes, len);
}

static void on_prompt(void *arg, uint32_t number, bool began, const char *text)
{
    struct caller *c = arg;

    (void)number;
    talk_prompt(&c->talk, began, text);
}

static void on_digits(void *arg, uint32_t number, const char *digits)
{
    struct caller *c = arg;

    (void)number;
    teller_say(&c->teller, "is sent the digits", digits);
}

static const struct client_handlers handlers = {.ready = on_ready,
                                                .ringing = on_ringing,
                                                .answered = on_answered,
                                                .ended = on_ended,
                                                .closed = on_closed,
                                                .error = on_error,
                                                .audio = on_audio,
                                                .prompt = on_prompt,
                                                .digits = on_digits};

/* --- the terminal and signals --- */

static void on_key(void *arg, char key)
{
    struct caller *c = arg;
    char digits[2] = {key, '\0'};

    if (key == 'h' || key == 3)
        hang_up(c, 0);
    else if (key != '\0' && strchr("0123456789ABCD*#", key) != NULL && c->phase == PHASE_TALKING)
        talk_press(&c->talk, digits);
}

static void on_signal(void *arg)
{
    hang_up(arg, CALL_CAUSE + CAUSE_CANCELED);
}

static void watch(struct caller *c)
{
    c->terminal = (struct terminal){.key = on_key, .signal = on_signal, .arg = c};
    terminal_watch_signals(&c->terminal, c->loop);
    if (!c->o->interactive)
        return;
    if (isatty(STDIN_FILENO) && terminal_watch_keys(&c->terminal, c->loop))
        puts("keys 0-9 * # A-D are pressed; h or Ctrl-C hangs up");
    else
        fprintf(stderr, "almon call: --interactive needs a terminal\n");
}

/* --- the whole --- */

static int prepare(struct caller *c, struct error *err)
{
    const struct call_options *o = c->o;
    const struct reach *to = &o->talk.reach;
    struct client_options link = {
        .url = to->link, .name = to->name, .token = to->token, .prompts = true};
    int rc = 0;

    if (o->speak != NULL)
        rc = spoken_load(&c->talk.spoken, o->speak, o->talk.codec, err);
    if (rc == 0 && o->talk.save != NULL)
        rc = saving_open(&c->talk.saving, o->talk.save, o->talk.codec, err);
    if (rc == 0)
        rc = client_new(&c->client, c->loop, &link, &handlers, c, err);
    return rc;
}

int caller_run(const struct call_options *o)
{
    struct caller c = {.o = o, .status = 1};
    struct error err = {0};

    if (loop_new(&c.loop, NULL, &err) != 0) {
        fprintf(stderr, "almon call: %s\n", err.text);
        return 1;
    }
    c.teller = (struct teller){.loop = c.loop, .json = o->talk.json};
    c.teller.start = teller_now(&c.teller);
    c.talk = (struct talk){.teller = &c.teller, .codec = o->talk.codec, .steps = o->talk.steps};
    talk_init(&c.talk);
    timer_init(&c.patience, c.loop, on_patience, &c);
    timer_init(&c.leave, c.loop, on_left, &c);
    if (prepare(&c, &err) != 0) {
        fprintf(stderr, "almon call: %s\n", err.text);
    } else {
        timer_start(&c.patience, LINK_MS);
        watch(&c);
        loop_run(c.loop);
        terminal_unwatch(&c.terminal);
    }
    talk_close(&c.talk, c.client);
    return c.status;
}
