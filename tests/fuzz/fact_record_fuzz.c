/* Any bytes as a record of topic results: no crash, and what is read is
 * written as what reads as the same. */
#include <stdint.h>

#include "base/check.h"
#include "topic/fact_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct fact fact, back;
    struct str error;
    struct buf text;

    if (size > 64 * 1024)
        return 0;
    arena_init(&arena, 64 * 1024 * 1024);
    buf_init(&text, 1024 * 1024);
    if (fact_record_read((struct str){ (const char *)data, size }, &arena, &fact, &error)) {
        fact_record_write(&fact, &arena, &text);
        CHECK(fact_record_read(buf_view(&text), &arena, &back, &error));
        CHECK(back.key == fact.key && back.n_outcomes == fact.n_outcomes);
        CHECK(market_id_equal(back.id, fact.id) && back.end_ms == fact.end_ms);
    }
    buf_fini(&text);
    arena_fini(&arena);
    return 0;
}
