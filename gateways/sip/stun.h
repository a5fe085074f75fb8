/* STUN's binding requests and their answers (RFC 8489), as ICE uses them: with a user name, a proof
 * by password, and a fingerprint. Pure functions of bytes that strangers wrote. */
#ifndef ALMON_SIP_STUN_H
#define ALMON_SIP_STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define STUN_MAX     548 /* bytes of a message that is read */
#define STUN_OUT_MAX 128 /* of an answer */

/* A binding request. The pointers are into its bytes. */
struct stun {
    const uint8_t *bytes;
    const char *username; /* NULL: none */
    size_t username_len;
    size_t proof; /* where MESSAGE-INTEGRITY stands; 0: nowhere */
    bool use_candidate, controlled;
    uint16_t unknown; /* the first attribute that must be understood, and is not; 0: none */
};

/* The first byte of STUN on a socket that it shares with DTLS and RTP (RFC 7983). */
bool stun_is_first(uint8_t byte);
/* False: no binding request that keeps to the rules, its fingerprint among them. */
bool stun_parse(struct stun *s, const uint8_t *bytes, size_t len);
/* Whether who wrote it knows the password. */
bool stun_is_proved(const struct stun *s, const char *password);
/* The answers, proved by the password. Return the bytes written. */
size_t stun_write_success(uint8_t out[STUN_OUT_MAX], const struct stun *request,
                          const struct sockaddr_storage *from, const char *password);
/* 420 names request->unknown; 487 is a conflict of roles. */
size_t stun_write_error(uint8_t out[STUN_OUT_MAX], const struct stun *request, unsigned code,
                        const char *password);

#endif
