#include "gateways/sip/stun.h"

#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define HEAD     20
#define COOKIE   0x2112a442u
#define CRC_MASK 0x5354554eu
#define PROOF    20
#define REQUEST  0x0001
#define SUCCESS  0x0101
#define ERROR    0x0111
#define SOFTWARE 0x8000 /* from here on, what is not known may be left out */

enum {
    USERNAME = 0x0006,
    MESSAGE_INTEGRITY = 0x0008,
    ERROR_CODE = 0x0009,
    UNKNOWN_ATTRIBUTES = 0x000a,
    XOR_MAPPED_ADDRESS = 0x0020,
    PRIORITY = 0x0024,
    USE_CANDIDATE = 0x0025,
    FINGERPRINT = 0x8028,
    ICE_CONTROLLED = 0x8029,
};

static unsigned get16(const uint8_t *b)
{
    return (unsigned)b[0] << 8 | b[1];
}

static uint32_t get32(const uint8_t *b)
{
    return (uint32_t)get16(b) << 16 | get16(b + 2);
}

static void put16(uint8_t *b, unsigned v)
{
    b[0] = (uint8_t)(v >> 8);
    b[1] = (uint8_t)v;
}

static void put32(uint8_t *b, uint32_t v)
{
    put16(b, v >> 16);
    put16(b + 2, v & 0xffff);
}

/* That of Ethernet; a message has a hundred bytes, so no table. */
static uint32_t crc(const uint8_t *bytes, size_t len)
{
    uint32_t c = 0xffffffff;

    for (size_t i = 0; i < len; i++) {
        c ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            c = c >> 1 ^ (c & 1 ? 0xedb88320 : 0);
    }
    return ~c;
}

/* Over what stands before it, with a length that ends behind it. */
static bool make_proof(const uint8_t *bytes, size_t at, const char *password, uint8_t out[PROOF])
{
    uint8_t text[STUN_MAX];
    unsigned n = 0;

    memcpy(text, bytes, at);
    put16(text + 2, (unsigned)(at + 4 + PROOF - HEAD));
    return HMAC(EVP_sha1(), password, (int)strlen(password), text, at, out, &n) != NULL &&
           n == PROOF;
}

/* --- reading --- */

bool stun_is_first(uint8_t byte)
{
    return byte < 4;
}

static void take(struct stun *s, unsigned type, size_t at, size_t len)
{
    switch (type) {
    case USERNAME:
        s->username = (const char *)s->bytes + at;
        s->username_len = len;
        break;
    case MESSAGE_INTEGRITY:
        if (len == PROOF)
            s->proof = at - 4;
        break;
    case USE_CANDIDATE:
        s->use_candidate = true;
        break;
    case ICE_CONTROLLED:
        s->controlled = true;
        break;
    case PRIORITY:
        break;
    default:
        if (type < SOFTWARE && s->unknown == 0)
            s->unknown = (uint16_t)type;
        break;
    }
}

bool stun_parse(struct stun *s, const uint8_t *bytes, size_t len)
{
    size_t at, n;

    *s = (struct stun){.bytes = bytes};
    if (len < HEAD + 8 || len > STUN_MAX || get16(bytes) != REQUEST || get32(bytes + 4) != COOKIE ||
        get16(bytes + 2) != len - HEAD || len % 4 != 0)
        return false;
    if (get32(bytes + len - 8) != ((uint32_t)FINGERPRINT << 16 | 4u) ||
        get32(bytes + len - 4) != (crc(bytes, len - 8) ^ CRC_MASK))
        return false;
    for (at = HEAD; at < len - 8; at += n) {
        n = 4 + ((get16(bytes + at + 2) + 3) & ~3u);
        if (n > len - 8 - at)
            return false;
        if (s->proof == 0) /* what stands behind the proof is not proved */
            take(s, get16(bytes + at), at + 4, get16(bytes + at + 2));
    }
    return true;
}

bool stun_is_proved(const struct stun *s, const char *password)
{
    uint8_t proof[PROOF];

    return s->proof != 0 && make_proof(s->bytes, s->proof, password, proof) &&
           CRYPTO_memcmp(proof, s->bytes + s->proof + 4, PROOF) == 0;
}

/* --- writing --- */

static size_t begin(uint8_t *out, const struct stun *request, unsigned type)
{
    memcpy(out, request->bytes, HEAD);
    put16(out, type);
    return HEAD;
}

static size_t end(uint8_t *out, size_t at, const char *password)
{
    uint8_t proof[PROOF] = {0};

    make_proof(out, at, password, proof);
    put16(out + at, MESSAGE_INTEGRITY);
    put16(out + at + 2, PROOF);
    memcpy(out + at + 4, proof, PROOF);
    at += 4 + PROOF;
    put16(out + 2, (unsigned)(at + 8 - HEAD));
    put32(out + at, (uint32_t)FINGERPRINT << 16 | 4u);
    put32(out + at + 4, crc(out, at) ^ CRC_MASK);
    return at + 8;
}

size_t stun_write_success(uint8_t out[STUN_OUT_MAX], const struct stun *request,
                          const struct sockaddr_storage *from, const char *password)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)from;
    bool six = from->ss_family == AF_INET6;
    size_t at = begin(out, request, SUCCESS), n = six ? 16 : 4;
    uint8_t *address = out + at + 8;

    put16(out + at, XOR_MAPPED_ADDRESS);
    put16(out + at + 2, (unsigned)(4 + n));
    put16(out + at + 4, six ? 2 : 1);
    put16(out + at + 6, ntohs(six ? in6->sin6_port : in->sin_port) ^ COOKIE >> 16);
    memcpy(address, six ? (const void *)&in6->sin6_addr : (const void *)&in->sin_addr, n);
    for (size_t i = 0; i < n; i++) /* with the cookie, and for IPv6 the identity behind it */
        address[i] ^= request->bytes[4 + i];
    return end(out, at + 8 + n, password);
}

size_t stun_write_error(uint8_t out[STUN_OUT_MAX], const struct stun *request, unsigned code,
                        const char *password)
{
    size_t at = begin(out, request, ERROR);

    put16(out + at, ERROR_CODE);
    put16(out + at + 2, 4);
    put16(out + at + 4, 0);
    put16(out + at + 6, code / 100 << 8 | code % 100);
    at += 8;
    if (code == 420) {
        put16(out + at, UNKNOWN_ATTRIBUTES);
        put16(out + at + 2, 2);
        put16(out + at + 4, request->unknown);
        put16(out + at + 6, 0);
        at += 8;
    }
    return end(out, at, password);
}
