#include "sim/literal.h"
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_DEPTH = 50 };

static bool is_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == '"' || text[i] == '\\')
            return false;
    return true;
}

/* [==[ … ]==] with as many = as it needs; a first newline would be swallowed, so one is added. */
static void add_long(struct str *out, const char *text, size_t len)
{
    char end[32] = "]]";
    size_t level = 0;

    while (strstr(text, end) != NULL && level < sizeof end - 4) {
        level++;
        memset(end + 1, '=', level);
        memcpy(end + 1 + level, "]", 2);
    }
    str_addc(out, '[');
    for (size_t i = 0; i < level; i++)
        str_addc(out, '=');
    str_add(out, len > 0 && text[0] == '\n' ? "[\n" : "[");
    str_addn(out, text, len);
    str_add(out, end);
}

void literal_bytes(struct str *out, const char *text, size_t len)
{
    bool controls = false;

    for (size_t i = 0; i < len; i++)
        controls = controls || ((unsigned char)text[i] < ' ' && text[i] != '\n' && text[i] != '\t');
    if (is_plain(text, len) || controls || len >= 1 << 20 || strlen(text) != len)
        str_addn_lua(out, text, len);
    else
        add_long(out, text, len);
}

void literal_text(struct str *out, const char *text)
{
    literal_bytes(out, text, strlen(text));
}

/* JSON as Lua would write it. A null has no such form: it is left out. */
static void add_json(struct str *out, const json_t *j, int depth)
{
    const char *key;
    json_t *value;

    if (json_is_object(j) && depth > 0) {
        str_add(out, "{ ");
        json_object_foreach((json_t *)(uintptr_t)j, key, value)
        {
            if (json_is_null(value))
                continue;
            str_addc(out, '[');
            literal_text(out, key);
            str_add(out, "] = ");
            add_json(out, value, depth - 1);
            str_add(out, ", ");
        }
        str_addc(out, '}');
    } else if (json_is_array(j) && depth > 0) {
        str_add(out, "{ ");
        for (size_t i = 0; i < json_array_size(j); i++) {
            add_json(out, json_array_get(j, i), depth - 1);
            str_add(out, ", ");
        }
        str_addc(out, '}');
    } else if (json_is_string(j)) {
        literal_bytes(out, json_string_value(j), json_string_length(j));
    } else if (json_is_integer(j)) {
        str_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(j));
    } else if (json_is_real(j)) {
        str_addf(out, "%.17g", json_real_value(j));
    } else {
        str_add(out, json_is_true(j) ? "true" : json_is_false(j) ? "false" : "nil");
    }
}

/* A value as stdlib/kv.lua packed it. */
void literal_kept(struct str *out, const json_t *value)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    long number;
    json_t *j;

    if (text == NULL) {
        str_add(out, "nil");
    } else if (len < 2 || text[0] != '\1') {
        if (str_to_long(text, LONG_MIN, LONG_MAX, &number))
            str_add(out, text);
        else
            literal_bytes(out, text, len);
    } else if (text[1] == 't' || text[1] == 'f') {
        str_add(out, text[1] == 't' ? "true" : "false");
    } else if (text[1] == 'n') {
        str_addf(out, "%.17g", strtod(text + 2, NULL));
    } else if (text[1] == 'j' && (j = json_loadb(text + 2, len - 2, JSON_DECODE_ANY, NULL))) {
        add_json(out, j, JSON_DEPTH);
        json_decref(j);
    } else {
        literal_bytes(out, text + 2, len - 2);
    }
}
