#include "gateways/sip/sdes.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define KEY_TEXT 64 /* base64 of SRTP_MASTER bytes */
#define TAG_MAX  999999999

static const char *const suites[SRTP_SUITE_COUNT] = {
    [SRTP_AES_CM_128_HMAC_SHA1_80] = "AES_CM_128_HMAC_SHA1_80",
    [SRTP_AES_CM_128_HMAC_SHA1_32] = "AES_CM_128_HMAC_SHA1_32",
    [SRTP_AES_256_CM_HMAC_SHA1_80] = "AES_256_CM_HMAC_SHA1_80",
    [SRTP_AES_256_CM_HMAC_SHA1_32] = "AES_256_CM_HMAC_SHA1_32",
    [SRTP_GCM_128] = "AEAD_AES_128_GCM",
    [SRTP_GCM_256] = "AEAD_AES_256_GCM",
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

static size_t master_bytes(enum srtp_suite suite)
{
    return srtp_key_bytes(suite) + srtp_salt_bytes(suite);
}

/* The key at the beginning of the text; returns its characters, 0 when it has not the suite's
 * length. The "=" that fill the last four are left out by some. */
static size_t read_key(struct srtp_key *key, const char *text, size_t len)
{
    unsigned char padded[KEY_TEXT], bytes[KEY_TEXT / 4 * 3];
    size_t want = master_bytes(key->suite), n = 0, end;
    int got;

    while (n < len && n < KEY_TEXT && is_base64(text[n]))
        n++;
    if (n != (want * 8 + 5) / 6)
        return 0;
    end = n;
    memcpy(padded, text, n);
    for (; n % 4 != 0; n++) {
        padded[n] = '=';
        if (end < len && text[end] == '=')
            end++;
    }
    got = EVP_DecodeBlock(bytes, padded, (int)n);
    if (got >= (int)want)
        memcpy(key->master, bytes, want);
    OPENSSL_cleanse(padded, sizeof padded);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return got >= (int)want ? end : 0;
}

/* "1:4": the index of this key in each packet, and how many bytes that has. */
static bool read_mki(struct srtp_key *key, const char *text, size_t len)
{
    uint64_t value = 0;
    unsigned bytes = 0;
    size_t i = 0, digits;

    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
            return false;
    digits = i;
    if (digits == 0 || i == len || text[i++] != ':' || len - i == 0 || len - i > 3)
        return false;
    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++)
        bytes = bytes * 10 + (unsigned)(text[i] - '0');
    if (i < len || bytes == 0 || bytes > SRTP_MKI_MAX || (bytes < 8 && value >> (8 * bytes) != 0))
        return false;
    key->mki = value;
    key->mki_bytes = (uint8_t)bytes;
    return true;
}

/* "2^31" or a number: how long the key may be used, which is always longer than a call. */
static bool is_lifetime(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((text[i] < '0' || text[i] > '9') && !(text[i] == '^' && i == 1))
            return false;
    return len > 0;
}

/* "|2^31|1:4" behind the key, either of which may be missing. */
static int read_rest(struct srtp_key *key, const char *text, size_t len, struct error *err)
{
    const char *end = text + len, *bar;
    bool lifetime = false, good = true;

    for (; text < end && *text == '|' && key->mki_bytes == 0; text = bar) {
        size_t n;

        text++;
        bar = memchr(text, '|', (size_t)(end - text));
        if (bar == NULL)
            bar = end;
        n = (size_t)(bar - text);
        if (!lifetime && is_lifetime(text, n))
            lifetime = true;
        else if (!(good = read_mki(key, text, n)))
            break;
    }
    return good && text == end
               ? 0
               : error_set(err, ERR_INVALID,
                           "a=crypto: behind the key stands neither a lifetime (|2^31) nor "
                           "a master key index (|1:4): \"%.*s\"",
                           (int)(end - text > 40 ? 40 : end - text), text);
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

/* "inline:KEY|2^31|1:4" */
static int read_param(struct srtp_key *key, const char *text, size_t len, struct error *err)
{
    static const char method[] = "inline:";
    const size_t head = sizeof method - 1;
    size_t used;

    if (len < head || memcmp(text, method, head) != 0)
        return error_set(err, ERR_INVALID, "a=crypto: no \"inline:\" with a key");
    used = read_key(key, text + head, len - head);
    if (used == 0)
        return error_set(err, ERR_INVALID, "a=crypto: the key is not %zu bytes in base64",
                         master_bytes(key->suite));
    return read_rest(key, text + head + used, len - head - used, err);
}

/* Keys with a ";" between them, the packets saying which by its index (RFC 4568 §6.1): the first
 * counts, as it does with all who send such lines; what comes under another is dropped. */
static int read_params(struct srtp_key *first, const char *text, size_t len, struct error *err)
{
    const char *end = text + len, *mark;
    struct srtp_key other = {.suite = first->suite}, *key = first;
    int rc = 0;

    do {
        mark = memchr(text, ';', (size_t)(end - text));
        rc = read_param(key, text, (size_t)((mark != NULL ? mark : end) - text), err);
        if (rc == 0 && (mark != NULL || key == &other) &&
            (key->mki_bytes == 0 || key->mki_bytes != first->mki_bytes))
            rc = error_set(err, ERR_INVALID,
                           "a=crypto: several keys, and not all have an index of one length");
        text = mark != NULL ? mark + 1 : end;
        other.mki_bytes = 0;
        key = &other;
    } while (rc == 0 && mark != NULL);
    OPENSSL_cleanse(&other, sizeof other);
    return rc;
}

int sdes_parse(struct sdes *s, const char *text, size_t len, struct error *err)
{
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
    rc = read_params(&s->key, start, n, err);
    while (rc == 0 && (n = word(&at, end, &start)) > 0)
        if (n < 4 || memcmp(start, "WSH=", 4) != 0) /* only a hint */
            rc = error_set(err, ERR_REFUSED, "a=crypto: parameter \"%.*s\" is not spoken here",
                           (int)(n > 40 ? 40 : n), start);
    return rc;
}

void sdes_print(char out[SDES_TEXT_MAX], const struct sdes *s)
{
    unsigned char text[KEY_TEXT + 1];
    int n;

    EVP_EncodeBlock(text, s->key.master, (int)master_bytes(s->key.suite));
    n = snprintf(out, SDES_TEXT_MAX, "%u %s inline:%s", s->tag, suites[s->key.suite], (char *)text);
    if (s->key.mki_bytes > 0)
        snprintf(out + n, SDES_TEXT_MAX - (size_t)n, "|%" PRIu64 ":%u", s->key.mki,
                 s->key.mki_bytes);
    OPENSSL_cleanse(text, sizeof text);
}

int sdes_make(struct sdes *s, unsigned tag, enum srtp_suite suite, struct error *err)
{
    size_t n = master_bytes(suite);

    *s = (struct sdes){.tag = tag, .key.suite = suite};
    if (getrandom(s->key.master, n, 0) != (ssize_t)n)
        return error_set(err, ERR_IO, "SRTP key: the system has no randomness");
    return 0;
}
