#include "gateways/sip/srtp.h"

#include "base/mem.h"
#include "gateways/sip/rtp_packet.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#define KEY       32 /* the longest */
#define SALT      14
#define SALT_AEAD 12
#define AUTH      20
#define TAG_AEAD  16
#define WINDOW    64 /* packets behind the newest that are told from replays */
#define RTCP_HEAD 8  /* in the clear */
#define INDEX     4  /* behind a report: its number, and whether it is encrypted */
#define ENCRYPTED 0x80000000u

/* Keys of RTP or of RTCP, derived from the master's. */
struct keys {
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac; /* NULL: the cipher makes the tag */
    uint8_t salt[SALT];
};

struct stream {
    bool used;
    uint32_t ssrc;
    uint64_t index; /* the highest that was seen: of RTP 48 bits, of RTCP 31 */
    uint64_t seen;  /* bit n: index - n was there */
};

/* RFC 3711 §8.2, RFC 6188 §4, RFC 7714 §14.2. */
struct suite {
    const EVP_CIPHER *(*cipher)(void), *(*derive)(void);
    size_t key, salt;
    size_t tag, report_tag;
};

static const struct suite suites[SRTP_SUITE_COUNT] = {
    [SRTP_AES_CM_128_HMAC_SHA1_80] = {EVP_aes_128_ctr, EVP_aes_128_ctr, 16, SALT, 10, 10},
    [SRTP_AES_CM_128_HMAC_SHA1_32] = {EVP_aes_128_ctr, EVP_aes_128_ctr, 16, SALT, 4, 10},
    [SRTP_AES_256_CM_HMAC_SHA1_80] = {EVP_aes_256_ctr, EVP_aes_256_ctr, 32, SALT, 10, 10},
    [SRTP_AES_256_CM_HMAC_SHA1_32] = {EVP_aes_256_ctr, EVP_aes_256_ctr, 32, SALT, 4, 10},
    [SRTP_GCM_128] = {EVP_aes_128_gcm, EVP_aes_128_ctr, 16, SALT_AEAD, TAG_AEAD, TAG_AEAD},
    [SRTP_GCM_256] = {EVP_aes_256_gcm, EVP_aes_256_ctr, 32, SALT_AEAD, TAG_AEAD, TAG_AEAD},
};

struct srtp {
    const struct suite *suite;
    uint64_t mki;
    size_t mki_bytes;
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

size_t srtp_key_bytes(enum srtp_suite suite)
{
    return suites[suite].key;
}

size_t srtp_salt_bytes(enum srtp_suite suite)
{
    return suites[suite].salt;
}

bool srtp_key_is_same(const struct srtp_key *a, const struct srtp_key *b)
{
    return a->suite == b->suite && memcmp(a->master, b->master, sizeof a->master) == 0 &&
           a->mki_bytes == b->mki_bytes && a->mki == b->mki;
}

/* RFC 3711 §4.3.1, with the derivation rate 0: the key stream under the master key that begins at
 * the salt with the label put in. A shorter salt has zeros behind it (RFC 7714 §11). */
static bool derive(EVP_CIPHER_CTX *c, const struct srtp_key *key, uint8_t label, uint8_t *out,
                   size_t len)
{
    static const uint8_t zeros[KEY];
    const struct suite *suite = &suites[key->suite];
    uint8_t iv[16] = {0};
    int n;

    memcpy(iv, key->master + suite->key, suite->salt);
    iv[7] ^= label;
    return EVP_EncryptInit_ex(c, suite->derive(), NULL, key->master, iv) == 1 &&
           EVP_EncryptUpdate(c, out, &n, zeros, (int)len) == 1;
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
    const struct suite *suite = &suites[key->suite];
    uint8_t cipher[KEY], auth[AUTH];
    bool good = false;

    k->cipher = EVP_CIPHER_CTX_new();
    if (k->cipher != NULL && derive(k->cipher, key, label, cipher, suite->key) &&
        derive(k->cipher, key, (uint8_t)(label + 1), auth, AUTH) &&
        derive(k->cipher, key, (uint8_t)(label + 2), k->salt, suite->salt)) {
        if (suite->salt == SALT)
            k->mac = make_mac(auth);
        good = (k->mac != NULL || suite->salt == SALT_AEAD) &&
               EVP_EncryptInit_ex(k->cipher, suite->cipher(), NULL, cipher, NULL) == 1;
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

    if ((unsigned)key->suite >= SRTP_SUITE_COUNT || key->mki_bytes > SRTP_MKI_MAX)
        return error_set(err, ERR_INVALID, "SRTP suite %d, key index of %d bytes: not known",
                         (int)key->suite, key->mki_bytes);
    s = mem_alloc(sizeof *s);
    if (s == NULL)
        return error_nomem(err);
    s->suite = &suites[key->suite];
    s->mki = key->mki;
    s->mki_bytes = key->mki_bytes;
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

/* --- one packet: its head stays readable, its body is encrypted --- */

struct place {
    uint32_t ssrc;
    uint64_t index;
};

static void mix(uint8_t *iv, struct place at)
{
    uint8_t ssrc[4];
    int i;

    put32(ssrc, at.ssrc);
    for (i = 0; i < 4; i++)
        iv[i] ^= ssrc[i];
    for (i = 0; i < 6; i++)
        iv[4 + i] ^= (uint8_t)(at.index >> (40 - 8 * i));
}

static bool run_cipher(struct keys *k, struct place at, uint8_t *bytes, size_t len)
{
    uint8_t iv[16] = {0};
    int n;

    memcpy(iv, k->salt, SALT);
    mix(iv + 4, at);
    return EVP_EncryptInit_ex(k->cipher, NULL, NULL, NULL, iv) == 1 &&
           EVP_EncryptUpdate(k->cipher, bytes, &n, bytes, (int)len) == 1;
}

/* Over the bytes, and the number behind them where there is one. */
static bool make_tag(struct keys *k, const uint8_t *bytes, size_t len, const uint8_t *number,
                     uint8_t tag[AUTH])
{
    size_t n;

    return EVP_MAC_init(k->mac, NULL, 0, NULL) == 1 && EVP_MAC_update(k->mac, bytes, len) == 1 &&
           (number == NULL || EVP_MAC_update(k->mac, number, 4) == 1) &&
           EVP_MAC_final(k->mac, tag, &n, AUTH) == 1;
}

/* What cipher with tag works on: `head` and `number` (NULL: none) are only vouched for. */
struct sealed {
    uint8_t *head;
    size_t head_len;
    const uint8_t *number;
    uint8_t *body;
    size_t len;
};

/* RFC 7714 §8.1, §9.1: begins, up to the body. */
static bool begin_aead(struct keys *k, struct place at, const struct sealed *s, int encrypt)
{
    uint8_t iv[SALT_AEAD];
    int n;

    memcpy(iv, k->salt, SALT_AEAD);
    mix(iv + 2, at);
    return EVP_CipherInit_ex(k->cipher, NULL, NULL, NULL, iv, encrypt) == 1 &&
           EVP_CipherUpdate(k->cipher, NULL, &n, s->head, (int)s->head_len) == 1 &&
           (s->number == NULL || EVP_CipherUpdate(k->cipher, NULL, &n, s->number, 4) == 1) &&
           (s->len == 0 || EVP_CipherUpdate(k->cipher, s->body, &n, s->body, (int)s->len) == 1);
}

static bool seal(struct keys *k, struct place at, const struct sealed *s, uint8_t tag[TAG_AEAD])
{
    int n;

    return begin_aead(k, at, s, 1) && EVP_CipherFinal_ex(k->cipher, tag, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_AEAD, tag) == 1;
}

/* When the tag is wrong, the bytes are as they came. */
static bool unseal(struct keys *k, struct place at, const struct sealed *s, uint8_t *tag)
{
    uint8_t nothing[TAG_AEAD];
    int n;

    if (!begin_aead(k, at, s, 0))
        return false;
    if (EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_TAG, TAG_AEAD, tag) == 1 &&
        EVP_CipherFinal_ex(k->cipher, nothing, &n) == 1)
        return true;
    begin_aead(k, at, s, 1);
    return false;
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

/* The index of the key stands last before an HMAC tag, or last of all (RFC 7714 §8.2). */
static bool is_our_key(const struct srtp *s, const uint8_t *mki)
{
    uint8_t differs = 0;

    for (size_t i = 0; i < s->mki_bytes; i++) {
        size_t behind = s->mki_bytes - 1 - i;

        differs |= (uint8_t)(mki[i] ^ (behind < 8 ? (uint8_t)(s->mki >> (8 * behind)) : 0));
    }
    return differs == 0;
}

static void note_either(struct stream *stream, struct stream *streams, unsigned *next,
                        struct place at)
{
    if (stream == NULL)
        note_new(streams, next, at.ssrc, at.index);
    else
        note(stream, at.index);
}

bool srtp_protect(struct srtp *s, uint8_t *packet, size_t *len, size_t max)
{
    struct rtp_packet p;
    struct stream *stream;
    struct place at;
    uint8_t roc[4], tag[AUTH];
    bool good;

    if (*len + s->suite->tag > max || !rtp_parse_head(&p, packet, *len))
        return false;
    stream = find(s->streams, p.ssrc);
    at = (struct place){p.ssrc, stream == NULL ? p.seq : guess(stream, p.seq)};
    put32(roc, (uint32_t)(at.index >> 16));
    if (s->rtp.mac == NULL)
        good = seal(&s->rtp, at, &(struct sealed){packet, p.header, NULL, packet + p.header, p.len},
                    tag);
    else
        good = run_cipher(&s->rtp, at, packet + p.header, p.len) &&
               make_tag(&s->rtp, packet, *len, roc, tag);
    if (!good)
        return false;
    memcpy(packet + *len, tag, s->suite->tag);
    *len += s->suite->tag;
    note_either(stream, s->streams, &s->next, at);
    return true;
}

bool srtp_unprotect(struct srtp *s, uint8_t *packet, size_t *len)
{
    size_t tag_len = s->suite->tag, more = tag_len + s->mki_bytes, n = *len - more;
    struct rtp_packet p;
    struct stream *stream;
    struct place at;
    uint8_t roc[4], tag[AUTH];
    bool good;

    if (*len < more || !rtp_parse_head(&p, packet, n))
        return false;
    stream = find(s->streams, p.ssrc);
    at = (struct place){p.ssrc, stream == NULL ? p.seq : guess(stream, p.seq)};
    if ((stream != NULL && came_before(stream, at.index)) ||
        !is_our_key(s, s->rtp.mac == NULL ? packet + n + tag_len : packet + n))
        return false;
    put32(roc, (uint32_t)(at.index >> 16));
    if (s->rtp.mac == NULL)
        good =
            unseal(&s->rtp, at, &(struct sealed){packet, p.header, NULL, packet + p.header, p.len},
                   packet + n);
    else
        good = make_tag(&s->rtp, packet, n, roc, tag) &&
               CRYPTO_memcmp(tag, packet + n + s->mki_bytes, tag_len) == 0 &&
               run_cipher(&s->rtp, at, packet + p.header, p.len);
    if (!good)
        return false;
    note_either(stream, s->streams, &s->next, at);
    *len = n;
    return true;
}

bool srtp_protect_rtcp(struct srtp *s, uint8_t *packet, size_t *len, size_t max)
{
    struct place at = {.index = (s->sent_reports + 1) & ~ENCRYPTED};
    size_t tag_len = s->suite->report_tag, n = *len;
    uint8_t number[INDEX], tag[AUTH];
    bool good;

    if (n < RTCP_HEAD || n + INDEX + tag_len > max)
        return false;
    at.ssrc = get32(packet + 4);
    put32(number, ENCRYPTED | (uint32_t)at.index);
    if (s->rtcp.mac == NULL)
        good = seal(&s->rtcp, at,
                    &(struct sealed){packet, RTCP_HEAD, number, packet + RTCP_HEAD, n - RTCP_HEAD},
                    tag);
    else
        good = run_cipher(&s->rtcp, at, packet + RTCP_HEAD, n - RTCP_HEAD) &&
               make_tag(&s->rtcp, packet, n, number, tag);
    if (!good)
        return false;
    /* The tag stands behind the number, but for a cipher that makes it. */
    memcpy(packet + n + (s->rtcp.mac == NULL ? tag_len : 0), number, INDEX);
    memcpy(packet + n + (s->rtcp.mac == NULL ? 0 : INDEX), tag, tag_len);
    *len = n + INDEX + tag_len;
    s->sent_reports = (uint32_t)at.index;
    return true;
}

/* What of a protected report stands where; `len` is that of the report in the clear. */
struct report {
    size_t len;
    uint8_t *number, *tag, *mki;
    bool encrypted;
};

static bool split_report(const struct srtp *s, uint8_t *packet, size_t len, struct report *r)
{
    size_t tag_len = s->suite->report_tag, more = INDEX + s->mki_bytes + tag_len;

    if (len < RTCP_HEAD + more)
        return false;
    r->len = len - more;
    if (s->rtcp.mac == NULL) {
        r->tag = packet + r->len;
        r->number = r->tag + tag_len;
        r->mki = r->number + INDEX;
    } else {
        r->number = packet + r->len;
        r->mki = r->number + INDEX;
        r->tag = r->mki + s->mki_bytes;
    }
    r->encrypted = (get32(r->number) & ENCRYPTED) != 0;
    return true;
}

bool srtp_unprotect_rtcp(struct srtp *s, uint8_t *packet, size_t *len)
{
    struct stream *stream;
    struct report r;
    struct place at;
    uint8_t tag[AUTH];
    size_t head;
    bool good;

    if (!split_report(s, packet, *len, &r))
        return false;
    at = (struct place){get32(packet + 4), get32(r.number) & ~ENCRYPTED};
    stream = find(s->reports, at.ssrc);
    if ((stream != NULL && came_before(stream, at.index)) || !is_our_key(s, r.mki))
        return false;
    head = r.encrypted ? RTCP_HEAD : r.len;
    if (s->rtcp.mac == NULL)
        good = unseal(&s->rtcp, at,
                      &(struct sealed){packet, head, r.number, packet + head, r.len - head}, r.tag);
    else
        good = make_tag(&s->rtcp, packet, r.len, r.number, tag) &&
               CRYPTO_memcmp(tag, r.tag, s->suite->report_tag) == 0 &&
               run_cipher(&s->rtcp, at, packet + head, r.len - head);
    if (!good)
        return false;
    note_either(stream, s->reports, &s->next_report, at);
    *len = r.len;
    return true;
}
