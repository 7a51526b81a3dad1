/* Facts as JSON: see fact_record.h. */
#include "model/fact_record.h"

#include "base/json.h"
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

static void put_str(struct jw *w, const char *name, struct str text)
{
    jw_key(w, name);
    jw_str(w, text);
}

static void put_int(struct jw *w, const char *name, int64_t n)
{
    jw_key(w, name);
    jw_int(w, n);
}

void fact_record_write(const struct fact *fact, struct arena *scratch, struct buf *out)
{
    struct jw w = jw_to(out);

    CHECK(fact->kind >= FACT_SETTLEMENT && fact->kind <= FACT_ROLLBACK_CANCEL);
    CHECK(fact->rank <= FACT_RANK_DESK);
    jw_object(&w);
    put_int(&w, "v", RECORD_VERSION);
    put_int(&w, "position", fact->position);
    put_str(&w, "kind", kinds[fact->kind]);
    put_str(&w, "rank", ranks[fact->rank]);
    put_str(&w, "event", fact->id.event);
    put_int(&w, "market", fact->id.market);
    put_str(&w, "specifiers", fact->id.specifiers);
    put_int(&w, "producer", fact->producer);
    put_int(&w, "timestamp", fact->timestamp_ms);
    put_int(&w, "certainty", fact->certainty);
    put_int(&w, "start", fact->start_ms);
    if (fact->end_ms != INT64_MAX)
        put_int(&w, "end", fact->end_ms);
    put_int(&w, "stopped", fact->stopped_ms);
    put_str(&w, "outcomes", fact_outcomes_encode(fact, scratch));
    jw_object_end(&w);
}

/* ---- read ---------------------------------------------------------------- */

/* A document being read; the first fault is kept. */
struct reader {
    const json_t *object;
    struct arena *arena;
    struct str error;
};

static void fault(struct reader *reader, const char *name)
{
    if (reader->error.n == 0)
        reader->error = arena_printf(reader->arena, "\"%s\" is missing or wrong", name);
}

static int64_t get_int(struct reader *reader, const char *name, int64_t least, int64_t most)
{
    const json_t *value = json_object_get(reader->object, name);
    int64_t n = json_integer_value(value);

    if (!json_is_integer(value) || n < least || n > most) {
        fault(reader, name);
        return least;
    }
    return n;
}

static struct str get_str(struct reader *reader, const char *name, size_t most)
{
    const json_t *value = json_object_get(reader->object, name);

    if (!json_is_string(value) || json_string_length(value) > most) {
        fault(reader, name);
        return STR_NONE;
    }
    return arena_str(reader->arena, (struct str){ json_string_value(value),
                                                  json_string_length(value) });
}

static unsigned get_name(struct reader *reader, const char *name, const struct str *names,
                         unsigned n)
{
    struct str given = get_str(reader, name, 64);

    for (unsigned i = 0; i < n; i++)
        if (names[i].n > 0 && str_eq(names[i], given))
            return i;
    fault(reader, name);
    return 0;
}

static void read_members(struct reader *reader, struct fact *fact)
{
    bool ends = json_object_get(reader->object, "end") != NULL;
    struct str outcomes;

    (void)get_int(reader, "v", RECORD_VERSION, RECORD_VERSION);
    fact->position = get_int(reader, "position", 1, INT64_MAX);
    fact->kind = (enum fact_kind)get_name(reader, "kind", kinds, LENGTH(kinds));
    fact->rank = (enum fact_rank)get_name(reader, "rank", ranks, LENGTH(ranks));
    fact->id.event = get_str(reader, "event", LIMIT_ID_BYTES);
    fact->id.market = (uint32_t)get_int(reader, "market", 0, UINT32_MAX);
    fact->id.specifiers = get_str(reader, "specifiers", LIMIT_SPECIFIERS_BYTES);
    fact->producer = (int32_t)get_int(reader, "producer", INT32_MIN, INT32_MAX);
    fact->timestamp_ms = get_int(reader, "timestamp", 0, INT64_MAX);
    fact->certainty = (int8_t)get_int(reader, "certainty", 0, INT8_MAX);
    fact->start_ms = get_int(reader, "start", 0, INT64_MAX);
    fact->end_ms = ends ? get_int(reader, "end", 0, INT64_MAX) : INT64_MAX;
    fact->stopped_ms = get_int(reader, "stopped", 0, INT64_MAX);
    outcomes = get_str(reader, "outcomes", LIMIT_RECORD_BYTES);
    if (reader->error.n == 0 && !fact_outcomes_decode(outcomes, reader->arena, fact))
        fault(reader, "outcomes");
}

bool fact_record_read(struct str value, struct arena *arena, struct fact *fact,
                      struct str *error)
{
    struct reader reader = { .arena = arena };
    json_t *document = json_loadb(value.p, value.n, JSON_REJECT_DUPLICATES, NULL);

    memset(fact, 0, sizeof(*fact));
    reader.object = document;
    if (!json_is_object(document))
        reader.error = STR("not a JSON object");
    else
        read_members(&reader, fact);
    json_decref(document);
    *error = reader.error;
    if (reader.error.n > 0)
        return false;
    fact->key = market_key(fact->id);
    return true;
}
