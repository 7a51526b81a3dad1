/*
 * Any bytes into the HTTP reader, in pieces of any size.  The first byte
 * chooses the pieces.  Whatever comes: no crash, no request over its limits,
 * and the pieces do not change what is read.
 */
#include <stdint.h>
#include <stdlib.h>

#include "net/http_reader.h"

#define BODY_LIMIT 512
#define LARGE_BODY_LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome { unsigned requests; int refused; size_t body_bytes; };

static void look_at(struct http_request *request)
{
    bool large = str_eq(request->path, STR("/v1/feed"));
    struct str decoded;

    CHECK(request->body.n <= (large ? LARGE_BODY_LIMIT : BODY_LIMIT));
    CHECK(request->path.n + request->query.n <= LIMIT_HEADER_BYTES);
    CHECK(http_header(request, "host").n <= LIMIT_HEADER_BYTES);
    (void)http_header(request, "Idempotency-Key");
    (void)http_query(request, "limit");
    decoded = http_decode(request, request->path);
    CHECK(decoded.p == NULL || decoded.n <= request->path.n);
}

static size_t body_limit_of(void *ctx, struct str method, struct str path)
{
    (void)ctx;
    CHECK(method.n > 0);
    return str_eq(path, STR("/v1/feed")) ? LARGE_BODY_LIMIT : BODY_LIMIT;
}

static struct outcome read_all(const char *p, size_t n, size_t piece)
{
    struct http_options options = {
        .body_limit = LARGE_BODY_LIMIT, .body_limit_of = body_limit_of,
    };
    struct http_reader *reader = malloc(sizeof(*reader));
    struct outcome outcome = { 0, 0, 0 };

    CHECK(reader != NULL);
    http_reader_init(reader, &options);
    while (n > 0 && outcome.refused == 0) {
        size_t eaten;

        switch (http_reader_feed(reader, p, n < piece ? n : piece, &eaten)) {
        case HTTP_READER_REFUSED:
            outcome.refused = reader->refuse_status;
            CHECK(outcome.refused == 400 || outcome.refused == 413
                  || outcome.refused == 431);
            CHECK(reader->refuse_why != NULL);
            break;
        case HTTP_READER_REQUEST:
            outcome.requests++;
            outcome.body_bytes += reader->request.body.n;
            look_at(&reader->request);
            http_reader_next(reader);
            break;
        case HTTP_READER_MORE:
            CHECK(eaten == (n < piece ? n : piece));
            break;
        }
        p += eaten;
        n -= eaten;
    }
    http_reader_fini(reader);
    free(reader);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole, pieces;

    if (size < 2)
        return 0;
    whole = read_all((const char *)data + 1, size - 1, size);
    pieces = read_all((const char *)data + 1, size - 1, (size_t)data[0] + 1);
    CHECK(whole.requests == pieces.requests);
    CHECK(whole.body_bytes == pieces.body_bytes);
    CHECK((whole.refused == 0) == (pieces.refused == 0));
    return 0;
}
