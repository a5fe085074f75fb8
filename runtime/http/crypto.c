#include "http/crypto.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

bool crypto_hmac_sha1(const char *key, const void *data, size_t len, char out[32])
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (HMAC(EVP_sha1(), key, (int)strlen(key), data, len, mac, &n) == NULL)
        return false;
    EVP_EncodeBlock((unsigned char *)out, mac, (int)n);
    return true;
}

bool crypto_name(const void *data, size_t len, char out[33])
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL) != 1)
        return false;
    for (int i = 0; i < 16; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return true;
}

/* libcurl has no option for this and sets the name itself, after its SSL_CTX callback and before
 * the handshake begins; so it is taken away at the beginning of the handshake. */
static void on_info(const SSL *ssl, int where, int ret)
{
    (void)ret;
    if (where & SSL_CB_HANDSHAKE_START)
        SSL_set_tlsext_host_name((SSL *)ssl, NULL);
}

void crypto_no_sni(void *ssl_ctx)
{
    SSL_CTX_set_info_callback(ssl_ctx, on_info);
}
