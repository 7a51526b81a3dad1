/* Events as they were told: see fanout/doc.h. */
#include "fanout/doc.h"

#include <stdlib.h>

#include "base/limits.h"

#define KEY_BYTES (LIMIT_ID_BYTES + LIMIT_SPECIFIERS_BYTES + 1)
#define DEPTH_MOST 16

struct doc_market {
    json_t *json;        /* with its names */
    int64_t order, named; /* of its last change; of that of its names */
    json_int_t version;
    bool listed;         /* in the image that is applied */
    bool has_twins;      /* outcomes of one id: their names are told each time */
    size_t key_n;
    char key[];          /* "1|total=2.5" */
};

struct doc {
    json_t *members;     /* all but "markets" and "img" */
    json_t *orders;      /* of members, by name */
    json_int_t version;
    int64_t order;       /* of the last change */
    bool gone, known;
    bool renamed;        /* by what is applied now */
    struct doc_market **markets;
    size_t n, room;
    struct map by_key;
};

struct doc *doc_new(struct str id)
{
    struct doc *doc = calloc(1, sizeof(*doc));

    CHECK(doc != NULL);
    doc->members = json_object();
    doc->orders = json_object();
    CHECK(doc->members != NULL && doc->orders != NULL);
    CHECK(json_object_set_new(doc->members, "id", json_stringn_nocheck(id.p, id.n)) == 0);
    map_init(&doc->by_key, LIMIT_MESSAGE_MARKETS);
    return doc;
}

static void market_free(struct doc_market *market)
{
    json_decref(market->json);
    free(market);
}

static void drop_markets(struct doc *doc)
{
    map_fini(&doc->by_key);
    map_init(&doc->by_key, LIMIT_MESSAGE_MARKETS);
    while (doc->n > 0)
        market_free(doc->markets[--doc->n]);
}

void doc_free(struct doc *doc)
{
    if (doc == NULL)
        return;
    drop_markets(doc);
    map_fini(&doc->by_key);
    free(doc->markets);
    json_decref(doc->members);
    json_decref(doc->orders);
    free(doc);
}

bool doc_is_gone(const struct doc *doc)
{
    return doc->gone;
}

/* ---- out ---------------------------------------------------------------- */

static struct str text_of(const json_t *value)
{
    return (struct str){ json_string_value(value), json_string_length(value) };
}

static void put_real(struct jw *w, const json_t *value)
{
    char text[64];
    size_t n = json_dumpb(value, text, sizeof(text), JSON_ENCODE_ANY);

    if (n > 0 && n <= sizeof(text))
        jw_raw(w, (struct str){ text, n });
    else
        jw_null(w);
}

/* A name that somebody else chose. */
static void put_key(struct jw *w, const char *name)
{
    jw_str(w, str_of(name));
    buf_char(w->out, ':');
    w->comma = false;
}

static void put_object(struct jw *w, const json_t *object, const char *without)
{
    json_t *of = (json_t *)(uintptr_t)object; /* jansson iterates over what it may change */
    const char *name;
    json_t *value;

    jw_object(w);
    json_object_foreach(of, name, value) {
        if (without != NULL && strcmp(name, without) == 0)
            continue;
        put_key(w, name);
        json_put(w, value);
    }
    jw_object_end(w);
}

void json_put(struct jw *w, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_object(w, value, NULL);
        break;
    case JSON_ARRAY:
        jw_array(w);
        for (size_t i = 0; i < json_array_size(value); i++)
            json_put(w, json_array_get(value, i));
        jw_array_end(w);
        break;
    case JSON_STRING: jw_str(w, text_of(value)); break;
    case JSON_INTEGER: jw_int(w, json_integer_value(value)); break;
    case JSON_REAL: put_real(w, value); break;
    case JSON_TRUE: jw_bool(w, true); break;
    case JSON_FALSE: jw_bool(w, false); break;
    case JSON_NULL: jw_null(w); break;
    }
}

/* Without "name", and without those of its outcomes. */
static void put_unnamed(struct jw *w, const json_t *market)
{
    json_t *of = (json_t *)(uintptr_t)market;
    const char *name;
    json_t *value;

    jw_object(w);
    json_object_foreach(of, name, value) {
        if (strcmp(name, "name") == 0)
            continue;
        put_key(w, name);
        if (strcmp(name, "outcomes") != 0) {
            json_put(w, value);
            continue;
        }
        jw_array(w);
        for (size_t i = 0; i < json_array_size(value); i++)
            put_object(w, json_array_get(value, i), "name");
        jw_array_end(w);
    }
    jw_object_end(w);
}

static void put_members(const struct doc *doc, int64_t since, struct jw *w)
{
    const char *name;
    json_t *value;

    json_object_foreach(doc->members, name, value) {
        int64_t order = json_integer_value(json_object_get(doc->orders, name));

        if (order <= since && strcmp(name, "id") != 0 && strcmp(name, "version") != 0)
            continue;
        put_key(w, name);
        json_put(w, value);
    }
}

static void put_gone(const struct doc *doc, struct jw *w)
{
    jw_object(w);
    jw_key(w, "id");
    json_put(w, json_object_get(doc->members, "id"));
    jw_put_bool(w, "gone", true);
    jw_object_end(w);
}

void doc_put_image(const struct doc *doc, struct jw *w)
{
    if (doc->gone) {
        put_gone(doc, w);
        return;
    }
    jw_object(w);
    put_members(doc, -1, w);
    jw_put_bool(w, "img", true);
    jw_key(w, "markets");
    jw_array(w);
    for (size_t i = 0; i < doc->n; i++)
        json_put(w, doc->markets[i]->json);
    jw_array_end(w);
    jw_object_end(w);
}

static void put_changes(const struct doc *doc, int64_t since, bool named, struct jw *w)
{
    jw_object(w);
    put_members(doc, named ? -1 : since, w);
    jw_key(w, "markets");
    jw_array(w);
    for (size_t i = 0; i < doc->n; i++) {
        const struct doc_market *market = doc->markets[i];

        if (market->order <= since)
            continue;
        if (named || market->named > since)
            json_put(w, market->json);
        else
            put_unnamed(w, market->json);
    }
    jw_array_end(w);
    jw_object_end(w);
}

bool doc_put_delta(const struct doc *doc, int64_t since, struct jw *w)
{
    if (doc->gone || doc->order <= since)
        return false;
    put_changes(doc, since, false, w);
    return true;
}

bool doc_put_merged(const struct doc *doc, int64_t since, struct jw *w)
{
    if (doc->gone)
        put_gone(doc, w);
    else if (doc->order > since)
        put_changes(doc, since, true, w);
    else
        return false;
    return true;
}

/* ---- in ----------------------------------------------------------------- */

static bool is_shallow(const json_t *value, unsigned depth)
{
    json_t *of = (json_t *)(uintptr_t)value, *part;
    const char *name;
    size_t i;

    if (depth > DEPTH_MOST)
        return false;
    if (json_is_object(value))
        json_object_foreach(of, name, part)
            if (!is_shallow(part, depth + 1))
                return false;
    if (json_is_array(value))
        json_array_foreach(of, i, part)
            if (!is_shallow(part, depth + 1))
                return false;
    return true;
}

/* n = 0: it has no key, or one that is too long. */
static struct str key_of(const json_t *market, char key[KEY_BYTES])
{
    struct str id = text_of(json_object_get(market, "market"));
    struct str specifiers = text_of(json_object_get(market, "specifiers"));

    if (id.p == NULL || specifiers.p == NULL || id.n > LIMIT_ID_BYTES ||
        specifiers.n > LIMIT_SPECIFIERS_BYTES)
        return STR_NONE;
    memcpy(key, id.p, id.n);
    key[id.n] = '|';
    memcpy(key + id.n + 1, specifiers.p, specifiers.n);
    return (struct str){ key, id.n + 1 + specifiers.n };
}

static json_t *outcome_of(const json_t *outcomes, const json_t *id)
{
    for (size_t i = 0; i < json_array_size(outcomes); i++) {
        json_t *outcome = json_array_get(outcomes, i);

        if (json_equal(json_object_get(outcome, "outcome"), id))
            return outcome;
    }
    return NULL;
}

/* Where the wire brings no name, the one before. */
static void keep_name(json_t *wire, const json_t *old)
{
    json_t *name = json_object_get(old, "name");

    if (json_object_get(wire, "name") == NULL && name != NULL)
        CHECK(json_object_set(wire, "name", name) == 0);
}

/* The wire's market with what it leaves out. */
static void complete(json_t *wire, const json_t *old)
{
    json_t *of = (json_t *)(uintptr_t)old, *outcomes = json_object_get(wire, "outcomes"), *value;
    const json_t *before = json_object_get(old, "outcomes");
    const char *name;

    for (size_t i = 0; i < json_array_size(outcomes); i++) {
        json_t *outcome = json_array_get(outcomes, i);

        keep_name(outcome, outcome_of(before, json_object_get(outcome, "outcome")));
    }
    json_object_foreach(of, name, value)
        if (json_object_get(wire, name) == NULL)
            CHECK(json_object_set(wire, name, value) == 0);
}

/* Its name, and its outcomes with theirs. */
static bool is_named_as(const json_t *a, const json_t *b)
{
    const json_t *as = json_object_get(a, "outcomes"), *bs = json_object_get(b, "outcomes");

    if (!json_equal(json_object_get(a, "name"), json_object_get(b, "name")) ||
        json_array_size(as) != json_array_size(bs))
        return false;
    for (size_t i = 0; i < json_array_size(as); i++) {
        const json_t *x = json_array_get(as, i), *y = json_array_get(bs, i);
        const json_t *x_name = json_object_get(x, "name"), *y_name = json_object_get(y, "name");

        if (!json_equal(json_object_get(x, "outcome"), json_object_get(y, "outcome")) ||
            (x_name != y_name && !json_equal(x_name, y_name)))
            return false;
    }
    return true;
}

static bool has_twins(const json_t *market)
{
    const json_t *outcomes = json_object_get(market, "outcomes");

    for (size_t i = 0; i < json_array_size(outcomes); i++) {
        const json_t *outcome = json_array_get(outcomes, i);

        if (outcome_of(outcomes, json_object_get(outcome, "outcome")) != outcome)
            return true;
    }
    return false;
}

static bool outcomes_are_objects(const json_t *market)
{
    const json_t *outcomes = json_object_get(market, "outcomes");

    if (outcomes != NULL && !json_is_array(outcomes))
        return false;
    if (json_array_size(outcomes) > LIMIT_OUTCOMES)
        return false;
    for (size_t i = 0; i < json_array_size(outcomes); i++)
        if (!json_is_string(json_object_get(json_array_get(outcomes, i), "outcome")))
            return false;
    return true;
}

static struct doc_market *market_new(struct doc *doc, struct str key)
{
    struct doc_market *market = calloc(1, sizeof(*market) + key.n);

    CHECK(market != NULL);
    market->key_n = key.n;
    memcpy(market->key, key.p, key.n);
    if (!map_put(&doc->by_key, (struct str){ market->key, key.n }, market)) {
        free(market);
        return NULL;
    }
    if (doc->n == doc->room) {
        doc->room = doc->room == 0 ? 16 : doc->room * 2;
        doc->markets = realloc(doc->markets, doc->room * sizeof(struct doc_market *));
        CHECK(doc->markets != NULL);
    }
    doc->markets[doc->n++] = market;
    return market;
}

static json_int_t version_of(const json_t *value, json_int_t otherwise)
{
    const json_t *version = json_object_get(value, "version");

    return json_is_integer(version) ? json_integer_value(version) : otherwise;
}

/* Takes the wire's market over where it is new. */
static void market_learn(struct doc *doc, struct doc_market *market, json_t *wire,
                         int64_t order)
{
    json_int_t version = version_of(wire, market->version);

    if (market->json != NULL && version < market->version)
        return;
    if (market->json != NULL)
        complete(wire, market->json);
    if (market->json != NULL && json_equal(market->json, wire))
        return;
    if (market->json == NULL || !is_named_as(market->json, wire)) {
        doc->renamed = doc->renamed || market->json != NULL;
        market->named = order;
        market->has_twins = has_twins(wire);
    }
    if (market->has_twins)
        market->named = order;
    json_decref(market->json);
    market->json = json_incref(wire);
    market->version = version;
    market->order = doc->order = order;
}

static bool take_markets(struct doc *doc, json_t *markets, int64_t order)
{
    char key[KEY_BYTES];

    for (size_t i = 0; i < json_array_size(markets); i++) {
        json_t *wire = json_array_get(markets, i);
        struct str id = key_of(wire, key);
        struct doc_market *market;

        if (id.n == 0 || !outcomes_are_objects(wire))
            return false;
        market = map_get(&doc->by_key, id);
        if (market == NULL)
            market = market_new(doc, id);
        if (market == NULL)
            return false;
        market_learn(doc, market, wire, order);
        market->listed = true;
    }
    return true;
}

/* Markets that the image does not list have left.  True: there were some. */
static bool drop_unlisted(struct doc *doc)
{
    size_t kept = 0, n = doc->n;

    for (size_t i = 0; i < n; i++) {
        struct doc_market *market = doc->markets[i];

        if (market->listed) {
            doc->markets[kept++] = market;
            continue;
        }
        (void)map_del(&doc->by_key, (struct str){ market->key, market->key_n });
        market_free(market);
    }
    doc->n = kept;
    return kept < n;
}

static void take_members(struct doc *doc, json_t *event, int64_t order)
{
    const char *name;
    json_t *value;

    json_object_foreach(event, name, value) {
        if (strcmp(name, "markets") == 0 || strcmp(name, "img") == 0 ||
            strcmp(name, "gone") == 0)
            continue;
        CHECK(json_object_set(doc->members, name, value) == 0);
        CHECK(json_object_set_new(doc->orders, name, json_integer(order)) == 0);
    }
}

/* False: nothing of it is new. */
static bool members_are_new(const struct doc *doc, json_t *event)
{
    const char *name;
    json_t *value;

    json_object_foreach(event, name, value)
        if (strcmp(name, "markets") != 0 && strcmp(name, "img") != 0 &&
            !json_equal(json_object_get(doc->members, name), value))
            return true;
    return false;
}

bool json_is_shallow(const json_t *value)
{
    return is_shallow(value, 0);
}

enum doc_result doc_apply(struct doc *doc, json_t *event, bool image, int64_t order)
{
    bool back = doc->gone || !doc->known, dropped;
    json_t *markets = json_object_get(event, "markets");
    int64_t before = doc->order;

    doc->renamed = false;
    if (!json_is_string(json_object_get(event, "id")) || !json_is_array(markets))
        return DOC_BAD;
    if (back && !image)
        return DOC_LACKS;
    if (!back && version_of(event, doc->version) < doc->version)
        return DOC_SAME;
    for (size_t i = 0; image && i < doc->n; i++)
        doc->markets[i]->listed = false;
    if (!take_markets(doc, markets, order))
        return DOC_BAD;
    dropped = image && drop_unlisted(doc);
    if (back || members_are_new(doc, event)) {
        take_members(doc, event, order);
        doc->order = order;
    }
    doc->version = version_of(event, doc->version);
    doc->known = true;
    doc->gone = false;
    if (back || dropped || (image && doc->renamed)) {
        doc->order = order;
        return DOC_WHOLE;
    }
    return doc->order > before ? DOC_CHANGED : DOC_SAME;
}

enum doc_result doc_forget(struct doc *doc)
{
    if (doc->gone)
        return DOC_SAME;
    doc->gone = true;
    doc->known = true;
    doc->version = 0;
    drop_markets(doc);
    return DOC_CHANGED;
}

void doc_doubt(struct doc *doc)
{
    doc->version = -1;
    for (size_t i = 0; i < doc->n; i++)
        doc->markets[i]->version = -1;
}
