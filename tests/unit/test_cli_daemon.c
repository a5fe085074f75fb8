/* What the exchange tells at its start, and whom. */
#include "base/log.h"
#include "base/str.h"
#include "cli/daemon.h"
#include "tests/unit/unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void note_line(const char *line, void *arg)
{
    str_addf(arg, "%s\n", line);
}

static bool write_flow(const char *name)
{
    char path[400];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
    f = fopen(path, "we");
    return f != NULL && fputs("<Response/>", f) >= 0 && fclose(f) == 0;
}

UNIT(flows_that_are_not_there_and_voices_that_nobody_has_are_told_at_the_start)
{
    static const char text[] =
        "account { sid = 'AC00000000000000000000000000000001', token = 't' }\n"
        "number { '+1', voice = 'there.xml', voice_fallback = 'https://example.com/x' }\n"
        "number { '+2', voice = 'gone.xml' }\n"
        "number { '+3', voice = 'there.lua#night', voice_fallback = 'gone.lua#day' }\n"
        "number { '+4' }\n"
        "number { '+5', message = 'there.xml', message_fallback = 'sorry.xml' }\n"
        "application { 'shop', voice = 'shop.xml' }\n"
        "speech { voice = 'Polly.Nobody' }\n";
    struct str said = STR_INIT(4000);
    struct config *c = NULL;
    struct error err = {0};
    char path[400];

    log_set_sink(note_line, &said);
    snprintf(path, sizeof path, "%s/almon.lua", unit_folder());
    ok(write_flow("there.xml") && write_flow("there.lua"));
    ok_rc(config_parse(&c, text, strlen(text), path, NULL, NULL, &err), &err);
    daemon_advise(c);
    ok(strstr(str_text(&said), "almon.lua:3: voice = 'gone.xml'") != NULL);
    ok(strstr(str_text(&said), "almon.lua:4: voice_fallback = 'gone.lua#day'") != NULL);
    ok(strstr(str_text(&said), "almon.lua:5: number '+4' has no voice") != NULL);
    ok(strstr(str_text(&said), "almon.lua:6: message_fallback = 'sorry.xml'") != NULL);
    ok(strstr(str_text(&said), "almon.lua:7: voice = 'shop.xml'") != NULL);
    ok(strstr(str_text(&said), "there is no voice 'Polly.Nobody'") != NULL);
    ok(strstr(str_text(&said), "there.") == NULL && strstr(str_text(&said), "'+5'") == NULL);
    ok(strstr(str_text(&said), "example.com") == NULL);
out:
    log_set_sink(NULL, NULL);
    config_free(c);
    str_free(&said);
}

/* What systemd hears from a service of Type=notify, by a path and by an abstract name. */
UNIT(systemd_is_told_when_it_is_ready)
{
    struct timeval five = {.tv_sec = 5};
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char name[100], got[100];
    ssize_t n;
    int fd = -1;

    unsetenv("NOTIFY_SOCKET");
    daemon_notify("READY=1"); /* nobody wants to know */
    for (int abstract = 0; abstract < 2; abstract++) {
        int size = snprintf(name, sizeof name, "%s/almon-notify-%d", abstract ? "@" : "/tmp",
                            (int)getpid());

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &five, sizeof five);
        memcpy(a.sun_path, name, (size_t)size + 1);
        if (abstract)
            a.sun_path[0] = '\0';
        ok_int(bind(fd, (struct sockaddr *)&a,
                    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)size)),
               0);
        setenv("NOTIFY_SOCKET", name, 1);
        daemon_notify("READY=1");
        n = recv(fd, got, sizeof got - 1, 0);
        ok(n == 7 && memcmp(got, "READY=1", 7) == 0);
        close(fd);
        fd = -1;
        if (!abstract)
            unlink(name);
    }
out:
    if (fd >= 0)
        close(fd);
    unsetenv("NOTIFY_SOCKET");
}

UNIT(as_many_files_may_be_open_as_the_system_allows)
{
    struct str said = STR_INIT(1000);
    struct rlimit before, now, few;

    getrlimit(RLIMIT_NOFILE, &before);
    few = (struct rlimit){.rlim_cur = 64, .rlim_max = before.rlim_max};
    log_set_sink(note_line, &said);
    ok_int(setrlimit(RLIMIT_NOFILE, &few), 0);
    daemon_raise_files();
    getrlimit(RLIMIT_NOFILE, &now);
    ok(now.rlim_cur == before.rlim_max || now.rlim_cur == 1024 * 1024);
    ok(now.rlim_cur < 4096 || said.len == 0);
out:
    setrlimit(RLIMIT_NOFILE, &before);
    log_set_sink(NULL, NULL);
    str_free(&said);
}

UNIT_MAIN(NO_TORTURE(flows_that_are_not_there_and_voices_that_nobody_has_are_told_at_the_start),
          NO_TORTURE(systemd_is_told_when_it_is_ready),
          NO_TORTURE(as_many_files_may_be_open_as_the_system_allows))
