/* Private to the room: web.c owns the socket and libwebsockets, answer.c one request, recording.c
 * the files. */
#ifndef ALMON_WEB_PRIVATE_H
#define ALMON_WEB_PRIVATE_H

#include "base/list.h"
#include "base/twice.h"
#include "web/web.h"
#include <stdbool.h>
#include <stdint.h>

/* OpenSSL, which libwebsockets includes, has a type of the same name as our error code. */
#define ERR_STATE openssl_err_state
#include <libwebsockets.h>
#undef ERR_STATE

enum {
    WEB_CHUNK = 64 * 1024, /* read from a file and written at once */
    WEB_CONNECTIONS = 256,
    WEB_CONVERSIONS = 32, /* to mp3, waiting or running */
    WEB_IDLE_S = 15,      /* a kept connection without a request */
    WEB_SLOW_S = 30,      /* a reader that takes nothing */
    WEB_CONVERT_S = 120,  /* waiting for an mp3 */
};

struct web {
    struct loop *loop;
    const struct config *config;
    struct lws_context *lws; /* libwebsockets writes NULL when all of it is gone */
    struct lws_vhost *vhost;
    struct twice twice;
    void *uv;
    struct uv_poll_s *poll; /* of the listening socket */
    struct timer again;     /* accepting goes on */
    int fd, port;
    char folder[600]; /* STATE/recordings */
    int folder_fd;
    struct list conversions; /* the first one runs */
    unsigned n_conversions;
    unsigned char buffer[LWS_PRE + WEB_CHUNK];
};

struct conversion;

/* One request and its answer; libwebsockets keeps one for each connection, zeroed at first. */
struct answer {
    struct web *web;
    struct lws *wsi;
    bool head;  /* HEAD: no body */
    bool close; /* the connection ends after this answer */
    bool file_open;
    int fd;
    int64_t left;   /* bytes of the file still to be sent */
    char text[700]; /* or a short body */
    size_t text_len;
    char account[36], recording[36]; /* while an mp3 is awaited */
    struct conversion *waiting;
    bool converted, failed;
    struct link_node node;
};

/* answer.c */
int answer_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len);
/* The mp3 that it waited for is there, or is not to be had. */
void answer_converted(struct answer *a, bool good);

/* recording.c: the file RE… with `suffix` of that account, opened for reading; -1: there is none.
 * The names are valid SIDs. */
int recording_open(struct web *w, const char *account, const char *recording, const char *suffix,
                   int64_t *size);
/* Has the mp3 made by a worker; answer_converted() is called later. 0 or ERR_*. */
int recording_convert(struct web *w, struct answer *a);
void recording_forget(struct answer *a);
/* At the end of the web. */
void recording_abandon(struct web *w);

/* "bytes=…" of a file of `size` bytes. 1: from *from to *to inclusive; 0: no range that we know,
 * all of it; -1: cannot be satisfied. */
int recording_range(const char *field, int64_t size, int64_t *from, int64_t *to);

#endif
