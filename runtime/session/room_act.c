/* What the outside may do with conferences (runtime.h). */
#include "base/mem.h"
#include "session/room_private.h"
#include <string.h>

/* --- looking --- */

static struct runtime_room facts_of(const struct room *r)
{
    return (struct runtime_room){.sid = r->own->sid,
                                 .name = r->name,
                                 .account = r->own->account->sid,
                                 .status = room_state_name(r->state),
                                 .region = r->region,
                                 .members = r->count,
                                 .created = r->own->began_wall,
                                 .updated = r->updated_wall};
}

void runtime_rooms(struct runtime *rt, runtime_room_h *h, void *arg)
{
    struct link_node *n;

    for (n = list_first(&rt->sessions); n != NULL; n = list_next(&rt->sessions, n)) {
        struct session *s = list_entry(n, struct session, in_sessions);
        struct runtime_room facts;

        if (s->room == NULL || s->room->state == ROOM_COMPLETED)
            continue;
        facts = facts_of(s->room);
        h(&facts, arg);
    }
}

int runtime_room_members(struct runtime *rt, const char *account, const char *room,
                         runtime_member_h *h, void *arg, struct error *err)
{
    struct room *r = room_find(rt, account, room, err);

    if (r == NULL)
        return ERR_MISSING;
    for (struct link_node *n = list_first(&r->members); n != NULL; n = list_next(&r->members, n)) {
        const struct room_member *m = list_entry(n, struct room_member, node);
        struct runtime_member facts = {
            .call = m->session->sid,
            .label = m->label,
            .coached = m->coach[0] != '\0' ? m->coach : NULL,
            .muted = m->muted,
            .held = m->held,
            .speaking = m->speaking,
            .starts = m->starts,
            .ends = m->ends,
            .created = m->began_wall,
            .updated = m->updated_wall,
        };

        h(&facts, arg);
    }
    return 0;
}

/* --- the room --- */

int runtime_room_end(struct runtime *rt, const char *account, const char *room, struct error *err)
{
    struct room *r = room_find(rt, account, room, err);

    if (r == NULL)
        return ERR_MISSING;
    room_finish(r, ENDING_API, NULL);
    return 0;
}

int runtime_room_announce(struct runtime *rt, const char *account, const char *room,
                          const char *url, bool get, struct error *err)
{
    struct room *r = room_find(rt, account, room, err);

    return r == NULL ? ERR_MISSING : room_announce(r, url, get, err);
}

/* --- one of its members --- */

static struct room_member *find(struct runtime *rt, const char *account, const char *room,
                                const char *who, struct error *err)
{
    struct room *r = room_find(rt, account, room, err);
    struct room_member *m = r != NULL ? room_member_find(r, who) : NULL;

    if (r != NULL && m == NULL)
        error_set_twilio(err, ERR_MISSING, 20404, "conference %s has no participant %s",
                         r->own->sid, who);
    return m;
}

int runtime_member_kick(struct runtime *rt, const char *account, const char *room, const char *who,
                        struct error *err)
{
    struct room_member *m = find(rt, account, room, who, err);

    if (m == NULL)
        return ERR_MISSING;
    room_leave(m, LEAVING_KICKED);
    return 0;
}

/* Replaces one sound; `url` NULL leaves it. */
static int set_sound(struct room_sound *sound, const char *url, bool get, struct error *err)
{
    char *copy = mem_strdup(url);

    if (url == NULL)
        return 0;
    if (copy == NULL)
        return error_nomem(err);
    mem_free(sound->url);
    *sound = (struct room_sound){copy, get};
    return 0;
}

static int check(struct room_member *m, const struct runtime_member_change *c, struct error *err)
{
    const struct room_member *other = c->coach != NULL ? room_member_find(m->room, c->coach) : NULL;

    if (c->coaching != RUNTIME_ON)
        return 0;
    if (c->coach == NULL && m->coach[0] == '\0')
        return error_set_twilio(err, ERR_INVALID, 13240,
                                "whom to coach is not said: CallSidToCoach");
    if (c->coach != NULL && (other == NULL || other == m))
        return error_set_twilio(err, ERR_INVALID, 13240,
                                "conference %s has no participant %s to coach", m->room->own->sid,
                                c->coach);
    return 0;
}

static int take_sounds(struct room_member *m, const struct runtime_member_change *c,
                       struct error *err)
{
    int rc = set_sound(&m->hold, c->hold_url, c->hold_get, err);

    rc = rc != 0 ? rc : set_sound(&m->wait, c->wait_url, c->wait_get, err);
    return rc != 0 ? rc : set_sound(&m->announce, c->announce_url, c->announce_get, err);
}

static void change_mute(struct room_member *m, enum runtime_switch to)
{
    if (to == RUNTIME_AS_IS || m->muted == (to == RUNTIME_ON))
        return;
    m->muted = to == RUNTIME_ON;
    room_tell_member(m, ROOM_TELLS_MUTE, m->muted ? "participant-mute" : "participant-unmute");
}

static void change_hold(struct room_member *m, enum runtime_switch to, bool new_sound)
{
    if (m->held && to != RUNTIME_OFF && new_sound)
        m->again = true;
    if (to == RUNTIME_AS_IS || m->held == (to == RUNTIME_ON))
        return;
    m->held = to == RUNTIME_ON;
    if (!m->held) {
        mem_free(m->hold.url);
        m->hold = (struct room_sound){NULL, false};
    }
    room_tell_member(m, ROOM_TELLS_HOLD, m->held ? "participant-hold" : "participant-unhold");
}

/* What one event tells of together. */
static void change_rest(struct room_member *m, const struct runtime_member_change *c)
{
    char coach[SID_SIZE];
    bool ends = c->ends == RUNTIME_AS_IS ? m->ends : c->ends == RUNTIME_ON;
    bool beep = c->beep_exit == RUNTIME_AS_IS ? m->beep_exit : c->beep_exit == RUNTIME_ON;
    bool changed = ends != m->ends || beep != m->beep_exit || c->wait_url != NULL;

    str_copy(coach, sizeof coach, m->coach);
    if (c->coaching == RUNTIME_OFF)
        coach[0] = '\0';
    else if (c->coaching == RUNTIME_ON && c->coach != NULL)
        str_copy(coach, sizeof coach, room_member_find(m->room, c->coach)->session->sid);
    changed = changed || strcmp(coach, m->coach) != 0;
    str_copy(m->coach, sizeof m->coach, coach);
    m->ends = ends;
    m->beep_exit = beep;
    if (c->wait_url != NULL && m->stage == ROOM_WAITS)
        m->again = true;
    if (changed)
        room_tell_member(m, ROOM_TELLS_MODIFY, "participant-modify");
}

int runtime_member_change(struct runtime *rt, const char *account, const char *room,
                          const char *who, const struct runtime_member_change *c, struct error *err)
{
    struct room_member *m = find(rt, account, room, who, err);
    int rc = m == NULL ? ERR_MISSING : check(m, c, err);

    rc = rc != 0 ? rc : take_sounds(m, c, err);
    if (rc != 0)
        return rc;
    if (c->announce_url != NULL && m->announcing != NULL) {
        room_tell_announcement(m->room, m, m->announcing, "another one took its place");
        mem_free(m->announcing);
        m->announcing = NULL;
    }
    change_mute(m, c->muted);
    change_hold(m, c->held, c->hold_url != NULL);
    change_rest(m, c);
    room_sound_modes(m->room);
    room_look(m);
    return 0;
}

/* --- replays --- */

int runtime_room_stage(struct runtime *rt, const char *sid, const char *stage, const char *url,
                       bool get, struct error *err)
{
    struct session *s = map_get(&rt->by_sid, sid);
    struct room_member *m = s != NULL ? room_member_of(s) : NULL;
    const char *room = m != NULL ? m->room->own->sid : "";
    struct runtime_member_change c = {.wait_get = get, .hold_get = get, .announce_get = get};
    int rc = 0;

    if (m == NULL)
        return error_set(err, ERR_MISSING, "call %s is in no conference", sid);
    if (strcmp(stage, "left") == 0) {
        room_leave(m, LEAVING_KICKED);
        return 0;
    }
    if (strcmp(stage, "talks") == 0 && m->room->state == ROOM_INIT)
        rc = room_begin(m->room, err);
    if (rc != 0)
        return rc;
    if (strcmp(stage, "talks") == 0 || strcmp(stage, "waits") == 0)
        c.held = RUNTIME_OFF;
    else if (strcmp(stage, "held") == 0)
        c.held = RUNTIME_ON;
    c.hold_url = c.held == RUNTIME_ON ? url : NULL;
    c.wait_url = strcmp(stage, "waits") == 0 ? url : NULL;
    c.announce_url = strcmp(stage, "announces") == 0 ? url : NULL;
    return runtime_member_change(rt, NULL, room, sid, &c, err);
}
