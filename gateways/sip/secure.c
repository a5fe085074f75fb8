#include "gateways/sip/secure.h"

#include <string.h>

/* What our offers speak, in this order: the first is what everybody has. */
static const enum srtp_suite suites[SECURE_SUITES] = {SRTP_AES_CM_128_HMAC_SHA1_80, SRTP_GCM_256,
                                                      SRTP_AES_256_CM_HMAC_SHA1_80};

enum secure_policy secure_policy_of(const char *srtp)
{
    if (strcmp(srtp, "off") == 0)
        return SECURE_OFF;
    return strcmp(srtp, "required") == 0 ? SECURE_REQUIRED : SECURE_OPTIONAL;
}

const char *secure_way_name(const struct secure *s)
{
    static const char *const names[] = {"not encrypted", "SRTP by SDES", "SRTP by DTLS"};

    return names[s->way];
}

int secure_parse(const struct secure *s, struct sdp *remote, const char *text, size_t len,
                 struct error *err)
{
    switch (s->terms.policy) {
    case SECURE_OFF:
        return sdp_parse(remote, text, len, SDP_PLAIN, err);
    case SECURE_REQUIRED:
        /* Phones that speak both have an m= line for each. */
        if (sdp_parse(remote, text, len, SDP_SECURE, NULL) == 0)
            return 0;
        break;
    case SECURE_OPTIONAL:
        break;
    }
    return sdp_parse(remote, text, len, SDP_PLAIN | SDP_SECURE, err);
}

static bool has_dtls(const struct secure *s, const struct sdp *remote)
{
    return s->terms.fingerprint != NULL && remote->print.len > 0;
}

static int refuse(struct error *err, const char *why)
{
    return error_set(err, ERR_REFUSED, "%s", why);
}

static int take_offer(const struct secure *s, const struct sdp *remote, enum secure_way *way,
                      struct error *err)
{
    bool dtls = has_dtls(s, remote), sdes = remote->has_crypto && !remote->dtls_transport;

    *way = SECURE_PLAIN;
    if (s->terms.policy == SECURE_OFF)
        return 0;
    if (dtls && (!sdes || (!remote->secure && !s->terms.tls)))
        *way = SECURE_DTLS;
    else if (sdes)
        *way = SECURE_SDES;
    if (*way != SECURE_PLAIN)
        return 0;
    if (remote->secure)
        return refuse(err, "it offers SRTP without a key or fingerprint that is spoken here "
                           "(a=crypto with AES_CM_128_HMAC_SHA1_80 or another of RFC 4568, 6188 "
                           "or 7714, or DTLS)");
    if (s->terms.policy == SECURE_REQUIRED)
        return refuse(err, "SRTP is required here (srtp = 'required' in almon.lua), and it offers "
                           "none: encrypt its calls, by SDES or DTLS");
    return 0;
}

/* The key of ours that their answer speaks of; NULL: none. */
static const struct sdes *find_offer(const struct secure *s, const struct sdp *remote)
{
    const struct sdes *c = &remote->crypto;

    for (size_t i = 0; s->offered == SECURE_SDES && remote->has_crypto && i < s->n_offers; i++)
        if (s->offers[i].tag == c->tag && s->offers[i].key.suite == c->key.suite)
            return &s->offers[i];
    return NULL;
}

static int take_answer(const struct secure *s, const struct sdp *remote, enum secure_way *way,
                       struct error *err)
{
    *way = s->offered;
    if (find_offer(s, remote) != NULL)
        return 0;
    if (s->offered == SECURE_DTLS && has_dtls(s, remote))
        return 0;
    *way = SECURE_PLAIN;
    if (remote->secure)
        return refuse(err, "it answers with SRTP, but not with the key that was offered");
    if (s->terms.policy == SECURE_REQUIRED)
        return refuse(err, "SRTP is required here (srtp = 'required' in almon.lua), and it answers "
                           "without");
    return 0;
}

/* RFC 5763 §5: the answerer may choose where the offer says actpass, and begins, so that no time is
 * lost. Not where the far end's true address shows only when it begins. */
static bool begins(const struct secure *s, const struct sdp *remote, bool answered)
{
    switch (remote->setup) {
    case SDP_PASSIVE:
        return true;
    case SDP_ACTPASS:
        if (s->agreed && s->way == SECURE_DTLS)
            return s->active;
        return !answered && (remote->ice || !s->terms.nat);
    default:
        return false;
    }
}

int secure_take(struct secure *s, const struct sdp *remote, bool answered, struct error *err)
{
    enum secure_way way;
    int rc = answered ? take_answer(s, remote, &way, err) : take_offer(s, remote, &way, err);

    if (rc != 0)
        return rc;
    if (answered && way == SECURE_SDES)
        s->mine = *find_offer(s, remote);
    s->active = begins(s, remote, answered);
    s->way = way;
    s->agreed = true;
    if (answered)
        str_copy(s->far, sizeof s->far,
                 remote->ice && s->ice.ufrag != NULL ? remote->ice_ufrag : "");
    memcpy(s->transport, remote->others[remote->audio].proto, sizeof s->transport);
    return 0;
}

/* The first time: as the terms want it. Later what was agreed. */
static void choose(struct secure *s)
{
    if (s->agreed)
        return;
    s->way = SECURE_PLAIN;
    if (s->terms.policy == SECURE_REQUIRED || (s->terms.policy == SECURE_OPTIONAL && s->terms.tls))
        s->way = SECURE_SDES;
    if (s->terms.policy != SECURE_OFF && s->terms.dtls && s->terms.fingerprint != NULL)
        s->way = SECURE_DTLS;
    str_copy(s->transport, sizeof s->transport,
             s->terms.policy != SECURE_REQUIRED ? "RTP/AVP"
             : s->way == SECURE_DTLS            ? "UDP/TLS/RTP/SAVP"
                                                : "RTP/SAVP");
}

/* We answer ICE whenever it is offered, and when we offer go on with it where it was agreed. A name
 * that changes is a restart, which wants new ones of ours, too. */
static int describe_ice(struct secure *s, struct rtp *rtp, const struct sdp *remote,
                        struct sdp_ours *o, struct error *err)
{
    bool wanted = s->agreed ? s->far[0] != '\0' : s->terms.ice;
    bool anew = remote != NULL && s->far[0] != '\0' && strcmp(s->far, remote->ice_ufrag) != 0;

    if (remote != NULL)
        wanted = remote->ice || remote->ice_mismatch;
    if (!wanted)
        return 0;
    s->ice = (struct sdp_ice){.addresses = {o->address, s->terms.local_ip},
                              .mismatch = remote != NULL && remote->ice_mismatch};
    if (s->terms.local_ip == NULL || s->terms.local_ip[0] == '\0' ||
        strcmp(s->terms.local_ip, o->address) == 0)
        s->ice.addresses[1] = NULL;
    if (!s->ice.mismatch && !rtp_ice(rtp, anew, &s->ice.ufrag, &s->ice.pwd))
        return error_set(err, ERR_IO, "ICE: no memory, or no randomness");
    if (remote != NULL)
        str_copy(s->far, sizeof s->far, remote->ice ? remote->ice_ufrag : "");
    o->ice = &s->ice;
    o->rtcp_mux = true;
    return 0;
}

/* The key stays for the whole call: with it goes a counter of packets that must not restart. So
 * there is a choice only in the first offer. */
static int offer_keys(struct secure *s, struct error *err)
{
    int rc = 0;

    if (s->mine.tag != 0) {
        s->mine.tag = 1;
        s->offers[0] = s->mine;
        s->n_offers = 1;
    }
    for (; s->n_offers < SECURE_SUITES && s->mine.tag == 0 && rc == 0; s->n_offers++)
        rc =
            sdes_make(&s->offers[s->n_offers], (unsigned)s->n_offers + 1, suites[s->n_offers], err);
    return rc;
}

static int answer_key(struct secure *s, const struct sdes *theirs, struct error *err)
{
    int rc = 0;

    if (s->mine.tag == 0 || s->mine.key.suite != theirs->key.suite)
        rc = sdes_make(&s->mine, theirs->tag, theirs->key.suite, err);
    s->mine.tag = theirs->tag;
    return rc;
}

static int describe_keys(struct secure *s, const struct sdp *remote, struct sdp_ours *o,
                         struct error *err)
{
    int rc;

    if (remote == NULL) {
        choose(s);
        s->offered = s->way;
    }
    o->transport = s->transport;
    if (s->way == SECURE_DTLS) {
        o->rtcp_mux = true;
        o->fingerprint = s->terms.fingerprint;
        o->setup = remote == NULL ? SDP_ACTPASS : s->active ? SDP_ACTIVE : SDP_PASSIVE;
    }
    if (s->way != SECURE_SDES)
        return 0;
    rc = remote == NULL ? offer_keys(s, err) : answer_key(s, &remote->crypto, err);
    o->crypto = remote == NULL ? s->offers : &s->mine;
    o->n_crypto = remote == NULL ? s->n_offers : 1;
    return rc;
}

int secure_describe(struct secure *s, struct rtp *rtp, const struct sdp *remote, struct sdp_ours *o,
                    struct error *err)
{
    int rc = describe_keys(s, remote, o, err);

    return rc == 0 ? describe_ice(s, rtp, remote, o, err) : rc;
}

void secure_peer(const struct secure *s, const struct sdp *remote, struct rtp_peer *peer)
{
    if (s->way == SECURE_SDES) {
        peer->key_out = &s->mine.key;
        peer->key_in = &remote->crypto.key;
    } else if (s->way == SECURE_DTLS) {
        peer->dtls = &remote->print;
        peer->dtls_active = s->active;
    }
    /* Two lite agents check nothing: the address of c= it is (RFC 8445 §6.1). */
    if (s->far[0] != '\0' && !remote->ice_lite)
        peer->ice_ufrag = s->far;
}
