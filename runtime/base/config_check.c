/* What single values must be, and what must fit together. */
#include "base/config.h"
#include "base/config_schema.h"
#include "base/config_values.h"
#include "base/country.h"
#include <string.h>

static bool is_digits(const char *text, size_t n)
{
    return n > 0 && strspn(text, "0123456789") == n;
}

const char *config_check_country(const char *text)
{
    return country_known(text) || (text[0] == '+' && is_digits(text + 1, strlen(text + 1)))
               ? NULL
               : "a country's two letters, as DE, or a beginning as +49";
}

const char *config_check_sip_host(const char *text)
{
    const char *host = strncmp(text, "sip:", 4) == 0    ? text + 4
                       : strncmp(text, "sips:", 5) == 0 ? text + 5
                                                        : "";

    return strcspn(host, ";?@ ") > 0 ? NULL : "'sip:' and a host";
}

/* "+15550100", and with '*' at the end all that begin so. */
const char *config_check_own_number(const char *text)
{
    size_t n = strcspn(text, "*");

    return text[0] == '+' && is_digits(text + 1, n - 1) && (text[n] == '\0' || text[n + 1] == '\0')
               ? NULL
               : "a number as +15550100, perhaps with * at its end";
}

const char *config_check_caller_id(const char *text)
{
    return strcmp(text, "keep") == 0 || strcmp(text, "owned") == 0 ||
                   (text[0] == '+' && is_digits(text + 1, strlen(text + 1)))
               ? NULL
               : "keep, owned, or a number as +15550100";
}

/* session/route.h says what they mean. */
const char *config_check_route_pattern(const char *text)
{
    const char *star = strchr(text, '*');
    size_t last = strlen(text) - 1;
    bool fine;

    if (strpbrk(text, " \t\r\n<>\"") != NULL)
        fine = false;
    else if (strncmp(text, "sip:", 4) == 0)
        fine = text[4] != '\0' &&
               (star == NULL || (star == text + 4 && strchr(star + 1, '*') == NULL &&
                                 (star[1] == '\0' || star[1] == '@')));
    else if (strncmp(text, "client:", 7) == 0)
        fine = text[7] != '\0' && (star == NULL || star == text + last);
    else
        fine = strspn(text, "+0123456789*#") == last + 1 &&
               (strrchr(text, '+') == NULL || strrchr(text, '+') == text) &&
               (star == NULL || star == text + last);
    return fine ? NULL : "as '+49*', '*', '101', 'sip:*@example.com', 'sip:*' or 'client:*'";
}

/* What bridge/README.md lets an identity be, and '*' at the end. */
const char *config_check_identity(const char *text)
{
    size_t n = strcspn(text, "*");

    return strpbrk(text, " \t\r\n") == NULL && (text[n] == '\0' || text[n + 1] == '\0') &&
                   strlen(text) <= 256
               ? NULL
               : "a name without spaces, perhaps with * at its end";
}

/* A route must lead to something that the file has. */
void config_check_routes(struct config_loader *l)
{
    const struct config *c = l->config;

    for (size_t i = 0; i < c->n_routes; i++) {
        const struct config_route *r = &c->routes[i];
        const struct config_gateway *g = config_find_gateway(c, r->gateway);
        size_t t = 0;

        if (r->n_patterns == 0 && l->n_problems == 0)
            config_problem(l, r->line, "route: pattern holds nothing; write route { \"+49*\" }");
        if (g == NULL)
            config_problem(l, r->line,
                           "route: no gateway is called '%.60s'; write gateway { name = \"%.60s\", "
                           "token = \"…\" }, or another name here",
                           r->gateway, r->gateway);
        else if (!g->terminate)
            config_problem(l, r->line,
                           "route: gateway '%.60s' takes no calls: its terminate is false",
                           r->gateway);
        if (r->trunk == NULL || strcmp(r->gateway, c->sip.gateway) != 0)
            continue;
        while (t < c->n_trunks &&
               (c->trunks[t].name == NULL || strcmp(c->trunks[t].name, r->trunk)))
            t++;
        if (t == c->n_trunks)
            config_problem(l, r->line, "route: no trunk is called '%.60s' in this file", r->trunk);
    }
}

/* --- who owns what --- */

void config_check_accounts(struct config_loader *l)
{
    struct config *c = l->config;

    if (c->n_accounts == 0) {
        if (l->problems == NULL) /* else it stands there, perhaps, misspelt */
            config_problem(l, 0, "no account; write account { sid = \"AC…\", token = \"…\" }");
        return;
    }
    for (size_t i = 0; i < c->n_numbers; i++)
        ((struct config_number *)(uintptr_t)&c->numbers[i])->account = &c->accounts[0];
    for (struct config_link *link = l->links; link != NULL; link = link->next) {
        const struct config_account *account = config_find_account(c, link->sid);
        char *number = (char *)(uintptr_t)&c->numbers[link->entry];

        if (account == NULL)
            config_problem(l, link->line, "number: account '%.60s' is not in this file", link->sid);
        else
            memcpy(number + link->offset, &account, sizeof account);
    }
}
