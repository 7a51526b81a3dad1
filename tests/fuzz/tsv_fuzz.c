/*
 * Any bytes as ClickHouse's answer.  Whatever comes: as many cells as lines
 * times columns, integers that are read back as they were written, and text
 * that is never longer than what it was read from.
 */
#include <stdint.h>
#include <stdio.h>

#include "analytics/tsv.h"
#include "base/check.h"

#define ARENA_BYTES (16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char types[] = "issi";
    struct str text = { (const char *)data, size };
    struct arena arena;
    struct value *cells;
    uint32_t rows, lines = 0;
    size_t bytes = 0;

    if (size > 65536)
        return 0;
    arena_init(&arena, ARENA_BYTES);
    if (tsv_read(text, types, &arena, &cells, &rows)) {
        for (size_t i = 0; i < size; i++)
            lines += data[i] == '\n';
        CHECK(rows == lines);
        for (uint32_t i = 0; i < rows * 4; i++)
            bytes += cells[i].s.n;
        CHECK(bytes <= size);
    }
    arena_fini(&arena);
    return 0;
}
