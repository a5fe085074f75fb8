/* The HTTP server over real sockets: what a browser, a player and a script get from it. */
#include "web/web.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/unit.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MINE   "AC00000000000000000000000000000001"
#define OTHERS "AC00000000000000000000000000000002"
#define NAME   "RE00000000000000000000000000000001"
#define PATH   "/2010-04-01/Accounts/" MINE "/Recordings/" NAME
/* base64 of MINE:secret, MINE:wrong, OTHERS:theirs */
#define LOGIN  "Authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpzZWNyZXQ=\r\n"
#define WRONG  "Authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTp3cm9uZw==\r\n"
#define THEIRS "Authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMjp0aGVpcnM=\r\n"

enum { WAV_BYTES = 44 + 16000 };

struct fixture {
    struct loop *loop;
    struct config config;
    struct config_account accounts[2];
    struct web *web;
    char folder[400]; /* of MINE */
    struct str got;
};

/* One second at 8 kHz, a saw-tooth. */
static bool write_wav(const char *path)
{
    unsigned char wav[WAV_BYTES] = "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0"
                                   "\2\0\x10\0data\x80\x3e\0\0";
    FILE *f = fopen(path, "wb");
    bool good;

    wav[4] = (WAV_BYTES - 8) & 0xff;
    wav[5] = (WAV_BYTES - 8) >> 8;
    for (int i = 0; i < 8000; i++)
        wav[45 + 2 * i] = (unsigned char)(i % 40);
    good = f != NULL && fwrite(wav, 1, sizeof wav, f) == sizeof wav;
    return f != NULL && fclose(f) == 0 && good;
}

static bool write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    bool good = f != NULL && fputs(text, f) >= 0;

    return f != NULL && fclose(f) == 0 && good;
}

static bool set_up(struct fixture *f)
{
    struct error err = {0};
    char path[500];

    memset(f, 0, sizeof *f);
    signal(SIGPIPE, SIG_IGN);
    str_init(&f->got, 1024 * 1024);
    f->accounts[0] = (struct config_account){.sid = MINE, .token = "secret"};
    f->accounts[1] = (struct config_account){.sid = OTHERS, .token = "theirs"};
    f->config.accounts = f->accounts;
    f->config.n_accounts = 2;
    if (loop_new(&f->loop, NULL, &err) != 0 ||
        web_new(&f->web, f->loop, &f->config, "127.0.0.1:0", unit_folder(), &err) != 0)
        return false;
    snprintf(f->folder, sizeof f->folder, "%s/recordings/" MINE, unit_folder());
    mkdir(f->folder, 0700);
    snprintf(path, sizeof path, "%s/" NAME ".wav", f->folder);
    if (!write_wav(path))
        return false;
    snprintf(path, sizeof path, "%s/" NAME ".json", f->folder);
    return write_text(path, "{\"sid\": \"" NAME "\"}");
}

static void tear_down(struct fixture *f)
{
    web_free(f->web);
    str_free(&f->got);
    if (f->loop != NULL)
        loop_free(f->loop);
}

static int dial(struct fixture *f)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_port = htons((unsigned short)web_port(f->web));
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        close(fd);
        return -1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Sends `text`, and gives all that comes until the server closes. */
static const char *raw(struct fixture *f, const char *text)
{
    int fd = dial(f);
    char bytes[8192];

    str_reset(&f->got);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        return "(cannot send)";
    for (int turn = 0; turn < 5000; turn++) {
        ssize_t n;

        loop_turn(f->loop, false);
        n = read(fd, bytes, sizeof bytes);
        if (n > 0)
            str_addn(&f->got, bytes, (size_t)n);
        else if (n == 0 || errno != EAGAIN)
            break;
        else
            usleep(1000);
    }
    close(fd);
    return str_text(&f->got);
}

static const char *ask(struct fixture *f, const char *method, const char *path, const char *headers)
{
    char text[2000];

    snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method,
             path, headers);
    return raw(f, text);
}

static bool status_is(const char *answer, int status)
{
    char want[20];

    snprintf(want, sizeof want, "HTTP/1.1 %d", status);
    return strncmp(answer, want, strlen(want)) == 0;
}

/* Bytes after the head of the last answer. */
static size_t body_len(const struct fixture *f)
{
    const char *end = f->got.len > 0 ? strstr(f->got.data, "\r\n\r\n") : NULL;

    return end != NULL ? f->got.len - (size_t)(end + 4 - f->got.data) : 0;
}

static bool holds(const struct fixture *f, const char *word)
{
    return f->got.len > 0 && memmem(f->got.data, f->got.len, word, strlen(word)) != NULL;
}

UNIT(web_gives_a_recording_to_its_account)
{
    struct fixture f;

    ok(set_up(&f));
    ok(status_is(ask(&f, "GET", PATH, LOGIN), 200));
    ok(holds(&f, "content-type: audio/x-wav"));
    ok(holds(&f, "content-length: 16044"));
    ok_int(body_len(&f), WAV_BYTES);
    ok(holds(&f, "RIFF"));
    ok(status_is(ask(&f, "GET", PATH ".wav", LOGIN), 200));
    ok_int(body_len(&f), WAV_BYTES);
    ok(status_is(ask(&f, "GET", PATH ".json", LOGIN), 200));
    ok(holds(&f, "{\"sid\": \"" NAME "\"}"));
out:
    tear_down(&f);
}

UNIT(web_makes_an_mp3_once)
{
    struct fixture f;
    char path[500];
    struct stat st;

    ok(set_up(&f));
    ok(status_is(ask(&f, "GET", PATH ".mp3", LOGIN), 200));
    ok(holds(&f, "content-type: audio/mpeg"));
    ok(body_len(&f) > 500 && body_len(&f) < WAV_BYTES);
    snprintf(path, sizeof path, "%s/" NAME ".mp3", f.folder);
    ok(stat(path, &st) == 0 && (size_t)st.st_size == body_len(&f));
    ok(write_text(path, "cached"));
    ok(status_is(ask(&f, "GET", PATH ".mp3", LOGIN), 200));
    ok_int(body_len(&f), 6);
out:
    tear_down(&f);
}

UNIT(web_answers_parts)
{
    static const struct {
        const char *range;
        int status;
        size_t bytes;
        const char *says;
    } table[] = {
        {"Range: bytes=0-99\r\n", 206, 100, "content-range: bytes 0-99/16044"},
        {"Range: bytes=16000-\r\n", 206, 44, "content-range: bytes 16000-16043/16044"},
        {"Range: bytes=-10\r\n", 206, 10, "content-range: bytes 16034-16043/16044"},
        {"Range: bytes=-99999\r\n", 206, 16044, "content-range: bytes 0-16043/16044"},
        {"Range: bytes=16044-\r\n", 416, 0, "content-range: bytes */16044"},
        {"Range: bytes=-0\r\n", 416, 0, "content-range: bytes */16044"},
        {"Range: bytes=5-2\r\n", 200, 16044, "accept-ranges: bytes"},
        {"Range: bytes=0-1,5-6\r\n", 200, 16044, "accept-ranges: bytes"},
        {"Range: lines=1-2\r\n", 200, 16044, "accept-ranges: bytes"},
        {"Range: bytes=99999999999999999999-\r\n", 200, 16044, "accept-ranges: bytes"},
    };
    struct fixture f;
    char headers[300];

    ok(set_up(&f));
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        snprintf(headers, sizeof headers, "%s%s", LOGIN, table[i].range);
        ok(status_is(ask(&f, "GET", PATH, headers), table[i].status));
        ok_int(body_len(&f), table[i].bytes);
        ok(holds(&f, table[i].says));
    }
out:
    tear_down(&f);
}

UNIT(web_tells_the_head_alone)
{
    struct fixture f;

    ok(set_up(&f));
    ok(status_is(ask(&f, "HEAD", PATH, LOGIN), 200));
    ok(holds(&f, "content-length: 16044"));
    ok_int(body_len(&f), 0);
out:
    tear_down(&f);
}

UNIT(web_asks_who_is_there)
{
    static const char *const strangers[] = {
        "",
        WRONG,
        "Authorization: Basic !!!\r\n",
        "Authorization: Bearer x\r\n",
        "Authorization: Basic QUMwMDA=\r\n",
        /* MINE with no password, its beginning, and it twice */
        "Authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTo=\r\n",
        "Authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpzZWM=\r\n",
        "Authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpzZWNyZXRzZWNyZXQ=\r\n",
    };
    struct fixture f;

    ok(set_up(&f));
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        ok(status_is(ask(&f, "GET", PATH, strangers[i]), 401));
        ok(holds(&f, "\"code\":20003") && holds(&f, "www-authenticate: Basic"));
        ok(!holds(&f, "RIFF"));
    }
    ok(status_is(ask(&f, "GET", PATH, THEIRS), 404));
    ok(holds(&f, "\"code\":20404") && !holds(&f, "RIFF"));
    f.config.recordings.open = true;
    ok(status_is(ask(&f, "GET", PATH, ""), 200));
    ok_int(body_len(&f), WAV_BYTES);
out:
    tear_down(&f);
}

UNIT(web_stays_in_its_folder)
{
    static const char *const paths[] = {
        "/2010-04-01/Accounts/" MINE "/Recordings/RE00000000000000000000000000000009",
        "/2010-04-01/Accounts/" MINE "/Recordings/RE0000000000000000000000000000000g",
        "/2010-04-01/Accounts/" MINE "/Recordings/" NAME ".exe",
        "/2010-04-01/Accounts/" MINE "/Recordings/" NAME "/../" NAME,
        "/2010-04-01/Accounts/" MINE "/Recordings/..%2f..%2f..%2fetc%2fpasswd%00aaaaaaaa",
        "/2010-04-01/Accounts/" MINE "/Recordings/RE0000000000000000000000000000000a",
        "/../../etc/passwd",
        "/2010-04-01/Accounts",
        "/nothing\"here",
    };
    struct fixture f;
    char path[500];

    ok(set_up(&f));
    snprintf(path, sizeof path, "%s/RE0000000000000000000000000000000a.wav", f.folder);
    ok(symlink("/etc/passwd", path) == 0);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const char *answer = ask(&f, "GET", paths[i], LOGIN);

        /* libwebsockets itself takes ".." out and closes on %00 */
        ok(status_is(answer, 404) || answer[0] == '\0' || strstr(paths[i], "/../" NAME) != NULL);
        ok(!holds(&f, "root:"));
    }
    ok(status_is(ask(&f, "GET", "/nowhere", ""), 404));
    ok(holds(&f, "{\"code\":20404,\"message\":\"The requested resource /nowhere was not found\","
                 "\"more_info\":\"https://www.twilio.com/docs/errors/20404\",\"status\":404}"));
out:
    tear_down(&f);
}

UNIT(web_says_what_it_is)
{
    struct fixture f;

    ok(set_up(&f));
    ok(status_is(ask(&f, "GET", "/", ""), 200) && holds(&f, "Almon"));
    ok(status_is(ask(&f, "GET", "/healthz", ""), 200) && holds(&f, "\r\n\r\nok\n"));
    /* What follows the refused one is its body, and no request. */
    ok(status_is(raw(&f, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 36\r\n\r\n"
                         "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
                 405));
    ok(!holds(&f, "ok\n"));
out:
    tear_down(&f);
}

UNIT(web_keeps_a_connection_and_speaks_no_websocket)
{
    struct fixture f;

    ok(set_up(&f));
    ok(status_is(raw(&f, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
                         "GET " PATH " HTTP/1.1\r\nHost: x\r\n" LOGIN "\r\n"
                         "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                 200));
    ok(holds(&f, "RIFF") && holds(&f, "ok\n"));
    ok(strcmp(f.got.data + f.got.len - 3, "ok\n") == 0); /* the last of three answers */
    raw(&f, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    ok(!holds(&f, "101 Switching"));
    raw(&f, "\x16\x03\x01 no http at all\r\n\r\n");
    ok(!holds(&f, "HTTP/1.1 200"));
    ok(status_is(ask(&f, "GET", "/healthz", ""), 200));
out:
    tear_down(&f);
}

UNIT(web_says_why_it_cannot_listen)
{
    struct fixture f;
    struct web *second = NULL;
    struct error err = {0};
    char address[40];

    ok(set_up(&f));
    snprintf(address, sizeof address, "127.0.0.1:%d", web_port(f.web));
    ok(web_new(&second, f.loop, &f.config, address, unit_folder(), &err) != 0);
    ok(strstr(err.text, "server.http") != NULL);
    ok(web_new(&second, f.loop, &f.config, "nonsense", unit_folder(), &err) != 0);
out:
    tear_down(&f);
}

static void count_line(const char *line, void *arg)
{
    (void)line;
    ++*(int *)arg;
}

/* A process without a free descriptor cannot accept: it must wait, not spin over the one who knocks
 * (and fill the log), and serve him when there is one again. */
UNIT(web_waits_while_no_descriptor_is_free)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct fixture f;
    struct rlimit before, none;
    char bytes[1000] = "";
    int fd = -1, lines = 0;

    getrlimit(RLIMIT_NOFILE, &before);
    ok(set_up(&f));
    fd = dial(&f);
    ok(fd >= 0 && write(fd, request, sizeof request - 1) == (ssize_t)sizeof request - 1);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
    ok_int(setrlimit(RLIMIT_NOFILE, &none), 0);
    log_set_sink(count_line, &lines);
    for (int64_t end = loop_now(f.loop) + 300000; loop_now(f.loop) < end;)
        loop_turn(f.loop, false);
    setrlimit(RLIMIT_NOFILE, &before);
    log_set_sink(NULL, NULL);
    ok(lines >= 1 && lines <= 5);
    for (int turn = 0; turn < 3000 && read(fd, bytes, sizeof bytes) <= 0; turn++) {
        loop_turn(f.loop, false);
        usleep(1000);
    }
    ok(strncmp(bytes, "HTTP/1.1 200", 12) == 0);
out:
    setrlimit(RLIMIT_NOFILE, &before);
    log_set_sink(NULL, NULL);
    if (fd >= 0)
        close(fd);
    tear_down(&f);
}

UNIT_MAIN(NO_TORTURE(web_gives_a_recording_to_its_account), NO_TORTURE(web_makes_an_mp3_once),
          NO_TORTURE(web_answers_parts), NO_TORTURE(web_tells_the_head_alone),
          NO_TORTURE(web_asks_who_is_there), NO_TORTURE(web_stays_in_its_folder),
          NO_TORTURE(web_says_what_it_is),
          NO_TORTURE(web_keeps_a_connection_and_speaks_no_websocket),
          NO_TORTURE(web_says_why_it_cannot_listen),
          NO_TORTURE(web_waits_while_no_descriptor_is_free))
