/*
 * What an object store answers: a listing, a manifest, the state of a thaw, a
 * packed object.  The first byte chooses the reader.
 */
#include <stdint.h>
#include <stdlib.h>

#include "archive/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool on_object(void *ctx, const struct s3_object *object)
{
    CHECK(strlen(object->etag) < S3_WORD_BYTES);
    *(size_t *)ctx += object->key.n;
    return object->key.n % 7 != 6;
}

static void listing(struct str text)
{
    size_t bytes = 0;
    struct buf next;

    buf_init(&next, 256);
    if (s3_list_read(text, on_object, &bytes, &next))
        CHECK(!next.overflow && bytes <= text.n);
    buf_fini(&next);
}

/* What a store says of an object that is thawed. */
static void thaw(struct str text)
{
    struct s3_state state = { 0 };

    if (s3_thaw_read(text, &state))
        CHECK(state.thaw == S3_THAWING || state.thaw == S3_THAWED);
}

/* What is read is written the same, and read again. */
static void manifest(struct str text)
{
    struct manifest read, again;
    struct arena arena;
    struct str error = STR_NONE;
    struct buf out;

    arena_init(&arena, 1 << 20);
    buf_init(&out, 1 << 16);
    if (manifest_decode(text, &read, &arena, &error)) {
        manifest_encode(&read, &out);
        CHECK(manifest_decode(buf_view(&out), &again, &arena, &error));
        CHECK(day_equal(&read.day, &again.day));
    }
    buf_fini(&out);
    arena_fini(&arena);
}

static void pack(struct str bytes)
{
    struct unpack *unpack = unpack_new(NULL, NULL);
    struct pack_sum sum;

    if (unpack_bytes(unpack, bytes) && unpack_end(unpack, &sum))
        CHECK(sum.bytes == (int64_t)bytes.n);
    unpack_free(unpack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = { (const char *)data + 1, size - 1 };

    if (size == 0)
        return 0;
    if (data[0] == 'l')
        listing(rest);
    else if (data[0] == 't')
        thaw(rest);
    else if (data[0] == 'm')
        manifest(rest);
    else
        pack(rest);
    return 0;
}
