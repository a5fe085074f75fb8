/* {{ }} in markup: whatever the bytes, every expression found lies within the input, what is copied
 * is no more than there was, and expressions that hold no brace or quote end at the next "}}". */
#include "base/mem.h"
#include "script/template.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

struct seen {
    const char *from, *end;
    size_t bytes; /* of all expressions, with their braces */
};

static int value(const char *expression, size_t len, int line, struct str *out, void *arg,
                 struct error *err)
{
    struct seen *s = arg;

    (void)out;
    (void)err;
    if (expression < s->from + 2 || expression + len + 2 > s->end || line < 1 ||
        memcmp(expression - 2, "{{", 2) != 0 || memcmp(expression + len, "}}", 2) != 0)
        abort();
    s->from = expression + len + 2;
    s->bytes += len + 4;
    return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char *text = mem_dup(data, size > 0 ? size : 1);
    struct str out = STR_INIT(65536);
    struct seen seen = {.from = text, .end = text + size};
    struct error err = {0};
    int line = 0;

    if (template_fill(text, size, &out, value, &seen, &line, &err) == 0 &&
        out.len + seen.bytes != size)
        abort();
    if (err.code != 0 && err.text[0] == '\0')
        abort();
    str_free(&out);
    mem_free(text);
    return 0;
}
