/* The settings that a call can feel, out of a configuration and back into the text of one. */
#include "base/config.h"

#include "base/config_schema.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_number(const struct config_section *section)
{
    return strcmp(section->name, "number") == 0;
}

/* The value when it is not the default, else NULL. */
static json_t *value_of(const struct config_key *key, const void *base)
{
    const void *at = (const char *)base + key->offset;
    const char *text;

    switch (key->type) {
    case CONFIG_BOOL:
        return *(const bool *)at != (strcmp(key->def, "true") == 0)
                   ? json_boolean(*(const bool *)at)
                   : NULL;
    case CONFIG_INT:
        return *(const int *)at != atoi(key->def) ? json_integer(*(const int *)at) : NULL;
    default:
        text = *(const char *const *)at;
        return text != NULL && strcmp(text, key->def != NULL ? key->def : "") != 0
                   ? json_string(text)
                   : NULL;
    }
}

static json_t *section_of(const struct config_section *section, const void *base)
{
    json_t *found = NULL, *value;

    for (const struct config_key *key = section->keys; key->name != NULL; key++) {
        value = key->felt ? value_of(key, base) : NULL;
        if (value != NULL && found == NULL)
            found = json_object();
        if (value != NULL)
            json_object_set_new(found, key->name, value);
    }
    return found;
}

json_t *config_settings(const struct config *c, const struct config_number *n)
{
    json_t *all = json_object(), *found;

    for (size_t i = 0; i < config_n_sections; i++) {
        const struct config_section *section = &config_sections[i];

        if (is_number(section) ? n == NULL : section->repeatable)
            continue;
        found = section_of(section, is_number(section) ? (const void *)n : c);
        if (found != NULL)
            json_object_set_new(all, section->name, found);
    }
    return all;
}

/* --- and back --- */

static void add_value(struct str *out, const json_t *value)
{
    if (json_is_string(value))
        str_addn_lua(out, json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        str_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        str_add(out, json_is_true(value) ? "true" : "false");
}

void config_settings_text(const json_t *settings, struct str *number, struct str *beside)
{
    for (size_t i = 0; i < config_n_sections; i++) {
        const struct config_section *section = &config_sections[i];
        const json_t *said = json_object_get(settings, section->name);
        struct str *out = is_number(section) ? number : beside;

        if (!json_is_object(said))
            continue;
        if (out == beside)
            str_addf(out, "%s { ", section->name);
        for (const struct config_key *key = section->keys; key->name != NULL; key++) {
            const json_t *value = key->felt ? json_object_get(said, key->name) : NULL;

            if (value == NULL)
                continue;
            str_addf(out, out == beside ? "%s = " : ", %s = ", key->name);
            add_value(out, value);
            str_add(out, out == beside ? ", " : "");
        }
        if (out == beside)
            str_add(out, "} ");
    }
}
