/* almon check FILE…: every problem of a document, with its line. */
#include "cli/cli.h"

#include "base/mem.h"
#include "flow/document.h"
#include "script/look.h"
#include "script/script.h"
#include "verbs/verbs.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct check {
    const char *name; /* of the file, as shown */
    int errors, warnings;
};

static bool is_lua(const char *path)
{
    size_t n = strlen(path);

    return n > 4 && strcmp(path + n - 4, ".lua") == 0;
}

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

/* What {{ }} will stand for is not known yet, so what is said about it is nothing to tell. */
static void print_known(const struct diag *d, void *arg)
{
    if (strstr(d->text, LOOK_HOLE) == NULL)
        print_problem(d, arg);
}

/* The text of each <Lua>. */
static void check_scripts(struct check *c, const struct node *n, bool of_message)
{
    struct str text = STR_INIT(DOCUMENT_MAX_BYTES);

    for (; n != NULL; n = n->next) {
        if (n->schema != NULL && strcmp(n->schema->name, "Lua") == 0) {
            str_reset(&text);
            for (const struct node *piece = n->children; piece != NULL; piece = piece->next)
                str_add(&text, piece->text);
            look_at_lua(&(struct look_source){.text = str_text(&text),
                                              .len = text.len,
                                              .line = n->line,
                                              .of_message = of_message},
                        &verb_schemas, print_problem, c);
        }
        check_scripts(c, n->children, of_message);
    }
    str_free(&text);
}

/* Elements of a call that are judged, and then passed over: nothing of theirs is wrong, but who
 * relies on them learns it here and not from a caller. */
static void note_later(const struct check *c, const struct node *n)
{
    for (; n != NULL; n = n->next) {
        if (n->schema != NULL && (n->schema->flags & SCHEMA_LATER) != 0)
            printf("%s:%d: note: <%s> is checked only: this version does not carry it out yet, and "
                   "goes on behind it\n",
                   c->name, n->line, n->schema->name);
        else
            note_later(c, n->children);
    }
}

static void check_markup(struct check *c, const char *path, const char *bytes, size_t len)
{
    struct str filled = STR_INIT(2 * DOCUMENT_MAX_BYTES + 1);
    struct document_source source = {.url = path, .report = print_known, .arg = c};
    struct document *doc = NULL;
    struct error err;

    look_at_braces(bytes, len, &filled, print_problem, c);
    /* A document that is not whole, or too large, is told as it is. */
    source.bytes = filled.failed || len > DOCUMENT_MAX_BYTES ? bytes : str_text(&filled);
    source.len = source.bytes == bytes ? len : filled.len;
    source.kind = document_guess(source.bytes, source.len);
    if (document_parse(&doc, &verb_schemas, &source, &err) != 0 && c->errors == 0) {
        printf("%s: error: %s\n", c->name, err.text);
        c->errors++;
    }
    if (doc != NULL && source.kind != DOCUMENT_MESSAGE)
        note_later(c, doc->root);
    if (doc != NULL)
        check_scripts(c, doc->root, source.kind == DOCUMENT_MESSAGE);
    document_unref(doc);
    str_free(&filled);
}

static void check_bytes(struct check *c, const char *path, const char *bytes, size_t len)
{
    if (!is_lua(path))
        check_markup(c, path, bytes, len);
    else if (len > HANDLER_MAX_BYTES)
        print_problem(&(struct diag){.line = 1,
                                     .error = true,
                                     .code = 82002,
                                     .text = "larger than a handler may be (256 kB): move parts "
                                             "into files of their own and `require` them"},
                      c);
    else
        look_at_lua(&(struct look_source){.text = bytes, .len = len, .line = 1}, &verb_schemas,
                    print_problem, c);
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

static void check_file(struct check *c, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *f;

    c->name = standard ? "standard input" : path;
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

        fputs("usage: almon check FILE...   (- reads standard input)\n"
              "Prints every problem of documents and handlers (.lua) as FILE:LINE: error|warning "
              "CODE: what, and how to "
              "mend it;\nand FILE:LINE: note: of elements that this version does not carry out "
              "yet.\n",
              asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    for (int i = 1; i < argc; i++)
        check_file(&c, argv[i]);
    if (c.errors == 0 && c.warnings == 0)
        printf("no problems found\n");
    return c.errors > 0 ? 1 : 0;
}
