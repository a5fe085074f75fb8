#include "flow/parser.h"

#include "flow/quote.h"
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <pthread.h>
#include <string.h>

void parser_fail(struct parser *p, int line, const struct error *err)
{
    if (p->fatal.code != 0)
        return;
    p->fatal = *err;
    p->line = line;
}

void parser_nomem(struct parser *p)
{
    struct error err;

    error_nomem(&err);
    parser_fail(p, p->scan->line, &err);
}

/* --- what libxml2 complains about, in our words --- */

/* What libxml2 calls it → what it is and how to mend it. */
static const struct remedy {
    int code;
    const char *text;
} remedies[] = {
    {XML_ERR_ENTITYREF_SEMICOL_MISSING, "an & stands alone: write &amp; for it"},
    {XML_ERR_NAME_REQUIRED, "an & or < stands alone: write &amp; or &lt; for it"},
    {XML_ERR_ENTITYREF_NO_NAME, "an & stands alone: write &amp; for it"},
    {XML_ERR_INVALID_HEX_CHARREF, "a character reference is wrong: write it as &#x41;"},
    {XML_ERR_INVALID_DEC_CHARREF, "a character reference is wrong: write it as &#65;"},
    {XML_ERR_INVALID_CHAR,
     "there is a byte that is no UTF-8, or a control character: send UTF-8 without it"},
    {XML_ERR_INVALID_ENCODING, "these bytes are no UTF-8: send UTF-8, or name the encoding in "
                               "<?xml version=\"1.0\" encoding=\"…\"?>"},
    {XML_ERR_ATTRIBUTE_NOT_STARTED, "an attribute's value has no quotes: write name=\"value\""},
    {XML_ERR_ATTRIBUTE_NOT_FINISHED, "an attribute's value has no closing quote: add it"},
    {XML_ERR_ATTRIBUTE_WITHOUT_VALUE, "an attribute has no value: write name=\"value\""},
    {XML_ERR_LT_IN_ATTRIBUTE, "there is a < in an attribute's value: write &lt;, or close the "
                              "quotes before it"},
    {XML_ERR_SPACE_REQUIRED, "a blank is missing between two attributes: add it"},
    {XML_ERR_GT_REQUIRED, "a tag has no closing >: add it"},
    {XML_ERR_LTSLASH_REQUIRED, "an element is not closed: add its end tag"},
    {XML_ERR_DOCUMENT_END, "something follows </Response>: a document has one root, and nothing "
                           "behind it"},
    {XML_ERR_RESERVED_XML_NAME, "<?xml …?> may stand only at the very beginning: remove it here"},
    {XML_ERR_COMMENT_NOT_FINISHED, "a comment is not closed: add -->"},
    {XML_ERR_HYPHEN_IN_COMMENT, "there is a -- inside a comment: remove it"},
    {XML_ERR_CDATA_NOT_FINISHED, "a CDATA section is not closed: add ]]>"},
    {XML_ERR_MISPLACED_CDATA_END, "there is a ]]> in the text: write ]]&gt;"},
    {XML_ERR_PI_NOT_FINISHED, "a <?…?> is not closed: add ?>"},
    {0, NULL},
};

/* Those that name something: the elements, the entity, the attribute. */
static bool describe_named(const xmlError *x, struct error *err)
{
    char a[QUOTE_SIZE], b[QUOTE_SIZE];

    quote(a, x->str1 == NULL ? "" : x->str1, x->str1 == NULL ? 0 : strlen(x->str1));
    quote(b, x->str2 == NULL ? "" : x->str2, x->str2 == NULL ? 0 : strlen(x->str2));
    switch (x->code) {
    case XML_ERR_TAG_NAME_MISMATCH:
        error_set_twilio(err, ERR_INVALID, 12100,
                         "</%s> comes while <%s> of line %d is still open: add </%s> before it", b,
                         a, x->int1, a);
        return true;
    case XML_ERR_TAG_NOT_FINISHED:
        error_set_twilio(err, ERR_INVALID, 12100,
                         "the document ends while <%s> of line %d is open: add </%s>", a, x->int1,
                         a);
        return true;
    case XML_ERR_UNDECLARED_ENTITY:
    case XML_WAR_UNDECLARED_ENTITY:
        error_set_twilio(err, ERR_INVALID, 12100,
                         "&%s; is not known in XML: write the character itself", a);
        return true;
    case XML_ERR_ATTRIBUTE_REDEFINED:
        error_set_twilio(err, ERR_INVALID, 12100, "the attribute %s stands twice: remove one", a);
        return true;
    default:
        return false;
    }
}

static void describe(const xmlError *x, struct error *err)
{
    char quoted[QUOTE_SIZE];
    const char *said = x->message == NULL ? "unknown" : x->message;

    if (x->code == XML_ERR_NO_MEMORY) {
        error_nomem(err);
        return;
    }
    if (describe_named(x, err))
        return;
    for (const struct remedy *r = remedies; r->text != NULL; r++) {
        if (r->code != x->code)
            continue;
        error_set_twilio(err, ERR_INVALID, 12100, "%s", r->text);
        return;
    }
    error_set_twilio(err, ERR_INVALID, 12100,
                     "the markup is malformed (%s): make it well-formed XML",
                     quote(quoted, said, strcspn(said, "\n")));
}

/* Any error but an unknown namespace ends the parsing: libxml2 would go on reading, and that costs
 * time. Its state is set by hand because xmlStopParser() frees the input, which is not safe here.
 */
#if LIBXML_VERSION >= 21200
static void on_error(void *arg, const xmlError *x)
#else
static void on_error(void *arg, xmlError *x)
#endif
{
    struct parser *p = arg;
    struct error err;

    if (x->level < XML_ERR_ERROR || x->domain == XML_FROM_NAMESPACE)
        return;
    describe(x, &err);
    parser_fail(p, x->line > 0 ? x->line : 1, &err);
    if (p->ctxt != NULL) {
        p->ctxt->disableSAX = 1;
        p->ctxt->instate = XML_PARSER_EOF;
    }
}

/* The scan refuses any document type already; this is the second fence. */
static void on_doctype(void *arg, const xmlChar *name, const xmlChar *id, const xmlChar *system)
{
    struct parser *p = arg;
    struct error err;

    (void)name, (void)id, (void)system;
    error_set_twilio(&err, ERR_INVALID, 12100, "a document type is not accepted: remove it");
    parser_fail(p, xmlSAX2GetLineNumber(p->ctxt), &err);
    xmlStopParser(p->ctxt);
}

/* --- running it --- */

static xmlParserInputPtr no_entity(const char *url, const char *id, xmlParserCtxtPtr ctxt)
{
    (void)url, (void)id, (void)ctxt;
    return NULL;
}

static void prepare_library(void)
{
    xmlInitParser();
    xmlSetExternalEntityLoader(no_entity);
}

static int read_nothing(void *context, char *out, int len)
{
    (void)context, (void)out, (void)len;
    return 0;
}

/* As xmlCreateMemoryParserCtxt() does it, which in 2.9.14 leaks the buffer when memory is out. (Its
 * static buffers, that copy nothing, read some bytes twice.) */
static bool give_input(xmlParserCtxtPtr ctxt, const char *bytes, size_t len)
{
    xmlParserInputBufferPtr buffer = xmlAllocParserInputBuffer(XML_CHAR_ENCODING_NONE);
    xmlParserInputPtr input = NULL;

    if (buffer == NULL)
        return false;
    buffer->readcallback = read_nothing; /* without one, only the first line is transcoded */
    if (xmlParserInputBufferPush(buffer, (int)len, bytes) == (int)len)
        input = xmlNewIOInputStream(ctxt, buffer, XML_CHAR_ENCODING_NONE);
    if (input == NULL) {
        xmlFreeParserInputBuffer(buffer);
        return false;
    }
    if (inputPush(ctxt, input) < 0) {
        xmlFreeInputStream(input);
        return false;
    }
    return true;
}

static xmlParserCtxtPtr make_context(struct parser *p, const char *bytes, size_t len)
{
    xmlParserCtxtPtr ctxt = xmlNewParserCtxt();

    if (ctxt == NULL)
        return NULL;
    memset(ctxt->sax, 0, sizeof *ctxt->sax);
    ctxt->sax->initialized = XML_SAX2_MAGIC;
    ctxt->sax->startElementNs = build_start;
    ctxt->sax->endElementNs = build_end;
    ctxt->sax->characters = build_text;
    ctxt->sax->ignorableWhitespace = build_text;
    ctxt->sax->cdataBlock = build_text;
    ctxt->sax->internalSubset = on_doctype;
    ctxt->sax->serror = on_error;
    ctxt->userData = p;
    xmlCtxtUseOptions(ctxt, XML_PARSE_NONET | XML_PARSE_NOCDATA);
    if (!give_input(ctxt, bytes, len)) {
        xmlFreeParserCtxt(ctxt);
        return NULL;
    }
    return ctxt;
}

/* Out of memory, libxml2 can call a truncated document well-formed: errNo knows better. */
static void check_verdict(struct parser *p)
{
    int code = p->ctxt->errNo;
    struct error err;

    if (code == XML_ERR_OK || (code >= XML_NS_ERR_XML_NAMESPACE && code <= XML_NS_ERR_COLON)) {
        if (p->ctxt->wellFormed)
            return;
    }
    if (code == XML_ERR_NO_MEMORY)
        error_nomem(&err);
    else
        error_set_twilio(&err, ERR_INVALID, 12100,
                         "the markup is malformed (reason %d): make it well-formed XML", code);
    parser_fail(p, 1, &err);
}

int parser_run(struct parser *p, const struct document_source *source)
{
    static pthread_once_t prepared = PTHREAD_ONCE_INIT;

    pthread_once(&prepared, prepare_library);
    str_init(&p->text, DOCUMENT_MAX_BYTES * 2); /* Latin-1 grows on its way to UTF-8 */
    /* Some failing allocations of libxml2 belong to no parser: they come this way. */
    xmlSetStructuredErrorFunc(p, on_error);
    p->ctxt = make_context(p, source->bytes, source->len);
    if (p->ctxt == NULL) {
        parser_nomem(p);
    } else {
        xmlParseDocument(p->ctxt);
        check_verdict(p);
        xmlFreeParserCtxt(p->ctxt);
    }
    xmlSetStructuredErrorFunc(NULL, NULL);
    str_free(&p->text);
    return p->fatal.code;
}
