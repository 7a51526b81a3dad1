/* One page of a listing of objects (ListBucketResult), read by expat. */
#include <expat.h>
#include <stdlib.h>

#include "archive/s3.h"
#include "base/clock.h"

#define TEXT_BYTES 4096

struct page_reader {
    XML_Parser parser;
    bool (*on_object)(void *ctx, const struct s3_object *object);
    void *ctx;
    struct buf *next;
    struct buf text, key;
    struct s3_object object; /* the one that has begun */
    unsigned depth;
    bool is_listing, stopped;
};

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes UNUSED)
{
    struct page_reader *reader = ctx;

    if (reader->depth++ == 0)
        reader->is_listing = strcmp(name, "ListBucketResult") == 0;
    buf_reset(&reader->text);
}

/* "\"9e10…\"" or without quotes, in whatever letters. */
static void take_etag(struct s3_object *object, struct str text)
{
    if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"')
        text = (struct str){ text.p + 1, text.n - 2 };
    if (text.n >= S3_WORD_BYTES)
        return;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        object->etag[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    object->etag[text.n] = '\0';
}

/* An element of an object's.  What is too long is not one of ours. */
static void take_part(struct page_reader *reader, const char *name)
{
    struct s3_object *object = &reader->object;

    if (strcmp(name, "Key") == 0 && !reader->text.overflow) {
        buf_reset(&reader->key);
        buf_str(&reader->key, buf_view(&reader->text));
    } else if (strcmp(name, "Size") == 0) {
        buf_char(&reader->text, '\0');
        object->bytes = strtoll(reader->text.p, NULL, 10);
    } else if (strcmp(name, "LastModified") == 0) {
        if (!clock_parse(buf_view(&reader->text), &object->modified_ms))
            object->modified_ms = 0;
    } else if (strcmp(name, "StorageClass") == 0) {
        (void)snprintf(object->storage_class, S3_WORD_BYTES, STR_FMT,
                       STR_ARG(buf_view(&reader->text)));
    } else if (strcmp(name, "ETag") == 0) {
        take_etag(object, buf_view(&reader->text));
    }
}

static void end_object(struct page_reader *reader)
{
    reader->object.key = buf_view(&reader->key);
    if (reader->key.n > 0 && !reader->on_object(reader->ctx, &reader->object)) {
        reader->stopped = true;
        (void)XML_StopParser(reader->parser, XML_FALSE);
    }
    buf_reset(&reader->key);
    reader->object = (struct s3_object){ 0 };
}

static void on_end(void *ctx, const XML_Char *name)
{
    struct page_reader *reader = ctx;

    CHECK(reader->depth > 0);
    reader->depth--;
    if (reader->depth == 2)
        take_part(reader, name);
    else if (reader->depth == 1 && strcmp(name, "NextContinuationToken") == 0)
        buf_str(reader->next, buf_view(&reader->text));
    else if (reader->depth == 1 && strcmp(name, "Contents") == 0)
        end_object(reader);
    buf_reset(&reader->text);
}

static void on_text(void *ctx, const XML_Char *text, int n)
{
    struct page_reader *reader = ctx;

    buf_put(&reader->text, text, (size_t)n);
}

static void on_doctype(void *ctx, const XML_Char *name UNUSED, const XML_Char *system UNUSED,
                       const XML_Char *public UNUSED, int has_subset UNUSED)
{
    struct page_reader *reader = ctx;

    reader->is_listing = false;
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

bool s3_list_read(struct str xml, bool (*on_object)(void *ctx, const struct s3_object *object),
                  void *ctx, struct buf *next)
{
    struct page_reader reader = { .parser = XML_ParserCreate("UTF-8"), .on_object = on_object,
                             .ctx = ctx, .next = next };
    bool well;

    CHECK(reader.parser != NULL && xml.n <= INT32_MAX);
    CHECK(on_object != NULL && next != NULL);
    buf_init(&reader.text, TEXT_BYTES);
    buf_init(&reader.key, TEXT_BYTES);
    buf_reset(next);
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    well = XML_Parse(reader.parser, xml.p, (int)xml.n, 1) == XML_STATUS_OK;
    well = (well || reader.stopped) && reader.is_listing && !next->overflow;
    XML_ParserFree(reader.parser);
    buf_fini(&reader.text);
    buf_fini(&reader.key);
    return well;
}
