/* A caller: links, offers one call, hears, speaks and presses keys, and says what happens. */
#include "cli/caller.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "bridge/client.h"
#include "bridge/link.h"
#include "cli/call_sound.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define KEY_GAP_MS    200  /* between two keys of one step */
#define KEYS_MAX      128  /* keys waiting to be pressed */
#define LINK_MS       5000 /* for the link and its welcome */
#define HANGUP_MS     200  /* for our last words to leave */
#define CLOSE_TURN_MS 2000

enum phase { PHASE_LINKING, PHASE_CALLING, PHASE_TALKING, PHASE_OVER };

struct caller {
    const struct call_options *o;
    struct loop *loop;
    struct bridge_client *client;
    struct steps steps;
    struct spoken *spoken;
    struct saving *saving;
    enum phase phase;
    uint32_t number;
    int64_t start; /* of the call, or of the link before */
    int64_t next_tick, next_key;
    char keys[KEYS_MAX + 1];
    bool speaking, refused;
    int status;
    struct timer tick, patience, leave;
    uv_signal_t on_int, on_term;
    uv_poll_t terminal;
    bool watching; /* the terminal */
    struct termios before;
};

static int64_t now_ms(const struct caller *c)
{
    return loop_now(c->loop) / 1000;
}

/* --- saying what happens --- */

static void say_json(int64_t ms, const char *event, const char *detail)
{
    json_t *o = json_object();
    char *line;

    json_object_set_new(o, "at", json_real((double)ms / 1000));
    json_object_set_new(o, "event", json_string(event));
    if (detail != NULL)
        json_object_set_new(o, "detail", json_string(detail));
    line = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(8));
    if (line != NULL)
        puts(line);
    mem_free(line); /* jansson allocates by our functions, see mem_hook_libraries() */
    json_decref(o);
}

/* It comes from outside: control characters do not reach the terminal (the client lets none but
 * newlines and tabs through). */
static void print_detail(const char *detail, bool quoted)
{
    fputs(quoted ? "   \"" : " ", stdout);
    for (; *detail != '\0'; detail++)
        putchar((unsigned char)*detail < ' ' ? ' ' : *detail);
    if (quoted)
        putchar('"');
}

static void say(struct caller *c, const char *event, const char *detail)
{
    int64_t ms = now_ms(c) - c->start;

    if (c->o->json) {
        say_json(ms, event, detail);
    } else {
        printf("%02d:%02d.%d  %s", (int)(ms / 60000), (int)(ms / 1000 % 60), (int)(ms / 100 % 10),
               event);
        if (detail != NULL)
            print_detail(detail, strcmp(event, "hears") == 0);
        putchar('\n');
    }
    fflush(stdout);
}

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
    timer_stop(&c->tick);
    timer_stop(&c->patience);
    timer_start(&c->leave, HANGUP_MS);
}

static void hang_up(struct caller *c, int status)
{
    if (c->phase == PHASE_CALLING || c->phase == PHASE_TALKING) {
        say(c, "hangs up", NULL);
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
        fprintf(stderr, "almon call: no welcome from %s within %d s\n", c->o->link, LINK_MS / 1000);
        leave(c, CALL_NOT_LINKED);
        return;
    }
    say(c, "waited long enough", NULL);
    hang_up(c, CALL_TIMEOUT);
}

/* --- keys, speech, frames --- */

static void press(struct caller *c, const char *digits)
{
    size_t n = strlen(c->keys);

    snprintf(c->keys + n, sizeof c->keys - n, "%s", digits);
}

static void press_next(struct caller *c, int64_t now)
{
    char key[2] = {c->keys[0], '\0'};

    if (key[0] == '\0' || now < c->next_key)
        return;
    memmove(c->keys, c->keys + 1, strlen(c->keys));
    c->next_key = now + KEY_GAP_MS;
    say(c, "presses", key);
    client_digits(c->client, c->number, key);
}

static void do_step(struct caller *c, const struct step *step)
{
    char text[64];

    if (step->kind == STEP_PRESS) {
        press(c, step->digits);
        return;
    }
    if (c->spoken == NULL)
        return;
    snprintf(text, sizeof text, "for %.1f s", spoken_ms(c->spoken) / 1000.0);
    say(c, "speaks", text);
    spoken_start(c->spoken);
}

/* Every 20 ms of the call: one frame outwards, keys and steps, one frame into the file. */
static void on_tick(void *arg)
{
    struct caller *c = arg;
    int64_t now = now_ms(c);
    const struct step *step;
    const uint8_t *frame;

    c->next_tick += FRAME_MS * 1000;
    timer_start_at(&c->tick, c->next_tick);
    step = steps_due(&c->steps, now);
    if (step != NULL)
        do_step(c, step);
    press_next(c, now);
    frame = spoken_next(c->spoken);
    client_audio(c->client, c->number, frame, frame != NULL ? codec_frame_bytes(c->o->codec) : 0);
    client_flush(c->client);
    if (c->saving != NULL)
        saving_tick(c->saving);
}

/* --- what the exchange says --- */

static void on_ready(void *arg)
{
    struct caller *c = arg;
    struct offer offer = {
        .from = c->o->from, .to = c->o->number, .codec = c->o->codec, .dtmf_events = true};
    struct error err = {0};
    char text[600];

    c->start = now_ms(c);
    c->phase = PHASE_CALLING;
    timer_start(&c->patience, (int64_t)c->o->timeout_s * 1000);
    snprintf(text, sizeof text, "%s from %s", c->o->number, c->o->from);
    say(c, "calls", text);
    if (client_offer(c->client, &offer, &c->number, &err) != 0) {
        fprintf(stderr, "almon call: %s\n", err.text);
        leave(c, 1);
    }
}

static void on_ringing(void *arg, uint32_t number)
{
    (void)number;
    say(arg, "rings", NULL);
}

static void on_answered(void *arg, uint32_t number)
{
    struct caller *c = arg;

    (void)number;
    say(c, "answered", NULL);
    c->phase = PHASE_TALKING;
    steps_start(&c->steps, now_ms(c));
    c->next_tick = loop_now(c->loop);
    on_tick(c);
}

static void on_ended(void *arg, uint32_t number, enum cause cause)
{
    struct caller *c = arg;
    char text[40];

    (void)number;
    if (c->phase == PHASE_OVER)
        return;
    snprintf(text, sizeof text, "(%s)", cause_name(cause));
    say(c, c->phase == PHASE_TALKING ? "hung up" : "not answered", text);
    leave(c, status_of(c, cause));
}

static void on_closed(void *arg, const char *why)
{
    struct caller *c = arg;

    if (c->phase == PHASE_LINKING && !c->refused)
        fprintf(stderr,
                "almon call: cannot link to %s: %s\n  Is `almon serve` running there? Its address "
                "is server.bridge in almon.lua, or give --link.\n",
                c->o->link, why);
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
    steps_frame(&c->steps, now_ms(c));
    if (c->saving != NULL)
        saving_frame(c->saving, bytes, len);
}

static void on_prompt(void *arg, uint32_t number, bool began, const char *text)
{
    struct caller *c = arg;

    (void)number;
    steps_prompt(&c->steps, began, now_ms(c));
    if (!began)
        return;
    if (text[0] != '\0')
        say(c, "hears", text);
    else
        say(c, "hears a sound", NULL);
}

static void on_digits(void *arg, uint32_t number, const char *digits)
{
    (void)number;
    say(arg, "is sent the digits", digits);
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

static void on_terminal(uv_poll_t *poll, int status, int events)
{
    struct caller *c = poll->data;
    char bytes[16];
    ssize_t n = status == 0 ? read(STDIN_FILENO, bytes, sizeof bytes) : 0;

    (void)events;
    if (n <= 0)
        uv_poll_stop(poll); /* nobody is there any more */
    for (ssize_t i = 0; i < n; i++) {
        char key[2] = {bytes[i], '\0'};

        if (key[0] == 'h' || key[0] == 3)
            hang_up(c, 0);
        else if (key[0] != '\0' && strchr("0123456789ABCD*#", key[0]) != NULL &&
                 c->phase == PHASE_TALKING)
            press(c, key);
    }
}

static void watch_terminal(struct caller *c)
{
    struct termios raw;

    if (uv_poll_init(loop_uv(c->loop), &c->terminal, STDIN_FILENO) != 0 ||
        tcgetattr(STDIN_FILENO, &c->before) != 0) {
        fprintf(stderr, "almon call: --interactive needs a terminal\n");
        return;
    }
    c->watching = true;
    raw = c->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    c->terminal.data = c;
    uv_poll_start(&c->terminal, UV_READABLE, on_terminal);
    puts("keys 0-9 * # A-D are pressed; h or Ctrl-C hangs up");
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    hang_up(signal->data, CALL_CAUSE + CAUSE_CANCELED);
}

static void watch(struct caller *c)
{
    uv_signal_init(loop_uv(c->loop), &c->on_int);
    uv_signal_init(loop_uv(c->loop), &c->on_term);
    c->on_int.data = c->on_term.data = c;
    uv_signal_start(&c->on_int, on_signal, SIGINT);
    uv_signal_start(&c->on_term, on_signal, SIGTERM);
    if (c->o->interactive)
        watch_terminal(c);
}

static void unwatch(struct caller *c)
{
    uv_close((uv_handle_t *)&c->on_int, NULL);
    uv_close((uv_handle_t *)&c->on_term, NULL);
    if (!c->watching)
        return;
    tcsetattr(STDIN_FILENO, TCSANOW, &c->before);
    uv_close((uv_handle_t *)&c->terminal, NULL);
}

/* --- the whole --- */

static int prepare(struct caller *c, struct error *err)
{
    const struct call_options *o = c->o;
    struct client_options link = {
        .url = o->link, .name = o->name, .token = o->token, .prompts = true};
    int rc = 0;

    if (o->speak != NULL)
        rc = spoken_load(&c->spoken, o->speak, o->codec, err);
    if (rc == 0 && o->save != NULL)
        rc = saving_open(&c->saving, o->save, o->codec, err);
    if (rc == 0)
        rc = client_new(&c->client, c->loop, &link, &handlers, c, err);
    return rc;
}

static void close_all(struct caller *c)
{
    int64_t end = now_ms(c) + CLOSE_TURN_MS;

    client_free(c->client);
    while (link_ws_alive() > 0 && now_ms(c) < end)
        loop_turn(c->loop, true);
    saving_close(c->saving);
    spoken_free(c->spoken);
    loop_free(c->loop);
}

int caller_run(const struct call_options *o)
{
    struct caller c = {.o = o, .steps = o->steps, .status = 1};
    struct error err = {0};

    if (loop_new(&c.loop, NULL, &err) != 0) {
        fprintf(stderr, "almon call: %s\n", err.text);
        return 1;
    }
    c.start = now_ms(&c);
    timer_init(&c.tick, c.loop, on_tick, &c);
    timer_init(&c.patience, c.loop, on_patience, &c);
    timer_init(&c.leave, c.loop, on_left, &c);
    if (prepare(&c, &err) != 0) {
        fprintf(stderr, "almon call: %s\n", err.text);
    } else {
        timer_start(&c.patience, LINK_MS);
        watch(&c);
        loop_run(c.loop);
        unwatch(&c);
    }
    close_all(&c);
    return c.status;
}
