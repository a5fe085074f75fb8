/* almon messages: the last text messages, and what became of them, from the store. */
#include "store/messages.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/link.h"
#include "cli/timeline.h"
#include "store/kv.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BODY_SHOWN = 60 }; /* bytes of a text, more or less */

struct listing {
    struct loop *loop;
    struct str *out;
    struct error err;
};

/* The newest come first, and are wanted last. */
static void add_row(struct str *out, const struct message_row *r)
{
    time_t seconds = (time_t)(r->created / 1000);
    size_t shown = 0;
    char when[32], body[BODY_SHOWN + 8];
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
    while ((shown < BODY_SHOWN || (r->body[shown] & 0xc0) == 0x80) && r->body[shown] != '\0')
        shown++;
    snprintf(body, sizeof body, "%.*s", (int)shown, r->body);
    str_addf(out, "%s  %s  ", when, r->sid);
    timeline_text(out, r->from);
    str_add(out, " → ");
    timeline_text(out, r->to);
    str_addf(out, "  %s", r->status);
    if (r->code != 0)
        str_addf(out, " %d", r->code);
    str_addf(out, "  %d segment%s", r->segments, r->segments == 1 ? "" : "s");
    if (r->media > 0)
        str_addf(out, ", %d file%s", r->media, r->media == 1 ? "" : "s");
    str_add(out, "  \"");
    timeline_text(out, body);
    str_add(out, r->body[shown] != '\0' ? "…\"\n" : "\"\n");
}

static void listed(void *arg, const struct messages_answer *a)
{
    struct listing *l = arg;

    if (a->err != NULL)
        l->err = *a->err;
    else if (a->count == 0)
        error_set(&l->err, ERR_MISSING, "no message has come or gone yet");
    for (size_t i = a->err == NULL ? a->count : 0; i > 0; i--)
        add_row(l->out, &a->rows[i - 1]);
    loop_stop(l->loop);
}

static int list(const char *path, int last, struct str *out, struct error *err)
{
    struct listing l = {.out = out};
    struct messages *messages = NULL;
    struct kv *kv = NULL;
    int rc = loop_new(&l.loop, NULL, err);

    if (rc == 0)
        rc = kv_open(&kv, l.loop, path, err);
    if (rc == 0)
        rc = messages_new(&messages, l.loop, kv_store(kv), err);
    if (rc == 0 && messages_list(messages, NULL, 0, (size_t)last, listed, &l, err) == NULL)
        rc = err->code;
    if (rc == 0) {
        loop_run(l.loop);
        *err = l.err;
        rc = l.err.code;
    }
    messages_free(messages);
    kv_close(kv);
    loop_free(l.loop);
    return rc;
}

static void usage(FILE *out)
{
    fprintf(
        out,
        "usage: almon messages [-n COUNT] [--state DIR | --config FILE]\n"
        "Lists the last text messages, the newest at the end: when each came or was sent (UTC),\n"
        "its SID (for `almon trace`), from whom to whom, its status and, where it failed, why\n"
        "(Twilio's code), how many segments it takes, and its text. Also while no exchange runs.\n"
        "  -n, --last COUNT  so many instead of 20, at most %d\n",
        MESSAGES_LIST_MAX);
}

int cli_messages(int argc, char **argv)
{
    static const struct option options[] = {{"state", required_argument, NULL, 's'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"last", required_argument, NULL, 'n'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct str out = STR_INIT(8 * 1024 * 1024);
    const char *given = NULL, *config = "almon.lua";
    char state[CLI_STATE_SIZE], path[CLI_STATE_SIZE + 16];
    struct error err = {0};
    int c, last = 20, rc;

    while ((c = getopt_long(argc, argv, "s:c:n:h", options, NULL)) != -1) {
        if (c == 's') {
            given = optarg;
        } else if (c == 'c') {
            config = optarg;
        } else if (c == 'n') {
            last = atoi(optarg);
        } else {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    if (optind != argc || last < 1 || last > MESSAGES_LIST_MAX) {
        usage(stderr);
        return 2;
    }
    cli_state(given, config, state);
    snprintf(path, sizeof path, "%s/kv.db", state);
    rc = access(path, F_OK) == 0 ? list(path, last, &out, &err)
                                 : error_set(&err, ERR_MISSING, "no exchange has run in %s", state);
    if (rc == 0)
        fputs(str_text(&out), stdout);
    else
        fprintf(stderr, "almon: %s\n", err.text);
    str_free(&out);
    return rc == 0 ? 0 : 1;
}
