/* URLs from documents: splitting, connection overrides, and entries of the network rules. Whatever
 * the bytes, the parts lie inside the text, numbers stay in their ranges, and no entry of
 * http.allow but a true one opens the way to a loopback address. */
#include "base/str.h"
#include "http/exchange.h"
#include "http/url.h"
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
    if (!good)
        abort();
}

static void check_split(const char *text)
{
    struct http_url u, again;
    struct str s = STR_INIT(2 * HTTP_URL_MAX);
    size_t len = strlen(text);

    if (http_url_split(&u, text, NULL) == 0) {
        must(u.port >= 1 && u.port <= 65535);
        must(u.host_len >= 1 && u.host >= text && u.host + u.host_len <= text + len);
        must(u.rest + u.rest_len <= text + len);
        must(u.fragment == NULL || u.fragment <= text + len);
        http_url_public(&u, &s);
        must(!s.failed && http_url_split(&again, str_text(&s), NULL) == 0);
        must(again.user == NULL && again.fragment == NULL && again.port == u.port);
        str_reset(&s);
        http_url_origin(&u, &s);
        must(!s.failed && s.len < 300);
    }
    str_free(&s);
}

static void check_overrides(const char *text)
{
    struct http_url_overrides o;

    http_url_overrides(&o, text);
    must(o.ct >= 100 && o.ct <= 10000 && o.rt >= 100 && o.rt <= 15000);
    must(o.tt >= 100 && o.tt <= 15000 && o.rc >= 0 && o.rc <= 5 && o.rp != 0 && o.rp < 16);
    must((o.twilio == 0) == (o.text[0] == '\0'));
    must(o.twilio == 0 || (o.twilio >= 11240 && o.twilio <= 11243));
}

static void check_rule(const char *text)
{
    struct sockaddr_in loopback = {.sin_family = AF_INET};
    const char *const allow[] = {text};
    struct http_rule rule = {.trust = HTTP_DOCUMENT, .allow = allow, .n_allow = 1};

    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (http_rule_allows(&rule, (struct sockaddr *)&loopback, "evil.example", 80, 0))
        must(strchr(text, '/') != NULL || strstr(text, "evil.example") != NULL ||
             strcasestr(text, "127.0.0.1") != NULL || strcasestr(text, ":7f00") != NULL ||
             strcasestr(text, "7f00:") != NULL || strcasestr(text, "evil") != NULL);
    http_rule_allows(&rule, (struct sockaddr *)&loopback, text, 80, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    check_split(text);
    check_overrides(text);
    check_rule(text);
    free(text);
    return 0;
}
