/* Packs (pack.h). */
#include "archive/pack.h"

#include <sodium.h>
#include <stdlib.h>
#include <zstd.h>

#define LEVEL 9
#define OUT_BYTES ((size_t)128 * 1024)
#define LINE_BYTES ((size_t)1024 * 1024)

struct pack {
    FILE *file;
    ZSTD_CStream *stream;
    crypto_hash_sha256_state hash;
    int64_t rows, bytes;
    bool ended;
    char out[OUT_BYTES];
};

struct pack *pack_new(void)
{
    struct pack *pack = calloc(1, sizeof(*pack));

    CHECK(pack != NULL);
    pack->file = copies_temporary();
    if (pack->file == NULL) {
        free(pack);
        return NULL;
    }
    pack->stream = ZSTD_createCStream();
    CHECK(pack->stream != NULL && ZSTD_isError(ZSTD_initCStream(pack->stream, LEVEL)) == 0);
    crypto_hash_sha256_init(&pack->hash);
    return pack;
}

static bool compress(struct pack *pack, struct str bytes, ZSTD_EndDirective end)
{
    ZSTD_inBuffer in = { bytes.p, bytes.n, 0 };
    size_t left;

    CHECK(pack->ended == (end == ZSTD_e_end)); /* its frame is closed once */
    do {
        ZSTD_outBuffer out = { pack->out, sizeof(pack->out), 0 };

        left = ZSTD_compressStream2(pack->stream, &out, &in, end);
        CHECK(ZSTD_isError(left) == 0);
        crypto_hash_sha256_update(&pack->hash, (const unsigned char *)pack->out, out.pos);
        pack->bytes += (int64_t)out.pos;
        if (fwrite(pack->out, 1, out.pos, pack->file) != out.pos)
            return false;
    } while (end == ZSTD_e_end ? left > 0 : in.pos < in.size);
    CHECK(in.pos == in.size);
    return true;
}

bool pack_add(struct pack *pack, struct str line)
{
    CHECK(!pack->ended && line.n > 0);
    CHECK_DEAR(memchr(line.p, '\n', line.n) == NULL); /* a row is a line */
    pack->rows++;
    return compress(pack, line, ZSTD_e_continue) && compress(pack, STR("\n"), ZSTD_e_continue);
}

static void hex_of(crypto_hash_sha256_state *hash, char hex[SHA256_HEX])
{
    unsigned char sum[crypto_hash_sha256_BYTES];

    crypto_hash_sha256_final(hash, sum);
    (void)sodium_bin2hex(hex, SHA256_HEX, sum, sizeof(sum));
}

bool pack_end(struct pack *pack, struct pack_sum *sum, FILE **file)
{
    CHECK(!pack->ended);
    pack->ended = true;
    if (!compress(pack, STR(""), ZSTD_e_end) || fflush(pack->file) != 0)
        return false;
    CHECK(ftell(pack->file) == pack->bytes); /* the file is what was summed */
    CHECK(pack->bytes > 0 && pack->rows >= 0);
    sum->rows = pack->rows;
    sum->bytes = pack->bytes;
    hex_of(&pack->hash, sum->sha256);
    *file = pack->file;
    return true;
}

void pack_free(struct pack *pack)
{
    (void)ZSTD_freeCStream(pack->stream);
    (void)fclose(pack->file);
    free(pack);
}

/* ---- reading back ------------------------------------------------------------ */

struct unpack {
    ZSTD_DStream *stream;
    crypto_hash_sha256_state hash;
    int64_t rows, bytes;
    size_t wants; /* 0: a frame has ended */
    bool broken, ended;
    bool (*on_line)(void *ctx, struct str line);
    void *ctx;
    struct buf line; /* the one that has begun */
    char out[OUT_BYTES];
};

struct unpack *unpack_new(bool (*on_line)(void *ctx, struct str line), void *ctx)
{
    struct unpack *unpack = calloc(1, sizeof(*unpack));

    CHECK(unpack != NULL);
    unpack->stream = ZSTD_createDStream();
    CHECK(unpack->stream != NULL && ZSTD_isError(ZSTD_initDStream(unpack->stream)) == 0);
    unpack->wants = 1;
    unpack->on_line = on_line;
    unpack->ctx = ctx;
    buf_init(&unpack->line, LINE_BYTES);
    crypto_hash_sha256_init(&unpack->hash);
    return unpack;
}

/* Whole lines out of what was unpacked. */
static bool take_lines(struct unpack *unpack, struct str text)
{
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end == NULL ? text.n : (size_t)(end - text.p);

        if (unpack->on_line != NULL)
            buf_put(&unpack->line, text.p, n);
        if (end == NULL)
            break;
        unpack->rows++;
        if (unpack->on_line != NULL &&
            (unpack->line.overflow || !unpack->on_line(unpack->ctx, buf_view(&unpack->line))))
            return false;
        buf_reset(&unpack->line);
        text.p += n + 1;
        text.n -= n + 1;
    }
    return true;
}

bool unpack_bytes(void *ctx, struct str bytes)
{
    struct unpack *unpack = ctx;
    ZSTD_inBuffer in = { bytes.p, bytes.n, 0 };
    bool full = true; /* more may come out than fitted */

    CHECK(!unpack->ended);
    crypto_hash_sha256_update(&unpack->hash, (const unsigned char *)bytes.p, bytes.n);
    unpack->bytes += (int64_t)bytes.n;
    while (!unpack->broken && (in.pos < in.size || full)) {
        ZSTD_outBuffer out = { unpack->out, sizeof(unpack->out), 0 };

        unpack->wants = ZSTD_decompressStream(unpack->stream, &out, &in);
        unpack->broken = ZSTD_isError(unpack->wants) != 0 ||
                         !take_lines(unpack, (struct str){ unpack->out, out.pos });
        full = out.pos == out.size;
        CHECK(in.pos <= in.size && out.pos <= out.size);
        if (unpack->wants == 0 && in.pos == in.size)
            break;
    }
    return !unpack->broken;
}

bool unpack_end(struct unpack *unpack, struct pack_sum *sum)
{
    CHECK(!unpack->ended && unpack->rows >= 0);
    unpack->ended = true;
    sum->rows = unpack->rows;
    sum->bytes = unpack->bytes;
    hex_of(&unpack->hash, sum->sha256);
    return !unpack->broken && unpack->wants == 0;
}

void unpack_free(struct unpack *unpack)
{
    (void)ZSTD_freeDStream(unpack->stream);
    buf_fini(&unpack->line);
    free(unpack);
}
