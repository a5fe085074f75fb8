/* Passwords: HTTP digest by MD5 (RFC 2617), which is all that phones agree on and libre has, or by
 * SHA-256 (RFC 8760). A nonce
 * is its own proof that we made it: time and address under a key of this process, so that a flood
 * of requests stores nothing. What is remembered is the counter of nonces that were used rightly.
 */
#include "gateways/sip/stack_private.h"
#include <string.h>

/* A nonce is its time and its number, 8 hexadecimal digits each, and the seal's 40. */
enum { NONCE_SECONDS = 300, HEAD = 16, SEALS = 20, NONCE = HEAD + 2 * SEALS };
enum { USED_SETS = 1024, USED_WAYS = 4 };

struct used {
    char nonce[NONCE + 1];
    uint32_t count;
    uint64_t at;
};

struct stack_auth {
    uint8_t key[32];
    uint32_t challenges;
    uint64_t clock;
    struct used used[USED_SETS][USED_WAYS];
};

int stack_auth_new(struct stack_auth **ap)
{
    struct stack_auth *a = mem_zalloc(sizeof *a, NULL);

    if (a == NULL)
        return ENOMEM;
    rand_bytes(a->key, sizeof a->key);
    *ap = a;
    return 0;
}

/* The stack's own clock in seconds since it started to count; libre's, as its timers are. */
static uint32_t seconds(void)
{
    return (uint32_t)(tmr_jiffies() / 1000);
}

static void seal(const struct stack_auth *a, const struct sip_msg *msg, const struct pl *head,
                 char out[2 * SEALS + 1])
{
    uint8_t md[SEALS];
    char text[96];

    re_snprintf(text, sizeof text, "%r %j", head, &msg->src);
    hmac_sha1(a->key, sizeof a->key, (const uint8_t *)text, strlen(text), md, sizeof md);
    re_snprintf(out, 2 * SEALS + 1, "%w", md, sizeof md);
}

void stack_auth_challenge(struct stack *s, const struct sip_msg *msg, bool stale)
{
    char head[HEAD + 1], mark[2 * SEALS + 1], lines[1024] = "";
    struct pl pl = {head, HEAD};
    size_t used = 0;

    re_snprintf(head, sizeof head, "%08x%08x", seconds(), ++s->auth->challenges);
    seal(s->auth, msg, &pl, mark);
    /* What is liked best stands first (RFC 8760 §2.3). */
    for (int sha = 1; sha >= 0; sha--)
        if (sha ? s->sha256 : s->md5)
            used += (size_t)re_snprintf(
                lines + used, sizeof lines - used,
                "WWW-Authenticate: Digest realm=\"%s\", nonce=\"%s%s\", qop=\"auth\","
                " algorithm=%s%s\r\n",
                s->domain, head, mark, sha ? "SHA-256" : "MD5", stale ? ", stale=true" : "");
    sip_replyf(s->sip, msg, 401, "Unauthorized", "%sContent-Length: 0\r\n\r\n", lines);
}

static bool sha256_is_right(const struct httpauth_digest_resp *d, const struct pl *method,
                            const char *user, const char *realm, const char *password)
{
    char ha1[STACK_HASH_MAX], ha2[STACK_HASH_MAX], right[STACK_HASH_MAX];
    const EVP_MD *md = EVP_sha256();

    if (stack_hash(ha1, md, "%s:%s:%s", user, realm, password) != 0 ||
        stack_hash(ha2, md, "%r:%r", method, &d->uri) != 0)
        return false;
    if ((pl_isset(&d->qop) ? stack_hash(right, md, "%s:%r:%r:%r:%r:%s", ha1, &d->nonce, &d->nc,
                                        &d->cnonce, &d->qop, ha2)
                           : stack_hash(right, md, "%s:%r:%s", ha1, &d->nonce, ha2)) != 0)
        return false;
    return d->response.l == sizeof right - 1 &&
           mem_seccmp((const uint8_t *)right, (const uint8_t *)d->response.p, sizeof right - 1) ==
               0;
}

static bool md5_is_right(const struct httpauth_digest_resp *d, const struct pl *method,
                         const char *user, const char *realm, const char *password)
{
    uint8_t ha1[MD5_SIZE];

    md5_printf(ha1, "%s:%s:%s", user, realm, password);
    return httpauth_digest_response_auth(d, method, ha1) == 0;
}

/* Whether we made the nonce, for this address, and not too long ago. */
static enum auth_result judge_nonce(const struct stack_auth *a, const struct sip_msg *msg,
                                    const struct pl *nonce)
{
    struct pl head = {nonce->p, HEAD}, at = {nonce->p, 8};
    char mark[2 * SEALS + 1];

    if (nonce->l != NONCE)
        return AUTH_STALE;
    seal(a, msg, &head, mark);
    if (mem_seccmp((const uint8_t *)mark, (const uint8_t *)nonce->p + HEAD, 2 * SEALS) != 0)
        return AUTH_STALE;
    return seconds() - pl_x32(&at) <= NONCE_SECONDS ? AUTH_GOOD : AUTH_STALE;
}

/* Each answer counts once: its counter must be higher than all before it with that nonce. */
static bool use_nonce(struct stack_auth *a, const struct pl *nonce, uint32_t count)
{
    struct used *set = a->used[hash_joaat_pl(nonce) % USED_SETS], *oldest = &set[0];

    for (int i = 0; i < USED_WAYS; i++) {
        if (pl_strcmp(nonce, set[i].nonce) == 0) {
            if (count <= set[i].count)
                return false;
            set[i].count = count;
            return true;
        }
        if (set[i].at < oldest->at)
            oldest = &set[i];
    }
    pl_strcpy(nonce, oldest->nonce, sizeof oldest->nonce);
    oldest->count = count;
    oldest->at = ++a->clock;
    return true;
}

static enum auth_result check_response(struct stack *s, const struct sip_msg *msg,
                                       const struct httpauth_digest_resp *d, bool sha,
                                       char user[STACK_TEXT_MAX])
{
    const char *password;
    enum auth_result nonce = judge_nonce(s->auth, msg, &d->nonce);
    bool right;

    if (nonce != AUTH_GOOD)
        return nonce;
    if (pl_strcpy(&d->username, user, STACK_TEXT_MAX) != 0)
        return AUTH_BAD;
    password = s->h->password(s->arg, user);
    /* A name that nobody has takes as long, and is answered alike. */
    right = (sha ? sha256_is_right : md5_is_right)(d, &msg->met, user, s->domain,
                                                   password != NULL ? password : "");
    if (!right || password == NULL)
        return AUTH_BAD;
    /* Without qop there is no counter: such a nonce is good for one request. */
    return use_nonce(s->auth, &d->nonce, pl_isset(&d->nc) ? pl_x32(&d->nc) : 1) ? AUTH_GOOD
                                                                                : AUTH_STALE;
}

struct finder {
    struct stack *s;
    struct httpauth_digest_resp resp;
    bool sha;
};

static bool is_ours(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    struct finder *f = arg;

    (void)msg;
    /* Of SHA-256-sess the answer is another, and so not right. */
    f->sha = re_regex(hdr->val.p, hdr->val.l, "algorithm=[\"]*SHA-256", NULL) == 0;
    return (f->sha ? f->s->sha256 : f->s->md5) &&
           httpauth_digest_response_decode(&f->resp, &hdr->val) == 0 &&
           pl_strcasecmp(&f->resp.realm, f->s->domain) == 0;
}

enum auth_result stack_auth_check(struct stack *s, const struct sip_msg *msg,
                                  char user[STACK_TEXT_MAX])
{
    struct finder f = {.s = s};

    if (sip_msg_hdr_apply(msg, true, SIP_HDR_AUTHORIZATION, is_ours, &f) == NULL)
        return AUTH_NONE;
    return check_response(s, msg, &f.resp, f.sha, user);
}
