#include "tests/unit/tls_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tls_server {
    SSL_CTX *ctx;
    pthread_t thread;
    int fd, port;
    bool threaded;
    atomic_int requests;
};

static bool make_certificate(SSL_CTX *ctx, const char *name, const char *path, bool expired)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_EXTENSION *san;
    char text[100];
    FILE *f = fopen(path, "w");
    bool good = f != NULL && key != NULL;

    snprintf(text, sizeof text, "DNS:%s", name);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -7200);
    X509_gmtime_adj(X509_getm_notAfter(cert), expired ? -3600 : 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, subject);
    san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
    good = good && san != NULL && X509_add_ext(cert, san, -1) == 1 &&
           X509_sign(cert, key, EVP_sha256()) > 0 && PEM_write_X509(f, cert) == 1 &&
           SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
    X509_EXTENSION_free(san);
    X509_free(cert);
    EVP_PKEY_free(key);
    if (f != NULL)
        fclose(f);
    return good;
}

static void serve_one(struct tls_server *s, int fd)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                                 "Content-Length: 6\r\nConnection: close\r\n\r\nsecure";
    SSL *ssl = SSL_new(s->ctx);
    char in[4096];

    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1 && SSL_read(ssl, in, sizeof in) > 0) {
        atomic_fetch_add(&s->requests, 1);
        SSL_write(ssl, answer, sizeof answer - 1);
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    close(fd);
}

static void *serve(void *arg)
{
    struct tls_server *s = arg;
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0)
        serve_one(s, fd);
    return NULL;
}

struct tls_server *tls_server_new(const char *name, const char *cert_path, bool expired)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    struct tls_server *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->ctx = SSL_CTX_new(TLS_server_method());
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->ctx == NULL || !make_certificate(s->ctx, name, cert_path, expired) ||
        bind(s->fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(s->fd, 8) != 0 ||
        getsockname(s->fd, (struct sockaddr *)&a, &len) != 0 ||
        pthread_create(&s->thread, NULL, serve, s) != 0)
        return tls_server_free(s);
    s->threaded = true;
    s->port = ntohs(a.sin_port);
    return s;
}

struct tls_server *tls_server_free(struct tls_server *s)
{
    if (s == NULL)
        return NULL;
    if (s->fd >= 0)
        shutdown(s->fd, SHUT_RDWR); /* ends accept() */
    if (s->threaded)
        pthread_join(s->thread, NULL);
    if (s->fd >= 0)
        close(s->fd);
    SSL_CTX_free(s->ctx);
    free(s);
    return NULL;
}

int tls_server_port(const struct tls_server *s)
{
    return s->port;
}

int tls_server_requests(const struct tls_server *s)
{
    return atomic_load(&s->requests);
}
