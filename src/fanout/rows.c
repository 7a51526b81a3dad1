/* Sports as they were told: see fanout/rows.h. */
#include "fanout/rows.h"

#include <stdlib.h>

#include "base/limits.h"
#include "fanout/doc.h"

struct edge_row {
    json_t *json;       /* as it came */
    int64_t order;
    uint64_t gone_ms;
    bool gone, listed;
    bool doubted;
    size_t id_n;
    char id[];
};

struct rows {
    struct map by_id;
    size_t sport_n;
    char sport[];
};

struct rows *rows_new(struct str sport)
{
    struct rows *rows = calloc(1, sizeof(*rows) + sport.n);

    CHECK(rows != NULL);
    rows->sport_n = sport.n;
    memcpy(rows->sport, sport.p, sport.n);
    map_init(&rows->by_id, LIMIT_EVENTS);
    return rows;
}

static void row_free(struct edge_row *row)
{
    json_decref(row->json);
    free(row);
}

void rows_free(struct rows *rows)
{
    struct edge_row *row;
    size_t at = 0;

    if (rows == NULL)
        return;
    while ((row = map_next(&rows->by_id, &at)) != NULL)
        row_free(row);
    map_fini(&rows->by_id);
    free(rows);
}

static struct str member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return (struct str){ json_string_value(value), json_string_length(value) };
}

/* Lists show what is not over. */
static bool is_shown(const struct rows *rows, const struct edge_row *row)
{
    return !row->gone && !str_eq(member(row->json, "state"), STR("ended")) &&
           str_eq(member(row->json, "sport"), (struct str){ rows->sport, rows->sport_n });
}

bool rows_are_empty(const struct rows *rows)
{
    const struct edge_row *row;
    size_t at = 0;

    while ((row = map_next(&rows->by_id, &at)) != NULL)
        if (is_shown(rows, row))
            return false;
    return true;
}

static struct edge_row *row_new(struct rows *rows, struct str id)
{
    struct edge_row *row = calloc(1, sizeof(*row) + id.n);

    CHECK(row != NULL);
    row->id_n = id.n;
    memcpy(row->id, id.p, id.n);
    if (map_put(&rows->by_id, (struct str){ row->id, id.n }, row))
        return row;
    free(row);
    return NULL;
}

static json_int_t version_of(const json_t *event)
{
    return json_integer_value(json_object_get(event, "version"));
}

int64_t rows_version(const struct rows *rows, struct str id)
{
    const struct edge_row *row = map_get(&rows->by_id, id);

    return row == NULL || row->gone || row->doubted ? -1 : version_of(row->json);
}

bool rows_take(struct rows *rows, json_t *event, int64_t order)
{
    struct str id = member(event, "id"), sport = member(event, "sport");
    struct edge_row *row = map_get(&rows->by_id, id);

    if (row == NULL && !str_eq(sport, (struct str){ rows->sport, rows->sport_n }))
        return false;
    if (row == NULL)
        row = row_new(rows, id);
    if (row == NULL)
        return false;
    row->listed = true;
    if (row->json != NULL && !row->gone &&
        ((!row->doubted && version_of(event) < version_of(row->json)) ||
         json_equal(row->json, event)))
        return false;
    json_decref(row->json);
    row->json = json_incref(event);
    row->gone = row->doubted = false;
    row->order = order;
    return true;
}

static void row_goes(struct edge_row *row, int64_t order, uint64_t now_ms)
{
    row->gone = true;
    row->gone_ms = now_ms;
    row->order = order;
}

bool rows_forget(struct rows *rows, struct str id, int64_t order, uint64_t now_ms)
{
    struct edge_row *row = map_get(&rows->by_id, id);

    if (row == NULL || row->gone)
        return false;
    row_goes(row, order, now_ms);
    return true;
}

void rows_doubt(struct rows *rows)
{
    struct edge_row *row;
    size_t at = 0;

    while ((row = map_next(&rows->by_id, &at)) != NULL)
        row->doubted = true;
}

void rows_image_begin(struct rows *rows)
{
    struct edge_row *row;
    size_t at = 0;

    while ((row = map_next(&rows->by_id, &at)) != NULL)
        row->listed = false;
}

bool rows_image_end(struct rows *rows, int64_t order, uint64_t now_ms)
{
    struct edge_row *row;
    bool left = false;
    size_t at = 0;

    while ((row = map_next(&rows->by_id, &at)) != NULL) {
        if (row->listed || !is_shown(rows, row))
            continue;
        row_goes(row, order, now_ms);
        left = true;
    }
    return left;
}

/* ---- out ---------------------------------------------------------------- */

static void put_row(const struct edge_row *row, struct jw *w)
{
    if (!row->gone) {
        json_put(w, row->json);
        return;
    }
    jw_object(w);
    jw_put_str(w, "id", (struct str){ row->id, row->id_n });
    jw_put_bool(w, "gone", true);
    jw_object_end(w);
}

void rows_put_image(const struct rows *rows, struct jw *w)
{
    const struct edge_row *row;
    size_t at = 0;

    while ((row = map_next(&rows->by_id, &at)) != NULL)
        if (is_shown(rows, row))
            put_row(row, w);
}

bool rows_put_since(const struct rows *rows, int64_t since, struct jw *w)
{
    const struct edge_row *row;
    bool told = false;
    size_t at = 0;

    while ((row = map_next(&rows->by_id, &at)) != NULL) {
        if (row->order <= since)
            continue;
        put_row(row, w);
        told = true;
    }
    return told;
}

int64_t rows_sweep(struct rows *rows, uint64_t now_ms, uint64_t kept_ms)
{
    struct edge_row *row, *old = NULL;
    int64_t order;
    size_t at = 0;

    while ((row = map_next(&rows->by_id, &at)) != NULL)
        if (row->gone && now_ms > row->gone_ms + kept_ms)
            old = row;
    if (old == NULL)
        return 0;
    order = old->order;
    (void)map_del(&rows->by_id, (struct str){ old->id, old->id_n });
    row_free(old);
    return order;
}
