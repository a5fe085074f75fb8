/* Control's side of rooms: who is in one, and how the media loop is told. */
#include "media/room.h"

#include "base/mem.h"

/* --- [media]: commands --- */

static void on_enter(const struct crossing_msg *m)
{
    struct member *member = m->ptr;
    struct media_channel *c = m->to;

    /* The command that takes it from where it was may still wait for a place. */
    if (c->joined != NULL)
        join_end(c->joined);
    if (c->member != NULL)
        member_end(c->member);
    c->hears = (struct line *)(uintptr_t)m->num[0];
    line_clear(c);
    member_enter(member, (struct media_room *)(uintptr_t)m->num[1], c);
}

static void on_set(const struct crossing_msg *m)
{
    member_set(m->to, (enum room_mode)m->num[0], m->ptr, (struct ear *)(uintptr_t)m->num[1]);
}

static void on_left(const struct crossing_msg *m)
{
    struct member *member = m->ptr;

    mem_free(member->ear);
    mem_free(member);
}

static void on_leave(const struct crossing_msg *m)
{
    struct media *media = m->to;
    struct crossing_msg answer = {.h = on_left, .ptr = m->ptr};

    member_end(m->ptr);
    crossing_answer(media->crossing, &answer);
}

/* --- [control] --- */

void member_on_speaking(const struct crossing_msg *m)
{
    struct member *member = m->to;

    if (!member->left)
        member->room->speaking(member->room->arg, member->channel, m->num[0]);
}

bool member_command(struct media_channel *c)
{
    struct crossing *x = c->media->crossing;
    struct member *m = c->room_member;

    if (c->leaving != NULL) {
        struct crossing_msg leave = {.h = on_leave, .to = c->media, .ptr = c->leaving};

        if (crossing_command(x, &leave, 0) != 0)
            return false;
        c->leaving = NULL;
    }
    if (m != NULL && m->mode_changed) {
        struct crossing_msg set = {.h = on_set, .to = m, .ptr = m->coached};

        set.num[0] = m->mode;
        set.num[1] = (uintptr_t)m->ear;
        if (crossing_command(x, &set, 0) != 0)
            return false;
        m->mode_changed = false;
    }
    return true;
}

static int choose_mode(struct member *m, enum room_mode mode, struct media_channel *coached,
                       struct error *err)
{
    struct member *hearer = coached != NULL ? coached->room_member : NULL;
    bool is_heard = mode == ROOM_TALKER || mode == ROOM_COACH;

    if (mode == ROOM_COACH && (hearer == NULL || hearer == m || hearer->room != m->room))
        return error_set_twilio(err, ERR_INVALID, 13240,
                                "a coach needs another member of his room who hears him");
    if (is_heard && m->ear == NULL && (m->ear = mem_alloc(sizeof *m->ear)) == NULL)
        return error_nomem(err);
    m->mode = mode;
    m->coached = mode == ROOM_COACH ? hearer : NULL;
    m->mode_changed = true;
    return 0;
}

static int make_member(struct member **mp, struct media_room *r, struct media_channel *c,
                       enum room_mode mode, struct media_channel *coached, struct error *err)
{
    struct member *m = mem_alloc(sizeof *m);
    int rc;

    if (m == NULL || !channel_make_line(c)) {
        mem_free(m);
        return error_nomem(err);
    }
    m->channel = c;
    m->room = r;
    convert_init(&m->in, c->codec, r->voice->codec);
    convert_init(&m->out, r->voice->codec, c->codec);
    rc = choose_mode(m, mode, coached, err);
    if (rc != 0)
        mem_free(m);
    else
        *mp = m;
    return rc;
}

int media_room_join(struct media_room *r, struct media_channel *c, enum room_mode mode,
                    struct media_channel *coached, struct error *err)
{
    struct crossing_msg enter = {.h = on_enter, .to = c};
    struct member *m = NULL;
    int rc = channel_can_join(c);

    if (rc == ERR_WRONG_STATE)
        return error_set(err, rc, "the channel is in a pair or a room already; part it first");
    if (rc == 0 && r->count >= r->limit)
        return error_set_twilio(err, ERR_LIMIT, 16020, "the room has its %u members", r->limit);
    if (rc == 0)
        rc = make_member(&m, r, c, mode, coached, err);
    else
        error_set(err, rc, "the media loop has no place for one more command");
    if (rc != 0)
        return rc;
    enter.ptr = m;
    enter.num[0] = (uintptr_t)c->line;
    enter.num[1] = (uintptr_t)r;
    rc = crossing_command(r->media->crossing, &enter, 1);
    if (rc != 0) {
        mem_free(m->ear);
        mem_free(m);
        return error_set(err, rc, "the media loop has no place for one more command");
    }
    list_append(&r->members, &m->node);
    r->count++;
    c->room_member = m;
    channel_push(c); /* the mode */
    return 0;
}

int media_room_mode(struct media_channel *c, enum room_mode mode, struct media_channel *coached,
                    struct error *err)
{
    int rc;

    if (c->room_member == NULL)
        return error_set(err, ERR_WRONG_STATE, "the channel is in no room");
    rc = choose_mode(c->room_member, mode, coached, err);
    if (rc == 0)
        channel_push(c);
    return rc;
}

void media_room_leave(struct media_channel *c)
{
    struct member *m = c->room_member;
    struct link_node *n;

    if (m == NULL)
        return;
    list_remove(&m->node);
    m->room->count--;
    for (n = list_first(&m->room->members); n != NULL; n = list_next(&m->room->members, n)) {
        struct member *coach = list_entry(n, struct member, node);

        if (coach->coached == m)
            coach->coached = NULL;
    }
    m->left = true;
    c->room_member = NULL;
    c->leaving = m;
    channel_push(c);
}

static enum codec room_codec(int rate)
{
    return rate == 24000 ? CODEC_L16_24 : rate == 16000 ? CODEC_L16_16 : CODEC_L16_8;
}

int media_room_new(struct media_room **rp, struct media *media, const struct room_config *config,
                   const struct media_handlers *h, void *arg, struct error *err)
{
    enum codec codec = room_codec(config->rate), c;
    struct media_room *r;
    int rc;

    if (codec_rate(codec) != config->rate)
        return error_set(err, ERR_INVALID,
                         "a room at %d samples a second: it must be 8000, 16000 or 24000",
                         config->rate);
    r = mem_alloc(sizeof *r);
    if (r == NULL)
        return error_nomem(err);
    rc = media_channel_new(&r->voice, media, codec, false, h, arg, err);
    if (rc != 0) {
        mem_free(r);
        return rc;
    }
    r->voice->room = r;
    r->media = media;
    r->limit = config->limit > 0 ? config->limit : ROOM_MEMBERS_DEFAULT;
    r->speaking = config->speaking;
    r->arg = arg;
    list_init(&r->members);
    list_init(&r->m_members);
    list_init(&r->talking);
    list_init(&r->coaches);
    list_init(&r->speakers);
    for (c = 0; c < CODEC_COUNT; c++)
        convert_init(&r->out[codec_rate(c) / 8000], codec, c);
    *rp = r;
    return 0;
}

struct media_channel *media_room_voice(struct media_room *r)
{
    return r->voice;
}

unsigned media_room_count(const struct media_room *r)
{
    return r->count;
}

void media_room_release(struct media_room *r)
{
    struct link_node *n;

    while ((n = list_first(&r->members)) != NULL)
        media_room_leave(list_entry(n, struct member, node)->channel);
    media_channel_release(r->voice);
}
