#include "cli/talk.h"
#include "base/mem.h"
#include "bridge/link.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    KEY_GAP_MS = 200, /* between two keys of one step */
    CLOSE_MS = 2000
};

/* --- saying what happens --- */

int64_t teller_now(const struct teller *t)
{
    return loop_now(t->loop) / 1000;
}

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

void teller_say(struct teller *t, const char *event, const char *detail)
{
    int64_t ms = teller_now(t) - t->start;

    if (t->json) {
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

/* --- keys, speech, frames --- */

void talk_press(struct talk *t, const char *digits)
{
    size_t n = strlen(t->keys);

    snprintf(t->keys + n, sizeof t->keys - n, "%s", digits);
}

static void press_next(struct talk *t, int64_t now)
{
    char key[2] = {t->keys[0], '\0'};

    if (key[0] == '\0' || now < t->next_key)
        return;
    memmove(t->keys, t->keys + 1, strlen(t->keys));
    t->next_key = now + KEY_GAP_MS;
    teller_say(t->teller, "presses", key);
    client_digits(t->client, t->number, key);
}

static void do_step(struct talk *t, const struct step *step)
{
    char text[64];

    if (step->kind == STEP_PRESS) {
        talk_press(t, step->digits);
        return;
    }
    if (t->spoken == NULL)
        return;
    snprintf(text, sizeof text, "for %.1f s", spoken_ms(t->spoken) / 1000.0);
    teller_say(t->teller, "speaks", text);
    spoken_start(t->spoken);
}

/* Every 20 ms of the call: one frame outwards, keys and steps, one frame into the file. */
static void on_tick(void *arg)
{
    struct talk *t = arg;
    int64_t now = teller_now(t->teller);
    const struct step *step;
    const uint8_t *frame;

    t->next_tick += FRAME_MS * 1000;
    timer_start_at(&t->tick, t->next_tick);
    step = steps_due(&t->steps, now);
    if (step != NULL)
        do_step(t, step);
    press_next(t, now);
    frame = spoken_next(t->spoken);
    client_audio(t->client, t->number, frame, frame != NULL ? codec_frame_bytes(t->codec) : 0);
    client_flush(t->client);
    if (t->saving != NULL)
        saving_tick(t->saving);
}

void talk_init(struct talk *t)
{
    timer_init(&t->tick, t->teller->loop, on_tick, t);
}

void talk_start(struct talk *t)
{
    t->keys[0] = '\0';
    steps_start(&t->steps, teller_now(t->teller));
    t->next_tick = loop_now(t->teller->loop);
    on_tick(t);
}

void talk_stop(struct talk *t)
{
    timer_stop(&t->tick);
}

void talk_audio(struct talk *t, const void *bytes, size_t len)
{
    steps_frame(&t->steps, teller_now(t->teller));
    if (t->saving != NULL)
        saving_frame(t->saving, bytes, len);
}

void talk_prompt(struct talk *t, bool began, const char *text)
{
    steps_prompt(&t->steps, began, teller_now(t->teller));
    if (!began)
        return;
    if (text[0] != '\0')
        teller_say(t->teller, "hears", text);
    else
        teller_say(t->teller, "hears a sound", NULL);
}

void talk_close(struct talk *t, struct bridge_client *client)
{
    struct loop *loop = t->teller->loop;
    int64_t end = teller_now(t->teller) + CLOSE_MS;

    client_free(client);
    while (link_ws_alive() > 0 && teller_now(t->teller) < end)
        loop_turn(loop, true);
    saving_close(t->saving);
    spoken_free(t->spoken);
    loop_free(loop);
}

/* --- the terminal, and signals --- */

static void on_signal(uv_signal_t *signal, int number)
{
    struct terminal *t = signal->data;

    (void)number;
    t->signal(t->arg);
}

void terminal_watch_signals(struct terminal *t, struct loop *loop)
{
    uv_signal_init(loop_uv(loop), &t->on_int);
    uv_signal_init(loop_uv(loop), &t->on_term);
    t->on_int.data = t->on_term.data = t;
    uv_signal_start(&t->on_int, on_signal, SIGINT);
    uv_signal_start(&t->on_term, on_signal, SIGTERM);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct terminal *t = poll->data;
    char bytes[256];
    ssize_t n = status == 0 ? read(STDIN_FILENO, bytes, sizeof bytes) : 0;

    (void)events;
    if (n <= 0)
        uv_poll_stop(poll); /* nobody is there any more */
    for (ssize_t i = 0; i < n; i++)
        t->key(t->arg, bytes[i]);
}

bool terminal_watch_keys(struct terminal *t, struct loop *loop)
{
    struct termios raw;

    if (uv_poll_init(loop_uv(loop), &t->poll, STDIN_FILENO) != 0)
        return false;
    t->reads = true;
    t->raw = tcgetattr(STDIN_FILENO, &t->before) == 0;
    if (t->raw) {
        raw = t->before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    t->poll.data = t;
    uv_poll_start(&t->poll, UV_READABLE, on_readable);
    return true;
}

void terminal_unwatch(struct terminal *t)
{
    uv_close((uv_handle_t *)&t->on_int, NULL);
    uv_close((uv_handle_t *)&t->on_term, NULL);
    if (t->raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
    if (t->reads)
        uv_close((uv_handle_t *)&t->poll, NULL);
}
