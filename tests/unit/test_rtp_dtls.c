/* DTLS-SRTP with other people's stacks: OpenSSL alone, told of one SRTP profile, is the far end,
 * and each side ends with the keys that the other sends under (RFC 5764 §4.2, RFC 7714 §14.2). */
#include "gateways/sip/dtls.h"
#include "unit.h"
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

struct far {
    SSL_CTX *ctx;
    SSL *ssl;
    X509 *certificate;
    EVP_PKEY *key;
    BIO *in, *out; /* the SSL's own */
};

static void far_send(void *arg, const void *bytes, size_t len)
{
    struct far *f = arg;

    BIO_write(f->in, bytes, (int)len);
}

static X509 *sign(EVP_PKEY *key)
{
    X509 *c = X509_new();

    ASN1_INTEGER_set(X509_get_serialNumber(c), 7);
    X509_gmtime_adj(X509_getm_notBefore(c), -60);
    X509_gmtime_adj(X509_getm_notAfter(c), 60);
    X509_set_pubkey(c, key);
    X509_sign(c, key, EVP_sha256());
    return c;
}

/* Begins with this profile; NULL: none. */
static bool far_start(struct far *f, const char *profile, struct dtls_print *print)
{
    unsigned n;

    f->key = EVP_EC_gen("P-256");
    f->certificate = sign(f->key);
    f->ctx = SSL_CTX_new(DTLS_client_method());
    f->in = BIO_new(BIO_s_mem());
    f->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(f->in, -1);
    if (SSL_CTX_use_certificate(f->ctx, f->certificate) != 1 ||
        SSL_CTX_use_PrivateKey(f->ctx, f->key) != 1 ||
        (profile != NULL && SSL_CTX_set_tlsext_use_srtp(f->ctx, profile) != 0))
        return false;
    SSL_CTX_set_options(f->ctx, SSL_OP_NO_QUERY_MTU);
    f->ssl = SSL_new(f->ctx);
    SSL_set_bio(f->ssl, f->in, f->out);
    SSL_set_mtu(f->ssl, DTLS_MTU);
    SSL_set_connect_state(f->ssl);
    print->len = 32;
    return X509_digest(f->certificate, EVP_sha256(), print->bytes, &n) == 1;
}

static void far_end(struct far *f)
{
    SSL_free(f->ssl);
    SSL_CTX_free(f->ctx);
    X509_free(f->certificate);
    EVP_PKEY_free(f->key);
}

static enum dtls_state shake_hands(struct far *f, struct dtls *d)
{
    enum dtls_state state = DTLS_GOING;
    char bytes[8192];

    for (int i = 0; i < 10 && state == DTLS_GOING; i++) {
        int n;

        SSL_do_handshake(f->ssl);
        n = BIO_read(f->out, bytes, sizeof bytes);
        if (n > 0)
            state = dtls_input(d, bytes, (size_t)n);
    }
    SSL_do_handshake(f->ssl);
    return state;
}

/* The key that stands at `which` (0: the client's) of what OpenSSL exported. */
static bool is_key(const struct srtp_key *k, const uint8_t *all, int which)
{
    size_t key = srtp_key_bytes(k->suite), salt = srtp_salt_bytes(k->suite);

    return memcmp(k->master, all + (size_t)which * key, key) == 0 &&
           memcmp(k->master + key, all + 2 * key + (size_t)which * salt, salt) == 0;
}

static void agree_on(struct dtls_identity *identity, const char *profile, enum srtp_suite suite)
{
    static const char label[] = "EXTRACTOR-dtls_srtp";
    struct dtls *d = NULL;
    struct far f = {0};
    struct error err = {0};
    struct dtls_print print = {0};
    struct srtp_key out, in;
    uint8_t all[2 * SRTP_MASTER];

    ok(far_start(&f, profile, &print));
    ok_rc(dtls_new(&d, identity, false, &print, far_send, &f, &err), &err);
    ok_int(shake_hands(&f, d), DTLS_DONE);
    dtls_keys(d, &out, &in);
    ok_int(out.suite, suite);
    ok_int(in.suite, suite);
    ok(SSL_export_keying_material(f.ssl, all, 2 * (srtp_key_bytes(suite) + srtp_salt_bytes(suite)),
                                  label, sizeof label - 1, NULL, 0, 0) == 1);
    ok(is_key(&in, all, 0));
    ok(is_key(&out, all, 1));
out:
    dtls_free(d);
    far_end(&f);
}

UNIT(each_profile_gives_both_sides_the_same_keys)
{
    struct dtls_identity *identity = NULL;
    struct error err = {0};

    ok_rc(dtls_identity_new(&identity, &err), &err);
    agree_on(identity, "SRTP_AES128_CM_SHA1_80", SRTP_AES_CM_128_HMAC_SHA1_80);
    agree_on(identity, "SRTP_AES128_CM_SHA1_32", SRTP_AES_CM_128_HMAC_SHA1_32);
    agree_on(identity, "SRTP_AEAD_AES_128_GCM", SRTP_GCM_128);
    agree_on(identity, "SRTP_AEAD_AES_256_GCM", SRTP_GCM_256);
    /* Of all of them, the strongest. */
    agree_on(identity,
             "SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM:"
             "SRTP_AEAD_AES_256_GCM",
             SRTP_GCM_256);
out:
    dtls_identity_free(identity);
}

/* The handshake fails, and says so. */
static void refused(struct dtls_identity *identity, const char *profile, const char *ciphers,
                    const char *why)
{
    struct dtls *d = NULL;
    struct far f = {0};
    struct error err = {0};
    struct dtls_print print = {0};

    ok(far_start(&f, profile, &print));
    ok(ciphers == NULL || SSL_set_cipher_list(f.ssl, ciphers) == 1);
    ok_rc(dtls_new(&d, identity, false, &print, far_send, &f, &err), &err);
    ok_int(shake_hands(&f, d), DTLS_FAILED);
    ok(strstr(dtls_why(d), why) != NULL);
out:
    dtls_free(d);
    far_end(&f);
}

UNIT(without_a_profile_or_in_the_clear_there_are_no_keys)
{
    struct dtls_identity *identity = NULL;
    struct error err = {0};

    ok_rc(dtls_identity_new(&identity, &err), &err);
    refused(identity, NULL, NULL, "it agrees to no SRTP profile that is spoken here");
    refused(identity, "SRTP_AES128_CM_SHA1_80", "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0",
            "no shared cipher");
    refused(identity, "SRTP_AES128_CM_SHA1_80", "AECDH-AES128-SHA:@SECLEVEL=0", "no shared cipher");
out:
    dtls_identity_free(identity);
}

UNIT_MAIN(CASE(each_profile_gives_both_sides_the_same_keys),
          CASE(without_a_profile_or_in_the_clear_there_are_no_keys))
