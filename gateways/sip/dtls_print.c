/* Fingerprints of certificates as SDP has them (RFC 8122). */
#include "gateways/sip/dtls.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    size_t len;
} hashes[] = {{"sha-1", 20}, {"sha-224", 28}, {"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}};

const char *dtls_print_hash(const struct dtls_print *p)
{
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
        if (hashes[i].len == p->len)
            return hashes[i].name;
    return NULL;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool dtls_print_parse(struct dtls_print *p, const char *text, size_t len)
{
    size_t n = 0, i;

    while (n < len && text[n] != ' ')
        n++;
    for (i = 0; i < sizeof hashes / sizeof *hashes; i++)
        if (strlen(hashes[i].name) == n && strncasecmp(hashes[i].name, text, n) == 0)
            break;
    if (i == sizeof hashes / sizeof *hashes)
        return false;
    while (n < len && text[n] == ' ')
        n++;
    p->len = hashes[i].len;
    if (len - n != 3 * p->len - 1)
        return false;
    for (i = 0; i < p->len; i++, n += 3) {
        int high = hex(text[n]), low = hex(text[n + 1]);

        if (high < 0 || low < 0 || (i + 1 < p->len && text[n + 2] != ':'))
            return false;
        p->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool dtls_print_is_same(const struct dtls_print *a, const struct dtls_print *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}
