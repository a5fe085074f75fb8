/* almon room: the conferences that are under way, and what may be done with them. */
#include "cli/room.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/link.h"
#include "session/runtime.h"
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* --- the exchange's side --- */

static void add_member(const struct runtime_member *m, void *arg)
{
    json_array_append_new(arg,
                          json_pack("{s:s, s:s?, s:s?, s:b, s:b, s:b, s:b}", "call", m->call,
                                    "label", m->label, "coached", m->coached, "muted", m->muted,
                                    "held", m->held, "speaking", m->speaking, "ends", m->ends));
}

struct listing {
    struct runtime *rt;
    json_t *rooms;
};

static void add_room(const struct runtime_room *r, void *arg)
{
    struct listing *l = arg;
    json_t *members = json_array();

    if (members == NULL)
        return;
    runtime_room_members(l->rt, NULL, r->sid, add_member, members, NULL);
    json_array_append_new(l->rooms, json_pack("{s:s, s:s, s:s, s:s, s:o}", "sid", r->sid, "name",
                                              r->name, "account", r->account, "status", r->status,
                                              "members", members));
}

json_t *cli_room_list(struct runtime *rt)
{
    struct listing l = {rt, json_array()};

    if (l.rooms != NULL)
        runtime_rooms(rt, add_room, &l);
    return l.rooms;
}

static int act_on_member(struct runtime *rt, const char *sid, const char *what, const char *who,
                         const char *url, struct error *err)
{
    struct runtime_member_change c = {0};

    if (strcmp(what, "kick") == 0)
        return runtime_member_kick(rt, NULL, sid, who, err);
    if (strcmp(what, "mute") == 0 || strcmp(what, "unmute") == 0)
        c.muted = *what == 'm' ? RUNTIME_ON : RUNTIME_OFF;
    else if (strcmp(what, "hold") == 0 || strcmp(what, "unhold") == 0)
        c.held = *what == 'h' ? RUNTIME_ON : RUNTIME_OFF;
    else if (strcmp(what, "announce") != 0)
        return error_set(err, ERR_INVALID, "'%s' cannot be done with a participant", what);
    c.hold_url = c.held == RUNTIME_ON ? url : NULL;
    c.hold_get = true;
    c.announce_url = *what == 'a' ? url : NULL;
    return runtime_member_change(rt, NULL, sid, who, &c, err);
}

int cli_room_act(struct runtime *rt, const json_t *request, struct error *err)
{
    const char *sid = json_string_value(json_object_get(request, "sid"));
    const char *what = json_string_value(json_object_get(request, "do"));
    const char *who = json_string_value(json_object_get(request, "who"));
    const char *url = json_string_value(json_object_get(request, "url"));

    if (sid == NULL || what == NULL)
        return error_set(err, ERR_INVALID, "room: needs \"sid\" and \"do\"");
    if (strcmp(what, "announce") == 0 && url == NULL)
        return error_set(err, ERR_INVALID, "room: announce needs \"url\"");
    if (who != NULL)
        return act_on_member(rt, sid, what, who, url, err);
    if (strcmp(what, "end") == 0)
        return runtime_room_end(rt, NULL, sid, err);
    if (strcmp(what, "announce") == 0)
        return runtime_room_announce(rt, NULL, sid, url, false, err);
    return error_set(err, ERR_INVALID, "room: '%s' needs \"who\", or is nothing that can be done",
                     what);
}

/* --- the command line's --- */

static void usage(FILE *out)
{
    fprintf(out, "usage: almon room [--state DIR | --config FILE]\n"
                 "       almon room ROOM end\n"
                 "       almon room ROOM announce URL|FILE [WHO]\n"
                 "       almon room ROOM mute|unmute|unhold|kick WHO\n"
                 "       almon room ROOM hold WHO [URL|FILE]\n"
                 "Lists the conferences that are under way, or acts on one. ROOM is its name or "
                 "ConferenceSid,\nWHO a participant's CallSid or label.\n");
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value != NULL ? value : "";
}

static void print_member(const json_t *m)
{
    static const char *const facts[] = {"muted", "held", "speaking"};

    printf("  %s", text(m, "call"));
    if (*text(m, "label") != '\0')
        printf(" %s", text(m, "label"));
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (json_is_true(json_object_get(m, facts[i])))
            printf(" %s", facts[i]);
    if (*text(m, "coached") != '\0')
        printf(" coaches %s", text(m, "coached"));
    printf("\n");
}

static void print_room(const json_t *r)
{
    const json_t *members = json_object_get(r, "members");
    json_t *m;
    size_t i;

    printf("%s %s %s\n", text(r, "sid"), text(r, "status"), text(r, "name"));
    json_array_foreach(members, i, m) print_member(m);
}

/* All rooms, a new reference; NULL and an error when the exchange does not answer. */
static json_t *ask_rooms(const char *state, struct error *err)
{
    struct cli_link l;
    json_t *answer, *rooms = NULL;

    if (cli_link_open(&l, state, err) != 0)
        return NULL;
    if (cli_link_send(&l, json_pack("{s:s}", "cmd", "rooms"), err) == 0) {
        answer = cli_link_read(&l, err);
        rooms = json_incref(json_object_get(answer, "rooms"));
        if (answer != NULL && rooms == NULL)
            error_set(err, ERR_INVALID, "almon serve knows no conferences: it is an older one");
        json_decref(answer);
    }
    cli_link_close(&l);
    return rooms;
}

static int list(const char *state, struct error *err)
{
    json_t *rooms = ask_rooms(state, err), *r;
    size_t i;

    if (rooms == NULL)
        return ERR_IO;
    json_array_foreach(rooms, i, r) print_room(r);
    if (json_array_size(rooms) == 0)
        printf("no conference is under way\n");
    json_decref(rooms);
    return 0;
}

/* The ConferenceSid of a room by its name or that. */
static int find(const char *state, const char *name, char sid[SID_SIZE], struct error *err)
{
    json_t *rooms = ask_rooms(state, err), *r;
    unsigned found = 0;
    size_t i;

    if (rooms == NULL)
        return ERR_IO;
    json_array_foreach(rooms, i, r)
    {
        if (strcmp(text(r, "sid"), name) != 0 && strcmp(text(r, "name"), name) != 0)
            continue;
        str_copy(sid, SID_SIZE, text(r, "sid"));
        found++;
    }
    json_decref(rooms);
    if (found == 1)
        return 0;
    return error_set(err, ERR_MISSING,
                     found == 0 ? "no conference '%s' is under way: `almon room` lists them"
                                : "several accounts have a conference '%s': name it by its SID",
                     name);
}

/* The exchange runs in another folder: a file is named in full. */
static int name_in_full(const char *target, char path[PATH_MAX], struct error *err)
{
    if (strstr(target, "://") != NULL && strlen(target) < PATH_MAX) {
        str_copy(path, PATH_MAX, target);
        return 0;
    }
    if (realpath(target, path) != NULL)
        return 0;
    return error_set(err, ERR_MISSING, "%s: no such file, and no URL", target);
}

/* args: ROOM, what, and the rest; NULL-ended. */
static int act(const char *state, char **args, struct error *err)
{
    bool announces = strcmp(args[1], "announce") == 0, holds = strcmp(args[1], "hold") == 0;
    const char *who = announces ? (args[2] != NULL ? args[3] : NULL) : args[2];
    const char *url = announces ? args[2] : holds && who != NULL ? args[3] : NULL;
    char sid[SID_SIZE], path[PATH_MAX];
    json_t *request;
    int rc = find(state, args[0], sid, err);

    if (rc == 0 && url != NULL)
        rc = name_in_full(url, path, err);
    if (rc != 0)
        return rc;
    request = json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "cmd", "room", "sid", sid, "do", args[1],
                        "who", who, "url", url != NULL ? path : NULL);
    return cli_ask(state, request, err);
}

int cli_room(int argc, char **argv)
{
    static const struct option options[] = {{"state", required_argument, NULL, 's'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *given = NULL, *config = "almon.lua";
    char state[CLI_STATE_SIZE];
    struct error err = {0};
    int c, n;

    while ((c = getopt_long(argc, argv, "s:c:h", options, NULL)) != -1) {
        if (c != 's' && c != 'c') {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
        *(c == 's' ? &given : &config) = optarg;
    }
    n = argc - optind;
    if (n == 1 || n > 4) {
        usage(stderr);
        return 2;
    }
    cli_state(given, config, state);
    if ((n == 0 ? list(state, &err) : act(state, argv + optind, &err)) == 0)
        return 0;
    fprintf(stderr, "almon: %s\n", err.text);
    return 1;
}
