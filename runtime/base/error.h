/* One way to say what went wrong: a negative code returned, and a message for a person in a
 * `struct error` that the caller owns. The message says what, where, why and how to mend it. */
#ifndef ALMON_BASE_ERROR_H
#define ALMON_BASE_ERROR_H

enum {
    ERR_NOMEM = -1,       /* out of memory */
    ERR_INVALID = -2,     /* input that does not follow the rules */
    ERR_LIMIT = -3,       /* a bound was reached */
    ERR_IO = -4,          /* the system refused: file, socket, process */
    ERR_MISSING = -5,     /* no such thing */
    ERR_WRONG_STATE = -6, /* right thing, wrong moment */
    ERR_TIMEOUT = -7,     /* time ran out */
    ERR_REFUSED = -8,     /* not allowed: rights, network rules */
    ERR_CANCELED = -9,    /* somebody changed his mind */
};

#define ERROR_TEXT_MAX 400

struct error {
    int code;   /* 0 or one of the above */
    int twilio; /* Twilio's error code where one exists (12100, 11200 ...), else 0 */
    char text[ERROR_TEXT_MAX];
};

/* Writes the message (cut at the size of the field, and made text whatever the bytes of what it
 * quotes: it goes into journals and to gateways, which take no other) and returns `code`, so that
 * `return error_set(err, ERR_IO, "%s: %s", path, strerror(errno));` is one line.
 * `err` may be NULL: then only the code is returned. */
int error_set(struct error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with Twilio's code. */
int error_set_twilio(struct error *err, int code, int twilio, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The message "out of memory"; returns ERR_NOMEM. */
int error_nomem(struct error *err);
void error_clear(struct error *err);

#endif
