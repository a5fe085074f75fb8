#include "http/shelf.h"

#include "base/disk.h"
#include "base/log.h"
#include "base/mem.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct retired {
    struct link_node node;
    int64_t due; /* loop_now() */
    char file[56];
};

void shelf_path(const struct shelf *s, const char *file, char path[SHELF_PATH])
{
    snprintf(path, SHELF_PATH, "%s/%s", s->folder, file);
}

static void remove_file(const struct shelf *s, const char *file)
{
    char path[SHELF_PATH];

    shelf_path(s, file, path);
    unlink(path);
}

/* --- files on their way out --- */

static void on_timer(void *arg)
{
    struct shelf *s = arg;
    struct link_node *n;

    while ((n = list_first(&s->retired)) != NULL) {
        struct retired *r = list_entry(n, struct retired, node);

        if (r->due > loop_now(s->loop)) {
            timer_start_at(&s->timer, r->due);
            return;
        }
        remove_file(s, r->file);
        list_remove(n);
        mem_free(r);
    }
}

/* Without memory the file goes at once: whoever has it open keeps it. */
static void retire(struct shelf *s, const char *file)
{
    struct retired *r = mem_alloc(sizeof *r);

    if (r == NULL) {
        remove_file(s, file);
        return;
    }
    str_copy(r->file, sizeof r->file, file);
    r->due = loop_now(s->loop) + SHELF_GRACE_MS * INT64_C(1000);
    list_append(&s->retired, &r->node);
    if (!s->timer.active)
        timer_start_at(&s->timer, r->due);
}

static void drop(struct shelf *s, struct shelf_item *item)
{
    char facts[40];

    snprintf(facts, sizeof facts, "%s.json", item->name);
    remove_file(s, facts);
    retire(s, item->file);
    map_remove(&s->items, item->name);
    list_remove(&item->node);
    s->bytes -= item->size;
    mem_free(item);
}

static void make_room(struct shelf *s)
{
    struct link_node *n = list_first(&s->order);

    while (n != NULL && (s->bytes > s->max_bytes || s->items.count > SHELF_ITEMS)) {
        struct shelf_item *item = list_entry(n, struct shelf_item, node);

        n = list_next(&s->order, n);
        if (item->pins == 0)
            drop(s, item);
    }
}

/* --- what is known of an item --- */

/* A few hundred bytes, written aside and moved into place. A crash may leave either version. */
static void save_facts(const struct shelf *s, const struct shelf_item *item)
{
    char name[48], path[SHELF_PATH], aside[SHELF_PATH + 4];
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:I}", "file", item->file, "mime", item->mime,
                          "etag", item->etag, "modified", item->modified, "fresh_until",
                          (json_int_t)item->fresh_until);

    snprintf(name, sizeof name, "%s.json", item->name);
    shelf_path(s, name, path);
    snprintf(aside, sizeof aside, "%s.new", path);
    /* Without it the file is fetched anew after a restart: no harm. */
    if (j == NULL || json_dump_file(j, aside, JSON_INDENT(1)) != 0 || rename(aside, path) != 0)
        log_warn("http", NULL, "cannot write %s: %s", path, strerror(errno));
    json_decref(j);
}

static bool take_text(json_t *j, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(j, key));

    return text != NULL && str_copy(out, size, text);
}

static bool parse_facts(json_t *j, struct shelf_item *item)
{
    const char *rest;

    if (!take_text(j, "file", item->file, sizeof item->file) ||
        !take_text(j, "mime", item->mime, sizeof item->mime) ||
        !take_text(j, "etag", item->etag, sizeof item->etag) ||
        !take_text(j, "modified", item->modified, sizeof item->modified))
        return false;
    item->fresh_until = json_integer_value(json_object_get(j, "fresh_until"));
    /* NAME.N and nothing else: the folder may have been tampered with. */
    rest = item->file + strlen(item->name);
    return strncmp(item->file, item->name, strlen(item->name)) == 0 && rest[0] == '.' &&
           rest[1] != '\0' && strspn(rest + 1, "0123456789") == strlen(rest + 1);
}

static struct shelf_item *load_item(struct shelf *s, const char *entry)
{
    struct shelf_item *item = mem_alloc(sizeof *item);
    char path[SHELF_PATH];
    struct stat st;
    json_t *j;
    uint64_t serial;

    if (item == NULL)
        return NULL;
    shelf_path(s, entry, path);
    memcpy(item->name, entry, 32);
    j = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (j == NULL || !parse_facts(j, item)) {
        json_decref(j);
        mem_free(item);
        return NULL;
    }
    json_decref(j);
    shelf_path(s, item->file, path);
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        mem_free(item);
        return NULL;
    }
    item->size = st.st_size;
    item->used = st.st_mtime * INT64_C(1000);
    serial = strtoull(item->file + 33, NULL, 10);
    if (serial > s->serial)
        s->serial = serial;
    return item;
}

/* --- the folder --- */

static int add_item(struct shelf *s, struct shelf_item *item)
{
    if (map_set(&s->items, item->name, item) != 0)
        return ERR_NOMEM;
    list_append(&s->order, &item->node);
    s->bytes += item->size;
    return 0;
}

static bool is_facts(const char *entry)
{
    return strlen(entry) == 37 && strspn(entry, "0123456789abcdef") == 32 &&
           strcmp(entry + 32, ".json") == 0;
}

static void sort_in(struct shelf *s, struct shelf_item *item)
{
    struct link_node *at;

    list_remove(&item->node);
    at = s->order.head.prev;
    while (at != &s->order.head && list_entry(at, struct shelf_item, node)->used > item->used)
        at = at->prev;
    list_insert_before(at->next, &item->node);
}

static int read_items(struct shelf *s, DIR *dir)
{
    struct dirent *e;

    while ((e = readdir(dir)) != NULL && s->items.count < SHELF_ITEMS) {
        struct shelf_item *item = is_facts(e->d_name) ? load_item(s, e->d_name) : NULL;

        if (item == NULL)
            continue;
        if (add_item(s, item) != 0) {
            mem_free(item);
            return ERR_NOMEM;
        }
        sort_in(s, item);
    }
    return 0;
}

/* Is this file one of ours that belongs to no item: a transfer that was cut off, an old version? */
static bool is_orphan(const struct shelf *s, const char *entry)
{
    char name[33] = "";
    struct shelf_item *item;

    if (strncmp(entry, "tmp-", 4) == 0)
        return true;
    if (strlen(entry) < 34 || strspn(entry, "0123456789abcdef") != 32 || entry[32] != '.')
        return false;
    memcpy(name, entry, 32);
    item = map_get(&s->items, name);
    return item == NULL || (!is_facts(entry) && strcmp(entry, item->file) != 0);
}

static int read_folder(struct shelf *s, struct error *err)
{
    DIR *dir = opendir(s->folder);
    struct dirent *e;
    int rc;

    if (dir == NULL)
        return error_set(err, ERR_IO, "cannot read %s: %s", s->folder, strerror(errno));
    rc = read_items(s, dir);
    rewinddir(dir);
    while (rc == 0 && (e = readdir(dir)) != NULL) {
        if (is_orphan(s, e->d_name))
            remove_file(s, e->d_name);
    }
    closedir(dir);
    return rc == 0 ? 0 : error_nomem(err);
}

int shelf_open(struct shelf *s, struct loop *loop, const char *folder, int64_t max_bytes,
               struct error *err)
{
    int rc;

    *s = (struct shelf){.loop = loop, .max_bytes = max_bytes};
    list_init(&s->order);
    list_init(&s->retired);
    timer_init(&s->timer, loop, on_timer, s);
    if (strlen(folder) > SHELF_PATH - 100)
        return error_set(err, ERR_LIMIT, "%s: the name of this folder is too long", folder);
    s->folder = mem_strdup(folder);
    if (s->folder == NULL)
        return error_nomem(err);
    rc = disk_make_folders(folder, err);
    if (rc == 0)
        rc = read_folder(s, err);
    if (rc != 0)
        shelf_close(s);
    else
        make_room(s);
    return rc;
}

void shelf_close(struct shelf *s)
{
    struct link_node *n;

    if (s->folder == NULL)
        return;
    timer_stop(&s->timer);
    while ((n = list_pop(&s->retired)) != NULL) {
        struct retired *r = list_entry(n, struct retired, node);

        remove_file(s, r->file);
        mem_free(r);
    }
    while ((n = list_pop(&s->order)) != NULL)
        mem_free(list_entry(n, struct shelf_item, node));
    map_free(&s->items);
    mem_free(s->folder);
    *s = (struct shelf){0};
}

struct shelf_item *shelf_find(struct shelf *s, const char *name)
{
    return map_get(&s->items, name);
}

void shelf_temporary(struct shelf *s, char path[SHELF_PATH])
{
    char file[40];

    snprintf(file, sizeof file, "tmp-%" PRIu64, ++s->serial);
    shelf_path(s, file, path);
}

void shelf_touch(struct shelf *s, struct shelf_item *item)
{
    char path[SHELF_PATH];

    item->used = loop_wall(s->loop);
    list_remove(&item->node);
    list_append(&s->order, &item->node);
    shelf_path(s, item->file, path);
    utimensat(AT_FDCWD, path, NULL, 0); /* the order after a restart */
}

void shelf_refresh(struct shelf *s, struct shelf_item *item, int64_t fresh_until)
{
    if (item->fresh_until != fresh_until) {
        item->fresh_until = fresh_until;
        save_facts(s, item);
    }
    shelf_touch(s, item);
}

int shelf_put(struct shelf *s, const char *name, const char *temporary,
              const struct shelf_item *facts, bool keep, char path[SHELF_PATH], struct error *err)
{
    struct shelf_item *item = mem_dup(facts, sizeof *facts), *old = shelf_find(s, name);

    if (item == NULL)
        return error_nomem(err);
    str_copy(item->name, sizeof item->name, name);
    snprintf(item->file, sizeof item->file, "%s.%" PRIu64, name, ++s->serial);
    shelf_path(s, item->file, path);
    if (rename(temporary, path) != 0) {
        mem_free(item);
        return error_set(err, ERR_IO, "cannot write %s: %s", path, strerror(errno));
    }
    if (old != NULL)
        drop(s, old);
    item->pins = 0;
    item->used = loop_wall(s->loop);
    if (!keep || item->size > s->max_bytes || add_item(s, item) != 0) {
        retire(s, item->file);
        mem_free(item);
        return 0;
    }
    save_facts(s, item);
    make_room(s);
    return 0;
}
