/* The journal reader: any bytes are a journal or an error with a message, and what was read can be
 * told as a scenario. */
#include "base/mem.h"
#include "sim/past.h"
#include "sim/replay.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void look_at(const struct past *p)
{
    struct str told = STR_INIT(1 << 20);
    struct sim_answer a;

    for (size_t i = 0; i < p->n_inputs; i++)
        if (p->inputs[i].t < 0 || p->inputs[i].t > PAST_MS || p->inputs[i].offset > PAST_MS)
            abort();
    for (size_t i = 0; i < p->n_lines; i++)
        if (replay_answer(p, i, &a) && a.url == NULL)
            abort();
    retell(p, &told);
    str_free(&told);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct past *p = NULL;
    struct error err = {0};

    mem_hook_libraries();
    if (past_parse(&p, (const char *)bytes, size, &err) == 0)
        look_at(p);
    else if (err.code >= 0 || err.text[0] == '\0')
        abort();
    past_free(p);
    return 0;
}
