#include "gateways/sip/status.h"

#include <stddef.h>

static const struct {
    unsigned status;
    const char *reason;
    enum cause cause;
} statuses[] = {
    {180, "Ringing", CAUSE_ERROR},
    {200, "OK", CAUSE_NORMAL},
    {400, "Bad Request", CAUSE_ERROR},
    {401, "Unauthorized", CAUSE_ERROR},
    {403, "Forbidden", CAUSE_REJECTED},
    {404, "Not Found", CAUSE_UNROUTABLE},
    {405, "Method Not Allowed", CAUSE_ERROR},
    {406, "Not Acceptable", CAUSE_ERROR},
    {407, "Proxy Authentication Required", CAUSE_ERROR},
    {408, "Request Timeout", CAUSE_NO_ANSWER},
    {410, "Gone", CAUSE_UNROUTABLE},
    {413, "Request Entity Too Large", CAUSE_ERROR},
    {415, "Unsupported Media Type", CAUSE_ERROR},
    {416, "Unsupported URI Scheme", CAUSE_UNROUTABLE},
    {420, "Bad Extension", CAUSE_ERROR},
    {423, "Interval Too Brief", CAUSE_ERROR},
    {429, "Provide Referrer Identity", CAUSE_ERROR},
    {480, "Temporarily Unavailable", CAUSE_NO_ANSWER},
    {481, "Call Does Not Exist", CAUSE_ERROR},
    {482, "Loop Detected", CAUSE_UNROUTABLE},
    {483, "Too Many Hops", CAUSE_UNROUTABLE},
    {484, "Address Incomplete", CAUSE_UNROUTABLE},
    {485, "Ambiguous", CAUSE_UNROUTABLE},
    {486, "Busy Here", CAUSE_BUSY},
    {487, "Request Terminated", CAUSE_CANCELED},
    {488, "Not Acceptable Here", CAUSE_ERROR},
    {491, "Request Pending", CAUSE_ERROR},
    {500, "Server Internal Error", CAUSE_ERROR},
    {501, "Not Implemented", CAUSE_ERROR},
    {503, "Service Unavailable", CAUSE_CONGESTION},
    {504, "Server Time-out", CAUSE_NO_ANSWER},
    {600, "Busy Everywhere", CAUSE_BUSY},
    {603, "Decline", CAUSE_REJECTED},
    {604, "Does Not Exist Anywhere", CAUSE_UNROUTABLE},
    {606, "Not Acceptable", CAUSE_ERROR},
    {607, "Unwanted", CAUSE_REJECTED},
};

/* The first of a cause is what we say; all are understood. Where a carrier sends a cause, it is
 * more exact than the status beside it. */
static const struct {
    int q850;
    enum cause cause;
} reasons[] = {
    {16, CAUSE_NORMAL},     {17, CAUSE_BUSY},       {21, CAUSE_REJECTED},   {19, CAUSE_NO_ANSWER},
    {18, CAUSE_NO_ANSWER},  {20, CAUSE_NO_ANSWER},  {1, CAUSE_UNROUTABLE},  {2, CAUSE_UNROUTABLE},
    {3, CAUSE_UNROUTABLE},  {22, CAUSE_UNROUTABLE}, {28, CAUSE_UNROUTABLE}, {34, CAUSE_CONGESTION},
    {38, CAUSE_CONGESTION}, {41, CAUSE_CONGESTION}, {42, CAUSE_CONGESTION}, {44, CAUSE_CONGESTION},
    {127, CAUSE_ERROR},     {31, CAUSE_CANCELED},   {27, CAUSE_LINK_LOST},
};

enum cause status_cause(unsigned status, int q850)
{
    /* 16 and 31 say only that it ended in order. */
    for (size_t i = 0; q850 >= 0 && i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].q850 == q850 && q850 != 16 && q850 != 31 && q850 != 27)
            return reasons[i].cause;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return statuses[i].cause;
    if (status >= 600)
        return CAUSE_REJECTED;
    return status >= 300 && status < 400 ? CAUSE_UNROUTABLE : CAUSE_ERROR;
}

int status_q850(enum cause cause)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].cause == cause)
            return reasons[i].q850;
    return -1;
}

const char *status_reason(unsigned status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return statuses[i].reason;
    return "Error";
}
