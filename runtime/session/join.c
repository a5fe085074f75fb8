/* Two calls that hear each other. */
#include "base/log.h"
#include "session/private.h"

bool session_join_channels(struct session *a, struct session *b)
{
    int rc;

    if (a->joined == b)
        return true;
    session_unjoin(a);
    session_unjoin(b);
    rc = media_join(channel_media(a->channel), channel_media(b->channel));
    if (rc != 0) {
        session_say_problem(a, true, 13220, NULL, "both calls could not be joined: out of memory");
        return false;
    }
    a->joined = b;
    b->joined = a;
    journal_add(a, "join", "{s:s}", "sid", b->sid);
    journal_add(b, "join", "{s:s}", "sid", a->sid);
    return true;
}

void session_unjoin(struct session *a)
{
    struct session *b = a->joined;

    if (b == NULL)
        return;
    a->joined = b->joined = NULL;
    if (a->channel != NULL && channel_media(a->channel) != NULL)
        media_part(channel_media(a->channel));
    else if (b->channel != NULL && channel_media(b->channel) != NULL)
        media_part(channel_media(b->channel));
    journal_add(a, "part", "{s:s}", "sid", b->sid);
    journal_add(b, "part", "{s:s}", "sid", a->sid);
}

/* A key sent as an event is not in the sound: the other gets it by itself. */
void session_pass_digit(struct session *s, char key)
{
    char digits[2] = {key, '\0'};

    if (s->joined != NULL && s->joined->channel != NULL && !s->joined->channel_over &&
        channel_has_events(s->channel))
        channel_send_digits(s->joined->channel, digits, PASSED_DIGIT_REQUEST);
}
