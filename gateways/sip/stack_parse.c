/* From libre's parsed message to plain bounded strings: what leaves here is one line, printable,
 * and ends with a NUL. */
#include "gateways/sip/stack_private.h"
#include <string.h>

enum { BODY_MAX = 16 * 1024, VALUE_MAX = 1024, HOUR = 60 * 60, DAY = 24 * HOUR };

static bool has_control(const struct pl *pl)
{
    for (size_t i = 0; i < pl->l; i++)
        if ((unsigned char)pl->p[i] < ' ' || pl->p[i] == 0x7f)
            return true;
    return false;
}

/* Copies into the scratch space; NULL when there is no more of it or the text is not one line. */
static const char *keep(struct stack_parsed *p, const struct pl *pl, size_t max)
{
    char *out = p->texts + p->used;

    if (!pl_isset(pl))
        return "";
    if (pl->l > max || p->used + pl->l + 1 > sizeof p->texts || has_control(pl))
        return NULL;
    memcpy(out, pl->p, pl->l);
    out[pl->l] = '\0';
    p->used += pl->l + 1;
    return out;
}

/* A URI's user part with its %XX resolved. */
static const char *keep_user(struct stack_parsed *p, const struct pl *user)
{
    char text[STACK_TEXT_MAX];
    struct pl plain;

    if (!pl_isset(user))
        return "";
    if (re_snprintf(text, sizeof text, "%H", uri_user_unescape, user) < 0)
        return NULL;
    pl_set_str(&plain, text);
    return keep(p, &plain, STACK_TEXT_MAX);
}

/* "tel:+49-30-1234;phone-context=…" (RFC 3966): libre reads the number as a host. */
static bool is_number(const struct uri *uri)
{
    bool digits = false;

    if (pl_strcasecmp(&uri->scheme, "tel") != 0 || pl_isset(&uri->user))
        return false;
    for (size_t i = 0; i < uri->host.l; i++) {
        if (strchr("+0123456789-.()*#", uri->host.p[i]) == NULL)
            return false;
        digits |= uri->host.p[i] >= '0' && uri->host.p[i] <= '9';
    }
    return digits;
}

static bool keep_uri(struct stack_parsed *p, const struct uri *uri, const char **user,
                     const char **host)
{
    if (is_number(uri)) {
        *user = keep(p, &uri->host, STACK_TEXT_MAX);
        *host = "";
        return *user != NULL;
    }
    *user = keep_user(p, &uri->user);
    *host = keep(p, &uri->host, STACK_TEXT_MAX);
    return *user != NULL && *host != NULL;
}

/* The number in a header that holds an address: sip:, sips: or tel:. */
static const char *keep_header_user(struct stack_parsed *p, const struct sip_hdr *hdr)
{
    struct sip_addr addr;
    struct pl tel;

    if (hdr == NULL)
        return NULL;
    if (re_regex(hdr->val.p, hdr->val.l, "tel:[+0-9]+", &tel) == 0)
        return keep(p, &tel, STACK_TEXT_MAX);
    if (sip_addr_decode(&addr, &hdr->val) != 0 || !pl_isset(&addr.uri.user))
        return NULL;
    return keep_user(p, &addr.uri.user);
}

/* The caller wants nobody to be told who he is, though we are (RFC 3323 §4.2, RFC 3325 §9.3). */
static bool is_anonymous(const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_PRIVACY);
    struct pl word;

    for (size_t at = 0; hdr != NULL && at < hdr->val.l; at += word.l) {
        while (at < hdr->val.l && strchr("; ,\t", hdr->val.p[at]) != NULL)
            at++;
        word = (struct pl){hdr->val.p + at, 0};
        while (at + word.l < hdr->val.l && strchr("; ,\t", word.p[word.l]) == NULL)
            word.l++;
        if (pl_strcasecmp(&word, "id") == 0 || pl_strcasecmp(&word, "user") == 0)
            return true;
    }
    return false;
}

static bool is_told(const struct sip_hdr *hdr)
{
    return (hdr->name.l >= 3 && strncasecmp(hdr->name.p, "X-", 2) == 0) ||
           pl_strcasecmp(&hdr->name, "User-to-User") == 0;
}

static void keep_headers(struct stack_parsed *p, const struct sip_msg *msg)
{
    size_t n = 0;

    for (struct le *le = msg->hdrl.head; le != NULL && n < STACK_HEADERS_MAX; le = le->next) {
        const struct sip_hdr *hdr = le->data;
        const char *name, *value;

        if (!is_told(hdr))
            continue;
        name = keep(p, &hdr->name, 64);
        value = keep(p, &hdr->val, VALUE_MAX);
        if (name == NULL || value == NULL)
            continue;
        p->headers[2 * n] = name;
        p->headers[2 * n + 1] = value;
        n++;
    }
    p->headers[2 * n] = NULL;
    p->r.headers = p->headers;
}

static void blank_controls(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

/* A copy in the leg's texts, NULL when they are full. */
static const char *keep_told(struct leg *l, size_t *used, const struct pl *pl)
{
    char *at = l->texts + *used;

    if (pl->l == 0 || pl->l >= sizeof l->texts - *used)
        return NULL;
    memcpy(at, pl->p, pl->l);
    at[pl->l] = '\0';
    blank_controls(at);
    *used += pl->l + 1;
    return at;
}

void stack_keep_reply(struct leg *l, const struct sip_msg *msg)
{
    size_t n = 0, used = 0;

    if (l->call_id[0] == '\0')
        pl_strcpy(&msg->callid, l->call_id, sizeof l->call_id);
    blank_controls(l->call_id);
    for (struct le *le = msg->hdrl.head; le != NULL && n < STACK_REPLY_HEADERS; le = le->next) {
        const struct sip_hdr *hdr = le->data;
        const char *name, *value;

        if (!is_told(hdr))
            continue;
        name = keep_told(l, &used, &hdr->name);
        value = keep_told(l, &used, &hdr->val);
        if (name == NULL || value == NULL)
            break;
        l->headers[2 * n] = name;
        l->headers[2 * n++ + 1] = value;
    }
    l->headers[2 * n] = NULL;
}

bool stack_body(const struct sip_msg *msg, const char **body, size_t *len)
{
    size_t there = mbuf_get_left(msg->mb);

    *body = (const char *)mbuf_buf(msg->mb);
    *len = there;
    if (!pl_isset(&msg->clen))
        return true;
    for (size_t i = 0; i < msg->clen.l; i++)
        if (msg->clen.p[i] < '0' || msg->clen.p[i] > '9')
            return false;
    *len = pl_u32(&msg->clen);
    return *len <= there;
}

/* Headers that say who and what may stand there once only: two readers would take different ones.
 */
static bool is_ambiguous(const struct sip_msg *msg)
{
    static const enum sip_hdrid single[] = {SIP_HDR_FROM,         SIP_HDR_TO,
                                            SIP_HDR_CALL_ID,      SIP_HDR_CSEQ,
                                            SIP_HDR_MAX_FORWARDS, SIP_HDR_CONTENT_LENGTH};

    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        if (sip_msg_hdr_count(msg, single[i]) > 1)
            return true;
    return pl_strcmp(&msg->met, "INVITE") == 0 && sip_msg_hdr_count(msg, SIP_HDR_CONTACT) > 1;
}

/* libre takes what stands after the last quote for the address; who reads on sees another. */
static bool quotes_close(const struct pl *value)
{
    bool open = false;

    for (size_t i = 0; i < value->l; i++) {
        if (value->p[i] == '\\' && open)
            i++;
        else if (value->p[i] == '"')
            open = !open;
    }
    return !open;
}

/* Without < > parameters and headers would be of whom? (RFC 3261 §20.10) */
static bool is_bare_with_headers(const struct pl *value)
{
    return pl_strchr(value, '<') == NULL && pl_strchr(value, '?') != NULL;
}

/* An IPv6 address without its brackets, whose end could be a port (RFC 5118 §4.2). */
static bool is_bare_ipv6(const struct pl *uri)
{
    const char *end = uri->p + uri->l, *host = pl_strchr(uri, '@');
    int colons = 0;

    if (host == NULL)
        host = pl_strchr(uri, ':');
    if (host == NULL || ++host == end || *host == '[')
        return false;
    for (; host < end && *host != ';' && *host != '?'; host++)
        colons += *host == ':';
    return colons > 1;
}

static bool is_sip(const struct pl *scheme)
{
    return pl_strcasecmp(scheme, "sip") == 0 || pl_strcasecmp(scheme, "sips") == 0;
}

struct token {
    const char *text;
    bool found;
    char *unknown;
};

/* Calls `see` for each word of a header's list. */
static void each_token(const struct pl *list, void (*see)(const struct pl *word, struct token *t),
                       struct token *t)
{
    for (size_t at = 0; at < list->l;) {
        struct pl word;

        while (at < list->l && strchr(", \t\r\n", list->p[at]) != NULL)
            at++;
        word.p = list->p + at;
        while (at < list->l && strchr(", \t\r\n", list->p[at]) == NULL)
            at++;
        word.l = (size_t)(list->p + at - word.p);
        if (word.l > 0)
            see(&word, t);
    }
}

static void compare(const struct pl *word, struct token *t)
{
    t->found |= pl_strcasecmp(word, t->text) == 0;
}

static bool look(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    (void)msg;
    each_token(&hdr->val, compare, arg);
    return false;
}

bool stack_has_token(const struct sip_msg *msg, enum sip_hdrid id, const char *token)
{
    struct token t = {.text = token};

    sip_msg_hdr_apply(msg, true, id, look, &t);
    return t.found;
}

/* PRACK and session timers are of INVITEs, and timers of UPDATEs. */
static void doubt(const struct pl *word, struct token *t)
{
    static const struct pl all = PL("all");

    if (t->found && (pl_strcasecmp(word, "100rel") == 0 || pl_strcasecmp(word, "timer") == 0))
        return;
    if (t->unknown[0] == '\0')
        re_snprintf(t->unknown, STACK_TEXT_MAX, "Unsupported: %r\r\n",
                    has_control(word) ? &all : word);
}

static bool look_doubting(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    struct token *t = arg;

    (void)msg;
    if (hdr->val.l < STACK_TEXT_MAX / 2)
        each_token(&hdr->val, doubt, t);
    else
        str_ncpy(t->unknown, "Unsupported: all\r\n", STACK_TEXT_MAX);
    return false;
}

void stack_unsupported(const struct sip_msg *msg, char out[STACK_TEXT_MAX])
{
    struct token t = {.found = pl_strcmp(&msg->met, "INVITE") == 0 ||
                               pl_strcmp(&msg->met, "UPDATE") == 0,
                      .unknown = out};

    out[0] = '\0';
    sip_msg_hdr_apply(msg, true, SIP_HDR_REQUIRE, look_doubting, &t);
}

/* Compressed, say. */
static bool is_encoded(const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTENT_ENCODING);

    return hdr != NULL && pl_strcasecmp(&hdr->val, "identity") != 0;
}

unsigned stack_check(const struct sip_msg *msg)
{
    char unsupported[STACK_TEXT_MAX];
    const char *body;
    size_t len;

    if (is_ambiguous(msg) || !pl_isset(&msg->callid) || !pl_isset(&msg->from.tag) ||
        !quotes_close(&msg->from.val) || !quotes_close(&msg->to.val) ||
        !stack_body(msg, &body, &len))
        return 400;
    if (!is_sip(&msg->uri.scheme) && !(pl_strcmp(&msg->met, "INVITE") == 0 && is_number(&msg->uri)))
        return 416;
    if (is_bare_ipv6(&msg->ruri))
        return 400;
    /* What is registered is an address of SIP (RFC 3261 §10.3). */
    if (pl_strcmp(&msg->met, "REGISTER") == 0 && !is_sip(&msg->to.uri.scheme))
        return 400;
    stack_unsupported(msg, unsupported);
    if (unsupported[0] != '\0')
        return 420;
    if (stack_timer_too_short(msg))
        return 422;
    if (pl_isset(&msg->maxfwd) && pl_u32(&msg->maxfwd) > 255)
        return 400;
    if (len > BODY_MAX)
        return 413;
    if (len > 0 && (!msg_ctype_cmp(&msg->ctyp, "application", "sdp") || is_encoded(msg)))
        return 415;
    return 200;
}

static const char *transport_name(const struct sip_msg *msg)
{
    return msg->tp == SIP_TRANSP_UDP ? "udp" : msg->tp == SIP_TRANSP_TCP ? "tcp" : "tls";
}

unsigned stack_parse(struct stack_parsed *p, const struct sip_msg *msg)
{
    struct stack_request *r = &p->r;
    unsigned status = stack_check(msg);

    if (status != 200)
        return status;
    p->used = 0;
    *r = (struct stack_request){.transport = transport_name(msg)};
    memcpy(&r->source, &msg->src.u, sizeof msg->src.u.in6);
    re_snprintf(p->source_ip, sizeof p->source_ip, "%j", &msg->src);
    re_snprintf(p->local_ip, sizeof p->local_ip, "%j", &msg->dst);
    r->source_ip = p->source_ip;
    r->local_ip = p->local_ip;
    r->method = keep(p, &msg->met, 32);
    r->call_id = keep(p, &msg->callid, STACK_TEXT_MAX);
    r->from_name = keep(p, &msg->from.dname, STACK_TEXT_MAX);
    if (r->method == NULL || r->call_id == NULL || r->from_name == NULL ||
        !keep_uri(p, &msg->uri, &r->uri_user, &r->uri_host) ||
        !keep_uri(p, &msg->from.uri, &r->from_user, &r->from_host) ||
        !keep_uri(p, &msg->to.uri, &r->to_user, &r->to_host))
        return 400;
    r->asserted_user = keep_header_user(p, sip_msg_hdr(msg, SIP_HDR_P_ASSERTED_IDENTITY));
    r->anonymous = is_anonymous(msg);
    r->diverted_user = keep_header_user(p, sip_msg_xhdr(msg, "Diversion"));
    keep_headers(p, msg);
    stack_body(msg, &r->body, &r->body_len);
    return 200;
}

/* --- REGISTER --- */

struct contacts {
    struct stack_parsed *p;
    long expires; /* of those that do not say */
    unsigned status;
};

/* What is no number is an hour (RFC 3261 §10.2.1.1). */
static long seconds_of(const struct pl *value)
{
    for (size_t i = 0; i < value->l; i++)
        if (value->p[i] < '0' || value->p[i] > '9')
            return HOUR;
    if (value->l == 0)
        return HOUR;
    return value->l > 5 || pl_u32(value) > DAY ? DAY : (long)pl_u32(value);
}

static bool take_contact(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    struct contacts *c = arg;
    struct stack_parsed *p = c->p;
    struct sip_addr addr;
    struct pl value;
    struct stack_contact *to = &p->contacts[p->n_contacts];

    (void)msg;
    if (pl_strcmp(&hdr->val, "*") == 0) {
        p->all_contacts = true;
        return false;
    }
    if (p->n_contacts == STACK_CONTACTS_MAX)
        c->status = 403;
    else if (is_bare_with_headers(&hdr->val) || sip_addr_decode(&addr, &hdr->val) != 0 ||
             (to->uri = keep(p, &addr.auri, STACK_TEXT_MAX)) == NULL)
        c->status = 400;
    if (c->status != 200)
        return true;
    to->expires = c->expires;
    if (msg_param_decode(&addr.params, "expires", &value) == 0)
        to->expires = seconds_of(&value);
    p->n_contacts++;
    return false;
}

unsigned stack_parse_contacts(struct stack_parsed *p, const struct sip_msg *msg)
{
    struct contacts c = {.p = p, .expires = HOUR, .status = 200};

    p->n_contacts = 0;
    p->all_contacts = false;
    if (pl_isset(&msg->expires))
        c.expires = seconds_of(&msg->expires);
    sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, take_contact, &c);
    if (c.status == 200 && p->all_contacts && (p->n_contacts > 0 || c.expires != 0))
        return 400;
    return c.status;
}

/* --- small things --- */

int stack_q850(const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = msg != NULL ? sip_msg_hdr(msg, SIP_HDR_REASON) : NULL;
    struct pl value;

    if (hdr == NULL || hdr->val.l < 5 || strncasecmp(hdr->val.p, "Q.850", 5) != 0 ||
        msg_param_decode(&hdr->val, "cause", &value) != 0)
        return -1;
    return pl_u32(&value) <= 127 ? (int)pl_u32(&value) : -1;
}

bool stack_parse_digit(const struct sip_msg *msg, char *digit, unsigned *duration_ms)
{
    struct pl body, signal, duration;
    size_t len;

    *duration_ms = 160;
    if (!stack_body(msg, &body.p, &len) || len == 0 || len > 256)
        return false;
    body.l = len;
    if (msg_ctype_cmp(&msg->ctyp, "application", "dtmf"))
        signal = body;
    else if (!msg_ctype_cmp(&msg->ctyp, "application", "dtmf-relay") ||
             re_regex(body.p, body.l, "Signal=[ ]*[0-9*#a-dA-D]1", NULL, &signal) != 0)
        return false;
    if (re_regex(body.p, body.l, "Duration=[ ]*[0-9]+", NULL, &duration) == 0)
        *duration_ms = pl_u32(&duration) < 60000 ? pl_u32(&duration) : 60000;
    *digit = signal.p[0];
    if (*digit >= 'a' && *digit <= 'd')
        *digit = (char)(*digit - 'a' + 'A');
    return strchr("0123456789*#ABCD", *digit) != NULL && *digit != '\0';
}
