#include "base/mem.h"

#include <jansson.h>
#include <libxml/xmlmemory.h>
#include <stdlib.h>
#include <string.h>

#ifdef ALMON_TORTURE
#include <stdatomic.h>

static atomic_long live;      /* blocks handed out and not given back */
static atomic_long countdown; /* allocations until the one that fails; 0 = none shall */
static atomic_bool failed;

/* Called once for each allocation: true when this is the one to refuse. */
static bool refuse(void)
{
    long n = atomic_load(&countdown);

    while (n > 0) {
        if (!atomic_compare_exchange_weak(&countdown, &n, n - 1))
            continue;
        if (n > 1)
            return false;
        atomic_store(&failed, true);
        return true;
    }
    return false;
}

static void count(long change)
{
    atomic_fetch_add(&live, change);
}

long mem_live(void)
{
    return atomic_load(&live);
}

void mem_fail_at(long n)
{
    atomic_store(&failed, false);
    atomic_store(&countdown, n);
}

bool mem_has_failed(void)
{
    return atomic_load(&failed);
}

#else

static inline bool refuse(void)
{
    return false;
}

static inline void count(long change)
{
    (void)change;
}

long mem_live(void)
{
    return 0;
}

void mem_fail_at(long n)
{
    (void)n;
}

bool mem_has_failed(void)
{
    return false;
}
#endif

void *mem_alloc(size_t size)
{
    void *p = refuse() ? NULL : calloc(1, size == 0 ? 1 : size);

    if (p != NULL)
        count(1);
    return p;
}

void *mem_realloc(void *p, size_t size)
{
    void *q = refuse() ? NULL : realloc(p, size == 0 ? 1 : size);

    if (q != NULL && p == NULL)
        count(1);
    return q;
}

void mem_free(void *p)
{
    if (p == NULL)
        return;
    count(-1);
    free(p);
}

void *mem_dup(const void *p, size_t n)
{
    void *q = mem_realloc(NULL, n);

    if (q != NULL && n > 0)
        memcpy(q, p, n);
    return q;
}

char *mem_strndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *q = mem_realloc(NULL, len + 1);

    if (q == NULL)
        return NULL;
    memcpy(q, s, len);
    q[len] = '\0';
    return q;
}

char *mem_strdup(const char *s)
{
    return s == NULL ? NULL : mem_dup(s, strlen(s) + 1);
}

/* What the libraries call: as malloc(3), not zeroed, since they clear what they need cleared. */
static void *library_malloc(size_t size)
{
    return mem_realloc(NULL, size);
}

void mem_hook_libraries(void)
{
    json_set_alloc_funcs(library_malloc, mem_free);
    xmlMemSetup(mem_free, library_malloc, mem_realloc, mem_strdup);
}
