#include "http/exchange.h"

#include "base/mem.h"
#include <string.h>

void http_jar_free(struct http_jar *jar)
{
    for (size_t i = 0; i < jar->count; i++)
        mem_free(jar->lines[i]);
    mem_free(jar->lines);
    *jar = (struct http_jar){0};
}

int http_jar_add(struct http_jar *jar, const char *line)
{
    size_t len = strlen(line);
    char **lines;

    if (jar->count >= HTTP_JAR_COOKIES || jar->bytes + len > HTTP_JAR_BYTES)
        return ERR_LIMIT;
    lines = mem_realloc(jar->lines, (jar->count + 1) * sizeof *lines);
    if (lines == NULL)
        return ERR_NOMEM;
    jar->lines = lines;
    lines[jar->count] = mem_strdup(line);
    if (lines[jar->count] == NULL)
        return ERR_NOMEM;
    jar->count++;
    jar->bytes += len;
    return 0;
}

int http_failure_twilio(enum http_failure failure)
{
    switch (failure) {
    case HTTP_DONE:
        return 0;
    case HTTP_CONNECT:
    case HTTP_REFUSED:
        return 11205;
    case HTTP_HOST:
        return 11210;
    case HTTP_TLS:
        return 11220;
    case HTTP_PROTOCOL:
        return 11206;
    case HTTP_REDIRECTS:
        return 11215;
    case HTTP_TOO_LARGE:
        return 11750;
    case HTTP_TIMEOUT:
    case HTTP_FAILED:
        break;
    }
    return 11200;
}
