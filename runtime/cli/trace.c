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

enum {
    SETTLE_MS = 200,      /* for what the disk thread still holds when following begins */
    TREE_DEPTH = 3,       /* calls made by calls made by … */
    TREE_CALLS = 200,     /* of one call */
    TREE_LINES = 1000000, /* of all together */
};

/* A line of the call or of one that it made. */
struct told {
    int64_t t; /* in the call that is traced */
    json_t *line;
    char *raw;
    char sid[SID_SIZE];
    unsigned depth; /* 0: the call's own */
    size_t order;
};

struct trace {
    const char *sid; /* NULL: follow all calls */
    char state[CLI_STATE_SIZE];
    bool follow, raw;
    bool ended; /* the call's last line was printed */
    struct str out;
    struct str last; /* raw lines of the file, to know them again */
    struct told *told;
    size_t n_told;
    unsigned n_calls; /* whose journals were read */
};

static void print_line(struct trace *t, const char *sid, json_t *line, const char *raw,
                       unsigned depth)
{
    const char *event = json_string_value(json_object_get(line, "e"));

    str_reset(&t->out);
    if (t->raw) {
        str_add(&t->out, raw);
    } else {
        if (t->sid == NULL)
            str_addf(&t->out, "%.10s ", sid);
        timeline_add(&t->out, line);
        if (depth > 0)
            str_addf(&t->out, "%*s[%.10s]", 2 * (int)depth, "", sid);
    }
    printf("%s%s\n", str_text(&t->out), t->out.failed ? "…" : "");
    fflush(stdout);
    t->ended = depth == 0 && event != NULL && strcmp(event, "end") == 0;
}

static int is_day(const struct dirent *d)
{
    return d->d_name[0] >= '0' && d->d_name[0] <= '9';
}

/* The journal lies in the folder of the day that the call began. */
static FILE *open_journal(const struct trace *t, const char *sid)
{
    char folder[CLI_STATE_SIZE + 16], path[CLI_STATE_SIZE + 340];
    struct dirent **days;
    FILE *f = NULL;
    int n;

    snprintf(folder, sizeof folder, "%s/journal", t->state);
    n = scandir(folder, &days, is_day, alphasort);
    for (int i = n - 1; i >= 0; i--) {
        snprintf(path, sizeof path, "%s/%s/%s.jsonl", folder, days[i]->d_name, sid);
        if (f == NULL)
            f = fopen(path, "re");
        free(days[i]);
    }
    if (n >= 0)
        free(days);
    return f;
}

/* --- a call and those that it made --- */

static bool keep_line(struct trace *t, const char *sid, int64_t began, unsigned depth, json_t *line,
                      const char *raw)
{
    size_t room = t->n_told == 0 ? 256 : t->n_told * 2;
    struct told *told = t->told;
    char *copy;

    if (t->n_told == TREE_LINES)
        return false;
    if ((t->n_told & (t->n_told - 1)) == 0 && (t->n_told == 0 || t->n_told >= 256)) {
        told = mem_realloc(t->told, room * sizeof *told);
        if (told == NULL)
            return false;
        t->told = told;
    }
    copy = mem_strdup(raw);
    if (copy == NULL)
        return false;
    told += t->n_told;
    *told = (struct told){.t = began + json_integer_value(json_object_get(line, "t")),
                          .line = json_incref(line),
                          .raw = copy,
                          .depth = depth,
                          .order = t->n_told};
    str_copy(told->sid, sizeof told->sid, sid);
    t->n_told++;
    json_object_set_new(line, "t", json_integer(told->t));
    return true;
}

static bool read_call(struct trace *t, const char *sid, int64_t began, unsigned depth);

static void read_lines(struct trace *t, FILE *f, const char *sid, int64_t began, unsigned depth)
{
    char *raw = NULL;
    size_t size = 0;
    bool good = true;
    ssize_t n;

    while (good && (n = getline(&raw, &size, f)) > 0) {
        json_t *line = json_loadb(raw, (size_t)n, 0, NULL);
        const char *event = json_string_value(json_object_get(line, "e"));
        const char *child = json_string_value(json_object_get(line, "sid"));

        if (line == NULL)
            continue; /* the end of what a crash cut off */
        raw[strcspn(raw, "\n")] = '\0';
        good = keep_line(t, sid, began, depth, line, raw);
        if (good && !t->raw && event != NULL && strcmp(event, "dial") == 0 && child != NULL &&
            sid_valid(child, "CA") && depth < TREE_DEPTH)
            read_call(t, child, json_integer_value(json_object_get(line, "t")), depth + 1);
        json_decref(line);
    }
    free(raw);
}

static bool read_call(struct trace *t, const char *sid, int64_t began, unsigned depth)
{
    FILE *f = t->n_calls < TREE_CALLS ? open_journal(t, sid) : NULL;

    if (f == NULL)
        return false;
    t->n_calls++;
    read_lines(t, f, sid, began, depth);
    fclose(f);
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct told *x = a, *y = b;

    if (x->t != y->t)
        return x->t < y->t ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static void print_told(struct trace *t)
{
    if (t->n_told > 0)
        qsort(t->told, t->n_told, sizeof *t->told, by_time);
    for (size_t i = 0; i < t->n_told; i++) {
        struct told *x = &t->told[i];

        print_line(t, x->sid, x->line, x->raw, x->depth);
        if (t->follow && x->depth == 0)
            str_addf(&t->last, "%s\n", x->raw);
        json_decref(x->line);
        mem_free(x->raw);
    }
    mem_free(t->told);
}

/* --- following --- */

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
            print_line(t, sid != NULL ? sid : "", line, raw, 0);
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
    int status = 1;

    if (t->follow && start_following(t, &l, err) != 0)
        goto out;
    if (t->sid != NULL && !read_call(t, t->sid, 0, 0)) {
        error_set(err, ERR_MISSING, "there is no journal of %s in %s", t->sid, t->state);
        goto out;
    }
    print_told(t);
    status = t->follow ? follow(t, &l, err) : 0;
out:
    cli_link_close(&l);
    return status;
}

static void usage(FILE *out)
{
    fprintf(out,
            "usage: almon trace SID [-f] [--json] [--state DIR | --config FILE]\n"
            "       almon trace -f\n"
            "Prints what happened in the call SID, with seconds since its beginning, and in the\n"
            "calls that it made, these with the beginning of their own SID behind.\n"
            "  -f, --follow  goes on with what happens now in this call (without SID: in all)\n"
            "  --json        prints the lines of this journal as they are\n");
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
