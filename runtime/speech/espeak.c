#include "speech/espeak.h"
#include "base/mem.h"
#include "speech/wav.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

extern char **environ;

static _Atomic int patience = ESPEAK_STALL_MS;

void espeak_set_patience(int stall_ms)
{
    patience = stall_ms > 0 ? stall_ms : ESPEAK_STALL_MS;
}

/* One process: `in` is a socket (send() can be told not to raise SIGPIPE), `out` a pipe. */
struct child {
    pid_t pid;
    int in, out;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int spawn_failed(struct error *err, int code)
{
    if (code == ENOENT)
        return error_set(err, ERR_MISSING,
                         "speech: the program espeak-ng was not found in PATH; install it with "
                         "`apt-get install espeak-ng`");
    return error_set(err, ERR_IO, "speech: espeak-ng cannot be started: %s", strerror(code));
}

/* The child gets its two ends and none of our other descriptors, which are all close-on-exec; the
 * parent's signal mask and ignored signals are not handed on. */
static int spawn(struct child *c, char *const argv[], int in, int out)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, usual;
    int code;

    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGINT);
    sigaddset(&usual, SIGTERM);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&files, in, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &usual);
    /* A group of its own: Ctrl-C in the terminal ends the server's calls in its own order. */
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                        POSIX_SPAWN_SETPGROUP);
    code = posix_spawnp(&c->pid, argv[0], &files, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return code;
}

static int child_start(struct child *c, char *const argv[], struct error *err)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    int code;

    *c = (struct child){.in = -1, .out = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0 || pipe2(out, O_CLOEXEC) != 0)
        code = errno;
    else
        code = spawn(c, argv, in[1], out[1]);
    close_fd(&in[1]);
    close_fd(&out[1]);
    if (code != 0) {
        close_fd(&in[0]);
        close_fd(&out[0]);
        return spawn_failed(err, code);
    }
    c->in = in[0];
    c->out = out[0];
    fcntl(c->in, F_SETFL, O_NONBLOCK);
    fcntl(c->out, F_SETFL, O_NONBLOCK);
    return 0;
}

/* Writes what the socket takes; closes it at the end, or when the child is not interested. */
static void feed(struct child *c, const char **text, size_t *left)
{
    ssize_t n = *left > 0 ? send(c->in, *text, *left, MSG_NOSIGNAL) : 0;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        *text += n;
        *left -= (size_t)n;
    }
    if (n < 0 || *left == 0)
        close_fd(&c->in);
}

/* 1 for more, 0 at the end. */
static int drain(struct child *c, struct str *out, struct error *err)
{
    char buf[16384];
    ssize_t n = read(c->out, buf, sizeof buf);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 1;
    if (n < 0)
        return error_set(err, ERR_IO, "speech: reading from espeak-ng: %s", strerror(errno));
    str_addn(out, buf, (size_t)n);
    if (out->failed)
        return out->len + (size_t)n > out->max
                   ? error_set(err, ERR_LIMIT,
                               "speech: espeak-ng made more than %zu MB of audio; "
                               "shorten the text",
                               out->max >> 20)
                   : error_nomem(err);
    return n > 0;
}

/* The clock here is the system's: a real process does not live in virtual time. */
static int converse(struct child *c, const char *text, size_t left, struct str *out,
                    struct error *err)
{
    uint64_t end = uv_hrtime() + (uint64_t)ESPEAK_TOTAL_MS * 1000000;
    int rc = 1;

    while (rc > 0) {
        struct pollfd fds[2] = {{.fd = c->out, .events = POLLIN}, {.fd = c->in, .events = POLLOUT}};
        int n = poll(fds, c->in >= 0 ? 2 : 1, patience);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ERR_IO, "speech: poll: %s", strerror(errno));
        if (n == 0 || uv_hrtime() > end)
            return error_set(err, ERR_TIMEOUT,
                             "speech: espeak-ng said nothing for %d seconds (or took more than %d) "
                             "and was killed",
                             ESPEAK_STALL_MS / 1000, ESPEAK_TOTAL_MS / 1000);
        if (c->in >= 0 && fds[1].revents != 0)
            feed(c, &text, &left);
        if (fds[0].revents != 0)
            rc = drain(c, out, err);
    }
    return rc;
}

static int reap(struct child *c, bool kill_it, struct error *err)
{
    int status = 0;
    pid_t pid;

    close_fd(&c->in);
    close_fd(&c->out);
    if (kill_it)
        kill(c->pid, SIGKILL);
    do
        pid = waitpid(c->pid, &status, 0);
    while (pid < 0 && errno == EINTR);
    /* With SIGCHLD ignored by our starter there is no status to be had: what was said counts. */
    if (kill_it || pid < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return 0;
    if (WIFSIGNALED(status))
        return error_set(err, ERR_IO, "speech: espeak-ng was ended by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) == 127)
        return spawn_failed(err, ENOENT);
    return error_set(err, ERR_IO, "speech: espeak-ng failed with status %d", WEXITSTATUS(status));
}

/* Runs the program with `text` on its standard input; its output is appended to `out`. */
static int run(char *const argv[], const char *text, struct str *out, struct error *err)
{
    struct child c;
    int rc, ended;

    rc = child_start(&c, argv, err);
    if (rc != 0)
        return rc;
    rc = converse(&c, text, strlen(text), out, err);
    ended = reap(&c, rc != 0, err);
    return rc != 0 ? rc : ended;
}

int espeak_speak(struct espeak_sound *out, const char *voice, const char *ssml, struct error *err)
{
    /* -b 1: the text is UTF-8 whatever the locale; -z: no pause at the end (we make our own). */
    char *argv[] = {"espeak-ng", "-b",          "1",       "-m",       "-z",
                    "-v",        (char *)voice, "--stdin", "--stdout", NULL};
    struct str bytes = STR_INIT(ESPEAK_MAX_BYTES);
    struct wav wav;
    int rc;

    *out = (struct espeak_sound){0};
    rc = run(argv, ssml, &bytes, err);
    /* Nothing to be said (only punctuation, say) is no header at all from some versions. */
    if (rc == 0 && bytes.len > 0)
        rc = wav_parse(&wav, (const uint8_t *)bytes.data, bytes.len, err);
    if (rc == 0 && bytes.len > 0) {
        out->samples = mem_alloc(wav.samples * sizeof *out->samples + 1);
        if (out->samples == NULL) {
            rc = error_nomem(err);
        } else {
            wav_samples(&wav, (const uint8_t *)bytes.data, out->samples);
            out->count = wav.samples;
            out->rate = wav.rate;
        }
    }
    str_free(&bytes);
    return rc;
}

int espeak_version(char *out, size_t size, struct error *err)
{
    char *argv[] = {"espeak-ng", "--version", NULL};
    struct str text = STR_INIT(4096);
    const char *p;
    int rc = run(argv, "", &text, err);

    if (rc == 0) {
        /* "eSpeak NG text-to-speech: 1.51  Data at: /usr/lib/…" */
        p = strchr(str_text(&text), ':');
        p = p != NULL ? p + 1 + strspn(p + 1, " ") : "";
        if (*p == '\0')
            rc = error_set(err, ERR_IO, "speech: `espeak-ng --version` says nothing of use");
        else
            str_copy(out, size, p);
        out[strcspn(out, " \r\n")] = '\0';
    }
    str_free(&text);
    return rc;
}

int espeak_voices(struct str *out, struct error *err)
{
    char *argv[] = {"espeak-ng", "--voices", NULL};

    return run(argv, "", out, err);
}
