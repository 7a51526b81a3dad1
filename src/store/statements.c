/*
 * The table tbl/statements.h as data, and what both engines must compute in
 * the same way.
 */
#include <inttypes.h>

#include "base/map.h"
#include "store/engine.h"

static struct statement_info table[STATEMENTS] = {
#define STATEMENT(name, params, columns, sql) { #name, params, columns, sql, false },
#include "tbl/statements.h"
#undef STATEMENT
};

__attribute__((constructor)) static void mark_reads(void)
{
    for (unsigned i = 0; i < STATEMENTS; i++)
        table[i].reads_only = strncmp(table[i].sql, "SELECT", 6) == 0;
}

const struct statement_info *statement_info(enum statement statement)
{
    CHECK((unsigned)statement < STATEMENTS);
    return &table[statement];
}

int64_t money_fence(const struct money_batch *batch)
{
    int64_t epoch = 0;

    for (uint32_t i = 0; i < batch->n; i++) {
        int64_t its = batch->cmds[i]->liability_epoch;

        if (its != 0 && epoch != 0 && its != epoch)
            return -1;
        if (its != 0)
            epoch = its;
    }
    return epoch;
}

int64_t fact_hash(const struct fact *fact, struct str outcomes)
{
    struct buf text;
    uint64_t hash;

    buf_init(&text, LIMIT_FEED_BODY_BYTES * (size_t)5); /* outcomes' text has 4 */
    buf_str(&text, fact->id.event); /* two markets may share a key */
    buf_printf(&text, " %" PRIu32 " " STR_FMT " %d %d %" PRId32 " %" PRId64 " %d %" PRId64
               " %" PRId64 " ", fact->id.market, STR_ARG(fact->id.specifiers),
               (int)fact->kind, (int)fact->rank, fact->producer, fact->timestamp_ms,
               (int)fact->certainty, fact->start_ms, fact->end_ms);
    buf_str(&text, outcomes);
    CHECK(!text.overflow);
    hash = hash_stable(buf_view(&text));
    buf_fini(&text);
    return (int64_t)hash;
}
