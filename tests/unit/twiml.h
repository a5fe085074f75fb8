/* What Twilio's language holds: a compact list made from the public typings of its Node library and
 * its documentation, to hold our tables against. Names and values only. */
#ifndef ALMON_TESTS_TWIML_H
#define ALMON_TESTS_TWIML_H

/* Element, the parents it may stand in, its attributes. */
static const struct twiml_element {
    const char *name, *parents, *attrs;
} twiml_elements[] = {
    {"Response", "", ""},
    {"AiSession", "Connect", "aiConnector aiSessionConfiguration"},
    {"Application", "Dial",
     "copyParentTo customerId method statusCallback statusCallbackEvent statusCallbackMethod "
     "url"},
    {"ApplicationSid", "Application", ""},
    {"Autopilot", "Connect", ""},
    {"Client", "Dial",
     "clientNotificationUrl method statusCallback statusCallbackEvent statusCallbackMethod "
     "url"},
    {"Conference", "Dial",
     "beep coach endConferenceOnExit eventCallbackUrl jitterBufferSize maxParticipants muted "
     "participantLabel record recordingConfigurationId recordingStatusCallback "
     "recordingStatusCallbackEvent recordingStatusCallbackMethod region "
     "startConferenceOnEnter statusCallback statusCallbackEvent statusCallbackMethod trim "
     "waitMethod waitUrl"},
    {"Config", "Transcription VirtualAgent", "name value"},
    {"Connect", "Response", "action method"},
    {"Conversation", "Connect",
     "inboundAutocreation inboundTimeout method record recordingStatusCallback "
     "recordingStatusCallbackEvent recordingStatusCallbackMethod routingAssignmentTimeout "
     "serviceInstanceSid statusCallback statusCallbackEvent statusCallbackMethod trim url"},
    {"ConversationRelay", "Connect",
     "backgroundnoisereduction debug deepgramsmartformat dtmfDetection "
     "elevenlabsTextNormalization events hints ignorebackchannel intelligenceService "
     "interruptSensitivity interruptible language partialPrompts preemptible profanityFilter "
     "reportInputDuringAgentSpeech speechModel speechtimeout transcriptionLanguage "
     "transcriptionProvider ttsLanguage ttsProvider url voice welcomeGreeting "
     "welcomeGreetingInterruptible"},
    {"ConversationRelaySession", "Connect", "connector sessionConfiguration"},
    {"Dial", "Response",
     "action answerOnBridge callReason callerId events hangupOnStar method passports record "
     "recordingConfigurationId recordingStatusCallback recordingStatusCallbackEvent "
     "recordingStatusCallbackMethod recordingTrack referMethod referUrl ringTone sequential "
     "timeLimit timeout trim"},
    {"Echo", "Response", ""},
    {"Enqueue", "Response", "action maxQueueSize method waitUrl waitUrlMethod workflowSid"},
    {"Gather", "Response",
     "action actionOnEmptyResult bargeIn debug enhanced finishOnKey hints input language "
     "maxSpeechTime method numDigits partialResultCallback partialResultCallbackMethod "
     "profanityFilter speechModel speechTimeout timeout"},
    {"Hangup", "Response", ""},
    {"Header", "Headers", "name value"},
    {"Headers", "Sip", ""},
    {"Identity", "Client", ""},
    {"Language", "ConversationRelay", "code speechModel transcriptionProvider ttsProvider voice"},
    {"Leave", "Response", ""},
    {"Number", "Dial",
     "amdStatusCallback amdStatusCallbackMethod byoc machineDetection "
     "machineDetectionSilenceTimeout machineDetectionSpeechEndThreshold "
     "machineDetectionSpeechThreshold machineDetectionTimeout method sendDigits "
     "statusCallback statusCallbackEvent statusCallbackMethod url"},
    {"Parameter",
     "Application Client ConversationRelay Hangup Pay Reject Siprec Stream Transcription "
     "VirtualAgent",
     "name value"},
    {"Pause", "Gather Prompt Response", "length"},
    {"Pay", "Response",
     "action bankAccountType chargeAmount currency description input language maxAttempts "
     "minPostalCodeLength paymentConnector paymentMethod postalCode securityCode "
     "statusCallback statusCallbackMethod timeout tokenType validCardTypes"},
    {"Play", "Gather Prompt Response", "digits loop"},
    {"Prompt", "Pay Response", "attempt cardType errorType for requireMatchingInputs"},
    {"Queue", "Dial Response", "method postWorkActivitySid reservationSid url"},
    {"Record", "Response",
     "action finishOnKey maxLength method playBeep recordingConfigurationId "
     "recordingStatusCallback recordingStatusCallbackEvent recordingStatusCallbackMethod "
     "timeout transcribe transcribeCallback trim"},
    {"Recording", "Start Stop",
     "channels name recordingConfigurationId recordingStatusCallback "
     "recordingStatusCallbackEvent recordingStatusCallbackMethod track trim"},
    {"Redirect", "Response", "method"},
    {"Refer", "Response", "action method"},
    {"Sip", "Refer", ""},
    {"Reject", "Response", "reason"},
    {"Room", "Connect", "participantIdentity"},
    {"Say", "Gather Prompt Response", "language loop voice"},
    {"Sim", "Dial", ""},
    {"Sip", "Dial",
     "amdStatusCallback amdStatusCallbackMethod machineDetection "
     "machineDetectionSilenceTimeout machineDetectionSpeechEndThreshold "
     "machineDetectionSpeechThreshold machineDetectionTimeout method password statusCallback "
     "statusCallbackEvent statusCallbackMethod url username"},
    {"Uri", "Sip", "password priority username weight"},
    {"Siprec", "Start Stop", "connectorName name statusCallback statusCallbackMethod track"},
    {"Sms", "Response", "action from method statusCallback to"},
    {"break", "Say emphasis lang p prosody s w", "strength time"},
    {"emphasis", "Say emphasis lang p prosody s w", "level"},
    {"lang", "Say emphasis lang p prosody s", "xml:lang"},
    {"p", "Say lang prosody", ""},
    {"phoneme", "Say emphasis lang p prosody s w", "alphabet ph"},
    {"prosody", "Say emphasis lang p prosody s w", "pitch rate volume"},
    {"s", "Say lang p prosody", ""},
    {"say-as", "Say emphasis lang p prosody s w", "format interpret-as"},
    {"sub", "Say emphasis lang p prosody s w", "alias"},
    {"w", "Say emphasis lang p prosody s", "role"},
    {"Start", "Response", "action method"},
    {"Stop", "Response", ""},
    {"Stream", "Connect Start Stop",
     "audioFormat connectorName name sampleRate statusCallback statusCallbackMethod track url"},
    {"Task", "Enqueue", "priority timeout"},
    {"Transcription", "Start Stop",
     "conversationConfiguration conversationId enableAutomaticPunctuation enableProviderData "
     "hints inboundTrackLabel intelligenceService languageCode name outboundTrackLabel "
     "partialResults profanityFilter speechModel statusCallbackMethod statusCallbackUrl track "
     "transcriptionEngine"},
    {"VirtualAgent", "Connect",
     "connectorName language sentimentAnalysis statusCallback statusCallbackMethod"},
    {"WhatsApp", "Dial", "method statusCallback statusCallbackEvent statusCallbackMethod url"},
    {"Body", "Message", ""},
    {"Media", "Message", ""},
    {"Message", "Response", "action from method statusCallback to"},
};

/* Element, attribute, all its values. */
static const struct twiml_values {
    const char *element, *attr, *values;
} twiml_values[] = {
    {"Application", "statusCallbackEvent", "initiated ringing answered completed"},
    {"Client", "statusCallbackEvent", "initiated ringing answered completed"},
    {"Conference", "beep", "true false onEnter onExit"},
    {"Conference", "jitterBufferSize", "large medium small off"},
    {"Conference", "record", "do-not-record record-from-start"},
    {"Conference", "recordingStatusCallbackEvent", "in-progress completed absent"},
    {"Conference", "region", "us1 us2 ie1 sg1 br1 au1 jp1 de1"},
    {"Conference", "statusCallbackEvent",
     "start end join leave mute hold modify speaker announcement"},
    {"Conference", "trim", "trim-silence do-not-trim"},
    {"Conversation", "record",
     "do-not-record record-from-answer record-from-ringing record-from-answer-dual "
     "record-from-ringing-dual true false"},
    {"Conversation", "recordingStatusCallbackEvent", "in-progress completed absent"},
    {"Conversation", "statusCallbackEvent",
     "call-initiated call-ringing call-answered call-completed"},
    {"Conversation", "trim", "trim-silence do-not-trim"},
    {"Dial", "events", "call-progress-event"},
    {"Dial", "record",
     "do-not-record record-from-answer record-from-ringing record-from-answer-dual "
     "record-from-ringing-dual"},
    {"Dial", "recordingStatusCallbackEvent", "in-progress completed absent"},
    {"Dial", "recordingTrack", "both inbound outbound"},
    {"Dial", "ringTone",
     "at au bg br be ch cl cn cz de dk ee es fi fr gr hu il in it lt jp mx my nl no nz ph pl "
     "pt ru se sg th uk us us-old tw ve za"},
    {"Dial", "trim", "trim-silence do-not-trim"},
    {"Gather", "input", "dtmf speech"},
    {"Gather", "language",
     "af-ZA am-ET ar-AE ar-BH ar-DZ ar-EG ar-IL ar-IQ ar-JO ar-KW ar-LB ar-MA ar-OM ar-PS "
     "ar-QA ar-SA ar-TN az-AZ bg-BG bn-BD bn-IN ca-ES cs-CZ da-DK de-DE el-GR en-AU en-CA "
     "en-GB en-GH en-IE en-IN en-KE en-NG en-NZ en-PH en-SG en-TZ en-US en-ZA es-AR es-BO "
     "es-CL es-CO es-CR es-DO es-EC es-ES es-GT es-HN es-MX es-NI es-PA es-PE es-PR es-PY "
     "es-SV es-US es-UY es-VE et-EE eu-ES fa-IR fi-FI fil-PH fr-CA fr-FR gl-ES gu-IN he-IL "
     "hi-IN hr-HR hu-HU hy-AM id-ID is-IS it-IT ja-JP jv-ID ka-GE km-KH kn-IN ko-KR lo-LA "
     "lt-LT lv-LV mk-MK ml-IN mn-MN mr-IN ms-MY my-MM nar-IQ nb-NO ne-NP nl-BE nl-NL "
     "pa-guru-IN pl-PL pt-BR pt-PT ro-RO ru-RU si-LK sk-SK sl-SI sq-AL sr-RS su-ID sv-SE "
     "sw-KE sw-TZ ta-IN ta-LK ta-MY ta-SG te-IN th-TH tr-TR uk-UA ur-IN ur-PK uz-UZ vi-VN "
     "yue-Hant-HK zh cmn-Hans-CN zh-TW cmn-Hant-TW zu-ZA"},
    {"Number", "statusCallbackEvent", "initiated ringing answered completed"},
    {"Pay", "bankAccountType",
     "consumer-checking consumer-savings commercial-checking commercial-savings"},
    {"Pay", "input", "dtmf"},
    {"Pay", "language",
     "de-DE en-AU en-CA en-GB en-IN en-IE en-NZ en-PH en-ZA en-US es-ES es-US fr-CA fr-FR "
     "it-IT"},
    {"Pay", "tokenType", "one-time reusable payment-method"},
    {"Pay", "validCardTypes",
     "visa mastercard amex maestro discover optima jcb diners-club enroute"},
    {"Prompt", "cardType", "visa mastercard amex maestro discover optima jcb diners-club enroute"},
    {"Prompt", "errorType",
     "timeout invalid-card-number invalid-card-type invalid-date invalid-security-code "
     "internal-error input-matching-failed"},
    {"Prompt", "for",
     "payment-card-number expiration-date security-code postal-code payment-processing "
     "bank-account-number bank-routing-number"},
    {"Record", "recordingStatusCallbackEvent", "in-progress completed absent"},
    {"Record", "trim", "trim-silence do-not-trim"},
    {"Recording", "channels", "mono dual"},
    {"Recording", "recordingStatusCallbackEvent", "in-progress completed absent"},
    {"Recording", "track", "inbound outbound both"},
    {"Recording", "trim", "trim-silence do-not-trim"},
    {"Reject", "reason", "rejected busy"},
    {"Say", "language",
     "af-ZA am-ET ar-AE ar-XA arb bg-BG bn-IN ca-ES cmn-CN cmn-TW cs-CZ cy-GB da-DK de-AT "
     "de-DE el-GR en-AU en-CA en-GB en-GB-WLS en-IE en-IN en-NZ en-US en-ZA es-ES es-MX es-US "
     "fi-FI fil-PH fr-CA fr-FR fr-BE gu-IN he-IL hi-IN hu-HU id-ID is-IS it-IT ja-JP kn-IN "
     "ko-KR lv-LV ml-IN mr-IN ms-MY nb-NO nl-BE nl-NL pa-IN pl-PL pt-BR pt-PT ro-RO ru-RU "
     "sk-SK sr-RS sv-SE ta-IN te-IN th-TH tr-TR uk-UA vi-VN yue-HK zh-CN zh-HK zh-TW"},
    {"Sip", "statusCallbackEvent", "initiated ringing answered completed"},
    {"Siprec", "track", "inbound_track outbound_track both_tracks"},
    {"break", "strength", "none x-weak weak medium strong x-strong"},
    {"emphasis", "level", "strong moderate reduced"},
    {"lang", "xml:lang",
     "arb ar-AE ca-ES cmn-CN cy-GB da-DK de-DE de-AT en-AU en-GB en-GB-WLS en-IN en-NZ en-US "
     "en-ZA es-ES es-MX es-US fi-FI fr-CA fr-FR he-IL hi-IN is-IS it-IT ja-JP ko-KR nb-NO "
     "nl-NL pl-PL pt-BR pt-PT ro-RO ru-RU sv-SE tr-TR yue-CN"},
    {"phoneme", "alphabet",
     "ipa x-sampa x-amazon-jyutping x-amazon-pinyin x-amazon-pron-kana x-amazon-yomigana"},
    {"say-as", "format", "mdy dmy ymd md dm ym my d m y yyyymmdd"},
    {"say-as", "interpret-as",
     "characters spell-out cardinal number ordinal digits fraction unit date time address "
     "expletive telephone"},
    {"Stream", "track", "inbound_track outbound_track both_tracks"},
    {"Transcription", "track", "inbound_track outbound_track both_tracks"},
    {"WhatsApp", "statusCallbackEvent", "initiated ringing answered completed"},
};

/* Element, attribute, default. */
static const struct twiml_default {
    const char *element, *attr, *def;
} twiml_defaults[] = {
    {"Say", "loop", "1"},
    {"Play", "loop", "1"},
    {"Pause", "length", "1"},
    {"Gather", "input", "dtmf"},
    {"Gather", "method", "POST"},
    {"Gather", "timeout", "5"},
    {"Gather", "finishOnKey", "#"},
    {"Gather", "language", "en-US"},
    {"Gather", "profanityFilter", "true"},
    {"Gather", "speechModel", "default"},
    {"Gather", "enhanced", "false"},
    {"Gather", "bargeIn", "true"},
    {"Gather", "actionOnEmptyResult", "false"},
    {"Gather", "partialResultCallbackMethod", "POST"},
    {"Record", "method", "POST"},
    {"Record", "timeout", "5"},
    {"Record", "finishOnKey", "1234567890*#"},
    {"Record", "playBeep", "true"},
    {"Record", "trim", "trim-silence"},
    {"Record", "recordingStatusCallbackMethod", "POST"},
    {"Record", "recordingStatusCallbackEvent", "completed"},
    {"Record", "transcribe", "false"},
    {"Dial", "method", "POST"},
    {"Dial", "timeout", "30"},
    {"Dial", "timeLimit", "14400"},
    {"Dial", "hangupOnStar", "false"},
    {"Dial", "answerOnBridge", "false"},
    {"Dial", "sequential", "false"},
    {"Dial", "record", "do-not-record"},
    {"Dial", "recordingTrack", "both"},
    {"Dial", "trim", "do-not-trim"},
    {"Dial", "referMethod", "POST"},
    {"Number", "method", "POST"},
    {"Number", "statusCallbackEvent", "completed"},
    {"Number", "machineDetectionTimeout", "30"},
    {"Number", "machineDetectionSpeechThreshold", "2400"},
    {"Number", "machineDetectionSpeechEndThreshold", "1200"},
    {"Number", "machineDetectionSilenceTimeout", "5000"},
    {"Conference", "muted", "false"},
    {"Conference", "beep", "true"},
    {"Conference", "startConferenceOnEnter", "true"},
    {"Conference", "endConferenceOnExit", "false"},
    {"Conference", "maxParticipants", "250"},
    {"Conference", "jitterBufferSize", "large"},
    {"Conference", "record", "do-not-record"},
    {"Conference", "trim", "trim-silence"},
    {"Enqueue", "method", "POST"},
    {"Enqueue", "waitUrlMethod", "POST"},
    {"Reject", "reason", "rejected"},
    {"Redirect", "method", "POST"},
    {"Stream", "track", "inbound_track"},
    {"Transcription", "languageCode", "en-US"},
    {"Transcription", "track", "both_tracks"},
    {"Transcription", "transcriptionEngine", "google"},
    {"Transcription", "partialResults", "false"},
    {"Transcription", "profanityFilter", "true"},
    {"Transcription", "enableAutomaticPunctuation", "true"},
    {"Recording", "channels", "dual"},
    {"Recording", "track", "both"},
    {"Pay", "input", "dtmf"},
    {"Pay", "paymentMethod", "credit-card"},
    {"Pay", "bankAccountType", "consumer-checking"},
    {"Pay", "timeout", "5"},
    {"Pay", "maxAttempts", "1"},
    {"Pay", "securityCode", "true"},
    {"Pay", "postalCode", "true"},
    {"Pay", "paymentConnector", "Default"},
    {"Pay", "tokenType", "reusable"},
    {"Pay", "currency", "usd"},
    {"Pay", "language", "en-US"},
    {"ConversationRelay", "language", "en-US"},
    {"ConversationRelay", "interruptible", "any"},
    {"ConversationRelay", "welcomeGreetingInterruptible", "any"},
    {"ConversationRelay", "interruptSensitivity", "high"},
    {"Message", "method", "POST"},
    {"Pay", "validCardTypes", "visa mastercard amex"},
};

#endif
