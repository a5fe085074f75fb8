/* The little that this room needs of OpenSSL, kept apart because its headers are many.
 * Private to the room. */
#ifndef ALMON_HTTP_CRYPTO_H
#define ALMON_HTTP_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>

/* base64(HMAC-SHA1), 28 characters and NUL. False when OpenSSL is out of memory. */
bool crypto_hmac_sha1(const char *key, const void *data, size_t len, char out[32]);
/* The first 32 hex digits of SHA-256: names of cached files. */
bool crypto_name(const void *data, size_t len, char out[33]);
/* For CURLOPT_SSL_CTX_FUNCTION: the handshake of this SSL_CTX sends no server name. */
void crypto_no_sni(void *ssl_ctx);

#endif
