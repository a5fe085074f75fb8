#include "gateways/sip/sdes.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define KEY_TEXT 40 /* base64 of SRTP_MASTER bytes: no padding */
#define TAG_MAX  999999999

static const char *const suites[SRTP_SUITE_COUNT] = {
    [SRTP_AES_CM_128_HMAC_SHA1_80] = "AES_CM_128_HMAC_SHA1_80",
    [SRTP_AES_CM_128_HMAC_SHA1_32] = "AES_CM_128_HMAC_SHA1_32",
};

/* The next word of the line. */
static size_t word(const char **at, const char *end, const char **start)
{
    while (*at < end && (**at == ' ' || **at == '\t'))
        (*at)++;
    *start = *at;
    while (*at < end && **at != ' ' && **at != '\t')
        (*at)++;
    return (size_t)(*at - *start);
}

static bool read_tag(unsigned *tag, const char *text, size_t len)
{
    size_t i;

    if (len == 0 || len > 9)
        return false;
    for (i = 0, *tag = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *tag = *tag * 10 + (unsigned)(text[i] - '0');
    }
    return *tag >= 1 && *tag <= TAG_MAX;
}

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

static bool read_key(struct srtp_key *key, const char *text, size_t len)
{
    size_t i;

    if (len < KEY_TEXT)
        return false;
    for (i = 0; i < KEY_TEXT; i++)
        if (!is_base64(text[i]))
            return false;
    return EVP_DecodeBlock(key->master, (const unsigned char *)text, KEY_TEXT) == SRTP_MASTER;
}

/* "|2^31" and "|1:4" behind the key: how long it may be used, which is always longer than a call,
 * and an MKI. */
static int read_rest(const char *text, size_t len, struct error *err)
{
    if (len == 0)
        return 0;
    if (memchr(text, ';', len) != NULL)
        return error_set(err, ERR_REFUSED,
                         "a=crypto: several keys in one line are not spoken here");
    if (text[0] != '|' || len < 2)
        return error_set(err, ERR_INVALID, "a=crypto: the key is not 40 characters of base64");
    if (memchr(text, ':', len) != NULL)
        return error_set(err, ERR_REFUSED, "a=crypto: a master key index is not spoken here");
    return 0;
}

static int read_suite(struct sdes *s, const char *text, size_t len, struct error *err)
{
    int i;

    for (i = 0; i < SRTP_SUITE_COUNT; i++)
        if (strlen(suites[i]) == len && memcmp(suites[i], text, len) == 0) {
            s->key.suite = (enum srtp_suite)i;
            return 0;
        }
    return error_set(err, len == 0 ? ERR_INVALID : ERR_REFUSED,
                     "a=crypto: suite \"%.*s\" is not spoken here; offer %s",
                     (int)(len > 40 ? 40 : len), text, suites[0]);
}

int sdes_parse(struct sdes *s, const char *text, size_t len, struct error *err)
{
    static const char method[] = "inline:";
    const char *at = text, *end = text + len, *start;
    size_t n = word(&at, end, &start);
    int rc;

    memset(s, 0, sizeof *s);
    if (!read_tag(&s->tag, start, n))
        return error_set(err, ERR_INVALID, "a=crypto: does not begin with a number from 1 up");
    n = word(&at, end, &start);
    rc = read_suite(s, start, n, err);
    if (rc != 0)
        return rc;
    n = word(&at, end, &start);
    if (n < sizeof method - 1 || memcmp(start, method, sizeof method - 1) != 0)
        return error_set(err, ERR_INVALID, "a=crypto: no \"inline:\" with a key");
    start += sizeof method - 1;
    n -= sizeof method - 1;
    if (!read_key(&s->key, start, n))
        return error_set(err, ERR_INVALID, "a=crypto: the key is not 40 characters of base64");
    rc = read_rest(start + KEY_TEXT, n - KEY_TEXT, err);
    while (rc == 0 && (n = word(&at, end, &start)) > 0)
        if (n < 4 || memcmp(start, "WSH=", 4) != 0) /* only a hint */
            rc = error_set(err, ERR_REFUSED, "a=crypto: parameter \"%.*s\" is not spoken here",
                           (int)(n > 40 ? 40 : n), start);
    return rc;
}

void sdes_print(char out[SDES_TEXT_MAX], const struct sdes *s)
{
    unsigned char text[KEY_TEXT + 1];

    EVP_EncodeBlock(text, s->key.master, SRTP_MASTER);
    snprintf(out, SDES_TEXT_MAX, "%u %s inline:%s", s->tag, suites[s->key.suite], (char *)text);
    OPENSSL_cleanse(text, sizeof text);
}

int sdes_make(struct sdes *s, unsigned tag, enum srtp_suite suite, struct error *err)
{
    s->tag = tag;
    s->key.suite = suite;
    if (getrandom(s->key.master, SRTP_MASTER, 0) != SRTP_MASTER)
        return error_set(err, ERR_IO, "SRTP key: the system has no randomness");
    return 0;
}
