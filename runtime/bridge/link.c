#include "bridge/link.h"
#include "base/mem.h"
#include <string.h>

/* A batch in the ring: its length, the pad, its bytes; begins on a multiple of 8. */
struct batch_head {
    uint32_t len;
    uint32_t records;
    uint8_t pad[WIRE_PAD];
};
#define HEAD sizeof(struct batch_head)

static void own_nothing(void *arg)
{
    (void)arg;
}

static void ignore_text(void *arg, const char *text, size_t len)
{
    (void)arg;
    (void)text;
    (void)len;
}

static void ignore_batch(void *arg, const uint8_t *bytes, size_t len)
{
    (void)arg;
    (void)bytes;
    (void)len;
}

static void ignore_closed(void *arg, const char *why)
{
    (void)arg;
    (void)why;
}

static const struct link_handlers nobody = {
    .opened = own_nothing, .text = ignore_text, .batch = ignore_batch, .closed = ignore_closed};

void link_init(struct link *l, const struct link_ops *ops)
{
    l->ops = ops;
    l->h = &nobody;
    list_init(&l->texts);
}

void link_own(struct link *l, const struct link_handlers *h, void *arg)
{
    l->h = h;
    l->arg = arg;
}

void link_make_bare(struct link *l, struct link_request *request)
{
    l->bare = true;
    l->request = request;
}

struct link_request *link_take_request(struct link *l)
{
    struct link_request *r = l->request;

    l->request = NULL;
    return r;
}

bool link_is_bare(const struct link *l)
{
    return l->bare;
}

bool link_was_closed(const struct link *l)
{
    return l->said_bye;
}

void link_drain(struct link *l)
{
    struct link_node *n;

    while ((n = list_pop(&l->texts)) != NULL)
        mem_free(list_entry(n, struct wire_text, node));
    mem_free(l->audio.ring);
    mem_free(l->request);
    l->request = NULL;
    l->audio = (struct link_audio){0};
    l->n_texts = l->text_bytes = 0;
}

int link_text(struct link *l, struct wire_text *t)
{
    if (l->n_texts >= LINK_TEXTS_MAX || l->text_bytes + t->len > LINK_TEXT_BYTES_MAX) {
        mem_free(t);
        return ERR_LIMIT;
    }
    t->after = l->audio.gone + l->audio.sealed + (l->audio.open > 0);
    list_append(&l->texts, &t->node);
    l->n_texts++;
    l->text_bytes += t->len;
    l->ops->kick(l);
    return 0;
}

/* --- the ring of batches --- */

static struct batch_head *head_at(const struct link_audio *a, size_t at)
{
    return (struct batch_head *)(void *)(a->ring + at);
}

static size_t batch_size(size_t bytes)
{
    return (HEAD + bytes + 7) & ~(size_t)7;
}

static void pop_oldest(struct link_audio *a)
{
    a->head += batch_size(head_at(a, a->head)->len);
    a->sealed--;
    a->gone++;
    if (a->head >= a->wrap && a->head != a->tail) {
        a->head = 0;
        a->wrap = a->size;
    }
}

static void seal(struct link_audio *a)
{
    if (a->open == 0)
        return;
    head_at(a, a->tail)->len = (uint32_t)a->open;
    a->last = a->open;
    a->tail += batch_size(a->open);
    a->open = 0;
    a->sealed++;
}

/* The bytes that may follow each other at the tail. An empty ring begins anew at 0. */
static size_t space(struct link_audio *a)
{
    if (a->sealed == 0 && a->open == 0) {
        a->head = a->tail = 0;
        a->wrap = a->size;
    }
    if (a->tail < a->head || (a->tail == a->head && a->sealed > 0))
        return a->head - a->tail;
    return a->size - a->tail;
}

/* Makes room for `need` more bytes of the batch at the tail (which has none yet when `open` is 0),
 * at the price of older batches. False when the ring is too small for it. */
static bool make_room(struct link_audio *a, size_t need)
{
    while (space(a) < need) {
        if (a->tail >= a->head && !(a->tail == a->head && a->sealed > 0)) {
            /* The end of the ring: go round, as far as the oldest batch leaves room. */
            if (a->open > 0 || a->sealed == 0)
                return false;
            a->wrap = a->tail;
            a->tail = 0;
            continue;
        }
        a->dropped += head_at(a, a->head)->records;
        pop_oldest(a);
    }
    return true;
}

/* Opens a batch, if possible where one like the last fits whole. */
static bool open_batch(struct link_audio *a, size_t first)
{
    size_t whole = batch_size(a->last + first);

    if (!(whole <= a->size / 4 && make_room(a, whole)) && !make_room(a, batch_size(first)))
        return false;
    head_at(a, a->tail)->records = 0;
    return true;
}

void link_frame(struct link *l, uint32_t channel, const void *audio, size_t len)
{
    struct link_audio *a = &l->audio;
    size_t header = l->bare ? 0 : WIRE_HEADER, need = header + len;
    uint8_t *at;

    if (a->open + need > WIRE_BATCH_MAX || (a->open > 0 && space(a) < batch_size(a->open + need)))
        seal(a);
    if (a->open == 0 && (a->ring == NULL || !open_batch(a, need))) {
        a->dropped++;
        return;
    }
    at = a->ring + a->tail + HEAD + a->open;
    if (!l->bare)
        wire_record_head(at, channel, len);
    if (len > 0)
        memcpy(at + header, audio, len);
    a->open += need;
    head_at(a, a->tail)->records++;
    if (l->bare)
        seal(a);
}

void link_flush(struct link *l)
{
    seal(&l->audio);
    if (l->audio.sealed > 0)
        l->ops->kick(l);
}

uint64_t link_dropped(const struct link *l)
{
    return l->audio.dropped;
}

void link_reserve(struct link *l, size_t frames, size_t bytes)
{
    struct link_audio *a = &l->audio, old = *a;
    /* One call needs little, and thousands of such links may be open. */
    size_t first = l->bare ? 4096 : 65536, more = l->bare ? 2048 : 16384;
    size_t size = old.size == 0 ? first : old.size;

    a->wanted += frames * (WIRE_HEADER + bytes);
    while (size < a->wanted + more)
        size *= 2;
    if (size == old.size)
        return;
    a->ring = mem_alloc(size);
    if (a->ring == NULL) {
        a->ring = old.ring;
        return;
    }
    seal(&old);
    *a = (struct link_audio){.ring = a->ring,
                             .size = size,
                             .wrap = size,
                             .last = old.last,
                             .wanted = a->wanted,
                             .gone = old.gone,
                             .dropped = old.dropped};
    while (old.sealed > 0) {
        size_t n = batch_size(head_at(&old, old.head)->len);

        memcpy(a->ring + a->tail, old.ring + old.head, n);
        a->tail += n;
        a->sealed++;
        pop_oldest(&old);
    }
    mem_free(old.ring);
}

void link_unreserve(struct link *l, size_t frames, size_t bytes)
{
    size_t n = frames * (WIRE_HEADER + bytes);

    l->audio.wanted -= n < l->audio.wanted ? n : l->audio.wanted;
}

/* --- sending --- */

/* In the order of queueing, so that a hang-up does not overtake the last frames before it. */
bool link_next(struct link *l, uint8_t **bytes, size_t *len, bool *is_text)
{
    struct link_node *n = list_first(&l->texts);
    struct wire_text *t = n != NULL ? list_entry(n, struct wire_text, node) : NULL;
    struct batch_head *b;

    l->text_is_next = *is_text = t != NULL && (l->audio.sealed == 0 || l->audio.gone >= t->after);
    if (*is_text) {
        *bytes = (uint8_t *)t->data;
        *len = t->len;
        return true;
    }
    if (l->audio.sealed == 0)
        return false;
    b = head_at(&l->audio, l->audio.head);
    *bytes = (uint8_t *)b + HEAD;
    *len = b->len;
    return true;
}

void link_sent(struct link *l)
{
    struct link_node *n;

    if (!l->text_is_next) {
        pop_oldest(&l->audio);
        return;
    }
    n = list_pop(&l->texts);
    l->n_texts--;
    l->text_bytes -= list_entry(n, struct wire_text, node)->len;
    mem_free(list_entry(n, struct wire_text, node));
}

void link_heeds(struct link *l, uint32_t channel, bool on)
{
    if (l->ops->heeds != NULL)
        l->ops->heeds(l, channel, on);
}

void link_pause(struct link *l, bool on)
{
    l->ops->pause(l, on);
}

void link_known(struct link *l)
{
    if (l->ops->known != NULL)
        l->ops->known(l);
}

void link_shut(struct link *l, int code, const char *why)
{
    l->ops->shut(l, code, why);
}

struct link *link_free(struct link *l)
{
    if (l != NULL) {
        l->h = &nobody;
        l->ops->free(l);
    }
    return NULL;
}
