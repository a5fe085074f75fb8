#include "cli/daemon.h"

#include "base/error.h"
#include "base/log.h"
#include "speech/speech.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    FILES_MOST = 1024 * 1024, /* some systems have no bound, and tables are made for all of them */
    FILES_FEW = 4096
};

void daemon_raise_files(void)
{
    struct rlimit limit;
    rlim_t had;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    had = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max < FILES_MOST ? limit.rlim_max : FILES_MOST;
    if (limit.rlim_cur < had || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        limit.rlim_cur = had;
    if (limit.rlim_cur < FILES_FEW)
        log_warn("serve", NULL,
                 "only %llu files may be open at once, which a few hundred calls may need; raise "
                 "`ulimit -Hn`, or LimitNOFILE= of the service",
                 (unsigned long long)limit.rlim_cur);
}

void daemon_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t n = path != NULL ? strlen(path) : 0;
    int fd;

    if (n < 2 || n >= sizeof a.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(a.sun_path, path, n);
    if (path[0] == '@')
        a.sun_path[0] = '\0'; /* an abstract name: no file */
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&a,
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
        log_warn("serve", NULL, "cannot tell systemd '%s': %s", state, strerror(errno));
    if (fd >= 0)
        close(fd);
}

/* "menu.lua#night" is in menu.lua. */
static void advise_flow(const struct config *c, int line, const char *what, const char *flow)
{
    char path[4096];

    if (flow == NULL || strstr(flow, "://") != NULL)
        return;
    snprintf(path, sizeof path, "%s/%.*s", c->folder, (int)strcspn(flow, "#"), flow);
    if (access(path, R_OK) != 0)
        log_warn("config", NULL, "%s:%d: %s = '%s': %s: %s", c->path, line, what, flow, path,
                 strerror(errno));
}

void daemon_advise(const struct config *config)
{
    struct speech_voice voice;
    struct error err = {0};

    for (size_t i = 0; i < config->n_numbers; i++) {
        const struct config_number *n = &config->numbers[i];

        if (n->voice == NULL && n->message == NULL)
            log_warn("config", NULL,
                     "%s:%d: number '%s' has no voice: its calls are refused; write voice = a URL "
                     "or a file",
                     config->path, n->line, n->pattern);
        advise_flow(config, n->line, "voice", n->voice);
        advise_flow(config, n->line, "voice_fallback", n->voice_fallback);
        advise_flow(config, n->line, "message", n->message);
        advise_flow(config, n->line, "message_fallback", n->message_fallback);
    }
    for (size_t i = 0; i < config->n_applications; i++)
        advise_flow(config, config->applications[i].line, "voice", config->applications[i].voice);
    if (speech_pick(config->speech.voice, NULL, &voice, &err) != 0 ||
        speech_pick(NULL, config->speech.language, &voice, &err) != 0)
        log_warn("config", NULL, "%s: speech: %s", config->path, err.text);
}
