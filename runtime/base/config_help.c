/* The reference of almon.lua, written from its table. */
#include "base/config.h"
#include "base/config_schema.h"
#include "base/str.h"

static void help_key(struct str *out, const struct config_key *k)
{
    static const char *const types[] = {
        [CONFIG_TEXT] = "text",
        [CONFIG_SID] = "AC…",
        [CONFIG_PATTERN] = "number",
        [CONFIG_FLOW] = "URL or file",
        [CONFIG_URL] = "URL",
        [CONFIG_ADDRESS] = "host:port",
        [CONFIG_LEVELS] = "levels",
        [CONFIG_CHOICE] = "one of",
        [CONFIG_ACCOUNT] = "AC…",
        [CONFIG_LIST] = "text or list",
        [CONFIG_EVENTS] = "one or more of",
        [CONFIG_INT] = "number",
        [CONFIG_BOOL] = "true or false",
    };

    str_addf(out, "  %s = %s", k->name, types[k->type]);
    for (size_t i = 0; k->choices != NULL && k->choices[i] != NULL; i++)
        str_addf(out, " %s", k->choices[i]);
    if (k->type == CONFIG_INT)
        str_addf(out, " from %ld to %ld", k->min, k->max);
    if (k->required)
        str_add(out, ", required");
    if (k->first)
        str_add(out, ", may stand without the key");
    if (k->def != NULL)
        str_addf(out, ", default %s", k->def);
    str_addf(out, "\n      %s\n", k->help);
}

void config_help(struct str *out)
{
    str_add(out, "almon.lua is a Lua file of calls like these:\n\n"
                 "  account { sid = \"AC…\", token = \"secret\" }\n"
                 "  number  { \"+15550100\", voice = \"scripts/welcome.xml\" }\n");
    for (size_t i = 0; i < config_n_sections; i++) {
        const struct config_section *s = &config_sections[i];

        str_addf(out, "\n%s { … }%s\n  %s\n\n", s->name,
                 s->repeatable ? "  as often as wanted" : "", s->help);
        for (const struct config_key *k = s->keys; k->name != NULL; k++)
            help_key(out, k);
    }
}
