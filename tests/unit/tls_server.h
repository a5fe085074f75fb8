/* A TLS server in a thread of its own with a certificate made on the spot: answers every request
 * with 200 and "secure". */
#ifndef ALMON_TESTS_TLS_SERVER_H
#define ALMON_TESTS_TLS_SERVER_H

#include <stdbool.h>

struct tls_server;
/* The certificate is for the host `name`, signed by itself, and written to `cert_path`. `expired`:
 * its time is over. */
struct tls_server *tls_server_new(const char *name, const char *cert_path, bool expired);
struct tls_server *tls_server_free(struct tls_server *s);
int tls_server_port(const struct tls_server *s);
/* Requests that came through a whole handshake. */
int tls_server_requests(const struct tls_server *s);

#endif
