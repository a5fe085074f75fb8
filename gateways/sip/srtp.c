#include "gateways/sip/srtp.h"

#include "base/mem.h"
#include "gateways/sip/rtp_packet.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#define KEY       16
#define SALT      14
#define AUTH      20
#define TAG       10 /* of SRTCP, and of SRTP but for the _32 suite */
#define TAG_SHORT 4
#define WINDOW    64 /* packets behind the newest that are told from replays */
#define RTCP_HEAD 8  /* in the clear */
#define ENCRYPTED 0x80000000u

/* Keys of RTP or of RTCP, derived from the master's. */
struct keys {
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
    uint8_t salt[SALT];
};

struct stream {
    bool used;
    uint32_t ssrc;
    uint64_t index; /* the highest that was seen: of RTP 48 bits, of RTCP 31 */
    uint64_t seen;  /* bit n: index - n was there */
};

struct srtp {
    enum srtp_suite suite;
    struct keys rtp, rtcp;
    struct stream streams[SRTP_STREAMS], reports[SRTP_STREAMS];
    unsigned next, next_report; /* the one that a new SSRC takes the place of */
    uint32_t sent_reports;
};

static uint32_t get32(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void put32(uint8_t *b, uint32_t v)
{
    b[0] = (uint8_t)(v >> 24);
    b[1] = (uint8_t)(v >> 16);
    b[2] = (uint8_t)(v >> 8);
    b[3] = (uint8_t)v;
}

/* --- keys --- */

/* RFC 3711 §4.3.1, with the derivation rate 0: the key stream under the master key that begins at
 * the salt with the label put in. */
static bool derive(EVP_CIPHER_CTX *c, const struct srtp_key *key, uint8_t label, uint8_t *out,
                   int len)
{
    uint8_t iv[16] = {0}, zeros[32] = {0};
    int n;

    memcpy(iv, key->master + KEY, SALT);
    iv[7] ^= label;
    return EVP_EncryptInit_ex(c, EVP_aes_128_ctr(), NULL, key->master, iv) == 1 &&
           EVP_EncryptUpdate(c, out, &n, zeros, len) == 1;
}

static EVP_MAC_CTX *make_mac(const uint8_t *key)
{
    char digest[] = "SHA1";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *c = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);

    EVP_MAC_free(mac);
    if (c != NULL && EVP_MAC_init(c, key, AUTH, params) != 1) {
        EVP_MAC_CTX_free(c);
        return NULL;
    }
    return c;
}

static bool make_keys(struct keys *k, const struct srtp_key *key, uint8_t label)
{
    uint8_t cipher[KEY], auth[AUTH];
    bool good = false;

    k->cipher = EVP_CIPHER_CTX_new();
    if (k->cipher != NULL && derive(k->cipher, key, label, cipher, KEY) &&
        derive(k->cipher, key, (uint8_t)(label + 1), auth, AUTH) &&
        derive(k->cipher, key, (uint8_t)(label + 2), k->salt, SALT)) {
        k->mac = make_mac(auth);
        good = k->mac != NULL &&
               EVP_EncryptInit_ex(k->cipher, EVP_aes_128_ctr(), NULL, cipher, NULL) == 1;
    }
    OPENSSL_cleanse(cipher, sizeof cipher);
    OPENSSL_cleanse(auth, sizeof auth);
    return good;
}

static void free_keys(struct keys *k)
{
    EVP_CIPHER_CTX_free(k->cipher);
    EVP_MAC_CTX_free(k->mac);
}

int srtp_new(struct srtp **sp, const struct srtp_key *key, struct error *err)
{
    struct srtp *s;

    if ((unsigned)key->suite >= SRTP_SUITE_COUNT)
        return error_set(err, ERR_INVALID, "SRTP suite %d: not known", (int)key->suite);
    s = mem_alloc(sizeof *s);
    if (s == NULL)
        return error_nomem(err);
    s->suite = key->suite;
    if (!make_keys(&s->rtp, key, 0) || !make_keys(&s->rtcp, key, 3)) {
        srtp_free(s);
        return error_set(err, ERR_NOMEM, "SRTP: the cipher could not be started");
    }
    *sp = s;
    return 0;
}

struct srtp *srtp_free(struct srtp *s)
{
    if (s == NULL)
        return NULL;
    free_keys(&s->rtp);
    free_keys(&s->rtcp);
    OPENSSL_cleanse(s, sizeof *s);
    mem_free(s);
    return NULL;
}

/* --- one packet --- */

static bool run_cipher(struct keys *k, uint32_t ssrc, uint64_t index, uint8_t *bytes, size_t len)
{
    uint8_t iv[16] = {0}, at[4];
    int i, n;

    memcpy(iv, k->salt, SALT);
    put32(at, ssrc);
    for (i = 0; i < 4; i++)
        iv[4 + i] ^= at[i];
    for (i = 0; i < 6; i++)
        iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
    return EVP_EncryptInit_ex(k->cipher, NULL, NULL, NULL, iv) == 1 &&
           EVP_EncryptUpdate(k->cipher, bytes, &n, bytes, (int)len) == 1;
}

/* Over the bytes, and the roll-over counter where there is one. */
static bool make_tag(struct keys *k, const uint8_t *bytes, size_t len, const uint32_t *roc,
                     uint8_t tag[AUTH])
{
    uint8_t counter[4];
    size_t n;

    if (EVP_MAC_init(k->mac, NULL, 0, NULL) != 1 || EVP_MAC_update(k->mac, bytes, len) != 1)
        return false;
    if (roc != NULL) {
        put32(counter, *roc);
        if (EVP_MAC_update(k->mac, counter, sizeof counter) != 1)
            return false;
    }
    return EVP_MAC_final(k->mac, tag, &n, AUTH) == 1;
}

static struct stream *find(struct stream *streams, uint32_t ssrc)
{
    int i;

    for (i = 0; i < SRTP_STREAMS; i++)
        if (streams[i].used && streams[i].ssrc == ssrc)
            return &streams[i];
    return NULL;
}

/* Which of the packets with this number it is (RFC 3711 §3.3.1): the nearest to the newest. */
static uint64_t guess(const struct stream *s, uint16_t seq)
{
    int64_t step = (int16_t)(uint16_t)(seq - (uint16_t)s->index);

    return (int64_t)s->index + step < 0 ? seq : (uint64_t)((int64_t)s->index + step);
}

static bool came_before(const struct stream *s, uint64_t index)
{
    if (index > s->index)
        return false;
    return s->index - index >= WINDOW || (s->seen >> (s->index - index) & 1) != 0;
}

static void note(struct stream *s, uint64_t index)
{
    if (index > s->index) {
        uint64_t step = index - s->index;

        s->seen = step >= WINDOW ? 1 : s->seen << step | 1;
        s->index = index;
    } else {
        s->seen |= UINT64_C(1) << (s->index - index);
    }
}

static void note_new(struct stream *streams, unsigned *next, uint32_t ssrc, uint64_t index)
{
    streams[*next] = (struct stream){.used = true, .ssrc = ssrc, .index = index, .seen = 1};
    *next = (*next + 1) % SRTP_STREAMS;
}

static size_t tag_bytes(const struct srtp *s)
{
    return s->suite == SRTP_AES_CM_128_HMAC_SHA1_32 ? TAG_SHORT : TAG;
}

bool srtp_protect(struct srtp *s, uint8_t *packet, size_t *len, size_t max)
{
    struct rtp_packet p;
    struct stream *stream;
    uint64_t index;
    uint32_t roc;
    uint8_t tag[AUTH];

    if (*len + tag_bytes(s) > max || !rtp_parse_head(&p, packet, *len))
        return false;
    stream = find(s->streams, p.ssrc);
    index = stream == NULL ? p.seq : guess(stream, p.seq);
    roc = (uint32_t)(index >> 16);
    if (!run_cipher(&s->rtp, p.ssrc, index, packet + p.header, p.len) ||
        !make_tag(&s->rtp, packet, *len, &roc, tag))
        return false;
    memcpy(packet + *len, tag, tag_bytes(s));
    *len += tag_bytes(s);
    if (stream == NULL)
        note_new(s->streams, &s->next, p.ssrc, index);
    else
        note(stream, index);
    return true;
}

bool srtp_unprotect(struct srtp *s, uint8_t *packet, size_t *len)
{
    struct rtp_packet p;
    struct stream *stream;
    uint64_t index;
    uint32_t roc;
    uint8_t tag[AUTH];
    size_t n = *len - tag_bytes(s);

    if (*len < tag_bytes(s) || !rtp_parse_head(&p, packet, n))
        return false;
    stream = find(s->streams, p.ssrc);
    index = stream == NULL ? p.seq : guess(stream, p.seq);
    if (stream != NULL && came_before(stream, index))
        return false;
    roc = (uint32_t)(index >> 16);
    if (!make_tag(&s->rtp, packet, n, &roc, tag) ||
        CRYPTO_memcmp(tag, packet + n, tag_bytes(s)) != 0 ||
        !run_cipher(&s->rtp, p.ssrc, index, packet + p.header, p.len))
        return false;
    if (stream == NULL)
        note_new(s->streams, &s->next, p.ssrc, index);
    else
        note(stream, index);
    *len = n;
    return true;
}

bool srtp_protect_rtcp(struct srtp *s, uint8_t *packet, size_t *len, size_t max)
{
    uint32_t index = (s->sent_reports + 1) & ~ENCRYPTED;
    uint8_t tag[AUTH];

    if (*len < RTCP_HEAD || *len + 4 + TAG > max ||
        !run_cipher(&s->rtcp, get32(packet + 4), index, packet + RTCP_HEAD, *len - RTCP_HEAD))
        return false;
    put32(packet + *len, ENCRYPTED | index);
    *len += 4;
    if (!make_tag(&s->rtcp, packet, *len, NULL, tag))
        return false;
    memcpy(packet + *len, tag, TAG);
    *len += TAG;
    s->sent_reports = index;
    return true;
}

bool srtp_unprotect_rtcp(struct srtp *s, uint8_t *packet, size_t *len)
{
    struct stream *stream;
    uint32_t ssrc, index;
    uint8_t tag[AUTH];
    size_t n;

    if (*len < RTCP_HEAD + 4 + TAG)
        return false;
    n = *len - TAG;
    ssrc = get32(packet + 4);
    index = get32(packet + n - 4);
    stream = find(s->reports, ssrc);
    if (stream != NULL && came_before(stream, index & ~ENCRYPTED))
        return false;
    if (!make_tag(&s->rtcp, packet, n, NULL, tag) || CRYPTO_memcmp(tag, packet + n, TAG) != 0)
        return false;
    n -= 4;
    if ((index & ENCRYPTED) != 0 &&
        !run_cipher(&s->rtcp, ssrc, index & ~ENCRYPTED, packet + RTCP_HEAD, n - RTCP_HEAD))
        return false;
    if (stream == NULL)
        note_new(s->reports, &s->next_report, ssrc, index & ~ENCRYPTED);
    else
        note(stream, index & ~ENCRYPTED);
    *len = n;
    return true;
}
