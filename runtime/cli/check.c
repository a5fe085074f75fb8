/* almon check FILE…: every problem of a document, with its line. */
#include "cli/cli.h"

#include "base/mem.h"
#include "flow/document.h"
#include "verbs/verbs.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct check {
    const char *name; /* of the file, as shown */
    int errors, warnings;
};

static void print_problem(const struct diag *d, void *arg)
{
    struct check *c = arg;

    printf("%s:%d: %s %d: %s\n", c->name, d->line, d->error ? "error" : "warning", d->code,
           d->text);
    if (d->error)
        c->errors++;
    else
        c->warnings++;
}

static void check_bytes(struct check *c, const char *path, const char *bytes, size_t len)
{
    struct document_source source = {
        .bytes = bytes,
        .len = len,
        .url = path,
        .kind = document_guess(bytes, len),
        .report = print_problem,
        .arg = c,
    };
    struct document *doc = NULL;
    struct error err;

    if (document_parse(&doc, &verb_schemas, &source, &err) != 0 && c->errors == 0) {
        printf("%s: error: %s\n", c->name, err.text);
        c->errors++;
    }
    document_unref(doc);
}

static void check_stream(struct check *c, const char *path, FILE *f)
{
    const size_t room = DOCUMENT_MAX_BYTES + 1; /* one more tells that it is too large */
    char *bytes = mem_alloc(room);
    size_t len;

    if (bytes == NULL) {
        printf("%s: error: out of memory\n", c->name);
        c->errors++;
        return;
    }
    len = fread(bytes, 1, room, f);
    if (ferror(f)) {
        printf("%s: error: cannot be read: %s\n", c->name, strerror(errno));
        c->errors++;
    } else {
        check_bytes(c, path, bytes, len);
    }
    mem_free(bytes);
}

static bool is_lua(const char *path)
{
    size_t n = strlen(path);

    return n > 4 && strcmp(path + n - 4, ".lua") == 0;
}

static void check_file(struct check *c, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *f;

    c->name = standard ? "standard input" : path;
    if (is_lua(path)) {
        printf("%s: error: only markup is checked, this is a Lua file: leave it out\n", path);
        c->errors++;
        return;
    }
    f = standard ? stdin : fopen(path, "rb");
    if (f == NULL) {
        printf("%s: error: cannot be opened: %s\n", path, strerror(errno));
        c->errors++;
        return;
    }
    check_stream(c, path, f);
    if (!standard)
        fclose(f);
}

int cli_check(int argc, char **argv)
{
    struct check c = {0};

    if (argc < 2 || (argv[1][0] == '-' && argv[1][1] != '\0')) {
        bool asked = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);

        fputs(
            "usage: almon check FILE...   (- reads standard input)\n"
            "Prints every problem of documents as FILE:LINE: error|warning CODE: what, and how to "
            "mend it.\n",
            asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    for (int i = 1; i < argc; i++)
        check_file(&c, argv[i]);
    if (c.errors == 0 && c.warnings == 0)
        printf("no problems found\n");
    return c.errors > 0 ? 1 : 0;
}
