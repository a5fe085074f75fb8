#include "gateways/sip/ice.h"

#include <string.h>
#include <sys/random.h>

static bool draw(char *out, size_t n)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t bytes[ICE_PWD];

    if (getrandom(bytes, n, 0) != (ssize_t)n)
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = letters[bytes[i] & 63];
    out[n] = '\0';
    return true;
}

bool ice_init(struct ice *i)
{
    i->far[0] = '\0';
    i->pairs[0].nominated = i->pairs[1].nominated = false;
    return draw(i->ufrag, ICE_UFRAG) && draw(i->pwd, ICE_PWD);
}

static bool may_ask(struct ice *i, int64_t now)
{
    const int64_t one = 1000000 / ICE_CHECKS_PER_SECOND, most = 1000000;

    i->credit_us += i->at_us == 0 ? most : now - i->at_us;
    i->at_us = now > 0 ? now : 1;
    if (i->credit_us > most)
        i->credit_us = most;
    if (i->credit_us < one)
        return false;
    i->credit_us -= one;
    return true;
}

/* "ours:theirs". Before their description is here, only ours can be asked for. */
static bool is_for_us(const struct ice *i, const struct stun *s)
{
    size_t ours = strlen(i->ufrag), theirs = strlen(i->far);

    if (s->username == NULL || s->username_len <= ours ||
        memcmp(s->username, i->ufrag, ours) != 0 || s->username[ours] != ':')
        return false;
    return theirs == 0 || (s->username_len == ours + 1 + theirs &&
                           memcmp(s->username + ours + 1, i->far, theirs) == 0);
}

/* The nominated address counts, the latest if there are several; until then the first that was
 * checked. */
static bool note(struct ice *i, unsigned component, const struct sockaddr_storage *from,
                 bool nominated)
{
    bool moved;

    if (i->pairs[component].valid && !nominated)
        return false;
    moved = !i->pairs[component].valid || memcmp(&i->pairs[component].to, from, sizeof *from) != 0;
    i->pairs[component].valid = true;
    i->pairs[component].nominated |= nominated;
    i->pairs[component].to = *from;
    return moved;
}

enum ice_result ice_input(struct ice *i, unsigned component, const struct sockaddr_storage *from,
                          const uint8_t *bytes, size_t len, int64_t now,
                          uint8_t reply[STUN_OUT_MAX], size_t *reply_len)
{
    struct stun s;

    /* Who does not know the password gets no answer: none of us is to be used against a third. */
    if (!may_ask(i, now) || !stun_parse(&s, bytes, len) || !is_for_us(i, &s) ||
        !stun_is_proved(&s, i->pwd))
        return ICE_DROP;
    if (s.unknown != 0 || s.controlled) { /* beside a lite agent the other controls */
        *reply_len = stun_write_error(reply, &s, s.unknown != 0 ? 420 : 487, i->pwd);
        return ICE_REPLY;
    }
    *reply_len = stun_write_success(reply, &s, from, i->pwd);
    return note(i, component, from, s.use_candidate) ? ICE_MOVED : ICE_REPLY;
}
