/* Any bytes as almon.lua: either a sound configuration, or an error whose every mistake was told.
 * That its costs are bounded is the parser's own promise: instructions, memory, entries. */
#include "base/config.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

struct told {
    int n;
    char first[ERROR_TEXT_MAX];
};

static void on_report(int line, const char *text, void *arg)
{
    struct told *told = arg;

    if (line < 0 || strncmp(text, "f.lua:", 6) != 0 || ++told->n > 100)
        abort();
    if (told->n == 1)
        str_copy(told->first, sizeof told->first, text);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct config *c = NULL;
    struct error err = {0};
    struct told told = {0};
    int rc = config_parse(&c, (const char *)data, size, "f.lua", on_report, &told, &err);

    if (rc != 0) {
        if (c != NULL || err.code != rc || err.text[0] == '\0')
            abort();
        if (rc == ERR_INVALID && strcmp(err.text, told.first) != 0)
            abort();
        return 0;
    }
    if (told.n != 0 || c->n_accounts == 0 || c->server.public_url == NULL)
        abort();
    for (size_t i = 0; i < c->n_numbers; i++) {
        if (c->numbers[i].account == NULL ||
            config_find_number(c, c->numbers[i].pattern) != &c->numbers[i])
            abort();
    }
    if (log_check_levels(c->server.log, &err) != 0)
        abort();
    config_free(c);
    return 0;
}
