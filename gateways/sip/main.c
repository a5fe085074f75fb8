/* almon-sip: the SIP gateway, a program of its own. */
#include "base/log.h"
#include "base/mem.h"
#include "gateways/sip/gateway.h"
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define NICE (-10)

static const char usage[] =
    "usage: almon-sip [--config FILE] [--link URL]\n"
    "\n"
    "Brings SIP phones and trunks to a running `almon serve`.\n"
    "\n"
    "  --config FILE   almon.lua, with sip{…}, trunk{…}, phone{…} (default almon.lua)\n"
    "  --link URL      the exchange's bridge (default ws:// and server.bridge)\n"
    "\n"
    "`almon help almon.lua` lists what the file may say.\n";

static void print_mistake(int line, const char *text, void *arg)
{
    (void)line;
    (void)arg;
    fprintf(stderr, "%s\n", text);
}

/* As the exchange's media thread: a frame waits for nobody, where the system allows it. */
static void take_precedence(void)
{
    (void)setpriority(PRIO_PROCESS, 0, NICE);
}

static void raise_files(void)
{
    struct rlimit limit;

    /* A call takes two sockets. */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void log_mistake(int line, const char *text, void *arg)
{
    (void)line;
    *(bool *)arg = true;
    log_error("sip", NULL, "%s", text);
}

static void reload(struct gateway *g)
{
    struct config *config;
    struct error err = {0};
    bool said = false;
    char *path = mem_strdup(g->config->path);
    int rc =
        path == NULL ? error_nomem(&err) : config_load(&config, path, log_mistake, &said, &err);

    if (rc == 0)
        rc = gateway_set_config(g, config, &err);
    if (rc != 0 && !said)
        log_error("sip", NULL, "%s", err.text);
    if (rc != 0)
        log_error("sip", NULL, "the configuration stays as it was");
    else
        log_info("sip", NULL, "%s was read again", path);
    mem_free(path);
}

static void on_signal(uv_signal_t *h, int number)
{
    if (number == SIGHUP)
        reload(h->data);
    else
        gateway_stop(h->data);
}

static void close_signal(uv_signal_t *h)
{
    uv_close((uv_handle_t *)h, NULL);
}

/* Takes the configuration over. */
static int run(struct config *config, const char *url, struct error *err)
{
    struct gateway *g;
    struct str where = STR_INIT(1024);
    uv_signal_t on_int, on_term, on_hup;
    int rc = gateway_new(&g, config, url, err);

    if (rc != 0)
        return rc;
    uv_signal_init(loop_uv(g->loop), &on_int);
    uv_signal_init(loop_uv(g->loop), &on_term);
    uv_signal_init(loop_uv(g->loop), &on_hup);
    on_int.data = on_term.data = on_hup.data = g;
    uv_signal_start(&on_hup, on_signal, SIGHUP);
    uv_signal_start(&on_int, on_signal, SIGINT);
    uv_signal_start(&on_term, on_signal, SIGTERM);
    pump_soon(g->pump);
    stack_addresses(g->stack, &where);
    printf("almon-sip: ready on %s\n", str_text(&where));
    fflush(stdout);
    str_free(&where);
    rc = gateway_run(g, err);
    close_signal(&on_int);
    close_signal(&on_term);
    close_signal(&on_hup);
    gateway_free(g);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"link", required_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *path = "almon.lua", *url = NULL;
    struct config *config;
    struct error err = {0};
    char link[300];
    int option, rc;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c')
            path = optarg;
        else if (option == 'l')
            url = optarg;
        else
            return fputs(usage, option == 'h' ? stdout : stderr), option == 'h' ? 0 : 2;
    }
    if (optind < argc) {
        fprintf(stderr,
                "almon-sip: '%s' is one word too many; a configuration is named with "
                "--config FILE\n",
                argv[optind]);
        return 2;
    }
    mem_hook_libraries();
    signal(SIGPIPE, SIG_IGN);
    if (config_load(&config, path, print_mistake, NULL, &err) != 0)
        return 1;
    log_set_levels(config->server.log, &err);
    raise_files();
    take_precedence();
    snprintf(link, sizeof link, "ws://%s/", config->server.bridge);
    rc = run(config, url != NULL ? url : link, &err);
    if (rc != 0)
        fprintf(stderr, "almon-sip: %s\n", err.text);
    return rc == 0 ? 0 : 1;
}
