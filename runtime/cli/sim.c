/* almon sim FLOW: a call in the terminal, without a phone: what is said on the left, what the
 * exchange does beside it, in virtual time or as fast as the clock goes. Or a chat (chat.c). */
#include "cli/cli.h"

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/chat.h"
#include "cli/prompts.h"
#include "script/look.h"
#include "script/script.h"
#include "sim/sim.h"
#include "sim/tell.h"
#include "verbs/verbs.h"
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    QUIET_MS = 500, /* so long nothing is said: the caller's turn, in virtual time */
    LONGEST_MS = 4 * 3600 * 1000,
    TICK_MS = 20,
    COMMAND_BYTES = 1000,
    WORD_MS = 400, /* a spoken word */
    FLOW_BYTES = 1 << 20,
    BESIDE = 52, /* column of what the exchange does */
};

struct terminal {
    struct sim *sim;
    struct sim_caller *caller;
    const char *flow, *from, *to, *prompts;
    const char *account, *token; /* of the requests to a web application; NULL: some */
    bool text;                   /* a chat instead of a call */
    bool real, chosen, colour,
        ended;           /* chosen: --real or --virtual was given; ended: no more input */
    size_t told;         /* prompts shown */
    int64_t quiet_since; /* nothing was said since then */
    struct loop *clock;
    int64_t behind; /* real time at virtual 0, microseconds */
    char line[COMMAND_BYTES];
    size_t len;
};

static void usage(FILE *out)
{
    fprintf(out,
            "usage: almon sim FLOW | URL [--text | --virtual | --real] [--from NUMBER]\n"
            "                 [--to NUMBER] [--account SID] [--token TOKEN]\n"
            "Calls a flow in the terminal: a file (markup or Lua), or a web application, which is "
            "asked as\na real call would ask it, signed with the token. Type\n\n"
            "  1234# *         keys; they are pressed when the prompts are over\n"
            "  now 5           keys, pressed at once\n"
            "  hello there     words; nothing recognises them yet, they are a sound\n"
            "  wait 10         lets ten seconds pass\n"
            "  hangup          ends the call\n\n"
            "In virtual time (the default unless a person types) waiting costs nothing. The end of "
            "the input\nlets the call run to its own end.\n\n"
            "  --text          a chat instead of a call: each line is a text to the flow, what it\n"
            "                  answers is printed; `wait 10` lets time pass. Flows that are only\n"
            "                  for messages need not be told\n");
}

/* --- what is shown --- */

static void show_time(const struct terminal *t)
{
    printf("%8.2f  ", (double)sim_now(t->sim) / 1000);
}

static void show_left(const struct terminal *t, const char *mark, const char *text)
{
    show_time(t);
    printf("%s%s\n", mark, text);
    fflush(stdout);
}

static bool is_shown(const char *e)
{
    static const char *const shown[] = {"verb",   "request", "failure",  "file",
                                        "warn",   "error",   "redirect", "recording",
                                        "hangup", "log",     "callback", "print"};

    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (strcmp(e, shown[i]) == 0)
            return true;
    return false;
}

static void show_line(const struct sim_line *line, void *arg)
{
    struct terminal *t = arg;
    char text[160];

    if (!tell_short(line->text, is_shown, text, sizeof text))
        return;
    show_time(t);
    printf("%*s%s%s%s\n", BESIDE - 10, "", t->colour ? "\033[2m" : "", text,
           t->colour ? "\033[0m" : "");
    fflush(stdout);
}

/* Shows prompts that began; notes when nothing sounds. */
static void hear(struct terminal *t)
{
    const struct sim_heard *h, *last = NULL;

    for (; (h = sim_caller_heard_at(t->caller, t->told)) != NULL; t->told++)
        show_left(t, "", h->text);
    if (t->told > 0)
        last = sim_caller_heard_at(t->caller, t->told - 1);
    if (last != NULL && last->ended < 0)
        t->quiet_since = sim_now(t->sim);
    else if (last != NULL && last->ended > t->quiet_since)
        t->quiet_since = last->ended;
}

/* --- time --- */

static bool something_new(void *arg)
{
    struct terminal *t = arg;

    return sim_caller_heard(t->caller) > t->told || sim_caller_is_over(t->caller);
}

/* Lets `ms` pass, showing what happens when it happens. */
static void pass(struct terminal *t, int64_t ms)
{
    int64_t until = sim_now(t->sim) + ms;

    hear(t);
    while (sim_now(t->sim) < until && !sim_caller_is_over(t->caller)) {
        sim_run(t->sim, until - sim_now(t->sim), something_new, t);
        hear(t);
    }
}

/* Lets the prompts be said to the end. */
static void hear_out(struct terminal *t)
{
    int64_t began = sim_now(t->sim);

    t->quiet_since = began;
    do
        pass(t, TICK_MS);
    while (!sim_caller_is_over(t->caller) && sim_now(t->sim) - t->quiet_since < QUIET_MS &&
           sim_now(t->sim) - began < LONGEST_MS);
}

/* --- what is typed --- */

static void press(struct terminal *t, const char *keys)
{
    char digits[COMMAND_BYTES];
    size_t n = 0;

    for (; *keys != '\0'; keys++)
        if (*keys != ' ')
            digits[n++] = *keys;
    digits[n] = '\0';
    show_left(t, "> ", digits);
    sim_caller_press(t->caller, digits);
    pass(t, 0);
    sim_run(t->sim, 0, NULL, NULL);
    hear(t);
}

static void speak(struct terminal *t, const char *words)
{
    int64_t ms = WORD_MS;

    for (const char *p = words; *p != '\0'; p++)
        ms += *p == ' ' ? WORD_MS : 0;
    show_left(t, "> ", words);
    sim_caller_sends(t->caller, SIM_TONE);
    pass(t, ms);
    sim_caller_sends(t->caller, SIM_SILENCE);
}

static bool are_keys(const char *text)
{
    return *text != '\0' && strspn(text, "0123456789*# ") == strlen(text);
}

static void command(struct terminal *t, char *line)
{
    double seconds;
    char *end = line + strlen(line);

    while (end > line && isspace((unsigned char)end[-1]))
        *--end = '\0';
    line += strspn(line, " \t");
    if (*line == '\0' || *line == '-')
        return; /* "-" begins a remark, as in Lua */
    if (sscanf(line, "wait %lf", &seconds) == 1 && seconds >= 0 && seconds * 1000 <= LONGEST_MS) {
        pass(t, (int64_t)(seconds * 1000));
    } else if (strcmp(line, "hangup") == 0) {
        show_left(t, "> ", "hangs up");
        sim_caller_hangup(t->caller);
    } else if (strncmp(line, "now ", 4) == 0 && are_keys(line + 4)) {
        press(t, line + 4);
    } else {
        if (!t->real)
            hear_out(t);
        if (sim_caller_is_over(t->caller))
            return;
        if (are_keys(line))
            press(t, line);
        else
            speak(t, line);
    }
}

/* Takes what is there, and runs the whole lines of it. */
static void take_input(struct terminal *t)
{
    ssize_t n = read(STDIN_FILENO, t->line + t->len, sizeof t->line - 1 - t->len);
    char *end;

    if (n <= 0) {
        t->ended = true;
        n = 0;
        t->line[t->len++] = '\n'; /* a last line without one */
    }
    t->len += (size_t)n;
    t->line[t->len] = '\0';
    while ((end = strchr(t->line, '\n')) != NULL && !sim_caller_is_over(t->caller)) {
        *end = '\0';
        command(t, t->line);
        t->len -= (size_t)(end + 1 - t->line);
        memmove(t->line, end + 1, t->len + 1);
    }
    if (t->len == sizeof t->line - 1)
        t->len = 0; /* nobody types such a line */
}

static bool input_waits(int ms)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&p, 1, ms) > 0;
}

static void converse(struct terminal *t)
{
    t->behind = loop_now(t->clock);
    while (!sim_caller_is_over(t->caller)) {
        if (t->real)
            pass(t, (loop_now(t->clock) - t->behind) / 1000 - sim_now(t->sim));
        else
            hear_out(t);
        if (sim_caller_is_over(t->caller))
            break;
        if (t->ended && !t->real) {
            pass(t, LONGEST_MS); /* to the call's own end */
            sim_caller_hangup(t->caller);
        } else if (t->ended) {
            poll(NULL, 0, TICK_MS);
        } else if (input_waits(t->real ? TICK_MS : -1)) {
            take_input(t);
        }
    }
    hear(t);
}

/* --- the call --- */

static int place_call(struct terminal *t, struct error *err)
{
    struct offer o = {.from = t->from, .to = t->to, .codec = CODEC_PCMU, .dtmf_events = true};
    int rc = sim_call(t->sim, &o, &t->caller, err);
    const char *status;

    if (rc != 0)
        return rc;
    sim_run(t->sim, 0, NULL, NULL);
    t->clock = NULL;
    rc = loop_new(&t->clock, NULL, err);
    if (rc != 0)
        return rc;
    converse(t);
    sim_settles(t->sim);
    loop_free(t->clock);
    status = sim_caller_status(t->caller);
    printf("%8.2f  the call is over: %s\n", (double)sim_now(t->sim) / 1000,
           *status != '\0' ? status : cause_name(sim_caller_cause(t->caller)));
    return 0;
}

static bool is_url(const char *flow)
{
    return strncmp(flow, "http://", 7) == 0 || strncmp(flow, "https://", 8) == 0;
}

/* number { "*", voice = "…" }, or message */
static bool make_config(struct str *out, const char *flow, bool text)
{
    char file[4096], whole[4096], voice[8192];
    size_t n = strcspn(flow, "#"); /* file.lua#function */

    snprintf(file, sizeof file, "%.*s", (int)n, flow);
    if (is_url(flow)) {
        snprintf(whole, sizeof whole, "%s", flow);
        n = strlen(flow);
    } else if (realpath(file, whole) == NULL) {
        fprintf(stderr, "almon sim: %s: %s\n", file, strerror(errno));
        return false;
    }
    snprintf(voice, sizeof voice, "%s%s", whole + (*whole == '/'), flow + n);
    str_addf(out, "number { \"*\", %s = ", text ? "message" : "voice");
    str_add_lua(out, voice);
    str_add(out, " }");
    return !out->failed;
}

static int run(struct terminal *t)
{
    char folder[4096];
    struct str config = STR_INIT(16384);
    struct sim_options o = {.path = "/almon.lua", /* so that a flow may lie anywhere */
                            .speech = t->prompts,
                            .folder = folder,
                            .seed = 1,
                            .account = t->account,
                            .token = t->token,
                            .network = is_url(t->flow),
                            .verbs = verb_table,
                            .handlers = &script_handlers};
    struct error err = {0};
    int rc = 1;

    if (!make_config(&config, t->flow, t->text) || !prompts_scratch(folder, sizeof folder)) {
        str_free(&config);
        return 1;
    }
    o.config = str_text(&config);
    if (sim_new(&t->sim, &o, &err) == 0) {
        sim_watch(t->sim, show_line, t);
        rc = (t->text ? chat(t->sim, t->from, t->to, &err) : place_call(t, &err)) == 0 ? 0 : 1;
    }
    if (err.code != 0)
        fprintf(stderr, "almon sim: %s\n", err.text);
    sim_free(t->sim);
    sim_remove_folder(folder);
    str_free(&config);
    return rc;
}

static void drop_log(const char *line, void *arg)
{
    (void)line;
    (void)arg;
}

static bool read_options(struct terminal *t, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--virtual") == 0 || strcmp(argv[i], "--real") == 0) {
            t->chosen = true;
            t->real = argv[i][2] == 'r';
        } else if (strcmp(argv[i], "--text") == 0) {
            t->text = true;
        } else if (strcmp(argv[i], "--from") == 0 && i + 1 < argc) {
            t->from = argv[++i];
        } else if (strcmp(argv[i], "--to") == 0 && i + 1 < argc) {
            t->to = argv[++i];
        } else if (strcmp(argv[i], "--account") == 0 && i + 1 < argc) {
            t->account = argv[++i];
        } else if (strcmp(argv[i], "--token") == 0 && i + 1 < argc) {
            t->token = argv[++i];
        } else if (argv[i][0] != '-' && t->flow == NULL) {
            t->flow = argv[i];
        } else {
            return false;
        }
    }
    return t->flow != NULL && !(t->text && t->chosen);
}

/* A document or a handler that can only answer messages. */
static bool is_of_messages(const char *flow)
{
    size_t n = strcspn(flow, "#"), len;
    bool lua = n > 4 && strncmp(flow + n - 4, ".lua", 4) == 0, is = false;
    char file[4096], *bytes = mem_alloc(FLOW_BYTES + 1);
    FILE *f;

    snprintf(file, sizeof file, "%.*s", (int)n, flow);
    f = bytes != NULL && !is_url(flow) ? fopen(file, "rb") : NULL;
    if (f != NULL) {
        len = fread(bytes, 1, FLOW_BYTES, f);
        is = lua ? look_is_of_messages(bytes) : document_guess(bytes, len) == DOCUMENT_MESSAGE;
        fclose(f);
    }
    mem_free(bytes);
    return is;
}

int cli_sim(int argc, char **argv)
{
    struct terminal t = {
        .from = "+15550199", .to = "+15550100", .prompts = prompts_folder(), .colour = isatty(1)};

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        usage(stdout);
        return 0;
    }
    if (!read_options(&t, argc, argv)) {
        usage(stderr);
        return 2;
    }
    if (!t.chosen && !t.text)
        t.text = is_of_messages(t.flow);
    if (!t.chosen)
        t.real = isatty(STDIN_FILENO);
    log_set_sink(drop_log, NULL);
    return run(&t);
}
