/*
 * Any bytes as a record of the topics bets and transfers.  Whatever comes: no
 * crash, and what is read is written as a record that reads as the same.
 */
#include <stdint.h>

#include "base/check.h"
#include "topic/event_record.h"

#define ARENA_BYTES (64 * 1024 * 1024)
#define RECORD_BYTES (16 * 1024 * 1024)
#define INPUT_BYTES_MAX (64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write(const struct event_record *record, struct buf *out)
{
    if (record->has_bet)
        event_record_write_bet(record, out);
    else
        event_record_write_transfer(record, out);
}

static void check_again(const struct event_record *record, struct arena *arena)
{
    static struct slip slip;
    struct event_record back;
    struct buf first, second;

    buf_init(&first, RECORD_BYTES);
    buf_init(&second, RECORD_BYTES);
    write(record, &first);
    CHECK(!first.overflow);
    CHECK(event_record_read(buf_view(&first), arena, &slip, &back));
    write(&back, &second);
    CHECK(str_eq(buf_view(&first), buf_view(&second)));
    buf_fini(&first);
    buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct slip slip;
    struct str text = { (const char *)data, size };
    struct event_record record;
    struct arena arena;
    int64_t xid;
    int event;

    if (size > INPUT_BYTES_MAX)
        return 0;
    arena_init(&arena, ARENA_BYTES);
    if (event_record_read(text, &arena, &slip, &record))
        check_again(&record, &arena);
    if (event_record_peek(text, &xid, &event))
        CHECK(xid >= 0 && event_name(event) != NULL);
    arena_fini(&arena);
    return 0;
}
