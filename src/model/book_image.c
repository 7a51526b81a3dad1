/*
 * What a shard's owner tells of it: see book_image.h, and docs/EVENTS.md for
 * what stands in a record.
 *
 * A change tells what has another version than before.  What concerns a
 * producer's markets, or a sport's, is told by the producer's or the
 * setting's record alone: who reads it draws the same conclusions for its
 * markets, from the positions that stand in it (book_mirror.c).
 *
 * The last record of a change says so: with it the reader has all of that
 * position.  So each is kept back until the next begins.
 */
#include "model/book_image.h"

#include "base/json.h"
#include "model/book_inside.h"
#include "model/desk_entry.h"

struct image {
    const struct book *shard;
    int64_t epoch;
    book_emit *emit;
    void *ctx;
    struct buf key, value;
    struct jw w;
    bool pending;
};

/* ---- records ------------------------------------------------------------ */

static void flush(struct image *image, bool last)
{
    if (!image->pending)
        return;
    image->pending = false;
    if (last) {
        jw_key(&image->w, "last");
        jw_bool(&image->w, true);
    }
    jw_object_end(&image->w);
    CHECK(!image->value.overflow && !image->key.overflow);
    image->emit(image->ctx, &(struct book_record){
        .key = buf_view(&image->key), .value = buf_view(&image->value), .epoch = image->epoch,
    });
}

/* An empty key is there to be written. */
static struct jw *record(struct image *image, struct str key)
{
    flush(image, false);
    buf_reset(&image->key);
    buf_reset(&image->value);
    buf_str(&image->key, key);
    image->w = jw_to(&image->value);
    image->pending = true;
    jw_object(&image->w);
    jw_put_int(&image->w, "v", BOOK_RECORD_VERSION);
    jw_put_int(&image->w, "e", image->epoch);
    jw_put_int(&image->w, "p", image->shard->position);
    return &image->w;
}

static void init(struct image *image, const struct book *shard, int64_t epoch, book_emit *emit,
                 void *ctx)
{
    CHECK(shard->n_shards == 0 && shard->image.epoch == 0); /* it owns what it tells */
    *image = (struct image){ shard, epoch, emit, ctx, .pending = false };
    buf_init(&image->key, 2 * BOOK_KEY_BYTES);
    buf_init(&image->value, LIMIT_RECORD_BYTES);
}

static void fini(struct image *image)
{
    flush(image, true);
    buf_fini(&image->key);
    buf_fini(&image->value);
}

/* ---- what left ---------------------------------------------------------- */

static void image_gone(struct image *image)
{
    const struct buf *gone = &image->shard->gone;

    for (size_t at = 0; at < gone->n;) {
        uint32_t n;

        CHECK(gone->n - at > sizeof(n));
        memcpy(&n, gone->p + at, sizeof(n));
        CHECK(n > 0 && n <= gone->n - at - sizeof(n));
        image->emit(image->ctx, &(struct book_record){
            .key = { gone->p + at + sizeof(n), n }, .tombstone = true, .epoch = image->epoch,
        });
        at += sizeof(n) + n;
    }
}

/* ---- what is ------------------------------------------------------------ */

static void image_market(struct image *image, const struct market *market)
{
    struct jw *w = record(image, STR_NONE);

    CHECK(market->version <= image->shard->position);
    book_record_market_key(&image->key, &market->id);
    jw_put_str(w, "event", market->id.event);
    jw_put_int(w, "market", market->id.market);
    jw_put_str(w, "specifiers", market->id.specifiers);
    jw_put_int(w, "rank", market_entry(market)->rank);
    jw_put_int(w, "version", market->version);
    jw_put_int(w, "producer", market->producer);
    jw_put_int(w, "status", market->status);
    jw_put_bool(w, "listed", market->listed);
    jw_put_bool(w, "favourite", market->favourite);
    jw_key(w, "outcomes");
    jw_array(w);
    for (uint32_t i = 0; i < market->n_outcomes; i++) {
        const struct outcome *outcome = &market->outcomes[i];

        jw_object(w);
        jw_put_str(w, "id", outcome->id);
        jw_put_int(w, "fed_e4", outcome->fed_e4);
        jw_put_int(w, "odds_e4", outcome->odds_e4);
        jw_put_bool(w, "active", outcome->active);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void image_event(struct image *image, const struct event *event)
{
    const struct event_entry *entry = event_entry(event);
    struct jw *w = record(image, STR("e|"));

    CHECK(entry->own_version <= image->shard->position);
    buf_str(&image->key, event->id);
    jw_put_str(w, "event", event->id);
    jw_put_int(w, "version", entry->own_version);
    jw_put_str(w, "sport", event->sport);
    jw_put_str(w, "sport_name", event->sport_name);
    jw_put_str(w, "tournament", event->tournament);
    jw_put_str(w, "tournament_name", event->tournament_name);
    jw_put_str(w, "category_name", event->category_name);
    jw_put_str(w, "home", event->home);
    jw_put_str(w, "away", event->away);
    jw_put_str(w, "home_id", entry->home_id);
    jw_put_str(w, "away_id", entry->away_id);
    jw_put_int(w, "start_ms", event->start_ms);
    jw_put_int(w, "status", event->status);
    jw_put_int(w, "match_status", event->match_status);
    jw_put_str(w, "home_score", event->home_score);
    jw_put_str(w, "away_score", event->away_score);
    jw_put_str(w, "match_time", event->match_time);
    jw_put_bool(w, "fixture", event->fixture);
}

static void image_producer(struct image *image, const struct book_producer *producer)
{
    struct jw *w = record(image, STR_NONE);

    CHECK(!producer->up || producer->up_at > producer->down_at);
    buf_printf(&image->key, "p|%d", producer->id);
    jw_put_int(w, "producer", producer->id);
    jw_put_bool(w, "up", producer->up);
    jw_put_int(w, "down_at", producer->down_at);
    jw_put_int(w, "up_at", producer->up_at);
}

static void image_restart(struct image *image)
{
    struct jw *w = record(image, STR("p|all"));

    jw_put_int(w, "down_at", image->shard->restarted_at);
}

static void image_description(struct image *image, const struct description *description)
{
    struct jw *w = record(image, STR_NONE);

    CHECK(description->version <= image->shard->position);
    buf_printf(&image->key, "d|%u", description->market);
    jw_put_int(w, "market", description->market);
    jw_put_int(w, "version", description->version);
    jw_put_str(w, "name", description->name);
    jw_put_str(w, "groups", description->groups);
    jw_key(w, "names");
    jw_array(w);
    for (uint32_t i = 0; i < description->n; i++) {
        jw_object(w);
        jw_put_str(w, "id", description->names[i].id);
        jw_put_str(w, "name", description->names[i].name);
        jw_object_end(w);
    }
    jw_array_end(w);
}

/* ---- what the desk set -------------------------------------------------- */

static void put_scope(struct jw *w, const struct desk_setting *setting)
{
    struct str name = { setting->key.p + 1, setting->key.n - 1 };
    struct market_id id;

    jw_put_str(w, "level", str_of(desk_level_name(setting->level)));
    if (setting->level == DESK_SPORT)
        jw_put_str(w, "sport", name);
    if (setting->event.n > 0)
        jw_put_str(w, "event", setting->event);
    if (setting->level != DESK_MARKET)
        return;
    id = book_setting_market(setting);
    jw_put_int(w, "market", id.market);
    jw_put_str(w, "specifiers", id.specifiers);
}

static void image_setting(struct image *image, const struct desk_setting *setting)
{
    struct jw *w = record(image, STR_NONE);

    CHECK(setting->version <= image->shard->position);
    CHECK(setting->sold_at <= setting->version && setting->limits_at <= setting->version);
    book_record_setting_key(&image->key, setting);
    put_scope(w, setting);
    jw_put_int(w, "version", setting->version);
    jw_put_int(w, "sold_at", setting->sold_at);
    jw_put_int(w, "limits_at", setting->limits_at);
    jw_put_int(w, "at_ms", setting->at_ms);
    jw_put_bool(w, "suspended", setting->suspended);
    jw_put_bool(w, "result", setting->result);
    jw_put_bool(w, "voided", setting->voided);
    jw_put_int(w, "margin_e4", setting->margin_e4);
    jw_put_int(w, "stake_max_minor", setting->limits.stake_max_minor);
    jw_put_int(w, "liability_max_minor", setting->limits.liability_max_minor);
    jw_put_int(w, "hold_above_minor", setting->limits.hold_above_minor);
    jw_put_int(w, "desk_ts", image->shard->desk.ts);
    jw_key(w, "prices");
    jw_array(w);
    for (const struct desk_price *price = setting->prices; price != NULL; price = price->next) {
        jw_object(w);
        jw_put_str(w, "outcome", price->outcome);
        jw_put_int(w, "odds_e4", price->odds_e4);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void image_factor(struct image *image, const struct desk_factor *factor)
{
    struct jw *w = record(image, STR_NONE);

    buf_printf(&image->key, "f|%lld", (long long)factor->account);
    jw_put_int(w, "account", factor->account);
    jw_put_int(w, "factor_e4", factor->factor_e4);
    jw_put_int(w, "desk_ts", image->shard->desk.ts);
}

static void put_outcomes(struct jw *w, const struct desk_proposal *proposal)
{
    jw_key(w, "outcomes");
    jw_array(w);
    for (uint32_t i = 0; i < proposal->n_outcomes; i++) {
        const struct message_outcome *outcome = &proposal->outcomes[i];

        jw_object(w);
        jw_put_str(w, "id", outcome->id);
        jw_put_int(w, "result", outcome->result);
        jw_put_int(w, "void_e12", outcome->void_e12);
        jw_put_int(w, "dead_heat_e12", outcome->dead_heat_e12);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void image_proposal(struct image *image, const struct desk_proposal *proposal)
{
    struct jw *w = record(image, STR_NONE);

    CHECK(proposal->id <= image->shard->position);
    buf_printf(&image->key, "q|%lld", (long long)proposal->id);
    jw_put_int(w, "id", proposal->id);
    jw_put_int(w, "at_ms", proposal->at_ms);
    jw_put_str(w, "what", str_of(desk_what_name(proposal->what)));
    jw_put_str(w, "operator", proposal->operator);
    jw_put_str(w, "reason", proposal->reason);
    jw_put_str(w, "event", proposal->market.event);
    jw_put_int(w, "market", proposal->market.market);
    jw_put_str(w, "specifiers", proposal->market.specifiers);
    jw_put_int(w, "start_ms", proposal->start_ms);
    if (proposal->end_ms != INT64_MAX)
        jw_put_int(w, "end_ms", proposal->end_ms);
    jw_put_int(w, "desk_ts", image->shard->desk.ts);
    put_outcomes(w, proposal);
}

static void image_refused(struct image *image, int64_t position)
{
    struct jw *w = record(image, STR_NONE);

    buf_printf(&image->key, "r|%lld", (long long)(position % DESK_REFUSED));
    jw_put_int(w, "refused", position);
    jw_put_int(w, "desk_ts", image->shard->desk.ts);
}

/* ---- a change ------------------------------------------------------------ */

static void image_producers(struct image *image, bool all)
{
    const struct book *shard = image->shard;

    if (shard->restarted_at > 0 && (all || shard->restarted_at == shard->position)) {
        image_restart(image);
        all = true;
    }
    for (size_t i = 0; i < shard->n_producers; i++) {
        const struct book_producer *producer = &shard->producers[i];

        if (all || producer->down_at == shard->position || producer->up_at == shard->position)
            image_producer(image, producer);
    }
}

static void image_descriptions(struct image *image, bool all)
{
    const struct description *description;
    size_t at = 0;

    while ((description = map_next(&image->shard->descriptions, &at)) != NULL)
        if (all || description->version == image->shard->position)
            image_description(image, description);
}

static void image_desk(struct image *image, const struct book_change *change)
{
    const struct book *shard = image->shard;
    const struct desk_proposal *proposal = book_own_proposal(shard, shard->position);

    if (shard->desk.touched != NULL)
        image_setting(image, shard->desk.touched);
    if (shard->desk.touched_factor != NULL)
        image_factor(image, shard->desk.touched_factor);
    if (proposal != NULL)
        image_proposal(image, proposal);
    if (change->refused)
        image_refused(image, shard->position);
}

void book_image_change(const struct book *shard, const struct book_change *change,
                       int64_t epoch, book_emit *emit, void *ctx)
{
    struct image image;

    init(&image, shard, epoch, emit, ctx);
    image_gone(&image);
    if (shard->renamed_at == shard->position)
        image_descriptions(&image, false);
    image_producers(&image, false);
    image_desk(&image, change);
    if (change->event != NULL &&
        event_entry(change->event)->own_version == shard->position)
        image_event(&image, change->event);
    for (uint32_t i = 0; i < change->n_markets; i++) {
        CHECK(change->markets[i]->version == shard->position);
        image_market(&image, change->markets[i]);
    }
    if (!image.pending) /* or else nobody would know that this position is passed */
        jw_put_int(record(&image, STR("t")), "desk_ts", shard->desk.ts);
    fini(&image);
}

/* ---- all of it ----------------------------------------------------------- */

static void image_bound(struct image *image, const char *bound)
{
    struct jw *w = record(image, STR("i"));

    jw_put_str(w, "image", str_of(bound));
    jw_put_int(w, "desk_ts", image->shard->desk.ts);
}

static void image_desk_all(struct image *image)
{
    const struct desk *desk = &image->shard->desk;
    const struct desk_setting *setting;
    const struct desk_factor *factor;
    size_t at = 0;

    while ((setting = map_next(&desk->settings, &at)) != NULL)
        image_setting(image, setting);
    at = 0;
    while ((factor = map_next(&desk->factors, &at)) != NULL)
        image_factor(image, factor);
    for (const struct desk_proposal *proposal = book_proposals(image->shard); proposal != NULL;
         proposal = proposal->next)
        if (proposal_entry(proposal)->book == image->shard)
            image_proposal(image, proposal);
    for (unsigned i = 0; i < DESK_REFUSED; i++)
        if (desk->refused[i] > 0)
            image_refused(image, desk->refused[i]);
}

void book_image_all(const struct book *shard, int64_t epoch, book_emit *emit, void *ctx)
{
    struct image image;

    init(&image, shard, epoch, emit, ctx);
    image_bound(&image, "begin");
    image_descriptions(&image, true);
    image_producers(&image, true);
    image_desk_all(&image);
    for (size_t i = 0; i < shard->n_events; i++) {
        const struct event *event = shard->list[i];

        image_event(&image, event);
        for (const struct market *market = event->markets; market != NULL;
             market = market->next)
            image_market(&image, market);
    }
    image_bound(&image, "end");
    fini(&image);
}

void book_image_tick(const struct book *shard, int64_t epoch, int64_t at_ms, book_emit *emit,
                     void *ctx)
{
    struct image image;
    struct jw *w;

    init(&image, shard, epoch, emit, ctx);
    w = record(&image, STR("t"));
    jw_put_int(w, "at_ms", at_ms);
    jw_put_int(w, "desk_ts", shard->desk.ts);
    fini(&image);
}
