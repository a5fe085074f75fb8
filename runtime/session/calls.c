#include "session/calls.h"
#include "base/disk.h"
#include "base/log.h"
#include "base/mem.h"
#include "session/private.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct call_recording {
    struct call_recording *next;
    char sid[SID_SIZE];
};

void calls_recorded(struct session *s, const char *recording_sid)
{
    struct call_recording **at = &s->kept_recordings, *r = arena_alloc(&s->arena, sizeof *r);

    if (r == NULL)
        return; /* thousands of them: the record names those that fit */
    str_copy(r->sid, sizeof r->sid, recording_sid);
    r->next = NULL;
    while (*at != NULL)
        at = &(*at)->next;
    *at = r;
}

static json_t *recordings(const struct session *s)
{
    json_t *list = json_array();

    for (const struct call_recording *r = s->kept_recordings; r != NULL; r = r->next)
        json_array_append_new(list, json_string(r->sid));
    return list;
}

static void record_path(const char *state, int64_t began_wall, char *out, size_t size)
{
    char day[32];

    journal_day(began_wall, day);
    snprintf(out, size, "%s/calls/%s.jsonl", state, day);
}

/* The line as text, to be freed with str_free(); consumes `record`. */
static bool record_line(json_t *record, struct str *out)
{
    char *text = record != NULL ? json_dumps(record, JSON_COMPACT) : NULL;

    if (text != NULL)
        str_addf(out, "%s\n", text);
    mem_free(text);
    json_decref(record);
    return text != NULL && !out->failed;
}

void calls_write(struct session *s)
{
    char start[32], answer[32], end[32], path[1100];
    struct str line = STR_INIT(256 * 1024);
    int64_t rang_ms = (s->answered - s->began) / 1000;

    params_iso8601(s->began_wall, start);
    params_iso8601(s->began_wall + rang_ms, answer);
    params_iso8601(s->ended_wall, end);
    record_path(s->rt->parts.state, s->began_wall, path, sizeof path);
    if (!record_line(json_pack("{s:s, s:s?, s:s, s:s, s:s, s:s, s:s?, s:s?, s:s, s:s, s:s?, s:s, "
                               "s:i, s:s?, s:i, s:i, s:o, s:O?}",
                               "sid", s->sid, "parent_sid", s->parent_sid, "account",
                               s->account->sid, "direction", s->direction, "from", s->from, "to",
                               s->to, "forwarded_from", s->forwarded_from, "caller_name",
                               s->caller_name, "status", call_status_name(s->status), "start",
                               start, "answer", s->answered != 0 ? answer : NULL, "end", end,
                               "duration", s->seconds, "answered_by", s->answered_by, "queue_time",
                               0, "queued", (int)(s->queued_us / 1000000), "recordings",
                               recordings(s), "quality", s->quality),
                     &line) ||
        disk_append(s->rt->parts.disk, path, line.data, line.len) != 0)
        log_warn("calls", s->sid, "the record of this call could not be written and is lost");
    str_free(&line);
}

/* --- after a crash --- */

static const char *text_of(const json_t *start, const char *key)
{
    return json_string_value(json_object_get(start, key));
}

void calls_repair(const char *state, const json_t *start, int64_t end_ms)
{
    const char *sid = text_of(start, "sid"), *account = text_of(start, "account");
    int64_t began = json_integer_value(json_object_get(start, "wall"));
    char began_at[32], ended_at[32], path[1100];
    struct str line = STR_INIT(256 * 1024);
    size_t folder = strlen(state) + strlen("/calls");
    int fd = -1;

    if (sid == NULL || !sid_valid(sid, "CA") || account == NULL || began <= 0)
        return; /* a conference's, or without its first line */
    params_iso8601(began, began_at);
    params_iso8601(began + end_ms, ended_at);
    record_path(state, began, path, sizeof path);
    path[folder] = '\0';
    disk_make_folders(path, NULL);
    path[folder] = '/';
    if (record_line(json_pack("{s:s, s:s?, s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s, s:s, s:n, s:s, "
                              "s:i, s:n, s:i, s:n, s:[], s:n}",
                              "sid", sid, "parent_sid", text_of(start, "parent_sid"), "account",
                              account, "direction", text_of(start, "direction"), "from",
                              text_of(start, "from"), "to", text_of(start, "to"), "forwarded_from",
                              text_of(start, "forwarded_from"), "caller_name",
                              text_of(start, "caller_name"), "status", "failed", "start", began_at,
                              "answer", "end", ended_at, "duration", 0, "answered_by", "queue_time",
                              0, "queued", "recordings", "quality"),
                    &line))
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || write(fd, line.data, line.len) != (ssize_t)line.len)
        log_warn("calls", sid, "%s: the record of this call could not be written", path);
    if (fd >= 0)
        close(fd);
    str_free(&line);
}
