#include "session/opt_out.h"
#include "base/log.h"
#include "base/utf8.h"
#include "session/message.h"
#include <string.h>

enum { WORD_MAX = 16, WIDE_A = 0xFF21, WIDE_SMALL_A = 0xFF41, WIDE_STOP = 0xFF0E };

static const struct {
    const char *word;
    enum opt_out means;
} words[] = {
    {"STOP", OPT_OUT_STOP},   {"STOPALL", OPT_OUT_STOP}, {"UNSUBSCRIBE", OPT_OUT_STOP},
    {"CANCEL", OPT_OUT_STOP}, {"END", OPT_OUT_STOP},     {"QUIT", OPT_OUT_STOP},
    {"REVOKE", OPT_OUT_STOP}, {"OPTOUT", OPT_OUT_STOP},  {"START", OPT_OUT_START},
    {"YES", OPT_OUT_START},   {"UNSTOP", OPT_OUT_START}, {"HELP", OPT_OUT_HELP},
    {"INFO", OPT_OUT_HELP},
};

static const char stop_text[] =
    "You have successfully been unsubscribed. You will not receive any more messages from this "
    "number. Reply START to resubscribe.";
static const char start_text[] =
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe.";
static const char help_text[] = "Reply STOP to unsubscribe.";

static bool is_blank(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0 || c == 0x200B || c == 0x202F ||
           c == 0x2060 || c == 0x3000 || c == 0xFEFF || (c >= 0x2000 && c <= 0x200A);
}

/* A letter as a capital of ASCII; 0: none. */
static char letter_of(uint32_t c)
{
    if (c >= WIDE_A && c < WIDE_A + 26)
        return (char)('A' + (c - WIDE_A));
    if (c >= WIDE_SMALL_A && c < WIDE_SMALL_A + 26)
        return (char)('A' + (c - WIDE_SMALL_A));
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return (char)(c >= 'A' && c <= 'Z' ? c : 0);
}

enum opt_out opt_out_word(const char *body)
{
    char word[WORD_MAX + 1];
    size_t n = 0;
    bool over = false;

    while (*body != '\0') {
        uint32_t c = utf8_read(&body);
        char letter = letter_of(c);

        if (is_blank(c) || (n > 0 && (c == '.' || c == '!' || c == WIDE_STOP))) {
            over = n > 0;
            continue;
        }
        if (letter == 0 || over || n == WORD_MAX)
            return OPT_OUT_NONE;
        word[n++] = letter;
    }
    word[n] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i].word) == 0)
            return words[i].means;
    return OPT_OUT_NONE;
}

/* Who said it already is not told again. */
static void obeyed(void *arg, const struct messages_answer *a)
{
    struct runtime *rt = arg;
    const struct message_row *row = &a->rows[0];
    const struct config_number *number = config_find_number(rt->config->config, row->from);

    if (a->err != NULL)
        log_error("message", row->sid, "what %s said of more messages from %s is not kept: %s",
                  row->to, row->from, a->err->text);
    else if (a->changed && number != NULL)
        message_say(rt, number, row, a->blocked ? stop_text : start_text);
}

void opt_out_obey(struct session *s)
{
    enum opt_out what = opt_out_word(s->message->body);
    struct runtime *rt = s->rt;
    const struct message_row row = {.sid = s->sid, .from = s->to, .to = s->from};
    struct error err = {0};

    if (what == OPT_OUT_NONE || !s->number->opt_out || s->to[0] != '+')
        return;
    journal_add(s, "opt_out", "{s:s}", "what",
                what == OPT_OUT_STOP    ? "stop"
                : what == OPT_OUT_START ? "start"
                                        : "help");
    if (what == OPT_OUT_HELP)
        message_say(rt, s->number, &row, help_text);
    else if (messages_block(rt->messages, &row, what == OPT_OUT_STOP, obeyed, rt, &err) == NULL)
        log_error("message", s->sid, "what it says of more messages is not kept: %s", err.text);
}
