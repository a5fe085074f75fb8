/* What both sides of a call agree on: codecs, encryption, addresses. */
#include "base/log.h"
#include "gateways/sip/call_private.h"
#include "gateways/sip/near.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static bool nat_of(const struct call *c)
{
    return c->trunk != NULL ? c->trunk->nat : c->phone == NULL || c->phone->nat;
}

/* The router's address is for the world, not for those on this side of it. */
static const char *seen_by(const struct call *c, const char *far)
{
    const char *address = c->g->config->sip.address;

    return address != NULL && is_six(address) == is_six(c->local_ip) &&
                   (!is_near(far) || is_near(address))
               ? address
               : c->local_ip;
}

/* What trunk or phone says of encryption; a call to any other address has the defaults. */
void call_set_terms(struct call *c, bool tls, const char *far)
{
    const struct config_trunk *t = c->trunk;
    const struct config_phone *p = c->phone;
    const char *srtp = t != NULL ? t->srtp : p != NULL ? p->srtp : "optional";
    const char *keys = t != NULL ? t->srtp_keys : p != NULL ? p->srtp_keys : "sdes";

    c->far_sees = seen_by(c, far);
    c->secure.terms = (struct secure_terms){.policy = secure_policy_of(srtp),
                                            .dtls = strcmp(keys, "dtls") == 0,
                                            .tls = tls,
                                            .nat = nat_of(c),
                                            .ice = t != NULL ? t->ice : p != NULL && p->ice,
                                            .fingerprint = rtp_fingerprint(c->g->rtp),
                                            .local_ip = c->local_ip};
}

/* Both sides have agreed: sound may flow. */
int call_start_sound(struct call *c)
{
    struct rtp_peer peer;
    struct error err = {0};
    int rc;

    sdp_peer(&c->remote, (size_t)c->choice, c->we_offered, nat_of(c), &peer);
    secure_peer(&c->secure, &c->remote, &peer);
    rc = rtp_set_peer(c->rtp, &peer, &err);
    if (rc != 0) {
        log_warn("sip", NULL, "%s: %s", c->id, err.text);
        return rc;
    }
    c->wire_codec = rtp_codec_bridge(peer.codec);
    return 0;
}

/* What a channel's codec can be on the wire. */
unsigned call_codecs(enum codec codec)
{
    if (codec_rate(codec) == 8000)
        return 1u << RTP_PCMU | 1u << RTP_PCMA;
    return codec_rate(codec) == 16000 ? 1u << RTP_G722 | 1u << RTP_OPUS : 0;
}

static struct sdp_ours ours(struct call *c)
{
    return (struct sdp_ours){.address = c->far_sees,
                             .port = rtp_port(c->rtp),
                             .session = c->session,
                             .version = ++c->version,
                             .way = SDP_SENDRECV,
                             .codecs = call_codecs(c->codec)};
}

/* False: it cannot be written, which the log says. */
bool call_describe(struct call *c, struct str *out)
{
    struct sdp_ours o = ours(c);
    struct error err = {0};

    c->we_offered = c->choice < 0 || c->we_offered;
    if (secure_describe(&c->secure, c->rtp, c->we_offered ? NULL : &c->remote, &o, &err) != 0) {
        log_error("sip", NULL, "%s: %s", c->id, err.text);
        return false;
    }
    if (c->we_offered)
        sdp_write_offer(out, &o);
    else
        sdp_write_answer(out, &o, &c->remote, (size_t)c->choice);
    return !out->failed;
}

/* Their sound comes by IPv4 or IPv6, and ours must go the same way: who calls in has it as he
 * likes, by whichever his signalling came. Afterwards, and in an answer, it is what it is. */
static bool meet(struct call *c, const struct sdp *remote)
{
    char ip[INET6_ADDRSTRLEN], uri[INET6_ADDRSTRLEN + 8], local[48];
    bool six = remote->address.ss_family == AF_INET6;
    const void *at = six ? (const void *)&((const struct sockaddr_in6 *)&remote->address)->sin6_addr
                         : &((const struct sockaddr_in *)&remote->address)->sin_addr;

    if (six == is_six(c->local_ip) || remote->ice || sdp_is_nowhere(remote))
        return true;
    inet_ntop(remote->address.ss_family, at, ip, sizeof ip);
    snprintf(uri, sizeof uri, six ? "sip:[%s]" : "sip:%s", ip);
    if (c->rtp != NULL)
        return false;
    stack_local_ip(uri, local);
    if (is_six(local) != six || local[0] == '\0')
        return false;
    str_copy(c->local_ip, sizeof c->local_ip, local);
    c->far_sees = seen_by(c, ip);
    return true;
}

/* What is told to them; the log knows more. */
static void warn(struct call *c, enum sdp_warning code)
{
    const char *text = "this session description cannot be read";

    switch (code) {
    case SDP_WARN_ADDRESS:
        text = "no IP address, or not one of this call's version, says where the audio goes";
        break;
    case SDP_WARN_TRANSPORT:
        text = c->secure.terms.policy == SECURE_OFF ? "only RTP/AVP is spoken here"
                                                    : "only RTP/AVP and RTP/SAVP are spoken here";
        break;
    case SDP_WARN_MEDIA:
        text = "only audio is spoken here";
        break;
    case SDP_WARN_FORMAT:
        text =
            "no codec of these: PCMU, PCMA, G722, opus where it is there; within a call its rate";
        break;
    case SDP_WARN_OTHER:
        break;
    }
    leg_warn(c->leg, code, text);
}

/* Reads their description, an offer or the answer to ours; 200, or 488. */
unsigned call_take_description(struct call *c, const char *sdp, size_t len, unsigned codecs,
                               bool answered)
{
    struct sdp remote;
    struct error err = {0};
    int choice;

    if (secure_parse(&c->secure, &remote, sdp, len, &err) != 0) {
        log_warn("sip", NULL, "%s: its session description cannot be taken: %s", c->id, err.text);
        warn(c, remote.warning);
        return 488;
    }
    if (!meet(c, &remote)) {
        log_warn("sip", NULL, "%s: its audio goes by IPv%d, the call's by IPv%d", c->id,
                 is_six(c->local_ip) ? 4 : 6, is_six(c->local_ip) ? 6 : 4);
        warn(c, SDP_WARN_ADDRESS);
        return 488;
    }
    choice = sdp_choose(&remote, codecs);
    if (choice < 0) {
        log_warn("sip", NULL, "%s: it offers no codec that this call can have", c->id);
        warn(c, SDP_WARN_FORMAT);
        return 488;
    }
    if (secure_take(&c->secure, &remote, answered, &err) != 0) {
        log_warn("sip", NULL, "%s: %s", c->id, err.text);
        leg_warn(c->leg, SDP_WARN_OTHER,
                 remote.secure ? "SRTP without a key or fingerprint that is spoken here"
                               : "SRTP is required here");
        return 488;
    }
    c->remote = remote;
    c->choice = choice;
    return 200;
}
