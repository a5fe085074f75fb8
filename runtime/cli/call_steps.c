#include "cli/call_steps.h"
#include <stdlib.h>
#include <string.h>

static int add_step(struct steps *s, enum step_kind kind, const char *digits, size_t n,
                    int64_t *wait_ms, struct error *err)
{
    struct step *step = &s->list[s->count];

    if (s->count == STEPS_MAX)
        return error_set(err, ERR_LIMIT, "--press: more than %d steps", STEPS_MAX);
    *step = (struct step){.kind = kind, .wait_ms = *wait_ms};
    memcpy(step->digits, digits, n);
    *wait_ms = -1;
    s->count++;
    return 0;
}

static int bad_step(const char *at, size_t n, struct error *err)
{
    return error_set(err, ERR_INVALID,
                     "--press: '%.*s' is no step; use digits (0-9 A-D * #), wN to wait N seconds, "
                     "or s to speak, separated by commas",
                     (int)n, at);
}

static int read_step(struct steps *s, const char *at, size_t n, int64_t *wait_ms, struct error *err)
{
    if (n == 1 && *at == 's')
        return add_step(s, STEP_SPEAK, "", 0, wait_ms, err);
    if (*at == 'w' && n > 1) {
        char *end;
        double seconds = strtod(at + 1, &end);

        if (end != at + n || !(seconds >= 0 && seconds <= 3600))
            return bad_step(at, n, err);
        *wait_ms = (*wait_ms < 0 ? 0 : *wait_ms) + (int64_t)(seconds * 1000);
        return 0;
    }
    if (n == 0 || n > 64 || strspn(at, "0123456789ABCD*#") < n)
        return bad_step(at, n, err);
    return add_step(s, STEP_PRESS, at, n, wait_ms, err);
}

int steps_parse(struct steps *s, const char *press, bool speak, struct error *err)
{
    int64_t wait_ms = -1;
    int rc = 0;

    *s = (struct steps){0};
    if (speak && (press == NULL || strchr(press, 's') == NULL))
        rc = add_step(s, STEP_SPEAK, "", 0, &wait_ms, err);
    while (rc == 0 && press != NULL) {
        size_t n = strcspn(press, ",");

        rc = read_step(s, press, n, &wait_ms, err);
        press = press[n] == ',' ? press + n + 1 : NULL;
    }
    return rc;
}

void steps_start(struct steps *s, int64_t now)
{
    s->since = now;
}

void steps_prompt(struct steps *s, bool began, int64_t now)
{
    s->told = true;
    s->sounding = began;
    if (began)
        s->heard = true;
    s->quiet_since = now;
}

void steps_frame(struct steps *s, int64_t now)
{
    if (s->told)
        return;
    /* What still sounds when a key is pressed is not the next prompt. */
    if (now - s->since > STEPS_TAIL_MS || s->at == 0)
        s->heard = true;
    s->quiet_since = now;
}

const struct step *steps_due(struct steps *s, int64_t now)
{
    const struct step *step = &s->list[s->at];
    int64_t quiet = s->told ? STEPS_QUIET_MS : STEPS_SILENCE_MS;

    if (s->at == s->count)
        return NULL;
    if (step->wait_ms >= 0 ? now - s->since < step->wait_ms
                           : !s->heard || s->sounding || now - s->quiet_since < quiet)
        return NULL;
    s->at++;
    s->since = now;
    s->heard = false;
    return step;
}
