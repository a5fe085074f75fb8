#include "http/fetch.h"

#include "base/mem.h"
#include "tests/unit/http_script.h"
#include "tests/unit/unit.h"
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct vtime *vtime;
    struct loop *loop;
    struct http_script script;
    struct fetcher *fetcher;
    char folder[300];

    int calls;
    struct fetched last; /* its pointers are dead, but for: */
    char path[700], mime[80], key[80];
};

static bool open_fetcher(struct fixture *f, int max_mb)
{
    struct error err = {0};

    return fetcher_new(&f->fetcher, f->loop, http_script_port(&f->script), f->folder, max_mb,
                       &err) == 0;
}

static bool set_up(struct fixture *f, const struct http_step *steps, size_t n)
{
    struct error err = {0};

    memset(f, 0, sizeof *f);
    if (vtime_new(&f->vtime, &err) != 0 || loop_new(&f->loop, f->vtime, &err) != 0)
        return false;
    http_script_init(&f->script, f->loop, steps, n);
    snprintf(f->folder, sizeof f->folder, "%s/media", unit_folder());
    return open_fetcher(f, 4);
}

static void empty_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *e;
    char path[700];

    while (dir != NULL && (e = readdir(dir)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        unlink(path);
    }
    if (dir != NULL)
        closedir(dir);
}

static void tear_down(struct fixture *f)
{
    fetcher_free(f->fetcher);
    http_script_free(&f->script);
    if (f->loop != NULL)
        loop_free(f->loop);
    if (f->vtime != NULL)
        vtime_free(f->vtime);
    empty_folder(f->folder); /* under torture the same case runs again */
}

static void on_fetched(const struct fetched *what, void *arg)
{
    struct fixture *f = arg;

    f->calls++;
    f->last = *what;
    str_copy(f->path, sizeof f->path, what->path != NULL ? what->path : "");
    str_copy(f->mime, sizeof f->mime, what->mime != NULL ? what->mime : "");
    str_copy(f->key, sizeof f->key, what->key != NULL ? what->key : "");
}

static struct fetch *want(struct fixture *f, const char *url)
{
    struct error err = {0};

    return fetch_start(f->fetcher, url, HTTP_DOCUMENT, "app.example:80", on_fetched, f, &err);
}

static void wait_ms(struct fixture *f, int ms)
{
    vtime_run(f->vtime, loop_now(f->loop) + ms * 1000LL, NULL, NULL);
}

/* Fetches and waits. False only when memory was out. */
static bool got(struct fixture *f, const char *url)
{
    f->calls = 0;
    if (want(f, url) == NULL)
        return false;
    wait_ms(f, 1000);
    return f->calls == 1;
}

static bool file_is(const char *path, const char *text)
{
    char bytes[100] = "";
    FILE *f = fopen(path, "rb");
    size_t n = f != NULL ? fread(bytes, 1, sizeof bytes - 1, f) : 0;

    if (f != NULL)
        fclose(f);
    return n == strlen(text) && memcmp(bytes, text, n) == 0;
}

static int files_in(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *e;
    int n = 0;

    while (dir != NULL && (e = readdir(dir)) != NULL)
        n += e->d_name[0] != '.';
    if (dir != NULL)
        closedir(dir);
    return n;
}

#define URL   "http://app.example/a.wav"
#define AUDIO .content_type = "audio/wav"
#define STEPS(...)                                                                                 \
    static const struct http_step steps[] = {__VA_ARGS__};                                         \
    struct fixture f;                                                                              \
    bool up = set_up(&f, steps, sizeof steps / sizeof *steps)

UNIT(fetch_gives_a_file)
{
    STEPS({AUDIO, .body = "sound", .delay_ms = 20});

    ok(up && got(&f, URL "#x=1"));
    ok_int(f.last.twilio, 0);
    ok(!f.last.cached);
    ok_str(f.mime, "audio/wav");
    ok(file_is(f.path, "sound"));
    ok(strstr(f.path, f.key) != NULL);
    ok_str(f.script.seen[0].method, "GET");
    ok_str(f.script.seen[0].url, URL);
    ok_str(f.script.seen[0].own, "app.example:80");
    ok(strstr(f.script.seen[0].headers, "X-Twilio") == NULL);
out:
    tear_down(&f);
}

UNIT(fetch_asks_once_while_it_is_fresh)
{
    STEPS({AUDIO, .body = "one", .cache_control = "public, max-age=60"}, {AUDIO, .body = "two"});
    char key[80];

    ok(up && got(&f, URL));
    str_copy(key, sizeof key, f.key);
    ok(got(&f, URL) && f.last.cached);
    ok_str(f.key, key);
    ok(file_is(f.path, "one"));
    ok_int(f.script.started, 1);
    wait_ms(&f, 60000);
    ok(got(&f, URL) && !f.last.cached);
    ok(file_is(f.path, "two"));
    ok(strcmp(f.key, key) != 0);
out:
    tear_down(&f);
}

UNIT(fetch_revalidates_what_may_be_stale)
{
    STEPS({AUDIO, .body = "one", .etag = "\"v1\"", .last_modified = "Thu, 01 Jan 2026 00:00:00 GMT",
           .cache_control = "no-cache, max-age=60"},
          {.status = 304}, {AUDIO, .body = "two", .etag = "\"v2\""}, {.status = 304});
    char key[80];

    ok(up && got(&f, URL));
    str_copy(key, sizeof key, f.key);
    ok(got(&f, URL) && f.last.cached);
    ok(strstr(f.script.seen[1].headers, "If-None-Match: \"v1\"") != NULL);
    ok(strstr(f.script.seen[1].headers, "If-Modified-Since: Thu, 01 Jan 2026") != NULL);
    ok_str(f.key, key);
    ok(file_is(f.path, "one"));
    ok(got(&f, URL) && !f.last.cached);
    ok(strcmp(f.key, key) != 0);
    ok(file_is(f.path, "two"));
    ok(got(&f, URL) && f.last.cached);
    ok(strstr(f.script.seen[3].headers, "If-None-Match: \"v2\"") != NULL);
    ok_int(f.script.started, 4);
out:
    tear_down(&f);
}

UNIT(fetch_obeys_expires_and_no_store)
{
    STEPS({AUDIO, .body = "one", .expires = "Thu, 01 Jan 2026 00:01:00 GMT"},
          {AUDIO, .body = "two", .cache_control = "No-Store, max-age=900"},
          {AUDIO, .body = "three", .expires = "0"}, {AUDIO, .body = "four"});

    ok(up && got(&f, URL));
    ok(got(&f, URL) && f.last.cached);
    wait_ms(&f, 60000);
    ok(got(&f, URL) && file_is(f.path, "two"));
    ok(got(&f, URL) && file_is(f.path, "three"));
    ok(got(&f, URL) && file_is(f.path, "four"));
    ok_int(f.script.started, 4);
out:
    tear_down(&f);
}

UNIT(fetch_keeps_an_old_version_for_a_minute)
{
    STEPS({AUDIO, .body = "one", .etag = "\"v1\""}, {AUDIO, .body = "two", .etag = "\"v2\""});
    char path[700];

    ok(up && got(&f, URL));
    str_copy(path, sizeof path, f.path);
    ok(got(&f, URL) && file_is(f.path, "two"));
    wait_ms(&f, 57000);
    ok(file_is(path, "one"));
    wait_ms(&f, 10000);
    ok(access(path, F_OK) != 0);
    ok(file_is(f.path, "two"));
out:
    tear_down(&f);
}

UNIT(fetch_shares_one_transfer)
{
    STEPS({AUDIO, .body = "sound", .delay_ms = 500});
    struct fetch *second;

    ok(up);
    ok(want(&f, URL) != NULL);
    second = want(&f, URL);
    ok(second != NULL && want(&f, URL) != NULL);
    wait_ms(&f, 100);
    fetch_cancel(second);
    wait_ms(&f, 1000);
    ok_int(f.calls, 2);
    ok_int(f.script.started, 1);
    ok_int(f.script.canceled, 0);
out:
    tear_down(&f);
}

UNIT(fetch_canceled_by_all_stops)
{
    STEPS({AUDIO, .body = "sound", .delay_ms = 500}, {AUDIO, .hang = true});
    struct fetch *first, *second;

    ok(up);
    first = want(&f, URL);
    second = first != NULL ? want(&f, URL) : NULL;
    ok(second != NULL);
    fetch_cancel(first);
    fetch_cancel(second);
    ok_int(f.script.canceled, 1);
    ok(want(&f, URL) != NULL);
    f.fetcher = fetcher_free(f.fetcher);
    ok_int(f.script.canceled, 2);
    ok_int(f.calls, 0);
    ok_int(files_in(f.folder), 0);
out:
    tear_down(&f);
}

UNIT(fetch_takes_audio_only)
{
    static const struct {
        const char *type, *url, *mime;
    } table[] = {
        {"audio/mpeg", "http://a.example/x", "audio/mpeg"},
        {"Audio/X-WAV; rate=8000", "http://a.example/x", "audio/x-wav"},
        {"audio/ulaw", "http://a.example/x", "audio/ulaw"},
        {"audio/x-aifc", "http://a.example/x", "audio/x-aifc"},
        {"application/octet-stream", "http://a.example/x.MP3?v=1", "audio/mpeg"},
        {NULL, "http://a.example/x.ogg", "audio/ogg"},
        {"application/octet-stream", "http://a.example/x.exe", NULL},
        {"application/octet-stream", "http://a.example/wav", NULL},
        {"text/html", "http://a.example/x.wav", NULL},
        {"video/mp4", "http://a.example/x.wav", NULL},
        {NULL, "http://a.example/", NULL},
    };
    struct fixture f = {0};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct http_step step = {.content_type = table[i].type, .body = "x"};

        ok(set_up(&f, &step, 1) && got(&f, table[i].url));
        ok_int(f.last.twilio, table[i].mime != NULL ? 0 : 13420);
        ok_str(f.mime, table[i].mime != NULL ? table[i].mime : "");
        ok((f.last.text[0] != '\0') == (table[i].mime == NULL));
        tear_down(&f);
        memset(&f, 0, sizeof f);
    }
out:
    tear_down(&f);
}

UNIT(fetch_says_what_failed_and_leaves_nothing)
{
    static const struct http_step table[] = {
        {.status = 404, .body = "no"}, {.status = 304},
        {.failure = HTTP_REFUSED},     {.failure = HTTP_HOST},
        {.failure = HTTP_TOO_LARGE},   {AUDIO, .body = ""},
        {AUDIO, .delay_ms = 15000},
    };
    static const int codes[] = {11200, 11200, 11205, 11210, 11750, 13420, 11200};
    struct fixture f = {0};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ok(set_up(&f, &table[i], 1));
        ok(want(&f, "http://u:hush@app.example/a.wav") != NULL);
        wait_ms(&f, 20000);
        ok_int(f.calls, 1);
        ok_int(f.last.twilio, codes[i]);
        ok(strstr(f.last.text, "http://app.example/a.wav: ") != NULL);
        ok_int(files_in(f.folder), 0);
        tear_down(&f);
        memset(&f, 0, sizeof f);
    }
out:
    tear_down(&f);
}

UNIT(fetch_survives_a_restart)
{
    STEPS({AUDIO, .body = "one", .cache_control = "max-age=600"}, {AUDIO, .hang = true});
    char key[80], path[700];
    FILE *junk;

    ok(up && got(&f, URL));
    str_copy(key, sizeof key, f.key);
    ok(want(&f, "http://app.example/b.wav") != NULL);
    f.fetcher = fetcher_free(f.fetcher);
    /* what a crash leaves: half a transfer, facts that are no JSON */
    snprintf(path, sizeof path, "%s/tmp-99", f.folder);
    junk = fopen(path, "wb");
    ok(junk != NULL && fclose(junk) == 0);
    snprintf(path, sizeof path, "%s/00000000000000000000000000000000.json", f.folder);
    junk = fopen(path, "wb");
    ok(junk != NULL && fputs("{\"file\":\"../../etc/passwd\"", junk) >= 0 && fclose(junk) == 0);
    ok(open_fetcher(&f, 4));
    ok_int(files_in(f.folder), 2);
    ok(got(&f, URL) && f.last.cached);
    ok_str(f.key, key);
    ok(file_is(f.path, "one"));
out:
    tear_down(&f);
}

UNIT(fetch_drops_the_least_recently_used_when_full)
{
    static char big[500 * 1024];
    struct http_step steps[5];
    struct fixture f;
    bool up;

    for (int i = 0; i < 5; i++)
        steps[i] = (struct http_step){AUDIO, .body = big, .body_len = sizeof big,
                                      .cache_control = "max-age=600"};
    up = set_up(&f, steps, 5);
    f.fetcher = fetcher_free(f.fetcher);
    ok(up && open_fetcher(&f, 1)); /* holds two of them */
    ok(got(&f, "http://app.example/1") && got(&f, "http://app.example/2"));
    ok(got(&f, "http://app.example/1") && f.last.cached);
    ok(got(&f, "http://app.example/3"));
    ok(got(&f, "http://app.example/1") && f.last.cached);
    ok(got(&f, "http://app.example/3") && f.last.cached);
    ok(got(&f, "http://app.example/2") && !f.last.cached);
    wait_ms(&f, 61000);
    ok_int(files_in(f.folder), 4);
out:
    tear_down(&f);
}

UNIT(fetch_keeps_what_is_just_being_asked_about)
{
    static char big[900 * 1024];
    struct http_step steps[] = {
        {AUDIO, .body = "old", .etag = "\"v1\""},
        {.status = 304, .delay_ms = 500},
        {AUDIO, .body = big, .body_len = sizeof big, .cache_control = "max-age=600"},
        {AUDIO, .body = big, .body_len = sizeof big, .cache_control = "max-age=600"},
    };
    struct fixture f;
    bool up = set_up(&f, steps, 4);

    f.fetcher = fetcher_free(f.fetcher);
    ok(up && open_fetcher(&f, 1));
    ok(got(&f, URL));
    f.calls = 0;
    ok(want(&f, URL) != NULL); /* the server is asked whether it changed … */
    ok(want(&f, "http://app.example/2") != NULL && want(&f, "http://app.example/3") != NULL);
    wait_ms(&f, 1000); /* … and meanwhile others fill the folder */
    ok_int(f.calls, 3);
    ok_int(f.last.twilio, 0);
    ok(f.last.cached && file_is(f.path, "old"));
out:
    tear_down(&f);
}

UNIT(fetch_does_not_share_between_rules)
{
    STEPS({AUDIO, .body = "secret", .cache_control = "max-age=600"}, {.failure = HTTP_REFUSED});
    struct error err = {0};

    ok(up && got(&f, URL));
    f.calls = 0;
    ok(fetch_start(f.fetcher, URL, HTTP_DOCUMENT, "other.example:80", on_fetched, &f, &err));
    wait_ms(&f, 1000);
    ok_int(f.calls, 1);
    ok_int(f.last.twilio, 11205);
out:
    tear_down(&f);
}

UNIT(fetch_refuses_what_is_no_url)
{
    STEPS({AUDIO});
    struct error err = {0};

    ok(up);
    ok(fetch_start(f.fetcher, "file:///etc/passwd", HTTP_DOCUMENT, NULL, on_fetched, &f, &err) ==
       NULL);
    ok_int(err.twilio, 11100);
out:
    tear_down(&f);
}

UNIT_MAIN(CASE(fetch_gives_a_file), CASE(fetch_asks_once_while_it_is_fresh),
          CASE(fetch_revalidates_what_may_be_stale), CASE(fetch_obeys_expires_and_no_store),
          CASE(fetch_keeps_an_old_version_for_a_minute), CASE(fetch_shares_one_transfer),
          CASE(fetch_canceled_by_all_stops), CASE(fetch_takes_audio_only),
          CASE(fetch_says_what_failed_and_leaves_nothing), CASE(fetch_survives_a_restart),
          CASE(fetch_drops_the_least_recently_used_when_full),
          CASE(fetch_keeps_what_is_just_being_asked_about),
          CASE(fetch_does_not_share_between_rules), CASE(fetch_refuses_what_is_no_url))
