#include "cli/chat.h"

#include "bridge/client.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    LINE_BYTES = 8192,
    ANSWER_MS = 10 * 60 * 1000, /* what a text begins may take so long */
    LONGEST_WAIT = 30 * 24 * 3600,
};

struct conversation {
    struct sim *sim;
    struct sim_inbox *inbox;
    const char *from, *to;
};

static void on_text(const struct sim_text *t, void *arg)
{
    struct conversation *c = arg;

    printf("%8.2f  ", (double)t->at / 1000);
    if (strcmp(t->to, c->from) != 0)
        printf("to %s: ", t->to);
    printf("%s\n", t->body);
    for (const char *const *m = t->media; *m != NULL; m++)
        printf("%10s[%s]\n", "", *m);
}

static bool is_quiet(void *arg)
{
    struct runtime_stats stats;

    runtime_stats(sim_runtime(arg), &stats);
    return stats.sessions == 0;
}

/* Everything that a text began has come to its end. */
static void settle(struct conversation *c)
{
    sim_run(c->sim, 0, NULL, NULL);
    sim_run(c->sim, ANSWER_MS, is_quiet, c->sim);
    sim_run(c->sim, 0, NULL, NULL);
    fflush(stdout);
}

static int send_line(struct conversation *c, const char *line, struct error *err)
{
    const struct sim_sent *sent = NULL;
    int rc = sim_text(c->inbox, &(struct bridge_text){.to = c->to, .body = line}, &sent, err);

    if (rc != 0)
        return rc;
    printf("%8.2f  > %s\n", (double)sim_now(c->sim) / 1000, line);
    settle(c);
    if (strcmp(sent->status, "failed") == 0)
        return error_set(err, ERR_REFUSED, "the text was refused: %s%s%s", sent->code,
                         *sent->code != '\0' ? ", " : "", sent->why != NULL ? sent->why : "");
    return 0;
}

static int take_line(struct conversation *c, char *line, struct error *err)
{
    char *end = line + strlen(line), rest;
    double seconds;

    while (end > line && isspace((unsigned char)end[-1]))
        *--end = '\0';
    if (*line == '\0' || strncmp(line, "--", 2) == 0)
        return 0;
    if (sscanf(line, "wait %lf%c", &seconds, &rest) == 1 && seconds >= 0 &&
        seconds <= LONGEST_WAIT) {
        sim_run(c->sim, (int64_t)(seconds * 1000), NULL, NULL);
        settle(c);
        return 0;
    }
    return send_line(c, line, err);
}

int chat(struct sim *s, const char *from, const char *to, struct error *err)
{
    struct conversation c = {.sim = s, .inbox = sim_inbox(s, from), .from = from, .to = to};
    char line[LINE_BYTES];
    int rc = c.inbox != NULL ? 0 : error_nomem(err);

    sim_watch_texts(s, on_text, &c);
    while (rc == 0 && fgets(line, sizeof line, stdin) != NULL)
        rc = take_line(&c, line, err);
    if (rc == 0) {
        settle(&c);
        sim_settles(s);
    }
    sim_watch_texts(s, NULL, NULL);
    return rc;
}
