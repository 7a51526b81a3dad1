/* Pages: see pages.h.  build/web/pages.h has a row for each file. */
#include "web/pages.h"

#include <strings.h>

#include "api/answer.h"
#include "base/embed.h"
#include "base/text.h"

#define POLICY                                                                  \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " \
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

#define PAGE(n, path, type, hash, file, plain_bytes, gzip_bytes, brotli_bytes) \
    EMBED(page_##n##_plain, file);                                             \
    EMBED(page_##n##_gzip, file ".gz");                                        \
    EMBED(page_##n##_brotli, file ".br");
#include "build/web/pages.h"
#undef PAGE

struct web_page {
    struct str path;
    const char *type, *hash;
    struct str bodies[PAGE_ENCODINGS];
};

static const struct web_page pages[] = {
#define PAGE(n, path, type, hash, file, plain_bytes, gzip_bytes, brotli_bytes)   \
    { { path, sizeof(path) - 1 }, type, hash,                                    \
      { { page_##n##_plain, plain_bytes }, { page_##n##_gzip, gzip_bytes },      \
        { page_##n##_brotli, brotli_bytes } } },
#include "build/web/pages.h"
#undef PAGE
};

static const struct {
    const char *name, *suffix; /* in Content-Encoding; in the ETag */
} encodings[PAGE_ENCODINGS] = {
    [PAGE_PLAIN] = { NULL, "" },
    [PAGE_GZIP] = { "gzip", "-gz" },
    [PAGE_BROTLI] = { "br", "-br" },
};

/* "q=0", "q=0.000": not acceptable.  Other weights are not compared. */
static bool is_refused(struct str parameters)
{
    while (parameters.n > 0) {
        struct str one = text_trim(text_until(&parameters, ';'), " \t");

        if (one.n < 3 || (one.p[0] | 32) != 'q' || one.p[1] != '=')
            continue;
        for (size_t i = 2; i < one.n; i++)
            if (one.p[i] != '0' && one.p[i] != '.')
                return false;
        return true;
    }
    return false;
}

static bool is_named(struct str coding, const char *name)
{
    return coding.n == strlen(name) && strncasecmp(coding.p, name, coding.n) == 0;
}

enum page_encoding page_encoding_for(struct str accept)
{
    enum page_encoding best = PAGE_PLAIN;

    while (accept.n > 0) {
        struct str rest = text_trim(text_until(&accept, ','), " \t");
        struct str coding = text_trim(text_until(&rest, ';'), " \t");

        for (unsigned i = best + 1; i < PAGE_ENCODINGS; i++)
            if (is_named(coding, encodings[i].name) && !is_refused(rest))
                best = (enum page_encoding)i;
    }
    return best;
}

static const struct web_page *find(struct str path)
{
    for (size_t i = 0; i < LENGTH(pages); i++)
        if (str_eq(pages[i].path, path))
            return &pages[i];
    return NULL;
}

static void answer_page(struct http_request *request, const struct web_page *page)
{
    enum page_encoding encoding = page_encoding_for(http_header(request, "Accept-Encoding"));
    struct str asked = http_header(request, "If-None-Match");
    struct str etag = arena_printf(&request->arena, "\"%s%s\"", page->hash,
                                   encodings[encoding].suffix);
    struct http_header headers[] = {
        { "ETag", etag },
        { "Vary", STR("Accept-Encoding") },
        { "Content-Security-Policy", STR(POLICY) },
        { "X-Content-Type-Options", STR("nosniff") },
        { "Referrer-Policy", STR("no-referrer") },
        { "Cross-Origin-Opener-Policy", STR("same-origin") },
        { "Content-Encoding", str_of(encodings[encoding].name) },
    };
    size_t n = LENGTH(headers) - (encoding == PAGE_PLAIN);

    if (asked.n > 0 && (str_eq(asked, STR("*")) || memmem(asked.p, asked.n, etag.p, etag.n)))
        http_respond(request, 304, NULL, STR_NONE, headers, LENGTH(headers) - 1);
    else
        http_respond(request, 200, page->type, page->bodies[encoding], headers, n);
}

static void answer_html(struct http_request *request, struct str path)
{
    const struct web_page *page = find(path);

    CHECK(page != NULL);
    answer_page(request, page);
}

void pages_get_board(struct web *web, struct http_request *request)
{
    (void)web;
    answer_html(request, STR("/"));
}

void pages_get_desk(struct web *web, struct http_request *request)
{
    (void)web;
    answer_html(request, STR("/desk"));
}

void pages_get_ops(struct web *web, struct http_request *request)
{
    (void)web;
    answer_html(request, STR("/ops"));
}

void pages_get_asset(struct web *web, struct http_request *request)
{
    const struct web_page *page = find(request->path);

    (void)web;
    if (page == NULL)
        answer_refusal(request, REFUSE_NOT_FOUND, STR_NONE, STR_NONE);
    else
        answer_page(request, page);
}
