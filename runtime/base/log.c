#include "base/log.h"

#include "base/str.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { COMPONENTS_MAX = 32, NAME_SIZE = 24, MESSAGE_SIZE = 4096, LINE_SIZE = 3 * MESSAGE_SIZE };

struct levels {
    enum log_level all;
    struct {
        char name[NAME_SIZE];
        enum log_level level;
    } of[COMPONENTS_MAX];
    size_t n;
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct levels levels = {.all = LOG_INFO}; /* under the lock */
static void (*sink_h)(const char *line, void *arg);
static void *sink_arg;
static int64_t (*clock_h)(void *arg);
static void *clock_arg;

/* The lowest level that any component logs. Lines below it cost neither lock nor formatting. */
static atomic_int lowest = LOG_INFO;

/* --- levels --- */

static int level_named(const char *name, size_t len)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++)
        if (strlen(level_names[i]) == len && strncmp(level_names[i], name, len) == 0)
            return i;
    return -1;
}

/* Reads one "level" or "component=level". */
static int read_level(struct levels *l, const char *item, size_t len, struct error *err)
{
    const char *eq = memchr(item, '=', len);
    const char *name = eq == NULL ? item : eq + 1;
    int level = level_named(name, len - (size_t)(name - item));

    if (level < 0)
        return error_set(err, ERR_INVALID,
                         "log level '%.*s': say debug, info, warn or error, or COMPONENT=LEVEL",
                         (int)len, item);
    if (eq == NULL) {
        l->all = (enum log_level)level;
        return 0;
    }
    if (eq == item || eq - item >= NAME_SIZE || l->n == COMPONENTS_MAX)
        return error_set(err, ERR_INVALID,
                         "log level '%.*s': at most %d components, with names of 1 to %d letters",
                         (int)len, item, COMPONENTS_MAX, NAME_SIZE - 1);
    memcpy(l->of[l->n].name, item, (size_t)(eq - item));
    l->of[l->n++].level = (enum log_level)level;
    return 0;
}

static int read_levels(struct levels *l, const char *spec, struct error *err)
{
    *l = (struct levels){.all = LOG_INFO};
    while (*spec != '\0') {
        size_t len = strcspn(spec, ",");
        int rc = len == 0 ? 0 : read_level(l, spec, len, err);

        if (rc != 0)
            return rc;
        spec += len + (spec[len] == ',');
    }
    return 0;
}

int log_check_levels(const char *spec, struct error *err)
{
    struct levels unused;

    return read_levels(&unused, spec, err);
}

int log_set_levels(const char *spec, struct error *err)
{
    struct levels next;
    enum log_level low;
    int rc = read_levels(&next, spec, err);

    if (rc != 0)
        return rc;
    low = next.all;
    for (size_t i = 0; i < next.n; i++)
        if (next.of[i].level < low)
            low = next.of[i].level;
    pthread_mutex_lock(&lock);
    levels = next;
    pthread_mutex_unlock(&lock);
    atomic_store(&lowest, (int)low);
    return 0;
}

static enum log_level level_of(const char *component)
{
    for (size_t i = 0; i < levels.n; i++)
        if (strcmp(levels.of[i].name, component) == 0)
            return levels.of[i].level;
    return levels.all;
}

void log_set_sink(void (*sink)(const char *line, void *arg), void *arg)
{
    sink_h = sink;
    sink_arg = arg;
}

void log_set_clock(int64_t (*wall_ms)(void *arg), void *arg)
{
    clock_h = wall_ms;
    clock_arg = arg;
}

/* --- escaping --- */

/* Length of the well-formed UTF-8 character at `s` (more than one byte), with its number in *code;
 * 0 when there is none. */
static size_t utf8_at(const unsigned char *s, uint32_t *code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] >= 0xf0 && s[0] < 0xf8 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc0 ? 2 : 0;

    if (n == 0 || s[0] >= 0xf8)
        return 0;
    *code = s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (s[i] & 0x3f);
    }
    if (*code < smallest[n] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
        return 0;
    return n;
}

/* Characters that move the cursor, end a line, or turn the direction of what follows. */
static bool is_trick(uint32_t code)
{
    return code < 0xa0 || code == 0x2028 || code == 0x2029 || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0x200e || code == 0x200f || code == 0xfeff;
}

struct line {
    char text[LINE_SIZE];
    size_t len;
};

static void put(struct line *l, const void *bytes, size_t n)
{
    if (n >= sizeof l->text - l->len)
        return;
    memcpy(l->text + l->len, bytes, n);
    l->len += n;
}

static void put_escaped(struct line *l, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    uint32_t code = 0;
    char escape[5];
    size_t n;

    for (; *s != '\0'; s += n) {
        n = 1;
        if (*s == '\n')
            put(l, "\\n", 2);
        else if (*s == '\r')
            put(l, "\\r", 2);
        else if (*s == '\t')
            put(l, "\\t", 2);
        else if (*s == '\\')
            put(l, "\\\\", 2);
        else if (*s >= 0x20 && *s < 0x7f)
            put(l, s, 1);
        else if ((n = utf8_at(s, &code)) > 0 && !is_trick(code))
            put(l, s, n);
        else {
            snprintf(escape, sizeof escape, "\\x%02x", *s);
            put(l, escape, 4);
            n = 1;
        }
    }
}

/* --- lines --- */

static void put_time(struct line *l)
{
    struct timespec ts;
    struct tm tm;
    char text[40];
    time_t seconds;
    int64_t ms;
    int n;

    if (clock_h != NULL) {
        ms = clock_h(clock_arg);
    } else {
        clock_gettime(CLOCK_REALTIME, &ts);
        ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
    }
    seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    put(l, text, strlen(text));
    n = snprintf(text, sizeof text, ".%03dZ ", (int)(ms % 1000));
    put(l, text, (size_t)n);
}

static void write_stderr(struct line *l)
{
    size_t done = 0;

    l->text[l->len++] = '\n';
    while (done < l->len) {
        ssize_t n = write(STDERR_FILENO, l->text + done, l->len - done);

        if (n <= 0)
            return; /* nobody is left to be told */
        done += (size_t)n;
    }
}

static void emit(enum log_level level, const char *component, const char *sid, const char *fmt,
                 va_list ap)
{
    struct line line;
    char message[MESSAGE_SIZE];

    if (level < level_of(component))
        return;
    if (vsnprintf(message, sizeof message, fmt, ap) >= (int)sizeof message)
        str_copy(message + sizeof message - 4, 4, "...");
    line.len = 0;
    put_time(&line);
    put(&line, level_names[level], strlen(level_names[level]));
    put(&line, "  ", 6 - strlen(level_names[level]));
    put_escaped(&line, sid == NULL ? "-" : sid);
    put(&line, "  ", 2);
    put_escaped(&line, component);
    put(&line, "  ", 2);
    put_escaped(&line, message);
    line.text[line.len] = '\0';
    if (sink_h != NULL)
        sink_h(line.text, sink_arg);
    else
        write_stderr(&line);
}

static void vlog(enum log_level level, const char *component, const char *sid, const char *fmt,
                 va_list ap)
{
    if ((int)level < atomic_load_explicit(&lowest, memory_order_relaxed))
        return;
    pthread_mutex_lock(&lock);
    emit(level, component, sid, fmt, ap);
    pthread_mutex_unlock(&lock);
}

#define DEFINE_LOG(name, level)                                                                    \
    void name(const char *component, const char *sid, const char *fmt, ...)                        \
    {                                                                                              \
        va_list ap;                                                                                \
                                                                                                   \
        va_start(ap, fmt);                                                                         \
        vlog(level, component, sid, fmt, ap);                                                      \
        va_end(ap);                                                                                \
    }

DEFINE_LOG(log_debug, LOG_DEBUG)
DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_warn, LOG_WARN)
DEFINE_LOG(log_error, LOG_ERROR)
