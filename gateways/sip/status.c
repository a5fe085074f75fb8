#include "gateways/sip/status.h"

#include <stddef.h>

/* What an answer to a call of ours means, and the Q.850 cause that RFC 3398 §8.2.6.1 gives it.
 * Those that are not here mean what x00 of their class does (RFC 3261 §8.1.3.2). */
static const struct {
    unsigned status;
    const char *reason;
    int q850;
    enum cause cause;
} statuses[] = {
    {100, "Trying", -1, CAUSE_ERROR},
    {180, "Ringing", -1, CAUSE_ERROR},
    {183, "Session Progress", -1, CAUSE_ERROR},
    {200, "OK", 16, CAUSE_NORMAL},
    {202, "Accepted", 16, CAUSE_NORMAL},
    {300, "Multiple Choices", 23, CAUSE_UNROUTABLE},
    {301, "Moved Permanently", 22, CAUSE_UNROUTABLE},
    {302, "Moved Temporarily", 23, CAUSE_UNROUTABLE},
    {400, "Bad Request", 41, CAUSE_ERROR},
    {401, "Unauthorized", 21, CAUSE_ERROR},
    {402, "Payment Required", 21, CAUSE_REJECTED},
    {403, "Forbidden", 21, CAUSE_REJECTED},
    {404, "Not Found", 1, CAUSE_UNROUTABLE},
    {405, "Method Not Allowed", 63, CAUSE_ERROR},
    {406, "Not Acceptable", 79, CAUSE_ERROR},
    {407, "Proxy Authentication Required", 21, CAUSE_ERROR},
    {408, "Request Timeout", 102, CAUSE_NO_ANSWER},
    {410, "Gone", 22, CAUSE_UNROUTABLE},
    {413, "Request Entity Too Large", 127, CAUSE_ERROR},
    {414, "Request-URI Too Long", 127, CAUSE_ERROR},
    {415, "Unsupported Media Type", 79, CAUSE_ERROR},
    {416, "Unsupported URI Scheme", 127, CAUSE_UNROUTABLE},
    {420, "Bad Extension", 127, CAUSE_ERROR},
    {421, "Extension Required", 127, CAUSE_ERROR},
    {422, "Session Interval Too Small", 127, CAUSE_ERROR},
    {423, "Interval Too Brief", 127, CAUSE_ERROR},
    {428, "Use Identity Header", 127, CAUSE_ERROR},
    {429, "Provide Referrer Identity", 127, CAUSE_ERROR},
    {433, "Anonymity Disallowed", 21, CAUSE_REJECTED},
    {480, "Temporarily Unavailable", 18, CAUSE_NO_ANSWER},
    {481, "Call Does Not Exist", 41, CAUSE_ERROR},
    {482, "Loop Detected", 25, CAUSE_UNROUTABLE},
    {483, "Too Many Hops", 25, CAUSE_UNROUTABLE},
    {484, "Address Incomplete", 28, CAUSE_UNROUTABLE},
    {485, "Ambiguous", 1, CAUSE_UNROUTABLE},
    {486, "Busy Here", 17, CAUSE_BUSY},
    {487, "Request Terminated", 16, CAUSE_CANCELED},
    {488, "Not Acceptable Here", 79, CAUSE_ERROR},
    {489, "Bad Event", 79, CAUSE_ERROR},
    {491, "Request Pending", 41, CAUSE_ERROR},
    {493, "Undecipherable", 79, CAUSE_ERROR},
    {500, "Server Internal Error", 41, CAUSE_ERROR},
    {501, "Not Implemented", 79, CAUSE_ERROR},
    {502, "Bad Gateway", 38, CAUSE_ERROR},
    {503, "Service Unavailable", 41, CAUSE_CONGESTION},
    {504, "Server Time-out", 102, CAUSE_NO_ANSWER},
    {505, "Version Not Supported", 127, CAUSE_ERROR},
    {513, "Message Too Large", 127, CAUSE_ERROR},
    {580, "Precondition Failure", 47, CAUSE_ERROR},
    {600, "Busy Everywhere", 17, CAUSE_BUSY},
    {603, "Decline", 21, CAUSE_REJECTED},
    {604, "Does Not Exist Anywhere", 1, CAUSE_UNROUTABLE},
    {606, "Not Acceptable", 79, CAUSE_ERROR},
    {607, "Unwanted", 21, CAUSE_REJECTED},
    {608, "Rejected", 21, CAUSE_REJECTED},
};

/* Q.850's causes, from and to. 16, 27 (which may mean that our own side went) and 31 say only that
 * it ended: the status beside them knows more. Where a carrier sends another, it is more exact. */
static const struct {
    int from, to;
    enum cause cause;
} reasons[] = {
    {1, 3, CAUSE_UNROUTABLE},  {4, 15, CAUSE_ERROR},        {17, 17, CAUSE_BUSY},
    {18, 20, CAUSE_NO_ANSWER}, {21, 21, CAUSE_REJECTED},    {22, 23, CAUSE_UNROUTABLE},
    {24, 24, CAUSE_REJECTED},  {25, 26, CAUSE_UNROUTABLE},  {28, 28, CAUSE_UNROUTABLE},
    {29, 30, CAUSE_ERROR},     {32, 49, CAUSE_CONGESTION},  {50, 58, CAUSE_REJECTED},
    {59, 101, CAUSE_ERROR},    {102, 102, CAUSE_NO_ANSWER}, {103, 127, CAUSE_ERROR},
};

/* What a Reason header says of our own causes. */
static const int ours[CAUSE_COUNT] = {
    [CAUSE_NORMAL] = 16,     [CAUSE_BUSY] = 17,     [CAUSE_REJECTED] = 21,
    [CAUSE_NO_ANSWER] = 19,  [CAUSE_CANCELED] = 31, [CAUSE_UNROUTABLE] = 1,
    [CAUSE_CONGESTION] = 34, [CAUSE_ERROR] = 127,   [CAUSE_LINK_LOST] = 27,
};

enum cause status_cause(unsigned status, int q850)
{
    for (size_t i = 0; q850 >= 0 && i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].from <= q850 && q850 <= reasons[i].to)
            return reasons[i].cause;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return statuses[i].cause;
    return status < 300 || status > 699 || status % 100 == 0 ? CAUSE_ERROR
                                                             : status_cause(status / 100 * 100, -1);
}

int status_q850(enum cause cause)
{
    return ours[cause];
}

int status_to_q850(unsigned status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return statuses[i].q850;
    return status < 300 || status > 699 || status % 100 == 0 ? 127
                                                             : status_to_q850(status / 100 * 100);
}

const char *status_reason(unsigned status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return statuses[i].reason;
    return "Error";
}
