/* Facts as JSON: see fact_record.h. */
#include "topic/fact_record.h"

#include "base/json.h"
#include "base/json_record.h"
#include "base/limits.h"

#define RECORD_VERSION 1

static const struct str kinds[] = {
    [FACT_SETTLEMENT] = { "settlement", 10 },
    [FACT_CANCEL] = { "cancel", 6 },
    [FACT_ROLLBACK_SETTLEMENT] = { "rollback_settlement", 19 },
    [FACT_ROLLBACK_CANCEL] = { "rollback_cancel", 15 },
};
static const struct str ranks[] = {
    [FACT_RANK_FEED] = { "feed", 4 },
    [FACT_RANK_DESK] = { "desk", 4 },
};

void fact_record_write(const struct fact *fact, struct arena *scratch, struct buf *out)
{
    struct jw w = jw_to(out);

    CHECK(fact->kind >= FACT_SETTLEMENT && fact->kind <= FACT_ROLLBACK_CANCEL);
    CHECK(fact->rank <= FACT_RANK_DESK);
    jw_object(&w);
    jw_put_int(&w, "v", RECORD_VERSION);
    jw_put_int(&w, "position", fact->position);
    jw_put_str(&w, "kind", kinds[fact->kind]);
    jw_put_str(&w, "rank", ranks[fact->rank]);
    jw_put_str(&w, "event", fact->id.event);
    jw_put_int(&w, "market", fact->id.market);
    jw_put_str(&w, "specifiers", fact->id.specifiers);
    jw_put_int(&w, "producer", fact->producer);
    jw_put_int(&w, "timestamp", fact->timestamp_ms);
    jw_put_int(&w, "certainty", fact->certainty);
    jw_put_int(&w, "start", fact->start_ms);
    if (fact->end_ms != INT64_MAX)
        jw_put_int(&w, "end", fact->end_ms);
    jw_put_int(&w, "stopped", fact->stopped_ms);
    jw_put_str(&w, "outcomes", fact_outcomes_encode(fact, scratch));
    jw_object_end(&w);
}

/* ---- read ---------------------------------------------------------------- */

/* Into the arena: the document goes when it has been read. */
static struct str take_str(struct json_record *record, const char *name, size_t most,
                           struct arena *arena)
{
    return arena_str(arena, json_record_str(record, name, most));
}

static unsigned take_name(struct json_record *record, const char *name, const struct str *names,
                          unsigned n)
{
    struct str given = json_record_str(record, name, 64);

    for (unsigned i = 0; i < n; i++)
        if (names[i].n > 0 && str_eq(names[i], given))
            return i;
    json_record_fault(record, name);
    return 0;
}

static void take_members(struct json_record *record, struct arena *arena, struct fact *fact)
{
    struct str outcomes;

    fact->position = json_record_int(record, "position", 1, INT64_MAX);
    fact->kind = (enum fact_kind)take_name(record, "kind", kinds, LENGTH(kinds));
    fact->rank = (enum fact_rank)take_name(record, "rank", ranks, LENGTH(ranks));
    fact->id.event = take_str(record, "event", LIMIT_ID_BYTES, arena);
    fact->id.market = (uint32_t)json_record_int(record, "market", 0, UINT32_MAX);
    fact->id.specifiers = take_str(record, "specifiers", LIMIT_SPECIFIERS_BYTES, arena);
    fact->producer = (int32_t)json_record_int(record, "producer", INT32_MIN, INT32_MAX);
    fact->timestamp_ms = json_record_int(record, "timestamp", 0, INT64_MAX);
    fact->certainty = (int8_t)json_record_int(record, "certainty", 0, INT8_MAX);
    fact->start_ms = json_record_int(record, "start", 0, INT64_MAX);
    fact->end_ms = json_record_int_or(record, "end", 0, INT64_MAX, INT64_MAX);
    fact->stopped_ms = json_record_int(record, "stopped", 0, INT64_MAX);
    outcomes = json_record_str(record, "outcomes", LIMIT_RECORD_BYTES);
    if (record->fault == NULL && !fact_outcomes_decode(outcomes, arena, fact))
        json_record_fault(record, "outcomes");
}

bool fact_record_read(struct str value, struct arena *arena, struct fact *fact,
                      struct str *error)
{
    struct json_record record;

    memset(fact, 0, sizeof(*fact));
    if (json_record_open(&record, value, RECORD_VERSION))
        take_members(&record, arena, fact);
    *error = record.fault == NULL
                 ? STR_NONE
                 : arena_printf(arena, "\"%s\" is missing or wrong", record.fault);
    json_record_close(&record);
    if (error->n > 0)
        return false;
    fact->key = market_key(fact->id);
    return true;
}
