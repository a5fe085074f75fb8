#include "cli/link.h"

#include "base/config.h"
#include "base/mem.h"
#include "base/str.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void keep_quiet(int line, const char *text, void *arg)
{
    (void)line;
    (void)text;
    (void)arg;
}

void cli_state(const char *option, const char *config_path, char out[CLI_STATE_SIZE])
{
    struct config *config = NULL;
    bool beside;

    str_copy(out, CLI_STATE_SIZE, option != NULL ? option : "state");
    if (option != NULL || config_load(&config, config_path, keep_quiet, NULL, NULL) != 0)
        return;
    beside = config->server.state[0] != '/';
    snprintf(out, CLI_STATE_SIZE, "%s%s%s", beside ? config->folder : "", beside ? "/" : "",
             config->server.state);
    config_free(config);
}

int cli_link_open(struct cli_link *l, const char *state, struct error *err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    l->in = NULL;
    if (snprintf(a.sun_path, sizeof a.sun_path, "%s/almon.sock", state) >= (int)sizeof a.sun_path)
        return error_set(err, ERR_LIMIT, "%s: this folder's name is too long for a socket", state);
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&a, sizeof a) != 0) {
        error_set(err, ERR_IO,
                  "no almon answers at %s (%s); is `almon serve` running? --state says where",
                  a.sun_path, strerror(errno));
        if (l->fd >= 0)
            close(l->fd);
        return ERR_IO;
    }
    l->in = fdopen(l->fd, "r");
    if (l->in != NULL)
        return 0;
    close(l->fd);
    return error_nomem(err);
}

void cli_link_close(struct cli_link *l)
{
    if (l->in != NULL)
        fclose(l->in);
    l->in = NULL;
}

int cli_link_send(struct cli_link *l, json_t *request, struct error *err)
{
    char *text = request != NULL ? json_dumps(request, JSON_COMPACT) : NULL;
    struct str line = STR_INIT(64 * 1024);
    int rc = 0;

    json_decref(request);
    str_addf(&line, "%s\n", text != NULL ? text : "");
    if (text == NULL || line.failed)
        rc = error_nomem(err);
    else if (send(l->fd, line.data, line.len, MSG_NOSIGNAL) != (ssize_t)line.len)
        rc = error_set(err, ERR_IO, "almon does not take the request: %s", strerror(errno));
    mem_free(text); /* jansson allocates by our functions, see mem_hook_libraries() */
    str_free(&line);
    return rc;
}

json_t *cli_link_read(struct cli_link *l, struct error *err)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n = getline(&line, &size, l->in);
    json_t *j = n > 0 ? json_loadb(line, (size_t)n, 0, NULL) : NULL;

    free(line);
    if (n <= 0)
        error_set(err, ERR_IO, "almon closed the connection");
    else if (j == NULL)
        error_set(err, ERR_INVALID, "almon answered something that is no JSON");
    return j;
}

bool cli_link_wait(struct cli_link *l, int ms)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN};

    return poll(&p, 1, ms) > 0;
}

json_t *cli_ask_for(const char *state, json_t *request, struct error *err)
{
    struct cli_link l;
    json_t *answer = NULL;
    const char *why;

    if (cli_link_open(&l, state, err) != 0) {
        json_decref(request);
        return NULL;
    }
    if (cli_link_send(&l, request, err) == 0)
        answer = cli_link_read(&l, err);
    if (answer != NULL && !json_is_true(json_object_get(answer, "ok"))) {
        why = json_string_value(json_object_get(answer, "error"));
        error_set(err, ERR_REFUSED, "%s", why != NULL ? why : "almon refused");
        json_decref(answer);
        answer = NULL;
    }
    cli_link_close(&l);
    return answer;
}

int cli_ask(const char *state, json_t *request, struct error *err)
{
    json_t *answer = cli_ask_for(state, request, err);

    json_decref(answer);
    return answer != NULL ? 0 : err->code;
}
