/* The same calls over real WebSockets: media on its thread, the gateway on a loop of its own in
 * this one. */
#include "base/log.h"
#include "base/mem.h"
#include "tests/unit/bridge_stand.h"
#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Turns the control loop until `cond` holds, for at most five seconds. */
#define UNTIL(s, cond)                                                                             \
    do {                                                                                           \
        int64_t end_ = loop_now((s)->control) + 5000000;                                           \
        while (!(cond) && loop_now((s)->control) < end_)                                           \
            live_turn(s);                                                                          \
        ok(cond);                                                                                  \
    } while (0)

static void on_tick(void *arg)
{
    (void)arg;
}

static void live_turn(struct stand *s)
{
    struct timer t;

    timer_init(&t, s->control, on_tick, s);
    timer_start(&t, 5);
    loop_turn(s->control, true);
    timer_stop(&t);
}

static int raw_socket(void)
{
    struct timeval two = {.tv_sec = 2};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &two, sizeof two);
    return fd;
}

static bool raw_dial(struct stand *s, int fd, const char *request)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)bridge_port(s->bridge)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0 &&
           send(fd, request, strlen(request), MSG_NOSIGNAL) >= 0;
}

/* A raw connection that shakes hands as a WebSocket, or not. */
static int raw_connect(struct stand *s, const char *request)
{
    int fd = raw_socket();

    if (raw_dial(s, fd, request))
        return fd;
    close(fd);
    return -1;
}

static const char shake[] = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                            "Sec-WebSocket-Protocol: almon.bridge.1\r\n\r\n";

/* Sends one frame, masked with zeros. */
static bool raw_send(int fd, int opcode, const void *bytes, size_t n)
{
    uint8_t head[14] = {(uint8_t)(0x80 | opcode)};
    size_t at = 2;

    if (n < 126) {
        head[1] = (uint8_t)(0x80 | n);
    } else {
        head[1] = 0x80 | 127;
        for (int i = 0; i < 8; i++)
            head[at++] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
    }
    at += 4;
    return send(fd, head, at, MSG_NOSIGNAL) == (ssize_t)at &&
           (n == 0 || send(fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n);
}

/* Everything that comes until the other side closes or two seconds pass; true when it closed. */
static bool raw_read_all(int fd, char *out, size_t size)
{
    size_t got = 0;
    ssize_t n;

    while (got + 1 < size && (n = recv(fd, out + got, size - 1 - got, 0)) > 0)
        got += (size_t)n;
    for (size_t i = 0; i < got; i++)
        if (out[i] == '\0')
            out[i] = ' ';
    out[got] = '\0';
    return n == 0;
}

UNIT(a_call_over_a_websocket_hears_its_prompt)
{
    struct stand s = {.answer_at_once = true};
    struct audio *a = NULL;
    struct error err = {0};
    struct offer o = {.from = "+1", .to = "+2", .codec = CODEC_PCMU, .dtmf_events = true};
    uint32_t n;

    ok(stand_up_live(&s) && stand_join_live(&s));
    UNTIL(&s, strcmp(str_text(&s.heard), "ready;") == 0);
    ok_rc(client_offer(s.client, &o, &n, &err), &err);
    UNTIL(&s, strstr(str_text(&s.heard), "answer 1;") != NULL);
    a = audio_new(CODEC_PCMU, 10);
    ok(a != NULL && channel_play(s.channel, a, 1, "Hello", 1) == 0);
    UNTIL(&s, s.frames == 10);
    client_digits(s.client, n, "5");
    UNTIL(&s, strstr(str_text(&s.said), "digit 5;") != NULL);
    client_hangup(s.client, n, CAUSE_NORMAL);
    UNTIL(&s, s.released == 1);
out:
    audio_unref(a);
    stand_down(&s);
}

UNIT(a_client_that_goes_away_ends_its_calls)
{
    struct stand s = {0};
    struct error err = {0};
    struct offer o = {.from = "+1", .to = "+2", .codec = CODEC_PCMU};
    uint32_t n;

    ok(stand_up_live(&s) && stand_join_live(&s));
    UNTIL(&s, strcmp(str_text(&s.heard), "ready;") == 0);
    ok_rc(client_offer(s.client, &o, &n, &err), &err);
    UNTIL(&s, s.offered == 1);
    s.client = client_free(s.client);
    UNTIL(&s, strstr(str_text(&s.said), "ended link-lost;") != NULL);
out:
    stand_down(&s);
}

/* The new connection gets the number of the old context's eventfd: see base/twice.h. */
UNIT(a_client_may_link_again_at_once)
{
    struct stand s = {0};

    ok(stand_up_live(&s) && stand_join_live(&s));
    UNTIL(&s, strcmp(str_text(&s.heard), "ready;") == 0);
    s.client = client_free(s.client);
    ok(stand_join_live(&s));
    UNTIL(&s, strcmp(str_text(&s.heard), "ready;ready;") == 0);
out:
    stand_down(&s);
}

UNIT(a_client_learns_that_nobody_listens)
{
    struct stand s = {0};
    struct error err = {0};

    ok(stand_up_live(&s));
    ok_rc(stand_connect(&s, "ws://127.0.0.1:1/", &err), &err);
    UNTIL(&s, strstr(str_text(&s.heard), "closed;") != NULL);
    s.client = client_free(s.client);
    ok(stand_connect(&s, "http://x/", &err) == ERR_INVALID);
    ok(stand_connect(&s, "ws://:80/", &err) == ERR_INVALID);
out:
    stand_down(&s);
}

UNIT(only_our_subprotocol_is_served)
{
    struct stand s = {0};
    char got[4096];
    int fd = -1;

    ok(stand_up_live(&s));
    fd = raw_connect(&s, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    ok(fd >= 0);
    raw_read_all(fd, got, sizeof got);
    ok(strstr(got, " 101 ") == NULL);
    close(fd);
    fd = raw_connect(&s, "GET / HTTP/1.0\r\n\r\n");
    ok(fd >= 0);
    raw_read_all(fd, got, sizeof got);
    ok(strstr(got, " 101 ") == NULL);
out:
    if (fd >= 0)
        close(fd);
    stand_down(&s);
}

UNIT(a_message_that_is_too_long_closes_the_link_with_1009)
{
    static const uint8_t big[70000];
    static const struct {
        int opcode;
        size_t n;
    } cases[] = {{1, 16385}, {2, 65537}};
    struct stand s = {0};
    char got[4096];
    int fd = -1;

    ok(stand_up_live(&s));
    for (int i = 0; i < 2; i++) {
        fd = raw_connect(&s, shake);
        ok(fd >= 0);
        for (int64_t end = loop_now(s.control) + 100000; loop_now(s.control) < end;)
            live_turn(&s); /* control admits the link */
        raw_send(fd, cases[i].opcode, big, cases[i].n);
        raw_read_all(fd, got, sizeof got);
        ok(strstr(got, "\x03\xf1") != NULL); /* 1009 in a close frame */
        close(fd);
        fd = -1;
    }
out:
    if (fd >= 0)
        close(fd);
    stand_down(&s);
}

UNIT(a_first_message_other_than_hello_closes_the_link_and_says_so)
{
    static const char offer[] =
        "{\"type\":\"offer\",\"channel\":1,\"from\":\"+1\",\"to\":\"+2\",\"codec\":\"PCMU\"}";
    struct stand s = {0};
    char got[4096] = "";
    size_t n = 0;
    int fd = -1;

    ok(stand_up_live(&s));
    fd = raw_connect(&s, shake);
    ok(fd >= 0);
    ok(raw_send(fd, 1, offer, sizeof offer - 1));
    for (int64_t end = loop_now(s.control) + 4000000; loop_now(s.control) < end;) {
        ssize_t r;

        live_turn(&s);
        r = recv(fd, got + n, sizeof got - 1 - n, MSG_DONTWAIT);
        if (r == 0)
            break;
        if (r > 0)
            n += (size_t)r;
    }
    ok(strstr(got, "the first message must be a hello") != NULL);
    ok(strstr(got, "\x03\xf0hello") != NULL); /* 1008 and the code in a close frame */
    ok_int(s.offered, 0);
out:
    if (fd >= 0)
        close(fd);
    stand_down(&s);
}

UNIT(garbage_in_place_of_a_websocket_disturbs_nobody)
{
    struct stand s = {0};
    char junk[2000];
    int fd = -1;

    memset(junk, 'x', sizeof junk);
    junk[sizeof junk - 1] = '\0';
    ok(stand_up_live(&s) && stand_join_live(&s));
    fd = raw_connect(&s, junk);
    ok(fd >= 0);
    UNTIL(&s, strcmp(str_text(&s.heard), "ready;") == 0);
out:
    if (fd >= 0)
        close(fd);
    stand_down(&s);
}

static void count_line(const char *line, void *arg)
{
    if (strstr(line, "cannot accept") != NULL)
        atomic_fetch_add((atomic_int *)arg, 1);
}

/* As the web server: the media loop must wait, not spin over the one who knocks. */
UNIT(without_a_free_descriptor_accepting_pauses)
{
    struct stand s = {0};
    struct rlimit before, none;
    atomic_int lines = 0;
    char got[1000] = "";
    int fd = -1;

    getrlimit(RLIMIT_NOFILE, &before);
    log_set_sink(count_line, &lines); /* before there is a thread */
    ok(stand_up_live(&s));
    fd = raw_socket();
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
    ok_int(setrlimit(RLIMIT_NOFILE, &none), 0);
    ok(raw_dial(&s, fd, shake));
    UNTIL(&s, atomic_load(&lines) >= 1);
    for (int64_t end = loop_now(s.control) + 300000; loop_now(s.control) < end;)
        live_turn(&s);
    setrlimit(RLIMIT_NOFILE, &before);
    ok(atomic_load(&lines) <= 10);
    ok(recv(fd, got, sizeof got - 1, 0) > 0);
    ok(strstr(got, " 101 ") != NULL);
out:
    setrlimit(RLIMIT_NOFILE, &before);
    if (fd >= 0)
        close(fd);
    stand_down(&s);
    log_set_sink(NULL, NULL);
}

/* --- guests --- */

/* From an address of the loopback's own; -1 when that cannot be. */
static int raw_connect_from(struct stand *s, uint32_t address)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    int fd = raw_socket();

    if (bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0 && raw_dial(s, fd, shake))
        return fd;
    close(fd);
    return -1;
}

static void close_all(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (fds[i] > 0)
            close(fds[i]);
        fds[i] = 0;
    }
}

/* True when the handshake was taken, false when the connection was refused. */
static bool is_let_in(int fd)
{
    char got[512];
    ssize_t n = fd >= 0 ? recv(fd, got, sizeof got - 1, 0) : -1;

    if (n > 0)
        got[n] = '\0';
    return n > 0 && strstr(got, " 101 ") != NULL;
}

/* threats.md: a stranger that connects and says nothing takes a place for five seconds each time.
 */
UNIT(one_stranger_does_not_take_the_places_of_all)
{
    static int fds[LINK_GUESTS_EACH];
    const uint32_t stranger = INADDR_LOOPBACK + 1;
    struct stand s = {0};
    struct bridge_stats stats;
    char got[512];
    int one_more = -1;

    ok(stand_up_live(&s));
    for (int i = 0; i < LINK_GUESTS_EACH; i++) {
        fds[i] = raw_connect_from(&s, stranger);
        ok(fds[i] >= 0 && is_let_in(fds[i]));
    }
    /* One more is let in, as others are, and his oldest goes. */
    one_more = raw_connect_from(&s, stranger);
    ok(is_let_in(one_more));
    ok(raw_read_all(fds[0], got, sizeof got));
    ok(recv(fds[1], got, sizeof got, MSG_DONTWAIT) < 0);
    ok(stand_join_live(&s));
    UNTIL(&s, strcmp(str_text(&s.heard), "ready;") == 0);
    do {
        live_turn(&s);
        bridge_stats(s.bridge, &stats);
    } while (stats.links > LINK_GUESTS_EACH + 1);
out:
    if (one_more >= 0)
        close(one_more);
    close_all(fds, LINK_GUESTS_EACH);
    stand_down(&s);
}

static void count_strangers(const char *line, void *arg)
{
    if (strstr(line, "no hello yet") != NULL)
        atomic_fetch_add((atomic_int *)arg, 1);
}

UNIT(strangers_do_not_fill_the_log)
{
    struct stand s = {0};
    struct bridge_stats stats;
    atomic_int lines = 0;
    int fd = -1;

    log_set_sink(count_strangers, &lines); /* before there is a thread */
    ok(stand_up_live(&s));
    for (int i = 0; i < 100; i++) {
        fd = raw_connect(&s, shake);
        ok(is_let_in(fd));
        ok(raw_send(fd, 1, "{}", 2));
        close(fd);
        fd = -1;
        live_turn(&s);
    }
    do {
        live_turn(&s);
        bridge_stats(s.bridge, &stats);
    } while (stats.links > 0);
    ok(atomic_load(&lines) >= 1 && atomic_load(&lines) < 60);
out:
    if (fd >= 0)
        close(fd);
    stand_down(&s);
    log_set_sink(NULL, NULL);
}

static const char hello[] =
    "{\"type\":\"hello\",\"version\":1,\"gateway\":\"gw\",\"token\":\"secret\"}";

UNIT(who_has_said_hello_is_no_guest)
{
    static int fds[LINK_GUESTS_EACH + 10];
    struct stand s = {0};
    struct bridge_stats stats;
    ssize_t welcome;
    char got[512];

    ok(stand_up_live(&s));
    for (int i = 0; i < LINK_GUESTS_EACH + 10; i++) {
        fds[i] = raw_connect(&s, shake);
        ok(fds[i] >= 0 && is_let_in(fds[i]));
        ok(raw_send(fds[i], 1, hello, sizeof hello - 1));
        welcome = -1;
        UNTIL(&s, welcome > 0 || (welcome = recv(fds[i], got, sizeof got, MSG_DONTWAIT)) > 0);
    }
    bridge_stats(s.bridge, &stats);
    ok_int(stats.links, LINK_GUESTS_EACH + 10);
out:
    close_all(fds, LINK_GUESTS_EACH + 10);
    stand_down(&s);
}

/* --- a link that is shut before it is open --- */

struct blocker {
    struct work work;
    uv_sem_t *go;
};

static void block(struct work *w)
{
    uv_sem_wait(list_entry(w, struct blocker, work)->go);
}

static void unblocked(struct work *w)
{
    (void)w;
}

static void note_closed(void *arg, const char *why)
{
    str_addf(arg, "closed %s;", why);
}

static void note_opened(void *arg)
{
    str_add(arg, "opened;");
}

/* Every worker is busy, so that the name stays unresolved for as long as we want. */
UNIT(a_link_that_is_shut_while_its_name_is_looked_up_is_closed_soon)
{
    static const struct link_handlers handlers = {.opened = note_opened, .closed = note_closed};
    struct stand s = {0};
    struct str told = STR_INIT(1000);
    struct blocker blockers[8];
    struct link *l = NULL;
    struct error err = {0};
    bool blocked = false;
    uv_sem_t go;

    uv_sem_init(&go, 0);
    ok(stand_up_live(&s));
    blocked = true;
    for (int i = 0; i < 8; i++) {
        blockers[i] = (struct blocker){.work = {.run = block, .done = unblocked}, .go = &go};
        ok_int(work_submit(s.control, &blockers[i].work), 0);
    }
    ok_rc(link_ws_connect(&l, s.control, "ws://localhost:1/", &err), &err);
    link_own(l, &handlers, &told);
    link_shut(l, LINK_CLOSE_AWAY, "not wanted any more");
    UNTIL(&s, strcmp(str_text(&told), "closed not wanted any more;") == 0);
out:
    link_free(l);
    for (int i = 0; i < 8; i++)
        uv_sem_post(&go);
    while (blocked && work_pending(s.control) > 0)
        live_turn(&s);
    for (int64_t end = loop_now(s.control) + 5000000; link_ws_alive() > 1;) {
        if (loop_now(s.control) >= end)
            break;
        live_turn(&s);
    }
    stand_down(&s);
    uv_sem_destroy(&go);
    str_free(&told);
}

UNIT_MAIN(NO_TORTURE(a_call_over_a_websocket_hears_its_prompt),
          NO_TORTURE(a_client_that_goes_away_ends_its_calls),
          NO_TORTURE(a_client_may_link_again_at_once),
          NO_TORTURE(a_client_learns_that_nobody_listens),
          NO_TORTURE(only_our_subprotocol_is_served),
          NO_TORTURE(a_message_that_is_too_long_closes_the_link_with_1009),
          NO_TORTURE(a_first_message_other_than_hello_closes_the_link_and_says_so),
          NO_TORTURE(one_stranger_does_not_take_the_places_of_all),
          NO_TORTURE(strangers_do_not_fill_the_log), NO_TORTURE(who_has_said_hello_is_no_guest),
          NO_TORTURE(a_link_that_is_shut_while_its_name_is_looked_up_is_closed_soon),
          NO_TORTURE(without_a_free_descriptor_accepting_pauses),
          NO_TORTURE(garbage_in_place_of_a_websocket_disturbs_nobody))
