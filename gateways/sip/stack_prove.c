/* Our passwords: how challenges of carriers are answered, by MD5 (RFC 2617) or SHA-2 (RFC 8760).
 * libre 1.1.0 knows MD5 only, refuses an answer that challenges by anything else beside it, and
 * takes no new nonce that is not called stale, as some registrars give for each request.
 *
 * libre calls the functions of its `struct sip_auth` by name, and the program's own come first (as
 * with its timers, see stack_tmr.c): so this file has all of them. A libre whose own calls do not
 * come here keeps its own: stack_prove_reached() finds that out at the start. Where several
 * challenges of one realm came, the strongest that we know is answered, whatever stands first: who
 * can put one in cannot make us weaker. */
#include "gateways/sip/stack_private.h"
#include <dlfcn.h>
#include <string.h>

enum { REALMS_MAX = 8, CHALLENGE_MAX = 1024 };

/* The strongest first. */
static const struct algorithm {
    const char *name;
    const EVP_MD *(*md)(void);
} algorithms[] = {{"SHA-512-256", EVP_sha512_256}, {"SHA-256", EVP_sha256}, {"MD5", EVP_md5}};

enum { N_ALGORITHMS = sizeof algorithms / sizeof *algorithms };

/* Who asks for a password, and what he hears. */
struct realm {
    struct le le; /* in sip_auth->realms */
    enum sip_hdrid asked_by;
    char *name, *nonce, *opaque;
    char *user, *password;
    size_t algorithm;
    bool qop;
    uint32_t count; /* requests that had this nonce */
    uint32_t round; /* the answer that it came in, of sip_auth->round */
};

struct sip_auth {
    struct list realms;
    uint32_t round;
    bool answered; /* something of this round can be */
    sip_auth_h *password;
    void *arg;
    bool counted;  /* arg is a reference of ours */
    bool *reached; /* to be set by libre's call, and no more; NULL: a true one */
};

/* Not in re_sip.h; libre's requests call it. */
int sip_auth_encode(struct mbuf *mb, struct sip_auth *auth, const char *met, const char *uri);

/* libre's own, when its calls do not come here. */
static struct {
    bool used;
    int (*alloc)(struct sip_auth **authp, sip_auth_h *authh, void *arg, bool ref);
    int (*authenticate)(struct sip_auth *auth, const struct sip_msg *msg);
} libre;

/* What is no challenge, though libre takes it for one. */
static const struct sip_msg *passes;

bool stack_prove_passes(const struct sip_msg *msg)
{
    passes = msg;
    return !libre.used;
}

int stack_hash(char out[STACK_HASH_MAX], const EVP_MD *md, const char *fmt, ...)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char *text = NULL;
    va_list ap;
    int e;

    va_start(ap, fmt);
    e = re_vsdprintf(&text, fmt, ap);
    va_end(ap);
    if (e != 0)
        return e;
    if (EVP_Digest(text, strlen(text), sum, &n, md, NULL) != 1 || 2 * n >= STACK_HASH_MAX)
        e = ENOSYS;
    else
        re_snprintf(out, STACK_HASH_MAX, "%w", sum, (size_t)n);
    mem_deref(text);
    return e;
}

/* --- what they ask --- */

static void realm_destructor(void *arg)
{
    struct realm *r = arg;

    list_unlink(&r->le);
    mem_deref(r->name);
    mem_deref(r->nonce);
    mem_deref(r->opaque);
    mem_deref(r->user);
    mem_deref(r->password);
}

static void auth_destructor(void *arg)
{
    struct sip_auth *a = arg;

    if (a->counted)
        mem_deref(a->arg);
    list_flush(&a->realms);
}

static bool find_algorithm(const struct pl *name, size_t *found)
{
    for (size_t i = 0; i < N_ALGORITHMS; i++) {
        if (pl_isset(name) ? pl_strcasecmp(name, algorithms[i].name) != 0 : i < N_ALGORITHMS - 1)
            continue; /* who names none means MD5 */
        *found = i;
        return true;
    }
    return false;
}

/* Whether the list has the word "auth". */
static bool has_auth(const struct pl *qop)
{
    for (size_t at = 0; at < qop->l;) {
        size_t n = 0;

        while (at < qop->l && strchr(", \t", qop->p[at]) != NULL)
            at++;
        while (at + n < qop->l && strchr(", \t", qop->p[at + n]) == NULL)
            n++;
        if (n == 4 && strncasecmp(qop->p + at, "auth", 4) == 0)
            return true;
        at += n;
    }
    return false;
}

/* What goes back to them as it came: a value that was folded into two lines would be hashed as they
 * do not mean it, and stand in our header so. */
static bool is_line(const struct pl *text)
{
    for (size_t i = 0; i < text->l; i++)
        if ((unsigned char)text->p[i] < ' ' || text->p[i] == 0x7f)
            return false;
    return true;
}

/* A name goes between quotes of a header: nothing in it may end the line. */
static bool is_writable(const char *user)
{
    for (; *user != '\0'; user++)
        if ((unsigned char)*user < ' ' || *user == 0x7f || *user == '"' || *user == '\\')
            return false;
    return true;
}

static struct realm *find_realm(const struct sip_auth *a, enum sip_hdrid by, const struct pl *name)
{
    for (struct le *le = a->realms.head; le != NULL; le = le->next) {
        struct realm *r = le->data;

        if (r->asked_by == by && pl_strcmp(name, r->name) == 0)
            return r;
    }
    return NULL;
}

static struct realm *new_realm(struct sip_auth *a, enum sip_hdrid by, const struct pl *name)
{
    struct realm *r;

    if (list_count(&a->realms) >= REALMS_MAX ||
        (r = mem_zalloc(sizeof *r, realm_destructor)) == NULL)
        return NULL;
    r->asked_by = by;
    if (pl_strdup(&r->name, name) != 0 ||
        a->password(&r->user, &r->password, r->name, a->arg) != 0 || r->user == NULL ||
        r->password == NULL || !is_writable(r->user))
        return mem_deref(r);
    list_append(&a->realms, &r->le, r);
    return r;
}

/* A second challenge of a realm: the same password would be refused again, unless its nonce is
 * called stale, or is new where the old one had served before. Of several in one answer the
 * strongest counts. */
static bool is_refused(const struct sip_auth *a, const struct realm *r,
                       const struct httpauth_digest_chall *c, size_t algorithm)
{
    if (r->round == a->round)
        return algorithm >= r->algorithm;
    return !(pl_isset(&c->stale) && pl_strcasecmp(&c->stale, "true") == 0) &&
           (r->count < 2 || pl_strcmp(&c->nonce, r->nonce) == 0);
}

static bool take_challenge(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    struct sip_auth *a = arg;
    struct httpauth_digest_chall c;
    struct realm *r;
    char *nonce = NULL, *opaque = NULL;
    size_t algorithm;

    (void)msg;
    if (hdr->val.l > CHALLENGE_MAX || httpauth_digest_challenge_decode(&c, &hdr->val) != 0 ||
        !is_line(&c.realm) || !is_line(&c.nonce) || !is_line(&c.opaque) ||
        !find_algorithm(&c.algorithm, &algorithm) || (pl_isset(&c.qop) && !has_auth(&c.qop)))
        return false; /* not for us: perhaps the next is */
    r = find_realm(a, hdr->id, &c.realm);
    if (r == NULL)
        r = new_realm(a, hdr->id, &c.realm);
    else if (is_refused(a, r, &c, algorithm))
        return false;
    if (r == NULL)
        return false;
    if (pl_strdup(&nonce, &c.nonce) != 0 ||
        (pl_isset(&c.opaque) && pl_strdup(&opaque, &c.opaque) != 0)) {
        mem_deref(nonce);
        mem_deref(r);
        return false;
    }
    mem_deref(r->nonce);
    mem_deref(r->opaque);
    r->nonce = nonce;
    r->opaque = opaque;
    r->algorithm = algorithm;
    r->qop = pl_isset(&c.qop);
    r->count = 0;
    r->round = a->round;
    a->answered = true;
    return false;
}

/* --- libre's functions of its re_sip.h and src/sip/sip.h --- */

static int no_password(char **user, char **password, const char *realm, void *arg)
{
    (void)user;
    (void)password;
    (void)realm;
    (void)arg;
    return EAUTH;
}

int sip_auth_alloc(struct sip_auth **authp, sip_auth_h *authh, void *arg, bool ref)
{
    struct sip_auth *a;

    if (libre.used)
        return libre.alloc(authp, authh, arg, ref);
    if (authp == NULL)
        return EINVAL;
    a = mem_zalloc(sizeof *a, auth_destructor);
    if (a == NULL)
        return ENOMEM;
    a->password = authh != NULL ? authh : no_password;
    a->arg = ref ? mem_ref(arg) : arg;
    a->counted = ref;
    *authp = a;
    return 0;
}

void sip_auth_reset(struct sip_auth *auth)
{
    if (auth != NULL)
        list_flush(&auth->realms);
}

/* 0: the request may be sent again. EAUTH: it would be refused again, or nothing can be answered.
 */
int sip_auth_authenticate(struct sip_auth *auth, const struct sip_msg *msg)
{
    if (libre.used)
        return libre.authenticate(auth, msg);
    if (auth == NULL || msg == NULL)
        return EINVAL;
    if (msg == passes)
        return 0;
    auth->round++;
    auth->answered = false;
    sip_msg_hdr_apply(msg, true, SIP_HDR_WWW_AUTHENTICATE, take_challenge, auth);
    sip_msg_hdr_apply(msg, true, SIP_HDR_PROXY_AUTHENTICATE, take_challenge, auth);
    return auth->answered ? 0 : EAUTH;
}

static int write_proof(struct mbuf *mb, const struct realm *r, const char *method, const char *uri)
{
    const struct algorithm *by = &algorithms[r->algorithm];
    const EVP_MD *md = by->md();
    char ha1[STACK_HASH_MAX], ha2[STACK_HASH_MAX], proof[STACK_HASH_MAX], more[64] = "";
    uint64_t cnonce = rand_u64();
    int e = stack_hash(ha1, md, "%s:%s:%s", r->user, r->name, r->password);

    if (e == 0)
        e = stack_hash(ha2, md, "%s:%s", method, uri);
    if (e == 0 && r->qop)
        e = stack_hash(proof, md, "%s:%s:%08x:%016llx:auth:%s", ha1, r->nonce, r->count, cnonce,
                       ha2);
    else if (e == 0)
        e = stack_hash(proof, md, "%s:%s:%s", ha1, r->nonce, ha2);
    if (e != 0)
        return e;
    if (r->qop)
        re_snprintf(more, sizeof more, ", qop=auth, nc=%08x, cnonce=\"%016llx\"", r->count, cnonce);
    e = mbuf_printf(mb,
                    "%s: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\","
                    " response=\"%s\", algorithm=%s%s",
                    r->asked_by == SIP_HDR_PROXY_AUTHENTICATE ? "Proxy-Authorization"
                                                              : "Authorization",
                    r->user, r->name, r->nonce, uri, proof, by->name, more);
    if (e == 0 && r->opaque != NULL)
        e = mbuf_printf(mb, ", opaque=\"%s\"", r->opaque);
    return e == 0 ? mbuf_write_str(mb, "\r\n") : e;
}

int sip_auth_encode(struct mbuf *mb, struct sip_auth *auth, const char *met, const char *uri)
{
    int e = 0;

    if (mb == NULL || auth == NULL || met == NULL || uri == NULL)
        return EINVAL;
    if (auth->reached != NULL) {
        *auth->reached = true;
        return ECANCELED;
    }
    for (struct le *le = auth->realms.head; le != NULL && e == 0; le = le->next) {
        struct realm *r = le->data;

        r->count++;
        e = write_proof(mb, r, met, uri);
    }
    return e;
}

/* --- whether libre's calls come here --- */

static bool find(const char *name, void *function)
{
    void *at = dlsym(RTLD_NEXT, name);

    memcpy(function, &at, sizeof at);
    return at != NULL;
}

bool stack_prove_reached(struct sip *sip)
{
    struct uri nowhere = {.params = PL(";transport=none")};
    struct sip_auth *a;
    bool reached = false;

    if (!find("sip_auth_alloc", &libre.alloc) ||
        !find("sip_auth_authenticate", &libre.authenticate) ||
        sip_auth_alloc(&a, NULL, NULL, false) != 0)
        return true;
    a->reached = &reached;
    /* A request that can be sent nowhere. */
    sip_requestf(NULL, sip, false, "OPTIONS", "sip:nowhere.invalid", &nowhere, a, NULL, NULL, NULL,
                 "\r\n");
    mem_deref(a);
    libre.used = !reached;
    return reached;
}
