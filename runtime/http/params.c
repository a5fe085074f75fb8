/* The form parameters of a webhook, and the signature over them. */
#include "http/webhook.h"

#include "base/mem.h"
#include "base/str.h"
#include "http/crypto.h"
#include "http/params.h"
#include "http/url.h"
#include <stdlib.h>
#include <string.h>

enum {
    PARAMS_MAX = 1000,
    PARAMS_MAX_BYTES = 256 * 1024,
};

struct param {
    char *name;
    const char *value; /* in the same block, after the name */
};

struct webhook_params {
    struct param *list;
    size_t count, cap, bytes;
};

struct webhook_params *webhook_params_new(void)
{
    return mem_alloc(sizeof(struct webhook_params));
}

struct webhook_params *webhook_params_free(struct webhook_params *p)
{
    if (p == NULL)
        return NULL;
    for (size_t i = 0; i < p->count; i++)
        mem_free(p->list[i].name);
    mem_free(p->list);
    mem_free(p);
    return NULL;
}

static int grow(struct webhook_params *p)
{
    size_t cap = p->cap == 0 ? 24 : 2 * p->cap;
    struct param *list;

    if (p->count < p->cap)
        return 0;
    list = mem_realloc(p->list, cap * sizeof *list);
    if (list == NULL)
        return ERR_NOMEM;
    p->list = list;
    p->cap = cap;
    return 0;
}

int webhook_params_add(struct webhook_params *p, const char *name, const char *value)
{
    size_t n, v;
    char *block;

    if (value == NULL)
        return 0;
    n = strlen(name) + 1;
    v = strlen(value) + 1;
    if (p->count >= PARAMS_MAX || p->bytes + n + v > PARAMS_MAX_BYTES)
        return ERR_LIMIT;
    if (grow(p) != 0)
        return ERR_NOMEM;
    block = mem_alloc(n + v);
    if (block == NULL)
        return ERR_NOMEM;
    memcpy(block, name, n);
    memcpy(block + n, value, v);
    p->list[p->count++] = (struct param){block, block + n};
    p->bytes += n + v;
    return 0;
}

static void forget(struct webhook_params *p, size_t i)
{
    p->bytes -= strlen(p->list[i].name) + strlen(p->list[i].value) + 2;
    mem_free(p->list[i].name);
    p->count--;
    memmove(p->list + i, p->list + i + 1, (p->count - i) * sizeof *p->list);
}

int webhook_params_set(struct webhook_params *p, const char *name, const char *value)
{
    size_t before = p->count;
    int rc = webhook_params_add(p, name, value);

    if (rc != 0)
        return rc;
    for (size_t i = before; i-- > 0;) {
        if (strcmp(p->list[i].name, name) == 0)
            forget(p, i);
    }
    return 0;
}

const char *webhook_params_get(const struct webhook_params *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->list[i].name, name) == 0)
            return p->list[i].value;
    }
    return NULL;
}

size_t webhook_params_count(const struct webhook_params *p)
{
    return p->count;
}

const char *webhook_params_at(const struct webhook_params *p, size_t i, const char **value)
{
    if (i >= p->count)
        return NULL;
    *value = p->list[i].value;
    return p->list[i].name;
}

void webhook_params_form(const struct webhook_params *p, struct str *out)
{
    for (size_t i = 0; p != NULL && i < p->count; i++) {
        if (i > 0)
            str_addc(out, '&');
        str_add_form(out, p->list[i].name);
        str_addc(out, '=');
        str_add_form(out, p->list[i].value);
    }
}

/* --- the signature (webhooks.md §7) --- */

static int by_name_then_value(const void *a, const void *b)
{
    const struct param *x = a, *y = b;
    int names = strcmp(x->name, y->name);

    return names != 0 ? names : strcmp(x->value, y->value);
}

/* Names in byte order; equal pairs count once. */
static int add_sorted(struct str *data, const struct webhook_params *p)
{
    struct param *sorted;

    if (p == NULL || p->count == 0)
        return 0;
    sorted = mem_dup(p->list, p->count * sizeof *sorted);
    if (sorted == NULL)
        return ERR_NOMEM;
    qsort(sorted, p->count, sizeof *sorted, by_name_then_value);
    for (size_t i = 0; i < p->count; i++) {
        if (i > 0 && by_name_then_value(&sorted[i - 1], &sorted[i]) == 0)
            continue;
        str_add(data, sorted[i].name);
        str_add(data, sorted[i].value);
    }
    mem_free(sorted);
    return 0;
}

/* The URL as configured, without user and fragment; wss:// as it stands. */
static void add_signed_url(struct str *data, const char *url)
{
    struct http_url u;

    if (http_url_split(&u, url, NULL) == 0 && u.user != NULL)
        str_addn(data, url, (size_t)(u.user - url));
    else
        u.authority = url;
    str_addn(data, u.authority, strcspn(u.authority, "#"));
}

int webhook_sign(const char *token, const char *url, const struct webhook_params *params,
                 char out[32])
{
    struct str data = STR_INIT(PARAMS_MAX_BYTES + HTTP_URL_MAX + 3 * PARAMS_MAX_BYTES);
    int rc = ERR_NOMEM;

    out[0] = '\0';
    add_signed_url(&data, url);
    if (add_sorted(&data, params) != 0 || data.failed)
        goto out;
    if (crypto_hmac_sha1(token, str_text(&data), data.len, out))
        rc = 0;
out:
    str_free(&data);
    return rc;
}
