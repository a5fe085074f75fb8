/* What shares the sockets with RTP (RFC 7983): the checks of ICE, which say where sound goes, and
 * the handshakes of DTLS, which say under what keys. Either proves who the far end is, better than
 * any address does, so the one that it proved is held to. */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "gateways/sip/rtp_private.h"
#include <string.h>

#define RANK_PROVED   4 /* see rank_of(): above every address */
#define KEYS_WITHIN   20000000
#define FAILURES_MAX  8
#define FIRST_OF_DTLS 20
#define LAST_OF_DTLS  63

static struct rtp_path *path_of(struct rtp *r)
{
    if (r->path == NULL)
        r->path = mem_alloc(sizeof *r->path);
    return r->path;
}

bool rtp_ice(struct rtp *r, bool anew, const char **ufrag, const char **pwd)
{
    struct rtp_path *p = path_of(r);

    if (p == NULL || ((anew || p->ice.ufrag[0] == '\0') && !ice_init(&p->ice)))
        return false;
    *ufrag = p->ice.ufrag;
    *pwd = p->ice.pwd;
    return true;
}

static bool has_ice(const struct rtp *r)
{
    return r->peer.ice_ufrag != NULL;
}

/* --- keys --- */

static bool has_dtls(const struct rtp *r)
{
    return r->path != NULL && r->path->print.len > 0;
}

bool rtp_is_keyed(const struct rtp *r)
{
    return !has_dtls(r) || r->out_crypt != NULL;
}

/* Without rtcp-mux DTLS has a handshake, and keys, for each of the two sockets. */
bool rtp_report_keys(const struct rtp *r, struct srtp **out, struct srtp **in)
{
    bool apart = has_dtls(r) && !r->peer.rtcp_mux;

    *out = apart ? r->path->report_out : r->out_crypt;
    *in = apart ? r->path->report_in : r->in_crypt;
    return !has_dtls(r) || *out != NULL;
}

static void forget_keys(struct rtp *r)
{
    struct rtp_path *p = r->path;

    for (int k = 0; k < 2; k++) {
        dtls_free(p->sides[k].dtls);
        p->sides[k] = (struct rtp_side){0};
    }
    p->report_out = srtp_free(p->report_out);
    p->report_in = srtp_free(p->report_in);
    r->out_crypt = srtp_free(r->out_crypt);
    r->in_crypt = srtp_free(r->in_crypt);
    p->failures = p->n_liars = 0;
    p->told = false;
}

void rtp_path_free(struct rtp *r)
{
    if (r->path == NULL)
        return;
    forget_keys(r);
    mem_free(r->path);
    r->path = NULL;
}

/* The one whom keys or a check prove. */
static void hold_to(struct rtp *r, unsigned component, const struct sockaddr_storage *who)
{
    if (component == 1 || r->peer.rtcp_mux)
        r->rtcp_to = *who;
    if (component == 1)
        return;
    r->to = *who;
    r->lock.source = *who;
    r->lock.rank = RANK_PROVED;
}

static void take_keys(struct rtp *r, unsigned component)
{
    struct rtp_side *side = &r->path->sides[component];
    struct srtp **to_out = component == 0 ? &r->out_crypt : &r->path->report_out;
    struct srtp **to_in = component == 0 ? &r->in_crypt : &r->path->report_in;
    struct srtp *out = NULL, *in = NULL;
    struct srtp_key key_out, key_in;
    struct error err = {0};

    dtls_keys(side->dtls, &key_out, &key_in);
    if (srtp_new(&out, &key_out, &err) != 0 || srtp_new(&in, &key_in, &err) != 0) {
        srtp_free(out);
        log_error("rtp", NULL, "%s", err.text);
        return;
    }
    *to_out = out;
    *to_in = in;
    side->done = true;
    if (!has_ice(r)) {
        r->lock.has_ssrc &= component != 0;
        hold_to(r, component, &side->with);
    }
    if (r->path->active)
        side->dtls = dtls_free(side->dtls);
}

/* What they encrypt can be read: so they have the keys, and our last packet need not come again. */
void rtp_path_proved(struct rtp *r, bool rtcp)
{
    struct rtp_side *side;

    if (r->path == NULL)
        return;
    side = &r->path->sides[rtcp && !r->peer.rtcp_mux];
    if (side->done && side->dtls != NULL)
        side->dtls = dtls_free(side->dtls);
}

/* --- a handshake --- */

static bool is_liar(const struct rtp_path *p, const struct sockaddr_storage *who)
{
    for (unsigned i = 0; i < p->n_liars; i++)
        if (address_is_same(&p->liars[i], who))
            return true;
    return false;
}

static void note_failure(struct rtp *r, struct rtp_side *side)
{
    struct rtp_path *p = r->path;

    str_copy(p->why, sizeof p->why, dtls_why(side->dtls));
    p->failures++;
    if (!p->active && p->n_liars < RTP_LIARS)
        p->liars[p->n_liars++] = side->with;
    dtls_free(side->dtls);
    *side = (struct rtp_side){0};
}

static void follow(struct rtp *r, unsigned component, enum dtls_state state)
{
    struct rtp_side *side = &r->path->sides[component];

    if (state == DTLS_FAILED)
        note_failure(r, side);
    else if (state == DTLS_DONE && !side->done)
        take_keys(r, component);
}

static void send_rtp(void *arg, const void *bytes, size_t len)
{
    struct rtp *r = arg;

    rtp_engine_send(r, false, &r->path->sides[0].with, bytes, len);
}

static void send_rtcp(void *arg, const void *bytes, size_t len)
{
    struct rtp *r = arg;

    rtp_engine_send(r, true, &r->path->sides[1].with, bytes, len);
}

static bool open_side(struct rtp *r, unsigned component, const struct sockaddr_storage *with)
{
    struct rtp_side *side = &r->path->sides[component];
    struct dtls_identity *identity = rtp_engine_identity(r->engine);
    struct error err = {0};

    if (r->path->failures >= FAILURES_MAX || identity == NULL)
        return false;
    if (dtls_new(&side->dtls, identity, r->path->active, &r->path->print,
                 component == 0 ? send_rtp : send_rtcp, r, &err) != 0) {
        log_error("rtp", NULL, "DTLS: %s", err.text);
        r->path->failures++;
        return false;
    }
    side->with = *with;
    return true;
}

/* Whether a handshake with this one may be. ICE's pair alone where there is ICE; else who could
 * send RTP from there. */
static int may_shake(const struct rtp *r, unsigned component, const struct sockaddr_storage *from,
                     int64_t now)
{
    const struct rtp_path *p = r->path;

    if (has_ice(r))
        return p->ice.pairs[component].valid && address_is_same(from, &p->ice.pairs[component].to)
                   ? RANK_PROVED
                   : 0;
    if (is_liar(p, from))
        return 0;
    if (component == 0)
        return rtp_in_rank(r, from, now);
    return address_is_same_ip(from, &r->rtcp_to) || address_is_same_ip(from, &p->sides[0].with);
}

static void input_dtls(struct rtp *r, unsigned component, const struct sockaddr_storage *from,
                       const uint8_t *bytes, size_t len)
{
    int64_t now = rtp_now(r);
    struct rtp_side *side;
    bool over;
    int rank;

    if (!r->has_peer || !has_dtls(r) || (component == 1 && r->peer.rtcp_mux)) {
        r->stats.bad++;
        return;
    }
    side = &r->path->sides[component];
    rank = may_shake(r, component, from, now);
    /* One who fits the SDP better takes the place of whoever came before. */
    if (rank > 0 && !r->path->active && side->dtls != NULL && !side->done &&
        !address_is_same(from, &side->with) && rank > may_shake(r, component, &side->with, now)) {
        dtls_free(side->dtls);
        *side = (struct rtp_side){0};
    }
    over = side->done && side->dtls == NULL;
    if (rank == 0 || over || (side->dtls != NULL && !address_is_same(from, &side->with)) ||
        (side->dtls == NULL && (r->path->active || !open_side(r, component, from)))) {
        r->stats.strangers++;
        return;
    }
    follow(r, component, dtls_input(side->dtls, bytes, len));
}

/* Where the side that begins sends its first packet; NULL: not known yet. */
static const struct sockaddr_storage *begin_at(const struct rtp *r, unsigned component)
{
    const struct sockaddr_storage *to = component == 0 ? &r->to : &r->rtcp_to;

    if (has_ice(r) && !r->path->ice.pairs[component].valid)
        return NULL;
    return address_is_empty(to) ? NULL : to;
}

void rtp_path_tick(struct rtp *r, int64_t now)
{
    struct rtp_path *p = r->path;
    unsigned sides = r->peer.rtcp_mux ? 1 : 2;

    if (!r->has_peer || !has_dtls(r))
        return;
    for (unsigned k = 0; k < sides; k++) {
        const struct sockaddr_storage *at = begin_at(r, k);

        if (p->sides[k].dtls == NULL && !p->sides[k].done && p->active && at != NULL &&
            open_side(r, k, at))
            follow(r, k, dtls_start(p->sides[k].dtls));
        else if (p->sides[k].dtls != NULL && !p->sides[k].done)
            follow(r, k, dtls_tick(p->sides[k].dtls));
    }
    if (r->out_crypt == NULL && !p->told && now - p->since_us > KEYS_WITHIN) {
        p->told = true;
        if (r->h->keyless != NULL)
            r->h->keyless(r->arg, p->why[0] != '\0' ? p->why : "it began no handshake");
    }
}

/* --- the checks of ICE --- */

static void input_stun(struct rtp *r, unsigned component, const struct sockaddr_storage *from,
                       const uint8_t *bytes, size_t len)
{
    enum ice_result result = ICE_DROP;
    uint8_t reply[STUN_OUT_MAX];
    size_t n = 0;

    if (r->path != NULL && r->path->ice.ufrag[0] != '\0')
        result = ice_input(&r->path->ice, component, from, bytes, len, rtp_now(r), reply, &n);
    if (result == ICE_DROP) {
        r->stats.bad++;
        return;
    }
    rtp_engine_send(r, component == 1, from, reply, n);
    if (result == ICE_MOVED && r->has_peer && has_ice(r))
        hold_to(r, component, from);
}

bool rtp_path_input(struct rtp *r, bool rtcp, const struct sockaddr_storage *from,
                    const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return false;
    if (stun_is_first(bytes[0]))
        input_stun(r, rtcp, from, bytes, len);
    else if (bytes[0] >= FIRST_OF_DTLS && bytes[0] <= LAST_OF_DTLS)
        input_dtls(r, rtcp, from, bytes, len);
    else
        return false;
    return true;
}

/* --- a new far end --- */

int rtp_path_make(struct rtp *r, const struct rtp_peer *p, struct error *err)
{
    return (p->dtls == NULL && p->ice_ufrag == NULL) || path_of(r) != NULL ? 0 : error_nomem(err);
}

/* Keys stay while the far end's certificate and the roles do (RFC 8842 §4). */
static void set_dtls(struct rtp *r, const struct rtp_peer *p)
{
    static const struct dtls_print none;
    struct rtp_path *path = r->path;
    const struct dtls_print *print = p->dtls != NULL ? p->dtls : &none;

    if (dtls_print_is_same(print, &path->print) &&
        (print->len == 0 || path->active == p->dtls_active))
        return;
    if (print->len > 0 || path->print.len > 0)
        forget_keys(r);
    path->print = *print;
    path->active = p->dtls_active;
    path->since_us = rtp_now(r);
}

void rtp_path_set(struct rtp *r, const struct rtp_peer *p)
{
    struct rtp_path *path = r->path;
    bool had_ice = has_ice(r);

    if (path == NULL)
        return;
    set_dtls(r, p);
    r->peer.dtls = p->dtls != NULL ? &path->print : NULL;
    r->peer.ice_ufrag = NULL;
    if (p->ice_ufrag == NULL)
        return;
    str_copy(path->ice.far, sizeof path->ice.far, p->ice_ufrag);
    r->peer.ice_ufrag = path->ice.far;
    if (!had_ice) { /* until a check has proved a pair, nothing is sent and nobody believed */
        rtp_in_start(r);
        memset(&r->to, 0, sizeof r->to);
        memset(&r->rtcp_to, 0, sizeof r->rtcp_to);
    }
    for (unsigned k = 0; k < 2; k++)
        if (path->ice.pairs[k].valid)
            hold_to(r, k, &path->ice.pairs[k].to);
}
