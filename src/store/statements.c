/*
 * The table tbl/statements.h as data, and what both engines must compute in
 * the same way.
 */
#include <inttypes.h>

#include "base/log.h"
#include "base/map.h"
#include "store/engine.h"
#include "store/money.h"
#include "store/sql_numbers.h"

#define INT(name) "i"
#define TEXT(name) "s"
#define BYTES(name) "b"
static struct statement_info table[STATEMENTS] = {
#define STATEMENT(half, name, params, columns, sql) \
    { #name, params, columns "", sql, STORE_##half, false },
#include "tbl/statements.h"
#undef STATEMENT
};
#undef INT
#undef TEXT
#undef BYTES

/* ---- whose tables a statement names ----------------------------------- */

static const struct store_table {
    const char *name;
    enum store_half half;
} tables[] = {
#define STORE_TABLE(half, name) { #name, STORE_##half },
#include "tbl/store_tables.h"
#undef STORE_TABLE
};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static unsigned half_of_table(struct str word)
{
    for (size_t i = 0; i < LENGTH(tables); i++)
        if (str_eq(word, str_of(tables[i].name)))
            return tables[i].half;
    return 0;
}

unsigned sql_halves(const char *sql)
{
    unsigned halves = 0;
    char before = ' ';

    CHECK(sql != NULL);
    while (*sql != '\0') {
        const char *start = sql;

        while (is_word(*sql))
            sql++;
        /* A column may have a table's name: `r.bets`. */
        if (sql > start && before != '.')
            halves |= half_of_table((struct str){ start, (size_t)(sql - start) });
        sql += sql == start;
        before = sql[-1];
    }
    return halves;
}

void sql_check_half(const char *sql, enum store_half halves)
{
    if ((sql_halves(sql) & ~(unsigned)halves) == 0)
        return;
    log_error("store", "a statement names tables of the other half", "sql='%s'", sql);
    CHECK(false && "a statement of one half");
}

/* A statement on the wrong half, or on both, does not start. */
__attribute__((constructor)) static void check_statements(void)
{
    for (unsigned i = 0; i < STATEMENTS; i++) {
        CHECK(strspn(table[i].params, "isb") == strlen(table[i].params));
        CHECK(strlen(table[i].params) <= LENGTH(((struct statement_call *)0)->params));
        CHECK(strspn(table[i].columns, "isb") == strlen(table[i].columns));
        table[i].sql = sql_text(table[i].sql);
        table[i].reads_only = strncmp(table[i].sql, "SELECT", 6) == 0;
        sql_check_half(table[i].sql, table[i].half);
    }
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

        CHECK(its >= -1); /* -1: its own leases are of several */
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
