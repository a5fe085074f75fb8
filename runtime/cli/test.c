/* almon test [PATH…]: runs scenario files, in worker processes, and says how they went. */
#include "cli/cli.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/prompts.h"
#include "script/script.h"
#include "sim/cover.h"
#include "sim/suite.h"
#include "verbs/verbs.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEEPEST_FOLDER = 16, DEFAULT_SECONDS = 120 };

struct test {
    const char *filter, *junit, *prompts;
    uint64_t seed;
    int jobs, seconds;
    bool worker, coverage;
    bool chosen; /* by a PATH */
    char *files[SUITE_FILES];
    size_t n_files;
    /* what came out */
    unsigned number, bad;
    struct cover *cover; /* in a worker */
    json_t *reached;     /* by all workers */
    json_t *all;         /* for JUnit: [file, results, problem] each */
};

static void usage(FILE *out)
{
    fprintf(out,
            "usage: almon test [options] [PATH...]\n"
            "Runs scenario files in virtual time and prints TAP. A PATH is a file, or a folder in\n"
            "which *_test.lua and test_*.lua are found; without one, tests/scenarios or this "
            "folder.\n\n"
            "  --filter TEXT   only scenarios whose name contains TEXT\n"
            "  --coverage      says which parts of the tested local flows were never reached\n"
            "  --jobs N        worker processes at once (default: one a processor)\n"
            "  --seed N        of everything that is drawn by lot (default 1)\n"
            "  --timeout S     most seconds one file may take (default %d)\n"
            "  --junit FILE    writes the results there as JUnit XML, too\n"
            "  --prompts DIR   where spoken prompts are kept between runs\n"
            "                  (default $ALMON_PROMPTS, else ~/.cache/almon/prompts)\n\n"
            "The exit status is 0 when all went well, 1 when not, 3 when no scenario was chosen.\n",
            DEFAULT_SECONDS);
}

/* --- finding files --- */

static bool is_scenario(const char *name)
{
    size_t n = strlen(name);

    return (n > 9 && strcmp(name + n - 9, "_test.lua") == 0) ||
           (n > 9 && strncmp(name, "test_", 5) == 0 && strcmp(name + n - 4, ".lua") == 0);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_file(struct test *t, const char *path)
{
    if (t->n_files == SUITE_FILES) {
        fprintf(stderr, "almon test: more than %d files\n", SUITE_FILES);
        return false;
    }
    t->files[t->n_files] = mem_strdup(path);
    return t->files[t->n_files++] != NULL;
}

static bool add_folder(struct test *t, const char *path, int depth)
{
    DIR *d = opendir(path);
    struct dirent *e;
    char inner[4096];
    struct stat st;
    bool good = d != NULL;

    if (d == NULL)
        fprintf(stderr, "almon test: %s: %s\n", path, strerror(errno));
    while (good && (e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.' || strcmp(e->d_name, "node_modules") == 0 ||
            (size_t)snprintf(inner, sizeof inner, "%s/%s", path, e->d_name) >= sizeof inner ||
            lstat(inner, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth < DEEPEST_FOLDER)
            good = add_folder(t, inner, depth + 1);
        else if (S_ISREG(st.st_mode) && is_scenario(e->d_name))
            good = add_file(t, inner);
    }
    if (d != NULL)
        closedir(d);
    return good;
}

static bool add_path(struct test *t, const char *path)
{
    size_t first = t->n_files;
    struct stat st;
    bool good;

    if (stat(path, &st) != 0) {
        fprintf(stderr, "almon test: %s: %s\n", path, strerror(errno));
        return false;
    }
    if (!S_ISDIR(st.st_mode))
        return add_file(t, path);
    good = add_folder(t, path, 0);
    qsort(t->files + first, t->n_files - first, sizeof *t->files, by_name);
    return good;
}

/* --- results --- */

static void print_why(const char *why)
{
    const char *end;

    for (; *why != '\0'; why = *end == '\n' ? end + 1 : end) {
        end = why + strcspn(why, "\n");
        printf("#   %.*s\n", (int)(end - why), why);
    }
}

static void print_result(struct test *t, const json_t *r, const char *path)
{
    bool good = json_is_true(json_object_get(r, "good"));

    printf("%s %u - %s: %s # %.3f s in %.1f ms\n", good ? "ok" : "not ok", ++t->number, path,
           json_string_value(json_object_get(r, "name")),
           (double)json_integer_value(json_object_get(r, "virtual_ms")) / 1000,
           (double)json_integer_value(json_object_get(r, "cpu_us")) / 1000);
    if (!good) {
        t->bad++;
        print_why(json_string_value(json_object_get(r, "why")));
    }
}

static void on_file(const char *path, const json_t *results, const char *problem, void *arg)
{
    struct test *t = arg;
    size_t i;
    json_t *r;

    json_array_foreach(results, i, r)
    {
        if (json_object_get(r, "reached") == NULL)
            print_result(t, r, path);
        else if (t->reached != NULL)
            cover_merge(t->reached, json_object_get(r, "reached"));
    }
    if (*problem != '\0') {
        t->bad++;
        printf("not ok %u - %s\n", ++t->number, path);
        print_why(problem);
    }
    fflush(stdout);
    if (t->all != NULL)
        json_array_append_new(t->all, json_pack("[s, O, s]", path, results, problem));
}

/* --- JUnit --- */

static void junit_case(struct str *out, const char *file, const char *name, double seconds,
                       const char *why)
{
    str_add(out, "    <testcase classname=\"");
    str_add_xml(out, file);
    str_add(out, "\" name=\"");
    str_add_xml(out, name);
    str_addf(out, "\" time=\"%.6f\"", seconds);
    if (*why == '\0') {
        str_add(out, "/>\n");
        return;
    }
    str_add(out, "><failure>");
    str_add_xml(out, why);
    str_add(out, "</failure></testcase>\n");
}

static void junit_file(struct str *out, const json_t *entry)
{
    const char *path = json_string_value(json_array_get(entry, 0));
    const char *problem = json_string_value(json_array_get(entry, 2));
    size_t i;
    json_t *r;

    str_add(out, "  <testsuite name=\"");
    str_add_xml(out, path);
    str_add(out, "\">\n");
    json_array_foreach(json_array_get(entry, 1), i, r)
    {
        if (json_object_get(r, "reached") == NULL)
            junit_case(out, path, json_string_value(json_object_get(r, "name")),
                       (double)json_integer_value(json_object_get(r, "cpu_us")) / 1e6,
                       json_string_value(json_object_get(r, "why")));
    }
    if (*problem != '\0')
        junit_case(out, path, "(file)", 0, problem);
    str_add(out, "  </testsuite>\n");
}

static bool write_junit(const struct test *t)
{
    struct str out = STR_INIT(256 << 20);
    FILE *f = fopen(t->junit, "w");
    bool good;
    size_t i;
    json_t *entry;

    str_addf(&out,
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"%u\" "
             "failures=\"%u\">\n",
             t->number, t->bad);
    json_array_foreach(t->all, i, entry) junit_file(&out, entry);
    str_add(&out, "</testsuites>\n");
    good = f != NULL && !out.failed && fwrite(out.data, 1, out.len, f) == out.len;
    if ((f != NULL && fclose(f) != 0) || !good) {
        fprintf(stderr, "almon test: %s: %s\n", t->junit, strerror(errno));
        good = false;
    }
    str_free(&out);
    return good;
}

/* --- the worker --- */

static void drop_log(const char *line, void *arg)
{
    (void)line;
    (void)arg;
}

static void on_line(const struct sim_line *line, void *arg)
{
    cover_line(((struct test *)arg)->cover, line);
}

static void on_lua_line(const char *path, int line, void *arg)
{
    cover_lua(arg, path, line);
}

static void print_reached(struct test *t)
{
    json_t *j = json_pack("{s:O}", "reached", cover_facts(t->cover));

    script_watch_lines(NULL, NULL);
    json_dumpf(j, stdout, JSON_COMPACT);
    fputc('\n', stdout);
    json_decref(j);
    t->cover = cover_free(t->cover);
}

static void on_scenario(const struct scenario_result *r, void *arg)
{
    (void)arg;
    suite_result(r);
}

static int run_worker(struct test *t)
{
    char folder[4096];
    struct scenario_options o = {.path = t->files[0],
                                 .filter = t->filter,
                                 .folder = folder,
                                 .speech = t->prompts,
                                 .seed = t->seed,
                                 .verbs = verb_table,
                                 .done = on_scenario,
                                 .arg = t};
    struct error err = {0};
    json_t *j;

    if (!prompts_scratch(folder, sizeof folder))
        return 1;
    log_set_sink(drop_log, NULL);
    if (t->coverage && (t->cover = cover_new(folder)) != NULL) {
        o.line = on_line;
        script_watch_lines(on_lua_line, t->cover);
    }
    if (scenario_run_file(&o, &err) != 0) {
        j = json_pack("{s:s}", "error", err.text);
        json_dumpf(j, stdout, JSON_COMPACT);
        fputc('\n', stdout);
        json_decref(j);
    }
    if (t->cover != NULL)
        print_reached(t);
    sim_remove_folder(folder);
    return 0;
}

/* --- the command --- */

static bool bad_option(const char *name)
{
    fprintf(stderr, "almon test: %s is no option, or needs another value\n\n", name);
    return false;
}

static bool read_options(struct test *t, int argc, char **argv)
{
    long n;

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (argv[i][0] != '-') {
            t->chosen = true;
            if (!add_path(t, argv[i]))
                return false;
            continue;
        }
        if (strcmp(argv[i], "--worker") == 0 || strcmp(argv[i], "--coverage") == 0) {
            t->worker = t->worker || argv[i][2] == 'w';
            t->coverage = t->coverage || argv[i][2] == 'c';
            continue;
        }
        if (++i >= argc)
            return bad_option(argv[i - 1]);
        if (strcmp(argv[i - 1], "--filter") == 0)
            t->filter = value;
        else if (strcmp(argv[i - 1], "--junit") == 0)
            t->junit = value;
        else if (strcmp(argv[i - 1], "--prompts") == 0)
            t->prompts = value;
        else if (strcmp(argv[i - 1], "--jobs") == 0 && str_to_long(value, 1, SUITE_JOBS, &n))
            t->jobs = (int)n;
        else if (strcmp(argv[i - 1], "--timeout") == 0 && str_to_long(value, 1, 86400, &n))
            t->seconds = (int)n;
        else if (strcmp(argv[i - 1], "--seed") == 0 && str_to_long(value, 0, 1L << 40, &n))
            t->seed = (uint64_t)n;
        else
            return bad_option(argv[i - 1]);
    }
    return true;
}

static void print_coverage(const struct test *t)
{
    struct str out = STR_INIT(16 << 20);

    cover_report(t->reached, &verb_schemas, "# ", &out);
    fputs(str_text(&out), stdout);
    str_free(&out);
}

static int run_suite(struct test *t)
{
    char seed[32];
    const char *worker[12] = {"/proc/self/exe", "test",    "--worker", "--seed", seed,
                              "--prompts",      t->prompts};
    size_t n = 7;
    struct suite_options o = {.files = (const char *const *)t->files,
                              .n_files = t->n_files,
                              .worker = worker,
                              .jobs = t->jobs,
                              .seconds = t->seconds,
                              .file = on_file,
                              .arg = t};
    struct error err = {0};
    char folder[4096];
    bool good, none;

    /* Workers make their folders in ours, so that nothing stays even of one that was killed. */
    if (!prompts_scratch(folder, sizeof folder))
        return 1;
    setenv("TMPDIR", folder, 1);
    if (t->coverage)
        worker[n++] = "--coverage";
    if (t->filter != NULL) {
        worker[n++] = "--filter";
        worker[n++] = t->filter;
    }
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)t->seed);
    if (t->junit != NULL)
        t->all = json_array();
    if (t->coverage)
        t->reached = json_object();
    printf("TAP version 13\n");
    good = suite_run(&o, &err) == 0;
    sim_remove_folder(folder);
    if (!good)
        fprintf(stderr, "almon test: %s\n", err.text);
    printf("1..%u\n", t->number);
    none = good && t->number == 0;
    if (none && t->filter != NULL)
        printf("# no scenario's name contains \"%s\"\n", t->filter);
    if (t->junit != NULL)
        good = write_junit(t) && good;
    if (t->reached != NULL)
        print_coverage(t);
    json_decref(t->reached);
    json_decref(t->all);
    return none ? 3 : good && t->bad == 0 ? 0 : 1;
}

int cli_test(int argc, char **argv)
{
    struct test *t = mem_alloc(sizeof *t);
    struct stat st;
    int rc = 2;

    if (t == NULL)
        return 1;
    t->seed = 1;
    t->jobs = (int)sysconf(_SC_NPROCESSORS_ONLN);
    t->seconds = DEFAULT_SECONDS;
    t->prompts = prompts_folder();
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        usage(stdout);
        rc = 0;
    } else if (!read_options(t, argc, argv)) {
        usage(stderr);
    } else if (!t->chosen &&
               !add_path(t, stat("tests/scenarios", &st) == 0 ? "tests/scenarios" : ".")) {
        rc = 1;
    } else if (t->n_files == 0) {
        fprintf(stderr, "almon test: no *_test.lua or test_*.lua found there\n");
        rc = 1;
    } else {
        rc = t->worker ? run_worker(t) : run_suite(t);
    }
    for (size_t i = 0; i < t->n_files; i++)
        mem_free(t->files[i]);
    mem_free(t);
    return rc;
}
