#include "gateways/sip/dtls.h"

#include "base/mem.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#define IP_AND_UDP   28
#define FIRST_US     100000
#define LONGEST_US   2000000
#define CHAIN_MAX    8192 /* bytes of their certificates */
#define PRINT_TEXT   112
#define LABEL        "EXTRACTOR-dtls_srtp"
#define ERROR_LENGTH 120

struct dtls_identity {
    SSL_CTX *ssl;
    EVP_PKEY *key;
    X509 *certificate;
    BIO_METHOD *wire;
    char print[PRINT_TEXT];
};

struct dtls {
    SSL *ssl;
    struct dtls_print far;
    dtls_send_h *send;
    void *arg;
    const uint8_t *packet; /* that is being read; NULL: none */
    size_t len;
    unsigned packets;
    bool active;
    enum dtls_state state;
    struct srtp_key out, in;
    char why[ERROR_LENGTH];
};

/* --- the wire: each write is a packet, each read takes the whole of the one that came --- */

static int wire_write(BIO *b, const char *bytes, int len)
{
    struct dtls *d = BIO_get_data(b);

    d->send(d->arg, bytes, (size_t)len);
    return len;
}

static int wire_read(BIO *b, char *out, int max)
{
    struct dtls *d = BIO_get_data(b);
    size_t n = d->len < (size_t)max ? d->len : (size_t)max;

    BIO_clear_retry_flags(b);
    if (d->packet == NULL) {
        BIO_set_retry_read(b);
        return -1;
    }
    memcpy(out, d->packet, n);
    d->packet = NULL;
    return (int)n;
}

static long wire_control(BIO *b, int what, long number, void *pointer)
{
    (void)b;
    (void)number;
    (void)pointer;
    switch (what) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return DTLS_MTU;
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
        return IP_AND_UDP;
    default:
        return 0;
    }
}

static BIO_METHOD *make_wire(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "almon rtp");

    if (m == NULL)
        return NULL;
    BIO_meth_set_write(m, wire_write);
    BIO_meth_set_read(m, wire_read);
    BIO_meth_set_ctrl(m, wire_control);
    return m;
}

/* --- who we are --- */

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *c = X509_new();
    X509_NAME *name = c != NULL ? X509_get_subject_name(c) : NULL;
    bool good = name != NULL;

    /* Nobody looks at its dates, its names or its number: the fingerprint is what counts. */
    good = good && X509_set_version(c, 2) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(c), 1) == 1 &&
           ASN1_TIME_set_string(X509_getm_notBefore(c), "20200101000000Z") == 1 &&
           ASN1_TIME_set_string(X509_getm_notAfter(c), "20991231235959Z") == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"almon", -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(c, name) == 1 && X509_set_pubkey(c, key) == 1 &&
           X509_sign(c, key, EVP_sha256()) != 0;
    if (!good) {
        X509_free(c);
        return NULL;
    }
    return c;
}

static bool write_print(struct dtls_identity *i)
{
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned n;
    size_t at;

    if (X509_digest(i->certificate, EVP_sha256(), bytes, &n) != 1)
        return false;
    at = (size_t)snprintf(i->print, sizeof i->print, "sha-256 ");
    for (unsigned k = 0; k < n; k++)
        at += (size_t)snprintf(i->print + at, sizeof i->print - at, "%s%02X", k > 0 ? ":" : "",
                               bytes[k]);
    return true;
}

/* Whoever signed it: it is judged by its fingerprint, when the handshake is over. */
static int accept_any(int good, X509_STORE_CTX *store)
{
    (void)good;
    (void)store;
    return 1;
}

static bool set_up(struct dtls_identity *i)
{
    SSL_CTX *s = i->ssl;

    SSL_CTX_set_options(s, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(s, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
    SSL_CTX_set_max_cert_list(s, CHAIN_MAX);
    SSL_CTX_set_read_ahead(s, 1);
    return SSL_CTX_set_min_proto_version(s, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(s, "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL:!eNULL") == 1 &&
           SSL_CTX_set_tlsext_use_srtp(s, "SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM:"
                                          "SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32") == 0 &&
           SSL_CTX_use_certificate(s, i->certificate) == 1 &&
           SSL_CTX_use_PrivateKey(s, i->key) == 1;
}

int dtls_identity_new(struct dtls_identity **ip, struct error *err)
{
    struct dtls_identity *i = mem_alloc(sizeof *i);

    if (i == NULL)
        return error_nomem(err);
    i->wire = make_wire();
    i->ssl = SSL_CTX_new(DTLS_method());
    i->key = EVP_EC_gen("P-256");
    i->certificate = i->key != NULL ? make_certificate(i->key) : NULL;
    if (i->wire == NULL || i->ssl == NULL || i->certificate == NULL || !write_print(i) ||
        !set_up(i)) {
        dtls_identity_free(i);
        ERR_clear_error();
        return error_set(err, ERR_IO, "DTLS: OpenSSL cannot make a key and a certificate");
    }
    *ip = i;
    return 0;
}

struct dtls_identity *dtls_identity_free(struct dtls_identity *i)
{
    if (i == NULL)
        return NULL;
    X509_free(i->certificate);
    EVP_PKEY_free(i->key);
    SSL_CTX_free(i->ssl);
    BIO_meth_free(i->wire);
    mem_free(i);
    return NULL;
}

const char *dtls_identity_print(const struct dtls_identity *i)
{
    return i->print;
}

/* --- one handshake --- */

static unsigned wait_us(SSL *ssl, unsigned last)
{
    (void)ssl;
    if (last == 0)
        return FIRST_US;
    return last < LONGEST_US / 2 ? 2 * last : LONGEST_US;
}

int dtls_new(struct dtls **dp, struct dtls_identity *i, bool active, const struct dtls_print *far,
             dtls_send_h *send, void *arg, struct error *err)
{
    struct dtls *d = mem_alloc(sizeof *d);
    BIO *wire = BIO_new(i->wire);

    if (d != NULL)
        d->ssl = SSL_new(i->ssl);
    if (d == NULL || d->ssl == NULL || wire == NULL) {
        BIO_free(wire);
        dtls_free(d);
        return error_nomem(err);
    }
    d->far = *far;
    d->send = send;
    d->arg = arg;
    d->active = active;
    BIO_set_data(wire, d);
    BIO_set_init(wire, 1);
    SSL_set_bio(d->ssl, wire, wire);
    DTLS_set_link_mtu(d->ssl, DTLS_MTU);
    DTLS_set_timer_cb(d->ssl, wait_us);
    if (active)
        SSL_set_connect_state(d->ssl);
    else
        SSL_set_accept_state(d->ssl);
    *dp = d;
    return 0;
}

struct dtls *dtls_free(struct dtls *d)
{
    if (d == NULL)
        return NULL;
    SSL_free(d->ssl);
    OPENSSL_cleanse(d, sizeof *d);
    mem_free(d);
    return NULL;
}

static enum dtls_state fail(struct dtls *d, const char *why)
{
    snprintf(d->why, sizeof d->why, "%s", why);
    d->state = DTLS_FAILED;
    return d->state;
}

static const EVP_MD *hash_of(const struct dtls_print *p)
{
    switch (p->len) {
    case 20:
        return EVP_sha1();
    case 28:
        return EVP_sha224();
    case 32:
        return EVP_sha256();
    case 48:
        return EVP_sha384();
    default:
        return EVP_sha512();
    }
}

static bool is_who_sdp_said(const struct dtls *d)
{
    X509 *c = SSL_get1_peer_certificate(d->ssl);
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    bool same = c != NULL && X509_digest(c, hash_of(&d->far), bytes, &n) == 1 && n == d->far.len &&
                CRYPTO_memcmp(bytes, d->far.bytes, n) == 0;

    X509_free(c);
    return same;
}

static enum srtp_suite suite_of(const SRTP_PROTECTION_PROFILE *profile)
{
    switch (profile->id) {
    case SRTP_AEAD_AES_256_GCM:
        return SRTP_GCM_256;
    case SRTP_AEAD_AES_128_GCM:
        return SRTP_GCM_128;
    case SRTP_AES128_CM_SHA1_32:
        return SRTP_AES_CM_128_HMAC_SHA1_32;
    default:
        return SRTP_AES_CM_128_HMAC_SHA1_80;
    }
}

static void set_key(struct srtp_key *k, enum srtp_suite suite, const uint8_t *key,
                    const uint8_t *salt)
{
    k->suite = suite;
    memcpy(k->master, key, srtp_key_bytes(suite));
    memcpy(k->master + srtp_key_bytes(suite), salt, srtp_salt_bytes(suite));
}

/* RFC 5764 §4.2: client's key, server's key, client's salt, server's salt. */
static enum dtls_state finish(struct dtls *d)
{
    const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(d->ssl);
    struct srtp_key *client = d->active ? &d->out : &d->in, *server = d->active ? &d->in : &d->out;
    uint8_t all[2 * SRTP_MASTER];
    enum srtp_suite suite;
    size_t key, salt;

    if (!is_who_sdp_said(d))
        return fail(d, "its certificate is not the one of its fingerprint in SDP");
    if (profile == NULL)
        return fail(d, "it agrees to no SRTP profile that is spoken here");
    suite = suite_of(profile);
    key = srtp_key_bytes(suite);
    salt = srtp_salt_bytes(suite);
    if (SSL_export_keying_material(d->ssl, all, 2 * (key + salt), LABEL, sizeof LABEL - 1, NULL, 0,
                                   0) != 1)
        return fail(d, "no keys came of the handshake");
    set_key(client, suite, all, all + 2 * key);
    set_key(server, suite, all + key, all + 2 * key + salt);
    OPENSSL_cleanse(all, sizeof all);
    d->state = DTLS_DONE;
    return d->state;
}

static enum dtls_state go_on(struct dtls *d)
{
    char text[ERROR_LENGTH];
    int rc;

    ERR_clear_error();
    rc = SSL_do_handshake(d->ssl);
    if (rc == 1)
        return finish(d);
    switch (SSL_get_error(d->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return d->state;
    default:
        ERR_error_string_n(ERR_peek_error(), text, sizeof text);
        ERR_clear_error();
        return fail(d, text);
    }
}

enum dtls_state dtls_start(struct dtls *d)
{
    return d->state == DTLS_GOING && d->active ? go_on(d) : d->state;
}

enum dtls_state dtls_input(struct dtls *d, const void *bytes, size_t len)
{
    uint8_t nothing[64];

    if (d->state == DTLS_FAILED)
        return d->state;
    if (++d->packets > DTLS_PACKETS_MAX)
        return d->state == DTLS_DONE ? d->state : fail(d, "too many packets for one handshake");
    d->packet = bytes;
    d->len = len;
    if (d->state == DTLS_GOING) {
        go_on(d);
    } else { /* our last packet was lost, and theirs comes again */
        ERR_clear_error();
        SSL_read(d->ssl, nothing, sizeof nothing);
        ERR_clear_error();
    }
    d->packet = NULL;
    return d->state;
}

enum dtls_state dtls_tick(struct dtls *d)
{
    if (d->state != DTLS_GOING)
        return d->state;
    ERR_clear_error();
    if (DTLSv1_handle_timeout(d->ssl) < 0)
        return fail(d, "it does not answer");
    return d->state;
}

void dtls_keys(const struct dtls *d, struct srtp_key *out, struct srtp_key *in)
{
    *out = d->out;
    *in = d->in;
}

const char *dtls_why(const struct dtls *d)
{
    return d->why;
}
