#include "speech/manner.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct word {
    const char *name;
    int percent;
};

static const struct word rates[] = {{"x-slow", 60}, {"slow", 80},    {"medium", 100},
                                    {"fast", 125},  {"x-fast", 160}, {NULL, 0}};
static const struct word pitches[] = {{"x-low", 70}, {"low", 85},     {"medium", 100},
                                      {"high", 115}, {"x-high", 130}, {NULL, 0}};
static const struct word volumes[] = {{"silent", 0}, {"x-soft", 30},  {"soft", 60}, {"medium", 100},
                                      {"loud", 150}, {"x-loud", 220}, {NULL, 0}};

/* "slow", "80%", "+10%", "-3dB", "+2st": in per cent of the usual. What cannot be read, and
 * "default", is 100. */
static int read_percent(const char *value, const struct word *words, int min, int max)
{
    double number, percent = 100;
    char *unit;

    if (value == NULL)
        return 100;
    for (; words->name != NULL; words++) {
        if (strcmp(words->name, value) == 0)
            return words->percent;
    }
    number = strtod(value, &unit);
    if (unit == value || !isfinite(number))
        return 100;
    if (strcmp(unit, "%") == 0)
        percent = *value == '+' || *value == '-' ? 100 + number : number;
    else if (strcmp(unit, "dB") == 0 || strcmp(unit, "db") == 0)
        percent = 100 * pow(10, number / 20);
    else if (strcmp(unit, "st") == 0)
        percent = 100 * pow(2, number / 12);
    return percent < min ? min : percent > max ? max : (int)lround(percent);
}

void manner_read(struct manner *m, const struct speech_piece *piece)
{
    static const char *const levels[] = {"strong", "moderate", "reduced"};

    *m = (struct manner){
        /* The engine's own ends: 80 to 450 words a minute, of 175. */
        .rate = read_percent(piece->rate, rates, 46, 257),
        .pitch = read_percent(piece->pitch, pitches, 50, 150),
        .volume = read_percent(piece->volume, volumes, 0, 230),
    };
    for (size_t i = 0; piece->emphasis != NULL && i < 3; i++) {
        if (strcmp(levels[i], piece->emphasis) == 0)
            m->emphasis = levels[i];
    }
}

static bool has_prosody(const struct manner *m)
{
    return m->rate != 100 || m->pitch != 100 || m->volume != 100;
}

bool manner_is_usual(const struct manner *m)
{
    return !has_prosody(m) && m->emphasis == NULL;
}

void manner_open(const struct manner *m, struct str *out)
{
    if (has_prosody(m)) {
        str_add(out, "<prosody");
        if (m->rate != 100)
            str_addf(out, " rate=\"%d%%\"", m->rate);
        /* The engine's scale of pitch moves its tone by half as much as it says (measured). */
        if (m->pitch != 100)
            str_addf(out, " pitch=\"%d%%\"", 2 * m->pitch - 100);
        if (m->volume != 100)
            str_addf(out, " volume=\"%d%%\"", m->volume);
        str_addc(out, '>');
    }
    if (m->emphasis != NULL)
        str_addf(out, "<emphasis level=\"%s\">", m->emphasis);
}

void manner_close(const struct manner *m, struct str *out)
{
    if (m->emphasis != NULL)
        str_add(out, "</emphasis>");
    if (has_prosody(m))
        str_add(out, "</prosody>");
}
