/* What comes back from the application, good and bad (webhooks.md §6), and the fallback. */
#include "tests/scenarios/rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VOICE    "http://app.test/voice"
#define FALLBACK "http://app.test/fallback"
#define APOLOGY  "We are sorry. An application error has occurred. Goodbye."
static const char config[] = "number { '+1555*', voice = '" VOICE "' }\n";
static const char with_fallback[] =
    "number { '+1555*', voice = '" VOICE "', voice_fallback = '" FALLBACK "' }\n";

/* A call whose webhook answers `a` takes its fallback, told the code and the URL. */
static bool falls_back(const struct rig_answer *a, const char *code)
{
    struct rig *r = rig_new(with_fallback);
    bool good = false;

    ok(r != NULL);
    rig_answer(r, a);
    rig_web(r, FALLBACK, "<Response><Say>The fallback.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "The fallback."));
    ok_str(rig_param(r, FALLBACK, 0, "ErrorCode"), code);
    ok_str(rig_param(r, FALLBACK, 0, "ErrorUrl"), VOICE);
    ok_str(rig_param(r, FALLBACK, 0, "From"), "+15550199");
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok_int(rig_journal(r, "error", code), 1);
    ok(rig_settles(r));
    good = true;
out:
    rig_free(r);
    return good;
}

UNIT(every_failure_takes_the_fallback_with_its_code)
{
    static char large[65 * 1024], deep[10000 * 5];
    size_t at = 0;

    memset(large, ' ', sizeof large - 1);
    at = (size_t)sprintf(deep, "<Response>");
    for (int i = 0; i < 9000; i++)
        at += (size_t)sprintf(deep + at, "<Say>");
    ok(falls_back(&(struct rig_answer){.url = VOICE, .failure = HTTP_CONNECT}, "11205"));
    ok(falls_back(&(struct rig_answer){.url = VOICE, .failure = HTTP_HOST}, "11210"));
    ok(falls_back(&(struct rig_answer){.url = VOICE, .failure = HTTP_TLS}, "11220"));
    ok(falls_back(&(struct rig_answer){.url = VOICE, .failure = HTTP_PROTOCOL}, "11206"));
    ok(falls_back(&(struct rig_answer){.url = VOICE, .failure = HTTP_TIMEOUT}, "11200"));
    ok(falls_back(&(struct rig_answer){.url = VOICE, .failure = HTTP_REDIRECTS}, "11215"));
    ok(falls_back(&(struct rig_answer){.url = VOICE, .failure = HTTP_TOO_LARGE}, "11750"));
    ok(falls_back(&(struct rig_answer){.url = VOICE, .status = 500, .body = "oops"}, "11200"));
    ok(falls_back(&(struct rig_answer){.url = VOICE, .status = 404, .body = "no"}, "11200"));
    ok(falls_back(&(struct rig_answer){.url = VOICE, .body = ""}, "11770"));
    ok(falls_back(&(struct rig_answer){.url = VOICE, .body = "<Response><Say>a</Response>"},
                  "12100"));
    ok(falls_back(&(struct rig_answer){.url = VOICE,
                                       .body = "<html><body>Hi</body></html>",
                                       .type = "text/html"},
                  "12102"));
    ok(falls_back(&(struct rig_answer){.url = VOICE, .body = "{}", .type = "application/json"},
                  "12300"));
    ok(falls_back(
        &(struct rig_answer){.url = VOICE, .body = "<!DOCTYPE r [<!ENTITY a 'b'>]><Response/>"},
        "12100"));
    ok(falls_back(&(struct rig_answer){.url = VOICE, .body = large}, "11750"));
    ok(falls_back(&(struct rig_answer){.url = VOICE, .body = deep}, "12100"));
out:;
}

UNIT(without_a_fallback_the_caller_hears_an_apology)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_answer(r, &(struct rig_answer){.url = VOICE, .status = 500});
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, APOLOGY));
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok(rig_settles(r));
    ok_int(rig_journal(r, "end", "\"completed\""), 1);
out:
    rig_free(r);
}

UNIT(a_fallback_that_fails_ends_in_the_apology)
{
    struct rig *r = rig_new(with_fallback);

    ok(r != NULL);
    rig_answer(r, &(struct rig_answer){.url = VOICE, .status = 500});
    rig_answer(r, &(struct rig_answer){.url = FALLBACK, .status = 500});
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, APOLOGY));
    ok_int(rig_requests(r, FALLBACK), 1);
out:
    rig_free(r);
}

UNIT(an_action_that_fails_takes_the_fallback_too)
{
    struct rig *r = rig_new(with_fallback);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Gather numDigits=\"1\" action=\"/got\"/></Response>");
    rig_answer(r, &(struct rig_answer){.url = "http://app.test/got", .status = 503});
    rig_web(r, FALLBACK, "<Response><Say>The fallback.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    rig_press(r, "3");
    ok(rig_hears(r, "The fallback."));
    ok_str(rig_param(r, FALLBACK, 0, "Digits"), "3");
    ok_str(rig_param(r, FALLBACK, 0, "ErrorUrl"), "http://app.test/got");
out:
    rig_free(r);
}

UNIT(plain_text_is_spoken)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_answer(
        r, &(struct rig_answer){.url = VOICE, .body = "Fish & chips < 5", .type = "text/plain"});
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Fish & chips < 5"));
    ok_int(rig_ends(r), CAUSE_NORMAL);
out:
    rig_free(r);
}

UNIT(markup_as_plain_text_is_run)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_answer(r, &(struct rig_answer){.url = VOICE,
                                       .body = "<Response><Say>Run.</Say></Response>",
                                       .type = "text/plain; charset=utf-8"});
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Run."));
out:
    rig_free(r);
}

UNIT(audio_is_played)
{
    static unsigned char wav[44 + 16000] = "RIFF\x64\x3e\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0"
                                           "\x80\x3e\0\0\2\0\x10\0data\x80\x3e\0";
    struct rig *r = rig_new(config);

    ok(r != NULL);
    for (size_t i = 44; i < sizeof wav; i += 2)
        wav[i + 1] = i % 16 < 8 ? 0x20 : 0xe0;
    rig_answer(r, &(struct rig_answer){
                      .url = VOICE, .body = (char *)wav, .len = sizeof wav, .type = "audio/wav"});
    rig_call(r, "+15550100", "+15550199");
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok_int(rig_frames(r), 50);
out:
    rig_free(r);
}

UNIT(relative_urls_belong_to_their_document)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Redirect method=\"GET\">deep/er/two?x=1</Redirect></Response>");
    rig_web(r, "http://app.test/deep/er/two", "<Response><Redirect>../three</Redirect></Response>");
    rig_web(r, "http://app.test/deep/three", "<Response><Say>Three.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Three."));
    ok_str(rig_param(r, "http://app.test/deep/er/two", 0, "x"), "1");
    ok_str(rig_param(r, "http://app.test/deep/er/two", 0, "To"), "+15550100");
out:
    rig_free(r);
}

UNIT(a_flow_file_is_read_anew_when_it_changes)
{
    struct rig *r = rig_new("number { '+1555*', voice = 'flow/a.xml' }\n");

    ok(r != NULL);
    rig_file(r, "flow/a.xml", "<Response><Say>Before.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Before."));
    ok(rig_ends(r) == CAUSE_NORMAL);
    rig_file(r, "flow/a.xml", "<Response><Say>After.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "After."));
out:
    rig_free(r);
}

UNIT(a_flow_file_cannot_leave_its_folder)
{
    static const char *const targets[] = {"../secret.xml", "/etc/hostname", "sub/../../secret.xml",
                                          "link.xml"};
    static char markup[200];
    struct rig *r = rig_new("number { '+1555*', voice = 'flow/a.xml' }\n");
    char link[400];

    ok(r != NULL);
    rig_file(r, "secret.xml", "<Response><Say>Secret.</Say></Response>");
    rig_file(r, "flow/sub/x", "");
    snprintf(link, sizeof link, "%s/flow/link.xml", rig_folder(r));
    ok(symlink("../secret.xml", link) == 0);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        snprintf(markup, sizeof markup, "<Response><Redirect>%s</Redirect></Response>", targets[i]);
        rig_file(r, "flow/a.xml", markup);
        rig_call(r, "+15550100", "+15550199");
        ok(rig_hears(r, APOLOGY));
        ok(rig_ends(r) == CAUSE_NORMAL);
    }
    ok_int(rig_journal(r, "say", "Secret"), 0);
out:
    rig_free(r);
}

UNIT(warnings_are_written_down_and_the_document_goes_on)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><say>No.</say><Say loop=\"x\" volume=\"9\">Yes.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Yes."));
    ok_int(rig_journal(r, "warn", "12200"), 2);
    ok_int(rig_journal(r, "warn", "13510"), 1);
out:
    rig_free(r);
}

UNIT_MAIN(NO_TORTURE(every_failure_takes_the_fallback_with_its_code),
          NO_TORTURE(without_a_fallback_the_caller_hears_an_apology),
          NO_TORTURE(a_fallback_that_fails_ends_in_the_apology),
          NO_TORTURE(an_action_that_fails_takes_the_fallback_too), NO_TORTURE(plain_text_is_spoken),
          NO_TORTURE(markup_as_plain_text_is_run), NO_TORTURE(audio_is_played),
          NO_TORTURE(relative_urls_belong_to_their_document),
          NO_TORTURE(a_flow_file_is_read_anew_when_it_changes),
          NO_TORTURE(a_flow_file_cannot_leave_its_folder),
          NO_TORTURE(warnings_are_written_down_and_the_document_goes_on))
