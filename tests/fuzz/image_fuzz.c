/*
 * Records of the topic prices: lines of "key<TAB>value", an empty value is a
 * tombstone.  Whatever they are, the book stays whole.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/book_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give(struct book *shard, struct str line)
{
    const char *tab = memchr(line.p, '\t', line.n);
    size_t key_n = tab == NULL ? line.n : (size_t)(tab - line.p);
    struct book_record record = {
        .key = { line.p, key_n },
        .value = { line.p + key_n + (tab != NULL), line.n - key_n - (tab != NULL) },
    };
    struct book_change change;
    struct str error;

    record.tombstone = record.value.n == 0;
    record.epoch = 9;
    (void)!book_image_apply(shard, &record, &change, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct book *book = book_sharded_new(1);
    struct str rest = { (const char *)data, size };

    while (rest.n > 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end == NULL ? rest.n : (size_t)(end - rest.p);

        give(book_shard(book, 0), (struct str){ rest.p, n });
        n += end != NULL;
        rest = (struct str){ rest.p + n, rest.n - n };
    }
    book_check(book);
    book_free(book);
    return 0;
}
