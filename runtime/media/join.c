/* A pair: what one says the other hears. */

#include "media/channel.h"
#include "media/convert.h"

#include "base/mem.h"

/* Made by control, which gets it back when the pair was parted; between the two it is the media
 * side's. */
struct join {
    struct media_channel *ends[2]; /* NULL: parted */
    struct convert to[2];          /* the other's voice, on its way to this end */
};

/* --- [media] --- */

bool join_wants_samples(const struct join *j)
{
    return j->ends[0]->codec != j->ends[1]->codec;
}

void join_put(struct join *j, struct media_channel *from, const void *bytes, const int16_t *samples)
{
    int other = j->ends[0] == from;
    int16_t converted[FRAME_BYTES_MAX / 2];

    if (!join_wants_samples(j)) {
        line_put(j->ends[other], bytes);
        return;
    }
    convert_frame(&j->to[other], samples, converted);
    line_put_samples(j->ends[other], converted);
}

void join_end(struct join *j)
{
    int i;

    for (i = 0; i < 2; i++) {
        if (j->ends[i] == NULL)
            continue;
        j->ends[i]->joined = NULL;
        line_clear(j->ends[i]);
        j->ends[i] = NULL;
    }
}

static void on_join(const struct crossing_msg *m)
{
    struct join *j = m->ptr;
    struct line *lines[2] = {(struct line *)(uintptr_t)m->num[0],
                             (struct line *)(uintptr_t)m->num[1]};
    int i;

    for (i = 0; i < 2; i++) {
        struct media_channel *c = j->ends[i];

        /* The command that parts it from another may still wait for a place. */
        if (c->joined != NULL)
            join_end(c->joined);
        if (c->member != NULL)
            member_end(c->member);
        c->joined = j;
        c->hears = lines[i];
        line_clear(c);
    }
}

/* --- [control] --- */

static void on_parted(const struct crossing_msg *m)
{
    mem_free(m->ptr);
}

static void on_part(const struct crossing_msg *m)
{
    struct media *media = m->to;
    struct crossing_msg answer = {.h = on_parted, .ptr = m->ptr};

    join_end(m->ptr);
    crossing_answer(media->crossing, &answer);
}

bool join_command_part(struct media *media, struct join *j)
{
    struct crossing_msg m = {.h = on_part, .to = media, .ptr = j};

    return crossing_command(media->crossing, &m, 0) == 0;
}

int channel_can_join(const struct media_channel *c)
{
    if (c->join != NULL || c->room_member != NULL || c->room != NULL || c->released)
        return ERR_WRONG_STATE;
    return list_linked(&c->late) ? ERR_LIMIT : 0;
}

int media_join(struct media_channel *a, struct media_channel *b)
{
    struct crossing_msg m = {.h = on_join};
    struct join *j;
    int rc;

    if (a == b || a->media != b->media)
        return ERR_INVALID;
    if ((rc = channel_can_join(a)) != 0 || (rc = channel_can_join(b)) != 0)
        return rc;
    j = mem_alloc(sizeof *j);
    if (j == NULL || !channel_make_line(a) || !channel_make_line(b)) {
        mem_free(j);
        return ERR_NOMEM;
    }
    j->ends[0] = a;
    j->ends[1] = b;
    convert_init(&j->to[0], b->codec, a->codec);
    convert_init(&j->to[1], a->codec, b->codec);
    m.ptr = j;
    m.num[0] = (uintptr_t)a->line;
    m.num[1] = (uintptr_t)b->line;
    rc = crossing_command(a->media->crossing, &m, 1);
    if (rc != 0) {
        mem_free(j);
        return rc;
    }
    a->join = b->join = j;
    a->join_other = b;
    b->join_other = a;
    return 0;
}

void media_part(struct media_channel *c)
{
    struct join *j = c->join;

    if (j == NULL)
        return;
    /* Only control's own pointers: what stands in the join is the media side's by now. */
    c->join_other->join = NULL;
    c->join = NULL;
    c->part = j;
    channel_push(c);
}
