/* From the elements of a Dial to whom it calls. */
#include "verbs/dial_party.h"

#include <string.h>

static bool dial_is(const struct node *n, const char *name)
{
    return strcmp(n->schema->name, name) == 0;
}

bool dial_is_party(const struct node *n)
{
    return dial_is(n, "Number") || dial_is(n, "Client") || dial_is(n, "Sip");
}

bool dial_party_read(struct activation *a, const struct node *noun, const struct node *uri,
                     struct leg_party *party)
{
    if (noun == NULL) {
        party->to = activation_node(a)->text;
        return true;
    }
    if (dial_is(noun, "Number")) {
        number_party(noun, party);
        return true;
    }
    if (dial_is(noun, "Client"))
        return client_party(a, noun, party);
    return sip_party(a, noun, uri, party);
}

const struct node *dial_party_next_uri(const struct node *noun, const struct node *uri)
{
    return noun != NULL && dial_is(noun, "Sip") ? sip_next_uri(noun, uri) : NULL;
}

void party_read(const struct party_args *args, struct leg_party *party)
{
    party->url = args->url;
    party->method = args->method;
    party->callback = args->status_callback;
    party->callback_method = args->status_callback_method;
    party->callback_events = args->status_callback_event;
}

void machine_read(const struct machine_args *args, struct leg_party *party)
{
    const char *mode = args->detection;

    party_read(&args->party, party);
    party->detection = (struct leg_detection){
        .on =
            mode != NULL && (strcmp(mode, "Enable") == 0 || strcmp(mode, "DetectMessageEnd") == 0),
        .message_end = mode != NULL && strcmp(mode, "DetectMessageEnd") == 0,
        .timeout_s = args->timeout,
        .speech_ms = args->speech_threshold,
        .speech_end_ms = args->speech_end_threshold,
        .silence_ms = args->silence_timeout,
        .callback = args->callback,
        .method = args->callback_method,
    };
}
