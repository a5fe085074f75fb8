/* Values of attributes: what each type takes, what it becomes, what is said when it is wrong. */
#include "base/str.h"
#include "flow/document.h"
#include "tests/unit/unit.h"
#include <limits.h>
#include <string.h>

struct args {
    const char *str, *url, *digits, *open;
    int num, choice, autos;
    bool flag;
    unsigned list;
    enum flow_method method;
};

static const char *const colours[] = {"red", "green", "blue", NULL};

enum { STR, URL, NUM, FLAG, CHOICE, OPEN, LIST, METHOD, DIGITS, AUTO };

#define AT(field) .offset = offsetof(struct args, field), .text = "."
static const struct attr attrs[] = {
    [STR] = {.name = "str", .type = ATTR_STR, AT(str)},
    [URL] = {.name = "url", .type = ATTR_URL, .def = "/here", AT(url)},
    [NUM] = {.name = "num", .type = ATTR_INT, .def = "5", .min = 1, .max = 600, AT(num)},
    [FLAG] = {.name = "flag", .type = ATTR_BOOL, .def = "true", AT(flag)},
    [CHOICE] = {.name = "choice", .type = ATTR_CHOICE, .choices = colours, AT(choice)},
    [OPEN] = {.name = "open", .type = ATTR_CHOICE, .choices = colours, .open = true, AT(open)},
    [LIST] = {.name = "list", .type = ATTR_LIST, .choices = colours, .def = "green", AT(list)},
    [METHOD] = {.name = "method", .type = ATTR_METHOD, .def = "POST", AT(method)},
    [DIGITS] = {.name = "finishOnKey",
                .type = ATTR_DIGITS,
                .set = "0123456789*#",
                .max = 1,
                .def = "#",
                AT(digits)},
    [AUTO] = {.name = "autos", .type = ATTR_AUTO, .min = 0, .max = 60, AT(autos)},
    {0},
};
static const char *const no_parents[] = {"Root", NULL};
static const struct schema root = {.name = "Root", .text = "."};
static const struct schema thing = {
    .name = "Thing", .parents = no_parents, .attrs = attrs, .args_size = sizeof(struct args)};
static const char *const thing_parents[] = {"Thing", NULL};
static const struct schema inner = {.name = "Thing", .parents = thing_parents};
static const struct schema *const all[] = {&root, &thing, &inner};
static const struct schema_table table = {all, 3};

UNIT(schema_writes_defaults_and_absences)
{
    struct args a;

    memset(&a, 0xff, sizeof a);
    attr_defaults(&thing, &a);
    ok(a.str == NULL && a.open == NULL);
    ok_str(a.url, "/here");
    ok_str(a.digits, "#");
    ok_int(a.num, 5);
    ok_int(a.choice, ATTR_ABSENT);
    ok_int(a.autos, ATTR_ABSENT);
    ok_int(a.list, 2);
    ok(a.flag);
    ok_int(a.method, FLOW_POST);
out:;
}

/* Parses into fresh defaults; true when the value was taken as it is. */
static bool takes(struct args *a, int attr, const char *value)
{
    struct error err = {0};
    int rc;

    attr_defaults(&thing, a);
    rc = attr_parse(&attrs[attr], value, a, &err);
    return rc == 0;
}

UNIT(schema_takes_good_values)
{
    struct args a;

    ok(takes(&a, NUM, "600") && a.num == 600);
    ok(takes(&a, NUM, " 7 ") && a.num == 7);
    ok(takes(&a, FLAG, "FALSE") && !a.flag);
    ok(takes(&a, CHOICE, "blue") && a.choice == 2);
    ok(takes(&a, CHOICE, "Blue") && a.choice == 2);
    ok(takes(&a, OPEN, "mauve") && strcmp(a.open, "mauve") == 0);
    ok(takes(&a, LIST, "blue red") && a.list == 5);
    ok(takes(&a, LIST, "") && a.list == 0);
    ok(takes(&a, METHOD, "get") && a.method == FLOW_GET);
    ok(takes(&a, DIGITS, "*") && strcmp(a.digits, "*") == 0);
    ok(takes(&a, DIGITS, "") && *a.digits == '\0');
    ok(takes(&a, AUTO, "auto") && a.autos == ATTR_IS_AUTO);
    ok(takes(&a, AUTO, "0") && a.autos == 0);
    ok(takes(&a, STR, "anything at all") && a.str != NULL);
out:;
}

UNIT(schema_falls_back_to_the_default)
{
    struct args a;

    ok(!takes(&a, NUM, "0") && a.num == 5);
    ok(!takes(&a, NUM, "-1") && a.num == 5);
    ok(!takes(&a, NUM, "1.5") && a.num == 5);
    ok(!takes(&a, NUM, "") && a.num == 5);
    ok(!takes(&a, NUM, "-") && a.num == 5);
    ok(!takes(&a, NUM, "1e9") && a.num == 5);
    ok(!takes(&a, FLAG, "yes") && a.flag);
    ok(!takes(&a, CHOICE, "reds") && a.choice == ATTR_ABSENT);
    ok(!takes(&a, CHOICE, "") && a.choice == ATTR_ABSENT);
    ok(!takes(&a, LIST, "mauve") && a.list == 2);
    ok(!takes(&a, METHOD, "PUT") && a.method == FLOW_POST);
    ok(!takes(&a, DIGITS, "12") && strcmp(a.digits, "#") == 0);
    ok(!takes(&a, DIGITS, "x") && strcmp(a.digits, "#") == 0);
    ok(!takes(&a, AUTO, "automatic") && a.autos == ATTR_ABSENT);
out:;
}

UNIT(schema_saves_what_can_be_saved)
{
    struct args a;

    ok(!takes(&a, NUM, "601") && a.num == 600);
    ok(!takes(&a, NUM, "1000000000") && a.num == 600);
    ok(!takes(&a, NUM, "99999999999999999999999999999") && a.num == 600);
    ok(!takes(&a, NUM, "-99999999999999999999999999999") && a.num == 5);
    ok(!takes(&a, LIST, "red mauve") && a.list == 1);
out:;
}

/* The message about a value holds all of these pieces, divided by '|'. */
static bool says(int attr, const char *value, const char *pieces)
{
    struct error err = {0};
    struct args a;
    char piece[80];
    size_t n;

    if (attr_parse(&attrs[attr], value, &a, &err) == 0)
        return false;
    for (; *pieces != '\0'; pieces += n + (pieces[n] == '|')) {
        n = strcspn(pieces, "|");
        memcpy(piece, pieces, n);
        piece[n] = '\0';
        if (strstr(err.text, piece) == NULL)
            return unit_str(err.text, piece, __FILE__, __LINE__);
    }
    return true;
}

UNIT(schema_says_how_to_mend_a_value)
{
    ok(says(NUM, "x", "num=\"x\"|1 to 600|(5 is used)"));
    ok(says(NUM, "9999", "(600 is used)"));
    ok(says(AUTO, "x", "0 to 60, or auto|(it is ignored)"));
    ok(says(FLAG, "yes", "true or false|(true is used)"));
    ok(says(CHOICE, "grene", "did you mean green?"));
    ok(says(CHOICE, "zzz", "one of red, green, blue"));
    ok(says(METHOD, "PUT", "GET or POST"));
    ok(says(DIGITS, "ab", "one of 0123456789*#, or nothing"));
    /* nothing that a terminal would obey, and not the whole of it */
    ok(says(NUM, "\033[2Jx\nyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", "?[2Jx y|…"));
    ok(says(NUM, "\xff\xc3", "num=\"??\""));
out:;
}

UNIT(schema_finds_by_name_and_place)
{
    bool misplaced = true;

    ok(schema_find(&table, "Thing", &root, &misplaced) == &thing && !misplaced);
    ok(schema_find(&table, "Thing", &thing, &misplaced) == &inner && !misplaced);
    ok(schema_find(&table, "Root", NULL, &misplaced) == &root && !misplaced);
    ok(schema_find(&table, "Root", &thing, &misplaced) == &root && misplaced);
    ok(schema_find(&table, "thing", &root, &misplaced) == NULL);
    ok(schema_find(&table, "Zzz", &root, &misplaced) == NULL);
    ok_str(schema_nearest(&table, "thing", &root), "Thing");
    ok_str(schema_nearest(&table, "THING", &root), "Thing");
    ok_str(schema_nearest(&table, "Thingg", &root), "Thing");
    ok(schema_nearest(&table, "Quite", &root) == NULL);
    ok(schema_nearest(&table, "t", &root) == NULL);
    ok_str(attr_nearest(&thing, "finishonkey"), "finishOnKey");
    ok(attr_nearest(&thing, "zebra") == NULL);
    ok(attr_find(&thing, "finishonkey") == NULL);
out:;
}

UNIT(schema_help_shows_what_the_table_holds)
{
    struct str text = STR_INIT(64 * 1024);
    struct error err = {0};
    int rc;

    ok_rc(schema_help(&table, "Thing", &text, &err), &err);
    ok(strstr(str_text(&text), "num  1 to 600; default 5") != NULL);
    ok(strstr(str_text(&text), "red green blue") != NULL);
    str_reset(&text);
    rc = schema_help(&table, "thng", &text, &err);
    ok_int(rc, ERR_MISSING);
    ok(strstr(err.text, "help Thing") != NULL);
out:
    str_free(&text);
}

UNIT_MAIN(CASE(schema_writes_defaults_and_absences), CASE(schema_takes_good_values),
          CASE(schema_falls_back_to_the_default), CASE(schema_saves_what_can_be_saved),
          CASE(schema_says_how_to_mend_a_value), CASE(schema_finds_by_name_and_place),
          CASE(schema_help_shows_what_the_table_holds))
