/* A SIP message of anybody, decoded by libre and read by stack_parse.c and stack_auth.c: what comes
 * out of it is bounded, printable and on one line, whatever Via, Contact, Authorization, Require,
 * Reason, Session-Expires or a body say. And stack_prove.c: what proves our passwords to who
 * challenges us is lines of proofs, whatever his nonce. */
#include "gateways/sip/stack_private.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
    if (!good)
        abort();
}

static void must_be_line(const char *text, size_t max)
{
    size_t n = 0;

    must(text != NULL);
    for (; text[n] != '\0'; n++)
        must((unsigned char)text[n] >= ' ' && text[n] != 0x7f);
    must(n <= max);
}

static const char *password(void *arg, const char *user)
{
    (void)arg;
    must(strlen(user) < STACK_TEXT_MAX);
    return strcmp(user, "anna") == 0 ? "annas secret" : NULL;
}

static const struct stack_handlers handlers = {.password = password};

static struct stack *the_stack(void)
{
    static struct stack s = {.h = &handlers, .md5 = true, .sha256 = true};

    if (s.auth == NULL) {
        must(stack_auth_new(&s.auth) == 0);
        str_ncpy(s.domain, "example.test", sizeof s.domain);
    }
    return &s;
}

static void check_request(const struct stack_request *r, const struct sip_msg *msg)
{
    size_t n = 0;

    must_be_line(r->method, 32);
    must_be_line(r->call_id, STACK_TEXT_MAX);
    must_be_line(r->uri_user, STACK_TEXT_MAX);
    must_be_line(r->uri_host, STACK_TEXT_MAX);
    must_be_line(r->from_user, STACK_TEXT_MAX);
    must_be_line(r->from_host, STACK_TEXT_MAX);
    must_be_line(r->from_name, STACK_TEXT_MAX);
    must_be_line(r->to_user, STACK_TEXT_MAX);
    must_be_line(r->to_host, STACK_TEXT_MAX);
    if (r->asserted_user != NULL)
        must_be_line(r->asserted_user, STACK_TEXT_MAX);
    if (r->diverted_user != NULL)
        must_be_line(r->diverted_user, STACK_TEXT_MAX);
    for (; r->headers[2 * n] != NULL; n++) {
        must_be_line(r->headers[2 * n], 64);
        must_be_line(r->headers[2 * n + 1], 1024);
    }
    must(n <= STACK_HEADERS_MAX);
    must(r->body_len <= mbuf_get_left(msg->mb));
    must(r->body_len == 0 || (const uint8_t *)r->body == mbuf_buf(msg->mb));
}

static void read_request(const struct sip_msg *msg)
{
    static struct stack_parsed p;
    char unsupported[STACK_TEXT_MAX], user[STACK_TEXT_MAX] = "", digit = 0;
    enum auth_result auth = stack_auth_check(the_stack(), msg, user);
    unsigned status = stack_parse(&p, msg), ms;

    must_be_line(user, STACK_TEXT_MAX);
    must(auth != AUTH_GOOD); /* no nonce here is ours */
    must(status == 200 || (status >= 400 && status < 500));
    if (status == 200) {
        check_request(&p.r, msg);
        status = stack_parse_contacts(&p, msg);
        must(status == 200 || status == 400 || status == 403);
        must(p.n_contacts <= STACK_CONTACTS_MAX);
        for (size_t i = 0; i < p.n_contacts; i++)
            must_be_line(p.contacts[i].uri, STACK_TEXT_MAX);
    }
    stack_unsupported(msg, unsupported);
    must(strlen(unsupported) < STACK_TEXT_MAX);
    must(unsupported[0] == '\0' || strchr(unsupported, '\n')[1] == '\0');
    if (stack_parse_digit(msg, &digit, &ms))
        must(digit != '\0' && strchr("0123456789*#ABCD", digit) != NULL && ms <= 60000);
}

/* --- challenges of carriers (stack_prove.c) --- */

/* Not in re_sip.h; libre's requests call it. */
int sip_auth_encode(struct mbuf *mb, struct sip_auth *auth, const char *met, const char *uri);

static int prove(char **user, char **pass, const char *realm, void *arg)
{
    (void)arg;
    must(realm != NULL);
    return str_dup(user, "anna") != 0 || str_dup(pass, "annas secret") != 0 ? ENOMEM : 0;
}

/* What we answer is whole lines that can say nothing but a proof. */
static void check_proofs(const char *text, size_t len)
{
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        size_t n = end != NULL ? (size_t)(end - text) + 1 : 0;

        must(n > 2 && text[n - 2] == '\r');
        must(strncmp(text, "Authorization: Digest ", 22) == 0 ||
             strncmp(text, "Proxy-Authorization: Digest ", 28) == 0);
        for (size_t i = 0; i < n - 2; i++)
            must((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
        must(n < 8192);
        text += n;
        len -= n;
    }
}

static void answer_challenges(const struct sip_msg *msg)
{
    struct sip_auth *auth;
    struct mbuf *mb;

    must(sip_auth_alloc(&auth, prove, NULL, false) == 0);
    for (int round = 0; round < 4 && sip_auth_authenticate(auth, msg) == 0; round++) {
        mb = mbuf_alloc(512);
        must(mb != NULL && sip_auth_encode(mb, auth, "INVITE", "sip:bob@example.test") == 0);
        check_proofs((const char *)mb->buf, mb->end);
        mem_deref(mb);
    }
    mem_deref(auth);
}

static void read_response(const struct sip_msg *msg)
{
    static struct leg l;

    memset(&l, 0, sizeof l);
    stack_keep_reply(&l, msg);
    answer_challenges(msg);
    must_be_line(l.call_id, sizeof l.call_id);
    for (size_t n = 0; l.headers[n] != NULL; n++) {
        must(n < 2 * STACK_REPLY_HEADERS);
        must_be_line(l.headers[n], sizeof l.texts);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mbuf *mb = mbuf_alloc(size > 0 ? size : 1);
    struct sip_msg *msg = NULL;
    int cause;

    must(mb != NULL && mbuf_write_mem(mb, data, size) == 0);
    mb->pos = 0;
    if (sip_msg_decode(&msg, mb) == 0) {
        sa_set_str(&msg->src, "192.0.2.1", 5060);
        sa_set_str(&msg->dst, "192.0.2.2", 5060);
        msg->tp = SIP_TRANSP_UDP;
        if (msg->req)
            read_request(msg);
        else
            read_response(msg);
        cause = stack_q850(msg);
        must(cause >= -1 && cause <= 127);
        mem_deref(msg);
    }
    mem_deref(mb);
    return 0;
}
