/* When `almon call` presses its keys, and that it tells the truth about a whole call. */
#include "cli/call_steps.h"
#include "cli/cli.h"
#include "tests/unit/bridge_stand.h"
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

UNIT(steps_are_read_as_written_and_mistakes_are_named)
{
    static const char *const bad[] = {"x", "1,,2", "w", "w-1", "wx", "1;2", ""};
    struct steps s;
    struct error err = {0};

    ok_rc(steps_parse(&s, "1,w2,3#,w0.5,s", false, &err), &err);
    ok_int(s.count, 3);
    ok_str(s.list[0].digits, "1");
    ok_int(s.list[0].wait_ms, -1);
    ok_str(s.list[1].digits, "3#");
    ok_int(s.list[1].wait_ms, 2000);
    ok_int(s.list[2].kind, STEP_SPEAK);
    ok_int(s.list[2].wait_ms, 500);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok_int(steps_parse(&s, bad[i], false, &err), ERR_INVALID);
    ok_rc(steps_parse(&s, NULL, true, &err), &err);
    ok_int(s.list[0].kind, STEP_SPEAK);
out:
    return;
}

UNIT(a_key_is_pressed_when_the_prompt_has_ended_and_no_other_follows)
{
    struct steps s;
    struct error err = {0};

    ok_rc(steps_parse(&s, "1,2", false, &err), &err);
    steps_start(&s, 1000);
    ok(steps_due(&s, 9000) == NULL); /* nothing was heard yet */
    steps_prompt(&s, true, 9000);
    ok(steps_due(&s, 20000) == NULL); /* it still sounds */
    steps_prompt(&s, false, 20000);
    steps_prompt(&s, true, 20010);
    steps_prompt(&s, false, 21000);
    ok(steps_due(&s, 21000 + STEPS_QUIET_MS - 1) == NULL);
    ok_str(steps_due(&s, 21000 + STEPS_QUIET_MS)->digits, "1");
    ok(steps_due(&s, 30000) == NULL); /* the next key waits for the next prompt */
    steps_prompt(&s, true, 30000);
    steps_prompt(&s, false, 31000);
    ok_str(steps_due(&s, 31000 + STEPS_QUIET_MS)->digits, "2");
    ok(steps_due(&s, 90000) == NULL);
out:
    return;
}

UNIT(where_prompts_are_not_told_silence_is_their_end)
{
    struct steps s;
    struct error err = {0};

    ok_rc(steps_parse(&s, "1", false, &err), &err);
    steps_start(&s, 0);
    for (int64_t t = 100; t < 3000; t += 20)
        steps_frame(&s, t);
    ok(steps_due(&s, 3000) == NULL);
    ok(steps_due(&s, 2980 + STEPS_SILENCE_MS) != NULL);
out:
    return;
}

UNIT(w_waits_from_the_step_before_whatever_sounds)
{
    struct steps s;
    struct error err = {0};

    ok_rc(steps_parse(&s, "w2,5", false, &err), &err);
    steps_start(&s, 1000);
    steps_prompt(&s, true, 1000);
    ok(steps_due(&s, 2999) == NULL);
    ok_str(steps_due(&s, 3000)->digits, "5");
out:
    return;
}

/* --- the whole program, in a child, against an exchange in this process --- */

/* Starts `almon call` with these arguments once the port is written to the pipe. */
static pid_t start_child(int port_pipe[2], int out_pipe[2], char **args)
{
    pid_t pid = fork();
    int port = 0;
    char link[64];

    if (pid != 0)
        return pid;
    dup2(out_pipe[1], STDOUT_FILENO);
    dup2(out_pipe[1], STDERR_FILENO);
    if (read(port_pipe[0], &port, sizeof port) != sizeof port)
        _exit(99);
    snprintf(link, sizeof link, "--link=ws://127.0.0.1:%d/", port);
    args[1] = link;
    for (port = 0; args[port] != NULL;)
        port++;
    port = cli_call(port, args);
    fflush(NULL);
    _exit(port);
}

static void nothing(void *arg)
{
    (void)arg;
}

/* Turns the control loop until the child has ended; its exit status. Answers and hangs up as a
 * small menu would: plays, and after a digit says goodbye. */
static int attend(struct stand *s, pid_t pid)
{
    struct audio *a = audio_new(CODEC_PCMU, 25);
    struct timer t;
    bool asked = false, bye = false;
    int status = 0;

    timer_init(&t, s->control, nothing, NULL);
    while (a != NULL && waitpid(pid, &status, WNOHANG) == 0) {
        if (s->channel != NULL && !asked && channel_is_answered(s->channel))
            asked = channel_play(s->channel, a, 1, "Press one.", 1) == 0;
        if (s->channel != NULL && !bye && strstr(str_text(&s->said), "digit 1;") != NULL) {
            bye = true;
            channel_hangup(s->channel, CAUSE_NORMAL);
        }
        timer_start(&t, 5);
        loop_turn(s->control, true);
    }
    timer_stop(&t);
    audio_unref(a);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void run_program(struct stand *s, char **args, int *status, char *text, size_t size)
{
    int port_pipe[2], out_pipe[2], port;
    ssize_t n;
    pid_t pid;

    *status = -1;
    text[0] = '\0';
    if (pipe(port_pipe) != 0 || pipe(out_pipe) != 0)
        return;
    pid = start_child(port_pipe, out_pipe, args);
    close(out_pipe[1]);
    if (stand_up_live(s)) {
        port = bridge_port(s->bridge);
        if (write(port_pipe[1], &port, sizeof port) == sizeof port)
            *status = attend(s, pid);
    }
    n = read(out_pipe[0], text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    close(port_pipe[0]);
    close(port_pipe[1]);
    close(out_pipe[0]);
}

UNIT(the_program_hears_the_prompt_presses_and_ends_well)
{
    char *args[] = {"call", "", "--name=gw", "--token=secret", "--press=1", "+15550100", NULL};
    struct stand s = {.answer_at_once = true};
    char text[8192];
    int status;

    run_program(&s, args, &status, text, sizeof text);
    ok(strstr(text, "calls +15550100 from +15550199") != NULL);
    ok(strstr(text, "answered") != NULL);
    ok(strstr(text, "hears   \"Press one.\"") != NULL);
    ok(strstr(text, "presses 1") != NULL);
    ok(strstr(text, "hung up (normal)") != NULL);
    ok_int(status, 0);
out:
    stand_down(&s);
}

UNIT(the_program_says_when_its_token_is_wrong)
{
    char *args[] = {"call", "", "--name=gw", "--token=wrong", "+15550100", NULL};
    struct stand s = {0};
    char text[8192];
    int status;

    run_program(&s, args, &status, text, sizeof text);
    ok(strstr(text, "unknown gateway name or wrong token") != NULL);
    ok_int(status, 3);
out:
    stand_down(&s);
}

UNIT(a_refused_call_is_the_exit_status)
{
    char *args[] = {"call", "", "--name=out", "--token=secret", "+15550100", NULL};
    struct stand s = {0};
    char text[8192];
    int status;

    run_program(&s, args, &status, text, sizeof text);
    ok(strstr(text, "not answered (rejected)") != NULL);
    ok_int(status, 12);
out:
    stand_down(&s);
}

UNIT_MAIN(CASE(steps_are_read_as_written_and_mistakes_are_named),
          CASE(a_key_is_pressed_when_the_prompt_has_ended_and_no_other_follows),
          CASE(where_prompts_are_not_told_silence_is_their_end),
          CASE(w_waits_from_the_step_before_whatever_sounds),
          NO_TORTURE(the_program_hears_the_prompt_presses_and_ends_well),
          NO_TORTURE(the_program_says_when_its_token_is_wrong),
          NO_TORTURE(a_refused_call_is_the_exit_status))
