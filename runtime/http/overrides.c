#include "http/url.h"

#include <stdio.h>
#include <string.h>

struct word {
    const char *s;
    size_t len;
};

static bool word_is(struct word w, const char *text)
{
    return strlen(text) == w.len && memcmp(w.s, text, w.len) == 0;
}

static struct word next_word(const char **p, const char *end, char separator)
{
    const char *stop = memchr(*p, separator, (size_t)(end - *p));
    struct word w = {*p, (size_t)((stop != NULL ? stop : end) - *p)};

    *p = stop != NULL ? stop + 1 : end;
    return w;
}

/* Only the first problem is told: one line is enough to find the URL. */
static void complain(struct http_url_overrides *o, int twilio, struct word key, struct word value,
                     const char *why)
{
    if (o->twilio != 0)
        return;
    o->twilio = twilio;
    snprintf(o->text, sizeof o->text, "connection override '%.*s=%.*s': %s; the default is used",
             (int)(key.len < 20 ? key.len : 20), key.s, (int)(value.len < 60 ? value.len : 60),
             value.s, why);
}

static void set_number(struct http_url_overrides *o, struct word key, struct word value, int min,
                       int max, int *field)
{
    int n = 0;
    bool good = value.len > 0 && value.len <= 6;
    char why[60];

    for (size_t i = 0; i < value.len && good; i++) {
        good = value.s[i] >= '0' && value.s[i] <= '9';
        n = n * 10 + (value.s[i] - '0');
    }
    if (good && n >= min && n <= max) {
        *field = n;
        return;
    }
    snprintf(why, sizeof why, "must be a number from %d to %d", min, max);
    complain(o, word_is(key, "rc") ? 11243 : 11241, key, value, why);
}

static void set_policy(struct http_url_overrides *o, struct word key, struct word value)
{
    static const struct {
        const char *name;
        unsigned bits;
    } known[] = {
        {"4xx", OVERRIDE_4XX},
        {"5xx", OVERRIDE_5XX},
        {"ct", OVERRIDE_CT},
        {"rt", OVERRIDE_RT},
        {"all", OVERRIDE_4XX | OVERRIDE_5XX | OVERRIDE_CT | OVERRIDE_RT},
    };
    const char *p = value.s, *end = value.s + value.len;
    unsigned bits = 0;

    do {
        struct word w = next_word(&p, end, ',');
        size_t i = 0;

        while (i < sizeof known / sizeof *known && !word_is(w, known[i].name))
            i++;
        if (i == sizeof known / sizeof *known) {
            complain(o, 11243, key, value, "must be a list of 4xx, 5xx, ct, rt, all");
            return;
        }
        bits |= known[i].bits;
    } while (p < end);
    o->rp = bits;
}

/* Almon runs in one place, so a known edge changes nothing; it is only checked. */
static void check_edges(struct http_url_overrides *o, struct word key, struct word value)
{
    static const char *const known[] = {"ashburn", "dublin",    "frankfurt", "sao-paulo",
                                        "sydney",  "singapore", "tokyo",     "umatilla"};
    const char *p = value.s, *end = value.s + value.len;

    do {
        struct word w = next_word(&p, end, ',');
        bool ix = w.len > 3 && memcmp(w.s + w.len - 3, "-ix", 3) == 0;
        size_t i = 0;

        if (ix)
            w.len -= 3;
        while (i < sizeof known / sizeof *known && !word_is(w, known[i]))
            i++;
        if (i == sizeof known / sizeof *known)
            complain(o, 11240, key, value, "names no edge location");
        else if (ix)
            complain(o, 11242, key, value, "there is no private interconnect here");
    } while (p < end);
}

static void set_one(struct http_url_overrides *o, struct word key, struct word value)
{
    if (word_is(key, "ct"))
        set_number(o, key, value, 100, 10000, &o->ct);
    else if (word_is(key, "rt"))
        set_number(o, key, value, 100, 15000, &o->rt);
    else if (word_is(key, "tt"))
        set_number(o, key, value, 100, 15000, &o->tt);
    else if (word_is(key, "rc"))
        set_number(o, key, value, 0, 5, &o->rc);
    else if (word_is(key, "rp"))
        set_policy(o, key, value);
    else if (word_is(key, "e"))
        check_edges(o, key, value);
    else if (!word_is(key, "sni"))
        complain(o, 11241, key, value, "is none of rc, ct, rt, tt, rp, sni, e");
    else if (word_is(value, "n"))
        o->no_sni = true;
    else if (!word_is(value, "y"))
        complain(o, 11241, key, value, "must be y or n");
}

void http_url_overrides(struct http_url_overrides *o, const char *fragment)
{
    const char *p = fragment, *end;

    *o = (struct http_url_overrides){
        .ct = 5000, .rt = 15000, .tt = 15000, .rc = 1, .rp = OVERRIDE_CT};
    if (fragment == NULL || *fragment == '\0')
        return;
    end = fragment + strlen(fragment);
    do {
        struct word value = next_word(&p, end, '&');
        const char *v = value.s;
        struct word key = next_word(&v, value.s + value.len, '=');

        value.len = (size_t)(value.s + value.len - v);
        value.s = v;
        if (key.len > 0 || value.len > 0)
            set_one(o, key, value);
    } while (p < end);
}
