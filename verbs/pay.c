/* Pay and Prompt: taking a payment. */
#include "verbs/verbs.h"

static const char *const pay_inputs[] = {"dtmf", NULL};
static const char *const pay_methods[] = {"credit-card", "ach-debit", NULL};
static const char *const pay_accounts[] = {"consumer-checking", "consumer-savings",
                                           "commercial-checking", "commercial-savings", NULL};
static const char *const pay_tokens[] = {"one-time", "reusable", "payment-method", NULL};
static const char *const pay_languages[] = {"de-DE", "en-AU", "en-CA", "en-GB", "en-IN", "en-IE",
                                            "en-NZ", "en-PH", "en-ZA", "en-US", "es-ES", "es-US",
                                            "fr-CA", "fr-FR", "it-IT", NULL};
static const char *const prompt_steps[] = {
    "payment-card-number", "expiration-date",     "security-code",       "postal-code",
    "payment-processing",  "bank-account-number", "bank-routing-number", NULL};
static const char *const prompt_errors[] = {"timeout",
                                            "invalid-card-number",
                                            "invalid-card-type",
                                            "invalid-date",
                                            "invalid-security-code",
                                            "internal-error",
                                            "input-matching-failed",
                                            NULL};
static const char *const prompt_attempts[] = {"1", "2", "3", "4",  "5", "6",
                                              "7", "8", "9", "10", NULL};

struct pay_args {
    int input;
    const char *action;
    const char *status_callback;
    enum flow_method status_callback_method;
    int payment_method;
    int bank_account_type;
    int timeout;
    int max_attempts;
    bool security_code;
    const char *postal_code;
    int min_postal_code_length;
    const char *payment_connector;
    int token_type;
    const char *charge_amount;
    const char *currency;
    int language;
    const char *description;
    unsigned valid_card_types;
};

static const struct attr pay_attrs[] = {
    {.name = "input",
     .type = ATTR_CHOICE,
     .choices = pay_inputs,
     .def = "dtmf",
     .offset = offsetof(struct pay_args, input),
     .text = "How the caller enters his data."},
    {.name = "action",
     .type = ATTR_URL,
     .offset = offsetof(struct pay_args, action),
     .text = "Asked how to go on afterwards; the current document when absent."},
    {.name = "statusCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct pay_args, status_callback),
     .text = "Told of each step."},
    {.name = "statusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct pay_args, status_callback_method),
     .text = "How that callback is requested."},
    {.name = "paymentMethod",
     .type = ATTR_CHOICE,
     .choices = pay_methods,
     .def = "credit-card",
     .offset = offsetof(struct pay_args, payment_method),
     .text = "How he pays."},
    {.name = "bankAccountType",
     .type = ATTR_CHOICE,
     .choices = pay_accounts,
     .def = "consumer-checking",
     .offset = offsetof(struct pay_args, bank_account_type),
     .text = "Kind of bank account."},
    {.name = "timeout",
     .type = ATTR_INT,
     .def = "5",
     .min = 1,
     .max = 600,
     .offset = offsetof(struct pay_args, timeout),
     .text = "Seconds to wait for a further key."},
    {.name = "maxAttempts",
     .type = ATTR_INT,
     .def = "1",
     .min = 1,
     .max = 3,
     .offset = offsetof(struct pay_args, max_attempts),
     .text = "How often he may try."},
    {.name = "securityCode",
     .type = ATTR_BOOL,
     .def = "true",
     .offset = offsetof(struct pay_args, security_code),
     .text = "Whether the card's security code is asked."},
    {.name = "postalCode",
     .type = ATTR_STR,
     .def = "true",
     .offset = offsetof(struct pay_args, postal_code),
     .text = "Whether the postal code is asked, or the code itself."},
    {.name = "minPostalCodeLength",
     .type = ATTR_INT,
     .min = 1,
     .max = 32,
     .offset = offsetof(struct pay_args, min_postal_code_length),
     .text = "Fewest characters of the postal code."},
    {.name = "paymentConnector",
     .type = ATTR_STR,
     .def = "Default",
     .offset = offsetof(struct pay_args, payment_connector),
     .text = "Where the money goes."},
    {.name = "tokenType",
     .type = ATTR_CHOICE,
     .choices = pay_tokens,
     .def = "reusable",
     .offset = offsetof(struct pay_args, token_type),
     .text = "Kind of token."},
    {.name = "chargeAmount",
     .type = ATTR_STR,
     .offset = offsetof(struct pay_args, charge_amount),
     .text = "Amount; 0 or absent only makes a token."},
    {.name = "currency",
     .type = ATTR_STR,
     .def = "usd",
     .offset = offsetof(struct pay_args, currency),
     .text = "Currency of the amount."},
    {.name = "language",
     .type = ATTR_CHOICE,
     .choices = pay_languages,
     .def = "en-US",
     .offset = offsetof(struct pay_args, language),
     .text = "Language of the prompts."},
    {.name = "description",
     .type = ATTR_STR,
     .offset = offsetof(struct pay_args, description),
     .text = "What is paid for."},
    {.name = "validCardTypes",
     .type = ATTR_LIST,
     .choices = verb_card_types,
     .def = "visa mastercard amex",
     .offset = offsetof(struct pay_args, valid_card_types),
     .text = "Cards that are taken."},
    {0},
};

const struct verb verb_pay = {
    .schema =
        {
            .name = "Pay",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .attrs = pay_attrs,
            .args_size = sizeof(struct pay_args),
            .text = "Takes a payment.",
        },
};

struct prompt_args {
    int for_;
    unsigned error_type;
    unsigned card_type;
    unsigned attempt;
    bool require_matching_inputs;
};

static const struct attr prompt_attrs[] = {
    {.name = "for",
     .type = ATTR_CHOICE,
     .choices = prompt_steps,
     .offset = offsetof(struct prompt_args, for_),
     .text = "The step it is for."},
    {.name = "errorType",
     .type = ATTR_LIST,
     .choices = prompt_errors,
     .offset = offsetof(struct prompt_args, error_type),
     .text = "The mistakes it is for."},
    {.name = "cardType",
     .type = ATTR_LIST,
     .choices = verb_card_types,
     .offset = offsetof(struct prompt_args, card_type),
     .text = "The cards it is for."},
    {.name = "attempt",
     .type = ATTR_LIST,
     .choices = prompt_attempts,
     .offset = offsetof(struct prompt_args, attempt),
     .text = "The attempts it is for."},
    {.name = "requireMatchingInputs",
     .type = ATTR_BOOL,
     .def = "false",
     .offset = offsetof(struct prompt_args, require_matching_inputs),
     .text = "Whether the entry is asked twice."},
    {0},
};

static const char *const prompt_parents[] = {"Pay", "Response", NULL};

const struct verb verb_prompt = {
    .schema =
        {
            .name = "Prompt",
            .parents = prompt_parents,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .attrs = prompt_attrs,
            .args_size = sizeof(struct prompt_args),
            .text = "What is said at one step of Pay.",
        },
};
