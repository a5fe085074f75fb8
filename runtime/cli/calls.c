/* almon calls: what became of the last calls. */
#include "cli/calls.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/link.h"
#include "cli/timeline.h"
#include <dirent.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 16 * CALLS_LAST_MAX }; /* records looked at: calls and what they called */

/* The last KEPT records, oldest at `first`. */
struct ring {
    json_t **all;
    size_t first, count;
};

static json_t *ring_at(const struct ring *r, size_t i)
{
    return r->all[(r->first + i) % KEPT];
}

static void ring_add(struct ring *r, json_t *record)
{
    if (r->count == KEPT) {
        json_decref(r->all[r->first]);
        r->all[r->first] = record;
        r->first = (r->first + 1) % KEPT;
        return;
    }
    r->all[(r->first + r->count++) % KEPT] = record;
}

static const char *member(const json_t *record, const char *key)
{
    return json_string_value(json_object_get(record, key));
}

static int read_day(struct ring *r, const char *path)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    int roots = 0;

    while (f != NULL && (n = getline(&line, &size, f)) > 0) {
        json_t *record = json_loadb(line, (size_t)n, 0, NULL);

        if (record == NULL)
            continue; /* the end of what a crash cut off */
        roots += member(record, "parent_sid") == NULL;
        ring_add(r, record);
    }
    free(line);
    if (f != NULL)
        fclose(f);
    return roots;
}

static int is_day(const struct dirent *d)
{
    return d->d_name[0] >= '0' && d->d_name[0] <= '9';
}

static void drop_all(struct ring *r)
{
    for (size_t i = 0; i < r->count; i++)
        json_decref(ring_at(r, i));
    r->first = r->count = 0;
}

/* As many days as it takes, the newest last. */
static int read_days(struct ring *r, const char *state, int last, struct error *err)
{
    char folder[CLI_STATE_SIZE + 16], path[CLI_STATE_SIZE + 300];
    struct dirent **days = NULL;
    int n, roots = 0;

    snprintf(folder, sizeof folder, "%s/calls", state);
    n = scandir(folder, &days, is_day, alphasort);
    for (int from = n - 1; from >= 0 && roots < last; from--) {
        roots = 0;
        drop_all(r);
        for (int i = from; i < n; i++) {
            snprintf(path, sizeof path, "%s/%s", folder, days[i]->d_name);
            roots += read_day(r, path);
        }
    }
    for (int i = 0; i < n; i++)
        free(days[i]);
    free(days);
    return r->count > 0 ? 0 : error_set(err, ERR_MISSING, "no call has ended yet in %s", state);
}

/* "MOS 4.1, lost 1.2 %, jitter 2.3 ms, round trip 41 ms", as far as it is known. */
static void add_quality(struct str *out, const json_t *q)
{
    double mos = (double)json_integer_value(json_object_get(q, "mos")) / 100,
           lost = (double)json_integer_value(json_object_get(q, "lost")),
           received = (double)json_integer_value(json_object_get(q, "received")),
           jitter = (double)json_integer_value(json_object_get(q, "jitter_us")) / 1000,
           trip = (double)json_integer_value(json_object_get(q, "round_trip_us")) / 1000;

    if (mos <= 0)
        return;
    str_addf(out, "  MOS %.1f, lost %.1f %%, jitter %.1f ms", mos,
             lost > 0 ? lost * 100 / (lost + received) : 0.0, jitter);
    if (trip > 0)
        str_addf(out, ", round trip %.0f ms", trip);
}

static void add_line(struct str *out, const json_t *record, bool child)
{
    const char *start = member(record, "start"), *from = member(record, "from"),
               *to = member(record, "to"), *status = member(record, "status"),
               *sid = member(record, "sid"), *by = member(record, "answered_by");
    int queued = (int)json_integer_value(json_object_get(record, "queued"));
    char route[200];

    snprintf(route, sizeof route, "%s%s → %s", child ? "  " : "", from != NULL ? from : "?",
             to != NULL ? to : "?");
    str_addf(out, "%.10s %.8s  ", start != NULL ? start : "?",
             start != NULL && strlen(start) > 11 ? start + 11 : "?");
    timeline_text(out, sid != NULL ? sid : "?");
    str_add(out, "  ");
    timeline_text(out, route);
    for (size_t n = strlen(route); n < 40; n++)
        str_addc(out, ' ');
    str_addf(out, "  %-11s %5d s", status != NULL ? status : "?",
             (int)json_integer_value(json_object_get(record, "duration")));
    if (queued > 0)
        str_addf(out, "  %d s in queues", queued);
    if (by != NULL)
        str_addf(out, "  %.30s", by);
    add_quality(out, json_object_get(record, "quality"));
    str_addc(out, '\n');
}

static void add_children(struct str *out, const struct ring *r, const char *sid)
{
    for (size_t i = 0; i < r->count; i++) {
        const char *parent = member(ring_at(r, i), "parent_sid");

        if (parent != NULL && sid != NULL && strcmp(parent, sid) == 0)
            add_line(out, ring_at(r, i), true);
    }
}

int calls_list(const char *state, int last, struct str *out, struct error *err)
{
    struct ring r = {.all = mem_alloc(KEPT * sizeof *r.all)};
    int rc = r.all != NULL ? read_days(&r, state, last, err) : error_nomem(err), roots = 0;

    for (size_t i = 0; i < r.count; i++)
        roots += member(ring_at(&r, i), "parent_sid") == NULL;
    for (size_t i = 0; rc == 0 && i < r.count; i++) {
        json_t *record = ring_at(&r, i);

        if (member(record, "parent_sid") != NULL || roots-- > last)
            continue;
        add_line(out, record, false);
        add_children(out, &r, member(record, "sid"));
    }
    drop_all(&r);
    mem_free(r.all);
    return rc;
}

static void usage(FILE *out)
{
    fprintf(out,
            "usage: almon calls [-n COUNT] [--state DIR | --config FILE]\n"
            "Lists the calls that ended last, each with the calls that it made: when it began\n"
            "(UTC), its SID (for `almon trace`), from whom to whom, how it ended, seconds from\n"
            "the answer to the end, seconds that it waited in queues, and who answered where\n"
            "that was looked for.\n"
            "  -n, --last COUNT  so many instead of 20, at most %d\n",
            CALLS_LAST_MAX);
}

int cli_calls(int argc, char **argv)
{
    static const struct option options[] = {{"state", required_argument, NULL, 's'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"last", required_argument, NULL, 'n'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct str out = STR_INIT(8 * 1024 * 1024);
    const char *given = NULL, *config = "almon.lua";
    char state[CLI_STATE_SIZE];
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
    if (optind != argc || last < 1 || last > CALLS_LAST_MAX) {
        usage(stderr);
        return 2;
    }
    cli_state(given, config, state);
    rc = calls_list(state, last, &out, &err);
    if (rc == 0)
        fputs(str_text(&out), stdout);
    else
        fprintf(stderr, "almon: %s\n", err.text);
    str_free(&out);
    return rc == 0 ? 0 : 1;
}
