/* The parameters that every voice request carries (webhooks.md §2). */
#include "base/mem.h"
#include "session/message.h"
#include "session/room_private.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static void gmt(int64_t wall_ms, struct tm *tm)
{
    time_t seconds = (time_t)(wall_ms / 1000);

    gmtime_r(&seconds, tm);
}

/* Not strftime: the names must be English whatever the locale. */
void params_rfc2822(int64_t wall_ms, char out[40])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm;

    gmt(wall_ms, &tm);
    snprintf(out, 40, "%.3s, %02d %.3s %04d %02d:%02d:%02d +0000", days + 3 * tm.tm_wday,
             tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year % 8000 + 1900, tm.tm_hour, tm.tm_min,
             tm.tm_sec);
}

void params_iso8601(int64_t wall_ms, char out[32])
{
    struct tm tm;

    gmt(wall_ms, &tm);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm); /* digits only: the same in every locale */
    snprintf(out + strlen(out), 32 - strlen(out), ".%03uZ", (unsigned)(wall_ms % 1000) & 1023);
}

/* The From and To families exist twice: FromCity and CallerCity say the same. */
static int add_places(struct webhook_params *p, const struct session *s)
{
    static const char *const sides[][2] = {{"From", "Caller"}, {"To", "Called"}};
    static const char *const places[] = {"City", "State", "Zip", "Country"};
    char name[32], twin[32];

    for (size_t side = 0; side < 2; side++) {
        for (size_t i = 0; i < 4; i++) {
            const char *value = "";

            snprintf(name, sizeof name, "%s%s", sides[side][0], places[i]);
            snprintf(twin, sizeof twin, "%s%s", sides[side][1], places[i]);
            for (const char *const *o = s->offered; o != NULL && *o != NULL; o += 2)
                if (strcmp(o[0], name) == 0)
                    value = o[1];
            if (webhook_params_add(p, name, value) != 0 || webhook_params_add(p, twin, value) != 0)
                return ERR_NOMEM;
        }
    }
    return 0;
}

/* What the gateway gave besides: SipCallId, SipHeader_X-…, custom parameters of a client. */
static int add_offered(struct webhook_params *p, const struct session *s)
{
    for (const char *const *o = s->offered; o != NULL && *o != NULL; o += 2)
        if (webhook_params_get(p, o[0]) == NULL && webhook_params_add(p, o[0], o[1]) != 0)
            return ERR_NOMEM;
    return 0;
}

static struct webhook_params *call_params(const struct session *s)
{
    const char *const values[][2] = {
        {"CallSid", s->sid},
        {"AccountSid", s->account->sid},
        {"From", s->from},
        {"To", s->to},
        {"Caller", s->from},
        {"Called", s->to},
        {"CallStatus", call_status_name(s->status)},
        {"ApiVersion", "2010-04-01"},
        {"Direction", s->direction},
        {"ForwardedFrom", s->forwarded_from},
        {"CallerName", s->caller_name},
        {"ParentCallSid", s->parent_sid},
        {"CallToken", s->call_token},
    };
    struct webhook_params *p = webhook_params_new();
    int rc = p == NULL ? ERR_NOMEM : 0;

    for (size_t i = 0; rc == 0 && i < sizeof values / sizeof *values; i++)
        rc = webhook_params_add(p, values[i][0], values[i][1]);
    if (rc == 0)
        rc = add_places(p, s);
    if (rc == 0)
        rc = add_offered(p, s);
    return rc == 0 ? p : webhook_params_free(p);
}

struct webhook_params *params_standard(const struct session *s)
{
    if (s->message != NULL)
        return message_params(s);
    return s->room != NULL ? room_params(s->room) : call_params(s);
}

int params_merge(struct webhook_params *to, const struct webhook_params *more)
{
    size_t n = more == NULL ? 0 : webhook_params_count(more);

    for (size_t i = 0; i < n; i++) {
        const char *value, *name = webhook_params_at(more, i, &value);

        if (webhook_params_set(to, name, value) != 0)
            return ERR_NOMEM;
    }
    return 0;
}
