/* Memory for our own code. Everything we allocate goes through here, so that `make torture` can
 * fail each allocation in turn and every test can count what is still alive. */
#ifndef ALMON_BASE_MEM_H
#define ALMON_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* Returns `size` zeroed bytes, or NULL when memory is out. The caller frees with mem_free(). */
void *mem_alloc(size_t size);
/* As realloc(3): NULL leaves `p` as it was; grown bytes are not zeroed. `size` 0 is treated as 1.
 */
void *mem_realloc(void *p, size_t size);
/* Accepts NULL. */
void mem_free(void *p);
/* Copies; NULL in gives NULL out. */
char *mem_strdup(const char *s);
/* Copies at most `n` bytes of `s` and ends them with NUL. */
char *mem_strndup(const char *s, size_t n);
/* Copies `n` bytes. */
void *mem_dup(const void *p, size_t n);

/* Points the allocation hooks of jansson and libxml2 at the functions above. Call once, before any
 * thread is made and before either library is used. */
void mem_hook_libraries(void);

/* --- for tests; in builds without ALMON_TORTURE these do nothing and return 0 --- */

/* Blocks alive now, over all threads. */
long mem_live(void);
/* The n-th allocation from now (1 is the next) returns NULL, once. 0 switches this off. */
void mem_fail_at(long n);
/* True when a failure asked for by mem_fail_at() has happened since that call. */
bool mem_has_failed(void);

#endif
