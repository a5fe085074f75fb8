#include "cli/talk_options.h"
#include "base/str.h"
#include <stdio.h>

int talk_options_wrong(const struct talk_options *o, const char *fmt, const char *what)
{
    fprintf(stderr, "almon %s: ", o->command);
    fprintf(stderr, fmt, what);
    fprintf(stderr, "\nsee almon %s --help\n", o->command);
    return 2;
}

int talk_options_whole(const struct talk_options *o, const char *text, long min, long max,
                       const char *fmt, int *out)
{
    long n;

    if (!str_to_long(text, min, max, &n))
        return talk_options_wrong(o, fmt, text);
    *out = (int)n;
    return 0;
}

static int take_codec(struct talk_options *o, const char *name)
{
    int codec = codec_find(name);

    if (codec < 0)
        return talk_options_wrong(o, "--codec %s is not known", name);
    o->codec = (enum codec)codec;
    return 0;
}

/* Where the text of an option goes; NULL: it is none. */
static const char **text_of(struct talk_options *o, int option)
{
    switch (option) {
    case TALK_FROM:
        return &o->from;
    case TALK_PRESS:
        return &o->press;
    case TALK_SAVE:
        return &o->save;
    case TALK_CONFIG:
        return &o->reach.config;
    case TALK_LINK:
        return &o->reach.link;
    case TALK_NAME:
        return &o->reach.name;
    case TALK_TOKEN:
        return &o->reach.token;
    default:
        return NULL;
    }
}

int talk_options_take(struct talk_options *o, int option, const char *value)
{
    const char **text = text_of(o, option);

    if (text != NULL) {
        *text = value;
        return 0;
    }
    switch (option) {
    case TALK_CODEC:
        return take_codec(o, value);
    case TALK_TIMEOUT:
        return talk_options_whole(o, value, 1, 86400, "--timeout %s is no number of seconds",
                                  &o->timeout_s);
    case TALK_JSON:
        o->json = true;
        return 0;
    default:
        fprintf(stderr, "see almon %s --help\n", o->command);
        return 2;
    }
}

int talk_options_ready(struct talk_options *o, bool speaks)
{
    struct error err = {0};

    if (steps_parse(&o->steps, o->press, speaks, &err) != 0 || reach_find(&o->reach, &err) != 0)
        return talk_options_wrong(o, "%s", err.text);
    return 0;
}

void talk_options_not_linked(const struct talk_options *o, const char *why)
{
    fprintf(stderr,
            "almon %s: cannot link to %s: %s\n  Is `almon serve` running there? Its address is "
            "server.bridge in almon.lua, or give --link.\n",
            o->command, o->reach.link, why);
}
