#include "base/log.h"
#include "base/mem.h"
#include "base/url.h"
#include "session/room_private.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* --- finding --- */

static char *make_key(const struct session *s, const char *name)
{
    struct str key = STR_INIT(1024);

    str_addf(&key, "%s/%s", s->account->sid, name);
    return str_take(&key);
}

struct room *room_find(struct runtime *rt, const char *account, const char *room, struct error *err)
{
    struct session *own = sid_valid(room, "CF") ? map_get(&rt->by_sid, room) : NULL;
    struct room *r = own != NULL && own->room->state != ROOM_COMPLETED ? own->room : NULL;
    struct str key = STR_INIT(1024);

    if (r == NULL && account != NULL) {
        str_addf(&key, "%s/%s", account, room);
        r = map_get(&rt->rooms, str_text(&key));
        str_free(&key);
    }
    if (r == NULL || (account != NULL && strcmp(r->own->account->sid, account) != 0)) {
        error_set_twilio(err, ERR_MISSING, 20404, "no conference %s is under way", room);
        return NULL;
    }
    return r;
}

struct room_member *room_member_find(struct room *r, const char *who)
{
    for (struct link_node *n = list_first(&r->members); n != NULL; n = list_next(&r->members, n)) {
        struct room_member *m = list_entry(n, struct room_member, node);

        if (strcmp(m->session->sid, who) == 0 || (m->label != NULL && strcmp(m->label, who) == 0))
            return m;
    }
    return NULL;
}

struct room_member *room_member_of(const struct session *s)
{
    for (struct link_node *n = list_first(&s->requests); n != NULL;
         n = list_next(&s->requests, n)) {
        struct request *r = list_entry(n, struct request, node);

        if (r->kind == REQUEST_ROOM && r->member->room != NULL)
            return r->member;
    }
    return NULL;
}

/* --- the room's life --- */

void room_free(struct room *r)
{
    if (r == NULL)
        return;
    room_events_free(r);
    room_sound_free(r);
    mem_free(r->name);
    mem_free(r->key);
    mem_free(r->callback);
    mem_free(r->record_callback);
    mem_free(r->recorded_url);
    mem_free(r);
}

/* Where the callbacks of the room go is fixed by who enters first. */
static int take_callback(struct room *r, struct activation *a, const struct room_entry *e)
{
    str_copy(r->region, sizeof r->region, e->region != NULL ? e->region : "");
    if (e->callback == NULL || *e->callback == '\0')
        return 0;
    r->callback = url_resolve(a->document->url, e->callback);
    r->callback_get = e->callback_method == FLOW_GET;
    r->callback_events = e->callback_events;
    if (r->callback != NULL && url_is_http(r->callback))
        return 0;
    if (r->callback == NULL)
        return ERR_NOMEM;
    session_warn(a, 11100, "statusCallback \"%s\" is no http URL: nobody is told", e->callback);
    r->callback_events = 0;
    return 0;
}

/* `key` is taken. */
static struct room *room_new(struct activation *a, const struct room_entry *e, char *key)
{
    struct runtime *rt = a->session->rt;
    struct room *r = mem_alloc(sizeof *r);

    if (r == NULL) {
        mem_free(key);
        return NULL;
    }
    r->rt = rt;
    r->key = key;
    r->name = mem_strdup(e->name);
    list_init(&r->members);
    list_init(&r->waiting);
    if (r->name == NULL || take_callback(r, a, e) != 0 || map_set(&rt->rooms, r->key, r) != 0) {
        room_free(r);
        return NULL;
    }
    r->own = session_new_room(a->session, r);
    if (r->own == NULL) {
        map_remove(&rt->rooms, r->key);
        room_free(r);
        return NULL;
    }
    r->updated_wall = r->own->began_wall;
    journal_add(r->own, "conference", "{s:s, s:s, s:s, s:s}", "event", "init", "sid", r->own->sid,
                "name", r->name, "account", r->own->account->sid);
    log_info("room", r->own->sid, "conference %s", r->name);
    return r;
}

static void set_state(struct room *r, enum room_state state)
{
    journal_add(r->own, "state", "{s:s, s:s}", "old", room_state_name(r->state), "new",
                room_state_name(state));
    r->state = state;
    r->updated_wall = loop_wall(r->rt->parts.loop);
}

static bool may_begin(const struct room *r)
{
    if (r->state != ROOM_INIT || r->count < 2)
        return false;
    for (struct link_node *n = list_first(&r->members); n != NULL; n = list_next(&r->members, n))
        if (list_entry(n, struct room_member, node)->starts)
            return true;
    return false;
}

static void look_at_all(struct room *r)
{
    for (struct link_node *n = list_first(&r->members); n != NULL; n = list_next(&r->members, n))
        room_look(list_entry(n, struct room_member, node));
}

int room_begin(struct room *r, struct error *err)
{
    int rc = room_sound_start(r, err);

    if (rc != 0)
        return rc;
    set_state(r, ROOM_IN_PROGRESS);
    room_tell_start(r);
    look_at_all(r);
    return 0;
}

void room_finish(struct room *r, enum room_ending why, const struct room_member *by)
{
    enum room_leaving leaving = why == ENDING_API ? LEAVING_ENDED : LEAVING_MODERATOR;
    struct session *own = r->own;
    struct link_node *n;

    if (r->state == ROOM_COMPLETED)
        return;
    r->ending = why;
    set_state(r, ROOM_COMPLETED);
    map_remove(&r->rt->rooms, r->key); /* who enters now makes a new one of that name */
    if (by != NULL)
        str_copy(r->ended_by, sizeof r->ended_by, by->session->sid);
    while ((n = list_first(&r->members)) != NULL)
        room_leave(list_entry(n, struct room_member, node), leaving);
    room_tell_end(r, by);
    log_info("room", own->sid, "conference %s: %s", r->name, room_ending_name(why));
    own->phase = SESSION_ENDING;
    own->status = CALL_COMPLETED;
    own->seconds = (int)((loop_now(r->rt->parts.loop) - own->began + 999999) / 1000000);
    activation_unwind(own, false);
    room_sound_stop(r);
    session_settled(own);
}

bool room_is_done(struct room *r)
{
    return room_events_pump(r) && r->state == ROOM_COMPLETED && r->media == NULL;
}

/* --- a member's life --- */

static void member_free(struct room_member *m)
{
    task_cancel(&m->tell);
    mem_free(m->name);
    mem_free(m->label);
    mem_free(m->sid);
    mem_free(m->wait.url);
    mem_free(m->hold.url);
    mem_free(m->announce.url);
    mem_free(m->announcing);
    mem_free(m);
}

static struct room_event event_of(const struct room_member *m)
{
    return (struct room_event){.stage = m->stage, .sid = m->sid, .name = m->name};
}

static const char *const stage_names[] = {[ROOM_WAITS] = "waits",
                                          [ROOM_TALKS] = "talks",
                                          [ROOM_HELD] = "held",
                                          [ROOM_ANNOUNCES] = "announces",
                                          [ROOM_LEFT] = "left"};

static void note_stage(const struct room_member *m, const struct room_event *told)
{
    journal_add(m->session, "room", "{s:s, s:s, s:s?, s:s}", "stage", stage_names[told->stage],
                "sid", m->sid, "url", told->url, "method",
                told->method == FLOW_GET ? "GET" : "POST");
}

static void hear(struct room_event *ev, const struct room_sound *sound)
{
    ev->url = sound->url;
    ev->method = sound->get ? FLOW_GET : FLOW_POST;
}

/* From the loop: one event a turn, since the verb may be gone after it. */
static void tell(void *arg)
{
    struct room_member *m = arg;
    struct request *rq = m->request;
    struct session *s = m->session;
    struct room_event told = event_of(m);
    struct event ev = {.type = EVENT_ROOM, .request = rq->id, .room = &told};

    if (m->stage == ROOM_LEFT) {
        note_stage(m, &told);
        request_answer(rq, &ev);
        member_free(m);
        return;
    }
    if (m->stage != m->told || m->again) {
        m->told = m->stage;
        m->again = false;
        if (m->stage != ROOM_TALKS)
            hear(&told, m->stage == ROOM_HELD ? &m->hold : &m->wait);
        if (m->announce.url != NULL)
            task_post(&m->tell);
    } else if (m->announce.url != NULL) {
        hear(&told, &m->announce);
        told.stage = ROOM_ANNOUNCES;
        mem_free(m->announcing);
        m->announcing = m->announce.url;
        m->announce.url = NULL;
    } else {
        return;
    }
    note_stage(m, &told);
    session_deliver(s, rq->owner, &ev);
}

void room_look(struct room_member *m)
{
    m->stage = m->room == NULL               ? ROOM_LEFT
               : m->held                     ? ROOM_HELD
               : m->room->state == ROOM_INIT ? ROOM_WAITS
                                             : ROOM_TALKS;
    if (m->stage != m->told || m->again || m->announce.url != NULL)
        task_post(&m->tell);
}

static enum room_ending ending_of(bool moderator, enum room_leaving why)
{
    bool kicked = why == LEAVING_KICKED;

    if (!moderator)
        return kicked ? ENDING_LAST_KICKED : ENDING_LAST_LEFT;
    return kicked ? ENDING_MODERATOR_KICKED : ENDING_MODERATOR_LEFT;
}

void room_leave(struct room_member *m, enum room_leaving why)
{
    struct room *r = m->room;
    bool moderator = m->ends && why != LEAVING_FAILED;

    if (r == NULL)
        return;
    list_remove(&m->node);
    r->count--;
    room_sound_leave(m);
    room_tell_leave(m, why);
    m->room = NULL;
    room_look(m);
    if (r->state == ROOM_COMPLETED)
        return; /* room_finish() is at work */
    if (r->count == 0 || moderator)
        room_finish(r, ending_of(moderator, why), m);
    else if (m->beep_exit)
        room_beep(r, BEEP_EXIT);
}

/* Why a request ended of which the verb said nothing: the caller hung up, or somebody outside gave
 * the call something else to do. */
static enum room_leaving why_gone(const struct session *s)
{
    return s->ended_from_outside || s->phase == SESSION_RUNNING ? LEAVING_UPDATED : LEAVING_HUNG_UP;
}

void room_member_cancel(struct room_member *m)
{
    room_leave(m, why_gone(m->session));
    member_free(m);
}

/* --- entering --- */

static char *copy_if(const char *text, bool *failed)
{
    char *copy = mem_strdup(text);

    *failed = *failed || (text != NULL && copy == NULL);
    return copy;
}

static struct room_member *member_new(struct activation *a, struct room *r,
                                      const struct room_entry *e)
{
    struct room_member *m = mem_alloc(sizeof *m);
    bool failed = false;

    if (m == NULL)
        return NULL;
    m->session = a->session;
    m->label = copy_if(e->label, &failed);
    m->name = copy_if(r->name, &failed);
    m->sid = copy_if(r->own->sid, &failed);
    m->muted = e->muted;
    m->starts = e->starts;
    m->ends = e->ends;
    m->beep_enter = e->beep_enter;
    m->beep_exit = e->beep_exit;
    m->told = ROOM_LEFT; /* of nothing yet */
    m->began_wall = m->updated_wall = loop_wall(r->rt->parts.loop);
    str_copy(m->coach, sizeof m->coach, e->coach != NULL ? e->coach : "");
    task_init(&m->tell, r->rt->parts.loop, tell, m);
    m->request = failed ? NULL : request_new(a, REQUEST_ROOM);
    if (m->request == NULL) {
        member_free(m);
        return NULL;
    }
    m->request->member = m;
    return m;
}

/* Whether he may enter; says why not. `r` NULL: the room would be new. */
static bool may_enter(struct activation *a, struct room *r, const struct room_entry *e, int then)
{
    const struct config *config = a->session->config->config;
    unsigned limit = (unsigned)config->limits.room_members, count = r != NULL ? r->count : 0;
    const struct room_member *other;

    if (then == RUNTIME_OPEN || then == RUNTIME_BEGUN)
        return true;
    if (then != RUNTIME_NOT_KNOWN) {
        session_refuse(a, RUNTIME_ENTERS, then, "conference \"%s\" could not be entered then",
                       e->name);
        return false;
    }
    if (e->limit > 0 && (unsigned)e->limit < limit)
        limit = (unsigned)e->limit;
    if (r == NULL && a->session->rt->room_sessions >= (unsigned)config->limits.rooms) {
        session_refuse(a, RUNTIME_ENTERS, 16099,
                       "%d conferences are under way already (limits.rooms)", config->limits.rooms);
        return false;
    }
    if (count >= limit) {
        session_refuse(a, RUNTIME_ENTERS, 16020, "conference \"%s\" has its %u participants",
                       e->name, limit);
        return false;
    }
    if (e->label != NULL && sid_valid(e->label, "CA")) {
        session_refuse(a, RUNTIME_ENTERS, 16025,
                       "participantLabel \"%s\" looks like a CallSid: take another one", e->label);
        return false;
    }
    if (e->label != NULL && r != NULL && room_member_find(r, e->label) != NULL) {
        session_refuse(a, RUNTIME_ENTERS, 16025,
                       "conference \"%s\" has a participant \"%s\" already", e->name, e->label);
        return false;
    }
    other = e->coach != NULL && r != NULL ? room_member_find(r, e->coach) : NULL;
    if (e->coach != NULL && (other == NULL || strcmp(other->session->sid, e->coach) != 0)) {
        session_refuse(a, RUNTIME_ENTERS, 13240,
                       "nobody in conference \"%s\" has the CallSid %s to be coached", e->name,
                       e->coach);
        return false;
    }
    return true;
}

/* The first who wishes a recording says how. */
static void take_record(struct room *r, struct activation *a, const struct room_entry *e)
{
    if (!e->record || r->record)
        return;
    r->record = true;
    r->trim = e->trim;
    r->record_events = e->record_events;
    r->record_get = e->record_method == FLOW_GET;
    if (e->record_callback == NULL)
        return;
    r->record_callback = url_resolve(a->document->url, e->record_callback);
    if (r->record_callback == NULL)
        session_warn(a, 12400, "out of memory: nobody is told of the recording");
}

/* The first who names one says who hears of the recording's end in the old way. */
static void take_recorded_url(struct room *r, struct activation *a, const struct room_entry *e)
{
    if (e->recorded_url == NULL || *e->recorded_url == '\0' || r->recorded_url != NULL)
        return;
    r->recorded_url = url_resolve(a->document->url, e->recorded_url);
    if (r->recorded_url == NULL)
        session_warn(a, 12400, "out of memory: nobody is told of the recording's end");
}

/* He is in: his voice too, when it has begun. */
static int admit(struct room_member *m, bool begun, struct error *err)
{
    struct room *r = m->room;
    int rc = r->state != ROOM_INIT   ? room_sound_join(m, err)
             : begun || may_begin(r) ? room_begin(r, err)
                                     : 0;

    if (rc != 0)
        return rc;
    if (m->beep_enter)
        room_beep(r, BEEP_ENTER);
    room_record(r);
    room_look(m);
    return 0;
}

static struct room *room_for(struct activation *a, const struct room_entry *e, int then)
{
    char *key = make_key(a->session, e->name);
    struct room *r = key != NULL ? map_get(&a->session->rt->rooms, key) : NULL;

    if (key != NULL && !may_enter(a, r, e, then)) {
        mem_free(key);
        return NULL;
    }
    if (r != NULL)
        mem_free(key);
    else
        r = key != NULL ? room_new(a, e, key) : NULL;
    if (r == NULL)
        session_warn(a, 12400, "out of memory: the conference cannot be entered");
    return r;
}

uint32_t session_enter_room(struct activation *a, const struct room_entry *e)
{
    int then = session_found(a->session, RUNTIME_ENTERS);
    struct room *r = room_for(a, e, then);
    struct room_member *m = r != NULL ? member_new(a, r, e) : NULL;
    struct error err = {0};
    uint32_t id;

    if (m == NULL) {
        if (r != NULL && r->count == 0)
            room_finish(r, ENDING_LAST_LEFT, NULL);
        return 0;
    }
    id = m->request->id;
    m->room = r;
    list_append(&r->members, &m->node);
    r->count++;
    take_record(r, a, e);
    take_recorded_url(r, a, e);
    room_tell_join(m);
    if (admit(m, then == RUNTIME_BEGUN, &err) == 0)
        return id;
    session_warn(a, err.twilio != 0 ? err.twilio : 12400, "%s", err.text);
    session_leave_room(a, id, ROOM_EXIT_FAILED);
    return 0;
}

void session_leave_room(struct activation *a, uint32_t request, enum room_exit why)
{
    struct request *rq = request == 0 ? NULL : request_find(a->session, request);

    if (rq == NULL || rq->owner != a || rq->kind != REQUEST_ROOM)
        return;
    room_leave(rq->member, why == ROOM_EXIT_FAILED ? LEAVING_FAILED : LEAVING_HUNG_UP);
    request_cancel(rq);
}

void session_room_announced(struct activation *a, uint32_t request, const char *failed)
{
    struct request *rq = request == 0 ? NULL : request_find(a->session, request);
    struct room_member *m = rq != NULL && rq->kind == REQUEST_ROOM ? rq->member : NULL;

    if (m == NULL || m->announcing == NULL)
        return;
    if (m->room != NULL)
        room_tell_announcement(m->room, m, m->announcing, failed);
    mem_free(m->announcing);
    m->announcing = NULL;
}
