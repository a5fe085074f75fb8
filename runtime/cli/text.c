/* almon text: whoever writes to a number, over the real bridge: hands one message over, shows what
 * comes back, and reports that as delivered. */
#include "base/log.h"
#include "base/str.h"
#include "bridge/client.h"
#include "cli/cli.h"
#include "cli/reach.h"
#include "cli/talk.h"
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    ANSWER_MS = 5000, /* for the link, its welcome, and its word on our message */
    LEAVE_MS = 200,   /* for our last words to leave */
    BODY_BYTES = 6400,
    REFUSED = 10,
    TOO_FEW = 20,
    NOT_LINKED = 3,
};

static const char usage[] =
    "usage: almon text [options] NUMBER TEXT...\n"
    "\n"
    "Writes to NUMBER through the bridge of a running `almon serve`, and prints what is answered.\n"
    "Answers come here where a route{…} in almon.lua leads to this gateway:\n"
    "    route { \"+1555*\", gateway = \"local\" }\n"
    "\n"
    "  --from NUMBER     who writes (default +15550199)\n"
    "  --wait N          leaves when nothing came for N seconds (default 3)\n"
    "  --answers N       leaves as soon as N answers have come\n"
    "  --json            one JSON object a line instead of text\n";

static const char statuses[] =
    "\n"
    "Exit status: 0 the exchange has taken it; 1 something here failed; 2 wrong usage; 3 no link "
    "to\n"
    "the exchange, or no word from it; 10 refused; 20 fewer answers than --answers.\n";

struct writer {
    const char *from, *to;
    struct str body;
    int wait_s;
    long wanted, answers; /* 0: as many as come */
    struct reach reach;
    struct loop *loop;
    struct bridge_client *client;
    struct teller teller;
    struct timer timer;
    struct terminal terminal;
    bool taken, over;
    int status;
};

static void leave(struct writer *w, int status)
{
    if (w->over)
        return;
    w->over = true;
    w->status = status;
    timer_start(&w->timer, LEAVE_MS);
}

static void on_timer(void *arg)
{
    struct writer *w = arg;

    if (w->over) {
        loop_stop(w->loop);
    } else if (w->taken) {
        leave(w, w->answers < w->wanted ? TOO_FEW : 0);
    } else {
        fprintf(stderr, "almon text: no answer from %s within %d s\n", w->reach.link,
                ANSWER_MS / 1000);
        leave(w, NOT_LINKED);
    }
}

/* --- what the exchange says --- */

static void on_ready(void *arg)
{
    struct writer *w = arg;
    struct error err = {0};
    char id[64];

    snprintf(id, sizeof id, "text-%lld-%ld", (long long)loop_wall(w->loop), (long)getpid());
    w->teller.start = teller_now(&w->teller);
    teller_say(&w->teller, "writes", str_text(&w->body));
    if (client_message(w->client,
                       &(struct bridge_text){
                           .id = id, .from = w->from, .to = w->to, .body = str_text(&w->body)},
                       &err) == 0)
        return;
    fprintf(stderr, "almon text: %s\n", err.text);
    leave(w, 1);
}

static void go_on(struct writer *w)
{
    if (w->wanted > 0 && w->answers >= w->wanted)
        leave(w, 0);
    else
        timer_start(&w->timer, (int64_t)w->wait_s * 1000);
}

static void on_status(void *arg, const struct bridge_text_status *s)
{
    struct writer *w = arg;
    char text[600];

    if (strcmp(s->status, "failed") == 0) {
        snprintf(text, sizeof text, "(%s) %s", s->code != NULL ? s->code : "no reason",
                 s->text != NULL ? s->text : "");
        teller_say(&w->teller, "refused", text);
        leave(w, REFUSED);
    } else if (!w->taken) {
        teller_say(&w->teller, s->status, NULL);
        w->taken = true;
        go_on(w);
    }
}

static void on_message(void *arg, const struct bridge_text *t)
{
    struct writer *w = arg;
    struct str line = STR_INIT(2 * BODY_BYTES);

    str_addf(&line, "%s to %s: %s", t->from, t->to, t->body);
    for (const char *const *p = t->params; p != NULL && *p != NULL; p += 2)
        if (strncmp(p[0], "MediaUrl", 8) == 0)
            str_addf(&line, " [%s]", p[1]);
    teller_say(&w->teller, "reads", str_text(&line));
    str_free(&line);
    client_message_status(w->client,
                          &(struct bridge_text_status){.id = t->id, .status = "delivered"});
    w->answers++;
    if (w->taken && !w->over)
        go_on(w);
}

static void on_error(void *arg, uint32_t number, const char *code, const char *text)
{
    (void)arg;
    (void)number;
    fprintf(stderr, "almon text: the exchange says: %s (%s)\n", text, code);
}

static void on_closed(void *arg, const char *why)
{
    struct writer *w = arg;

    if (!w->over)
        fprintf(stderr,
                "almon text: no link to %s: %s\n  Is `almon serve` running there? Its address is "
                "server.bridge in almon.lua, or give --link.\n",
                w->reach.link, why);
    leave(w, NOT_LINKED);
}

/* Calls are not for it. */
static void on_answered(void *arg, uint32_t number)
{
    (void)arg;
    (void)number;
}

static void on_ended(void *arg, uint32_t number, enum cause cause)
{
    (void)arg;
    (void)number;
    (void)cause;
}

static void on_offered(void *arg, uint32_t number, const struct offer *offer)
{
    struct writer *w = arg;

    (void)offer;
    client_hangup(w->client, number, CAUSE_REJECTED);
}

static const struct client_handlers handlers = {.ready = on_ready,
                                                .closed = on_closed,
                                                .answered = on_answered,
                                                .ended = on_ended,
                                                .offered = on_offered,
                                                .message = on_message,
                                                .message_status = on_status,
                                                .error = on_error};

/* --- the whole --- */

static void on_signal(void *arg)
{
    leave(arg, 1);
}

static int run(struct writer *w)
{
    const struct client_options link = {
        .url = w->reach.link, .name = w->reach.name, .token = w->reach.token};
    struct talk talk = {.teller = &w->teller};
    struct error err = {0};

    if (loop_new(&w->loop, NULL, &err) != 0) {
        fprintf(stderr, "almon text: %s\n", err.text);
        return 1;
    }
    w->teller.loop = w->loop;
    w->teller.start = teller_now(&w->teller);
    w->status = 1;
    timer_init(&w->timer, w->loop, on_timer, w);
    if (client_new(&w->client, w->loop, &link, &handlers, w, &err) != 0) {
        fprintf(stderr, "almon text: %s\n", err.text);
    } else {
        timer_start(&w->timer, ANSWER_MS);
        w->terminal = (struct terminal){.signal = on_signal, .arg = w};
        terminal_watch_signals(&w->terminal, w->loop);
        loop_run(w->loop);
        terminal_unwatch(&w->terminal);
    }
    talk_close(&talk, w->client);
    return w->status;
}

static int wrong(const char *what, const char *value)
{
    fprintf(stderr, "almon text: %s%s\nsee almon text --help\n", what, value);
    return 2;
}

enum {
    OPT_CONFIG = 256,
    OPT_LINK,
    OPT_NAME,
    OPT_TOKEN,
    OPT_FROM,
    OPT_WAIT,
    OPT_ANSWERS,
    OPT_JSON,
    OPT_HELP
};

/* 0, or the exit status (-1: help was printed). */
static int take_option(struct writer *w, int option, const char *value)
{
    const char **const texts[] = {&w->reach.config, &w->reach.link, &w->reach.name, &w->reach.token,
                                  &w->from};
    long n;

    if (option >= OPT_CONFIG && option <= OPT_FROM) {
        *texts[option - OPT_CONFIG] = value;
    } else if (option == OPT_JSON) {
        w->teller.json = true;
    } else if (option == OPT_HELP) {
        printf("%s%s%s", usage, reach_help, statuses);
        return -1;
    } else if (option != OPT_WAIT && option != OPT_ANSWERS) {
        return wrong("what was given is not understood", "");
    } else if (!str_to_long(value, 0, 86400, &n)) {
        return wrong("a number is wanted, not ", value);
    } else if (option == OPT_WAIT) {
        w->wait_s = (int)n;
    } else {
        w->wanted = n;
    }
    return 0;
}

static int take_arguments(struct writer *w, int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, OPT_CONFIG},
                                            {"link", required_argument, NULL, OPT_LINK},
                                            {"name", required_argument, NULL, OPT_NAME},
                                            {"token", required_argument, NULL, OPT_TOKEN},
                                            {"from", required_argument, NULL, OPT_FROM},
                                            {"wait", required_argument, NULL, OPT_WAIT},
                                            {"answers", required_argument, NULL, OPT_ANSWERS},
                                            {"json", no_argument, NULL, OPT_JSON},
                                            {"help", no_argument, NULL, OPT_HELP},
                                            {0}};
    struct error err = {0};
    int option, rc = 0;

    optind = 1;
    while (rc == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
        rc = take_option(w, option, optarg);
    if (rc != 0)
        return rc;
    if (argc - optind < 2)
        return wrong("a NUMBER and a TEXT are needed", "");
    w->to = argv[optind];
    for (int i = optind + 1; i < argc; i++)
        str_addf(&w->body, "%s%s", i > optind + 1 ? " " : "", argv[i]);
    if (w->body.failed)
        return wrong("a text has at most 6400 bytes", "");
    return reach_find(&w->reach, &err) == 0 ? 0 : wrong(err.text, "");
}

int cli_text(int argc, char **argv)
{
    struct writer w = {.from = "+15550199", .wait_s = 3, .body = STR_INIT(BODY_BYTES)};
    int rc;

    log_set_levels("warn", NULL);
    rc = take_arguments(&w, argc, argv);
    if (rc == 0)
        rc = run(&w);
    reach_free(&w.reach);
    str_free(&w.body);
    return rc < 0 ? 0 : rc;
}
