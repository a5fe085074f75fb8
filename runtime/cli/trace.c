/* almon trace: what happened in a call, from its journal; -f goes on with what happens now, told by
 * the control socket of the running exchange. */
#include "base/mem.h"
#include "base/sid.h"
#include "cli/cli.h"
#include "cli/link.h"
#include "cli/timeline.h"
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTLE_MS = 200 }; /* for what the disk thread still holds when following begins */

struct trace {
    const char *sid; /* NULL: follow all calls */
    char state[CLI_STATE_SIZE];
    bool follow, raw;
    bool ended; /* the call's last line was printed */
    struct str out;
    struct str last; /* raw lines of the file, to know them again */
};

static void print_line(struct trace *t, const char *sid, json_t *line, const char *raw)
{
    const char *event = json_string_value(json_object_get(line, "e"));

    str_reset(&t->out);
    if (t->raw) {
        str_add(&t->out, raw);
    } else {
        if (t->sid == NULL)
            str_addf(&t->out, "%.10s ", sid);
        timeline_add(&t->out, line);
    }
    printf("%s%s\n", str_text(&t->out), t->out.failed ? "…" : "");
    fflush(stdout);
    t->ended = event != NULL && strcmp(event, "end") == 0;
}

static void print_file(struct trace *t, FILE *f)
{
    char *raw = NULL;
    size_t size = 0;
    ssize_t n;

    while ((n = getline(&raw, &size, f)) > 0) {
        json_t *line = json_loadb(raw, (size_t)n, 0, NULL);

        if (line == NULL)
            continue; /* the end of what a crash cut off */
        raw[strcspn(raw, "\n")] = '\0';
        print_line(t, t->sid, line, raw);
        if (t->follow)
            str_addf(&t->last, "%s\n", raw);
        json_decref(line);
    }
    free(raw);
}

static int is_day(const struct dirent *d)
{
    return d->d_name[0] >= '0' && d->d_name[0] <= '9';
}

/* The journal lies in the folder of the day that the call began. */
static FILE *open_journal(const struct trace *t)
{
    char folder[CLI_STATE_SIZE + 16], path[CLI_STATE_SIZE + 340];
    struct dirent **days;
    FILE *f = NULL;
    int n;

    snprintf(folder, sizeof folder, "%s/journal", t->state);
    n = scandir(folder, &days, is_day, alphasort);
    for (int i = n - 1; i >= 0; i--) {
        snprintf(path, sizeof path, "%s/%s/%s.jsonl", folder, days[i]->d_name, t->sid);
        if (f == NULL)
            f = fopen(path, "re");
        free(days[i]);
    }
    if (n >= 0)
        free(days);
    return f;
}

/* Lines that came both ways, by the file and by the socket, are told once. */
static bool is_known(struct trace *t, const char *raw)
{
    size_t len = strlen(raw);

    for (const char *p = str_text(&t->last); *p != '\0'; p += strcspn(p, "\n") + 1)
        if (strncmp(p, raw, len) == 0 && p[len] == '\n')
            return true;
    return false;
}

static int follow(struct trace *t, struct cli_link *l, struct error *err)
{
    while (!t->ended || t->sid == NULL) {
        json_t *m = cli_link_read(l, err);
        json_t *line = json_object_get(m, "line");
        char *raw = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;
        const char *sid = json_string_value(json_object_get(m, "sid"));

        if (raw != NULL && !is_known(t, raw))
            print_line(t, sid != NULL ? sid : "", line, raw);
        mem_free(raw);
        json_decref(m);
        if (m == NULL)
            return 1;
    }
    return 0;
}

static int start_following(struct trace *t, struct cli_link *l, struct error *err)
{
    json_t *answer;
    int rc = cli_link_open(l, t->state, err);

    if (rc == 0)
        rc = cli_link_send(l, json_pack("{s:s, s:s?}", "cmd", "trace", "sid", t->sid), err);
    if (rc != 0)
        return rc;
    answer = cli_link_read(l, err);
    if (answer == NULL)
        return ERR_IO;
    if (!json_is_true(json_object_get(answer, "ok")))
        rc = error_set(err, ERR_REFUSED, "almon does not let this call be followed");
    json_decref(answer);
    if (rc == 0 && t->sid != NULL)
        cli_link_wait(l, SETTLE_MS);
    return rc;
}

static int run(struct trace *t, struct error *err)
{
    struct cli_link l = {0};
    FILE *f;
    int status = 1;

    if (t->follow && start_following(t, &l, err) != 0)
        goto out;
    f = t->sid != NULL ? open_journal(t) : NULL;
    if (f != NULL) {
        print_file(t, f);
        fclose(f);
    } else if (t->sid != NULL) {
        error_set(err, ERR_MISSING, "there is no journal of %s in %s", t->sid, t->state);
        goto out;
    }
    status = t->follow ? follow(t, &l, err) : 0;
out:
    cli_link_close(&l);
    return status;
}

static void usage(FILE *out)
{
    fprintf(out, "usage: almon trace SID [-f] [--json] [--state DIR | --config FILE]\n"
                 "       almon trace -f\n"
                 "Prints what happened in the call SID, with seconds since its beginning.\n"
                 "  -f, --follow  goes on with what happens now (without SID: in all calls)\n"
                 "  --json        prints the journal's own lines\n");
}

int cli_trace(int argc, char **argv)
{
    static const struct option options[] = {
        {"state", required_argument, NULL, 's'}, {"config", required_argument, NULL, 'c'},
        {"follow", no_argument, NULL, 'f'},      {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},        {0}};
    struct trace t = {.out = STR_INIT(256 * 1024), .last = STR_INIT(8 * 1024 * 1024)};
    const char *state = NULL, *config = "almon.lua";
    struct error err = {0};
    int c, status;

    while ((c = getopt_long(argc, argv, "s:c:fjh", options, NULL)) != -1) {
        if (c == 's') {
            state = optarg;
        } else if (c == 'c') {
            config = optarg;
        } else if (c == 'f') {
            t.follow = true;
        } else if (c == 'j') {
            t.raw = true;
        } else {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    t.sid = argv[optind];
    if (argc - optind > 1 || (t.sid == NULL && !t.follow)) {
        usage(stderr);
        return 2;
    }
    if (t.sid != NULL && !sid_valid(t.sid, NULL)) {
        fprintf(stderr, "almon: '%s' is no SID (two letters and 32 hex digits)\n", t.sid);
        return 2;
    }
    cli_state(state, config, t.state);
    status = run(&t, &err);
    if (status != 0)
        fprintf(stderr, "almon: %s\n", err.text);
    str_free(&t.out);
    str_free(&t.last);
    return status;
}
