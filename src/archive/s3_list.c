/* One page of a listing of objects (ListBucketResult), read by expat. */
#include <expat.h>

#include "archive/s3.h"

#define TEXT_BYTES 4096

struct reader {
    XML_Parser parser;
    bool (*on_key)(void *ctx, struct str key);
    void *ctx;
    struct buf *next;
    struct buf text;
    unsigned depth;
    bool is_listing, stopped;
};

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes UNUSED)
{
    struct reader *reader = ctx;

    if (reader->depth++ == 0)
        reader->is_listing = strcmp(name, "ListBucketResult") == 0;
    buf_reset(&reader->text);
}

static void on_end(void *ctx, const XML_Char *name)
{
    struct reader *reader = ctx;

    if (--reader->depth == 2 && strcmp(name, "Key") == 0 && !reader->text.overflow) {
        if (!reader->on_key(reader->ctx, buf_view(&reader->text))) {
            reader->stopped = true;
            (void)XML_StopParser(reader->parser, XML_FALSE);
        }
    } else if (reader->depth == 1 && strcmp(name, "NextContinuationToken") == 0) {
        buf_str(reader->next, buf_view(&reader->text));
    }
    buf_reset(&reader->text);
}

static void on_text(void *ctx, const XML_Char *text, int n)
{
    struct reader *reader = ctx;

    buf_put(&reader->text, text, (size_t)n);
}

static void on_doctype(void *ctx, const XML_Char *name UNUSED, const XML_Char *system UNUSED,
                       const XML_Char *public UNUSED, int has_subset UNUSED)
{
    struct reader *reader = ctx;

    reader->is_listing = false;
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

bool s3_list_read(struct str xml, bool (*on_key)(void *ctx, struct str key), void *ctx,
                  struct buf *next)
{
    struct reader reader = { .parser = XML_ParserCreate("UTF-8"), .on_key = on_key, .ctx = ctx,
                             .next = next };
    bool well;

    CHECK(reader.parser != NULL && xml.n <= INT32_MAX);
    buf_init(&reader.text, TEXT_BYTES);
    buf_reset(next);
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    well = XML_Parse(reader.parser, xml.p, (int)xml.n, 1) == XML_STATUS_OK;
    well = (well || reader.stopped) && reader.is_listing && !next->overflow;
    XML_ParserFree(reader.parser);
    buf_fini(&reader.text);
    return well;
}
