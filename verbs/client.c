/* Client and Application: parties of Dial that are programs. */
#include "verbs/verbs.h"

struct client_args {
    const char *url;
    enum flow_method method;
    const char *status_callback;
    unsigned status_callback_event;
    enum flow_method status_callback_method;
    const char *client_notification_url;
};

static const struct attr client_attrs[] = {
    {.name = "url",
     .type = ATTR_URL,
     .offset = offsetof(struct client_args, url),
     .text = "Document run on the called party before both are joined."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct client_args, method),
     .text = "How the URL is requested."},
    {.name = "statusCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct client_args, status_callback),
     .text = "Told how the new call goes."},
    {.name = "statusCallbackEvent",
     .type = ATTR_LIST,
     .choices = verb_call_events,
     .def = "completed",
     .offset = offsetof(struct client_args, status_callback_event),
     .text = "What that callback is told."},
    {.name = "statusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct client_args, status_callback_method),
     .text = "How that callback is requested."},
    {.name = "clientNotificationUrl",
     .type = ATTR_URL,
     .offset = offsetof(struct client_args, client_notification_url),
     .text = "Accepted for compatibility."},
    {0},
};

static const char *const client_parents[] = {"Dial", NULL};

const struct verb verb_client = {
    .schema =
        {
            .name = "Client",
            .parents = client_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .attrs = client_attrs,
            .args_size = sizeof(struct client_args),
            .text = "A browser or mobile phone to call, by its identity.",
        },
};

static const char *const identity_parents[] = {"Client", NULL};

const struct verb verb_identity = {
    .schema =
        {
            .name = "Identity",
            .parents = identity_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .text = "The identity to call.",
        },
};

struct application_args {
    const char *url;
    enum flow_method method;
    const char *status_callback;
    unsigned status_callback_event;
    enum flow_method status_callback_method;
    const char *customer_id;
    bool copy_parent_to;
};

static const struct attr application_attrs[] = {
    {.name = "url",
     .type = ATTR_URL,
     .offset = offsetof(struct application_args, url),
     .text = "Document run on the called party before both are joined."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct application_args, method),
     .text = "How the URL is requested."},
    {.name = "statusCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct application_args, status_callback),
     .text = "Told how the new call goes."},
    {.name = "statusCallbackEvent",
     .type = ATTR_LIST,
     .choices = verb_call_events,
     .def = "completed",
     .offset = offsetof(struct application_args, status_callback_event),
     .text = "What that callback is told."},
    {.name = "statusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct application_args, status_callback_method),
     .text = "How that callback is requested."},
    {.name = "customerId",
     .type = ATTR_STR,
     .offset = offsetof(struct application_args, customer_id),
     .text = "Passed to the application."},
    {.name = "copyParentTo",
     .type = ATTR_BOOL,
     .def = "false",
     .offset = offsetof(struct application_args, copy_parent_to),
     .text = "Whether the application sees the number first called."},
    {0},
};

static const char *const application_parents[] = {"Dial", NULL};

const struct verb verb_application = {
    .schema =
        {
            .name = "Application",
            .parents = application_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .attrs = application_attrs,
            .args_size = sizeof(struct application_args),
            .text = "An application to call.",
        },
};

static const char *const application_sid_parents[] = {"Application", NULL};

const struct verb verb_application_sid = {
    .schema =
        {
            .name = "ApplicationSid",
            .parents = application_sid_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .text = "The application's identifier.",
        },
};
