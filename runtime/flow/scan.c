#include "flow/scan.h"

#include "flow/quote.h"
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int count_lines(const char *from, const char *to)
{
    int n = 0;

    for (; from < to && (from = memchr(from, '\n', (size_t)(to - from))) != NULL; from++)
        n++;
    return n;
}

static bool starts(const char *p, const char *end, const char *what)
{
    size_t n = strlen(what);

    return (size_t)(end - p) >= n && memcmp(p, what, n) == 0;
}

/* --- the XML declaration --- */

static bool is_declaration(const char *p, const char *end)
{
    return starts(p, end, "<?xml") && p + 5 < end && is_blank(p[5]);
}

/* The value of `name` in the declaration, NULL when it is not there. */
static const char *declared(const char *p, const char *end, const char *name, size_t *len)
{
    size_t n = strlen(name);
    const char *close;

    for (; p + n < end; p++) {
        if (!is_blank(p[0]) || !starts(p + 1, end, name))
            continue;
        p += 1 + n;
        while (p < end && (is_blank(*p) || *p == '='))
            p++;
        if (p == end || (*p != '"' && *p != '\''))
            return NULL;
        close = memchr(p + 1, *p, (size_t)(end - p - 1));
        *len = close == NULL ? 0 : (size_t)(close - p - 1);
        return close == NULL ? NULL : p + 1;
    }
    return NULL;
}

static bool encoding_known(const char *name, size_t len)
{
    /* Those that libxml2 reads by itself; others would make iconv load modules from disk. */
    static const char *const known[] = {"UTF-8", "UTF8", "US-ASCII", "ASCII", "ISO-8859-1", NULL};

    for (int i = 0; known[i] != NULL; i++)
        if (strlen(known[i]) == len && strncasecmp(known[i], name, len) == 0)
            return true;
    return false;
}

static int scan_declaration(const char *p, const char *end, struct error *err)
{
    char quoted[QUOTE_SIZE];
    const char *value, *close;
    size_t len;

    close = memchr(p, '>', (size_t)(end - p));
    if (close == NULL)
        return 0;
    value = declared(p, close, "version", &len);
    if (value != NULL && (len != 3 || memcmp(value, "1.0", 3) != 0))
        return error_set_twilio(err, ERR_INVALID, 12101,
                                "this is XML version %s: write version=\"1.0\"",
                                quote(quoted, value, len));
    value = declared(p, close, "encoding", &len);
    if (value != NULL && !encoding_known(value, len))
        return error_set_twilio(err, ERR_INVALID, 12100,
                                "the encoding %s is not read: send UTF-8 and write "
                                "encoding=\"UTF-8\"",
                                quote(quoted, value, len));
    return 0;
}

/* --- tags --- */

/* Walks over one start tag, from behind its '<'. Returns what follows its '>', or NULL when it is
 * malformed. Counts attributes by their '=', and colons in names. */
static const char *walk_tag(const char *p, const char *end, int *attributes, int *prefixes)
{
    for (; p < end; p++) {
        switch (*p) {
        case '>':
            return p + 1;
        case '<':
            return NULL;
        case '=':
            ++*attributes;
            break;
        case ':':
            ++*prefixes;
            break;
        case '"':
        case '\'':
            p = memchr(p + 1, *p, (size_t)(end - p - 1));
            if (p == NULL)
                return NULL;
            break;
        }
    }
    return NULL;
}

/* Behind the next `what`, NULL when there is none. */
static const char *skip_past(const char *p, const char *end, const char *what)
{
    const char *found = p < end ? memmem(p, (size_t)(end - p), what, strlen(what)) : NULL;

    return found == NULL ? NULL : found + strlen(what);
}

static int refuse_doctype(const char *p, const char *end, struct error *err)
{
    bool html = (size_t)(end - p) > 14 && strncasecmp(p, "<!DOCTYPE html", 14) == 0;

    if (html)
        return error_set_twilio(err, ERR_INVALID, 12100,
                                "this is a web page, not markup for calls: is the URL right, and "
                                "does the application answer with an error page?");
    return error_set_twilio(err, ERR_INVALID, 12100,
                            "a document type or entity declaration is not accepted: remove "
                            "everything from <! to its >");
}

/* Start tags, until the end, the first thing refused, or the first that is malformed. */
static int scan_tags(struct scan *s, const char *p, struct error *err)
{
    const char *end = s->bytes + s->len, *counted = s->bytes, *tag;
    int prefixes = 0, attributes;

    while (p != NULL && p < end && (tag = memchr(p, '<', (size_t)(end - p))) != NULL) {
        s->line += count_lines(counted, tag);
        counted = tag;
        p = tag + 1;
        if (starts(p, end, "!--")) {
            p = skip_past(p + 3, end, "-->");
        } else if (starts(p, end, "![CDATA[")) {
            p = skip_past(p + 8, end, "]]>");
        } else if (starts(p, end, "!")) {
            return refuse_doctype(tag, end, err);
        } else if (starts(p, end, "?")) {
            p = skip_past(p + 1, end, "?>");
        } else if (!starts(p, end, "/")) {
            if (s->count == DOCUMENT_MAX_NODES)
                return error_set_twilio(err, ERR_LIMIT, 12100,
                                        "more than %d elements: split the document with <Redirect>",
                                        DOCUMENT_MAX_NODES);
            s->tags[s->count++] =
                (struct scan_tag){.at = (unsigned)(tag - s->bytes), .line = s->line};
            attributes = 0;
            p = walk_tag(p, end, &attributes, &prefixes);
            if (attributes > DOCUMENT_MAX_ATTRS)
                return error_set_twilio(err, ERR_LIMIT, 12100,
                                        "more than %d attributes in one element: remove some",
                                        DOCUMENT_MAX_ATTRS);
            if (prefixes > SCAN_MAX_PREFIXES)
                return error_set_twilio(err, ERR_LIMIT, 12100,
                                        "more than %d names with a colon: remove the namespaces",
                                        SCAN_MAX_PREFIXES);
        }
    }
    return 0;
}

/* What can be told from the very first bytes. *start is where the markup begins. */
static int scan_start(struct scan *s, const char **start, struct error *err)
{
    const char *p = s->bytes, *end = p + s->len;
    char quoted[QUOTE_SIZE];

    if (starts(p, end, "\xff\xfe") || starts(p, end, "\xfe\xff") || memchr(p, '\0', s->len) != NULL)
        return error_set_twilio(err, ERR_INVALID, 12100,
                                "this is UTF-16 or no text at all: send UTF-8");
    if (starts(p, end, "\xef\xbb\xbf"))
        p += 3;
    if (starts(p, end, "<?xml"))
        *start = p;
    while (p < end && is_blank(*p))
        p++;
    if (p == end)
        return error_set_twilio(err, ERR_INVALID, 11770,
                                "the document is empty: answer at least <Response/>");
    s->line += count_lines(s->bytes, p);
    if (*p != '<')
        return error_set_twilio(err, ERR_INVALID, 12100,
                                "this is no markup, it begins with \"%s\": the first character "
                                "must be <",
                                quote(quoted, p, (size_t)(end - p)));
    if (is_declaration(p, end) && *start != p)
        return error_set_twilio(err, ERR_INVALID, 12100,
                                "<?xml …?> must be the very first bytes: remove what stands before "
                                "it");
    *start = p;
    return 0;
}

int scan_document(struct scan *s, const char *bytes, size_t len, struct error *err)
{
    const char *start = NULL;
    int rc;

    s->bytes = bytes;
    s->len = len;
    s->count = 0;
    s->line = 1;
    s->cursor.at = NULL;
    if (len > DOCUMENT_MAX_BYTES)
        return error_set_twilio(err, ERR_LIMIT, 11750,
                                "the document has %zu bytes: at most %d are read", len,
                                DOCUMENT_MAX_BYTES);
    rc = scan_start(s, &start, err);
    if (rc == 0 && is_declaration(start, bytes + len))
        rc = scan_declaration(start, bytes + len, err);
    if (rc != 0)
        return rc;
    s->line = 1;
    return scan_tags(s, start, err);
}

/* Behind the blanks at `p`. */
static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && is_blank(*p))
        p++;
    return p;
}

/* From one attribute to the next: behind its value, and the blanks that follow. */
static const char *next_attribute(const char *p, const char *end)
{
    const char *close;

    while (p < end && *p != '"' && *p != '\'')
        p++;
    close = p < end ? memchr(p + 1, *p, (size_t)(end - p - 1)) : NULL;
    return close == NULL ? end : skip_blanks(close + 1, end);
}

int scan_attribute_line(struct scan *s, int tag, int index)
{
    const char *end = s->bytes + s->len, *p;

    if (s->cursor.at == NULL || s->cursor.tag != tag || s->cursor.index > index) {
        p = s->bytes + s->tags[tag].at;
        s->cursor.tag = tag;
        s->cursor.index = 0;
        s->cursor.line = s->tags[tag].line;
        s->cursor.at = p;
        while (p < end && !is_blank(*p) && *p != '>')
            p++;
        p = skip_blanks(p, end);
        s->cursor.line += count_lines(s->cursor.at, p);
        s->cursor.at = p;
    }
    while (s->cursor.index < index) {
        p = next_attribute(s->cursor.at, end);
        s->cursor.line += count_lines(s->cursor.at, p);
        s->cursor.at = p;
        s->cursor.index++;
    }
    return s->cursor.line;
}
