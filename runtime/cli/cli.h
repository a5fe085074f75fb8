/* The commands of `almon`, one file each. argv[0] is the command's name. Each returns the exit
 * status: 0 fine, 1 it did not work, 2 wrong usage; `call` has its own (see call.c). */
#ifndef ALMON_CLI_CLI_H
#define ALMON_CLI_CLI_H

int cli_serve(int argc, char **argv);    /* serve.c: the exchange */
int cli_check(int argc, char **argv);    /* check.c: problems of documents */
int cli_help(int argc, char **argv);     /* help.c: the reference of a verb */
int cli_call(int argc, char **argv);     /* call.c: a caller in the terminal */
int cli_phone(int argc, char **argv);    /* phone.c: a telephone in the terminal */
int cli_calls(int argc, char **argv);    /* calls.c: the last calls */
int cli_messages(int argc, char **argv); /* messages.c: the last text messages */
int cli_text(int argc, char **argv);     /* text.c: writes to a number */
int cli_trace(int argc, char **argv);    /* trace.c: a call's timeline */
int cli_redirect(int argc, char **argv); /* act.c: a new document for a live call */
int cli_record(int argc, char **argv);   /* act.c: a live call's recording */
int cli_hangup(int argc, char **argv);   /* act.c: ends a live call */
int cli_room(int argc, char **argv);     /* room.c: conferences */
int cli_join(int argc, char **argv);     /* act.c: a call that waits in an Asterisk */
int cli_graph(int argc, char **argv);    /* graph.c: a flow as a picture */
int cli_replay(int argc, char **argv);   /* replay.c: a past call again */
int cli_sim(int argc, char **argv);      /* sim.c: a call in the terminal */
int cli_test(int argc, char **argv);     /* test.c: runs scenarios */

#endif
