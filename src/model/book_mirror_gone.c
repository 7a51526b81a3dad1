/* What goes from a mirror: tombstones, and what an image did not bring. */
#include "model/book_mirror.h"

#include "base/text.h"

#define PROPOSAL_MAX INT64_C(999999999999999999)

static void remove_market(const struct mirror_apply *apply, const struct market *market)
{
    const struct event *event = market->event;

    CHECK(event_entry(event)->book == apply->shard);
    book_market_remove(apply->shard, market);
    book_event_raise(event, 0, apply->order);
    apply->change->all = true;
}

/* An event that its owner still has stays, with what is left of it. */
static void remove_event(const struct mirror_apply *apply, const struct event *event)
{
    CHECK(event->markets == NULL || apply->epoch >= event_entry(event)->epoch);
    book_event_remove(apply->shard, event);
    apply->change->all = true;
}

static bool old_setting(const struct mirror_apply *apply)
{
    const struct desk_setting *setting;
    size_t at = 0;

    while ((setting = map_next(&apply->shard->desk.settings, &at)) != NULL)
        if (setting->epoch < apply->epoch) {
            book_setting_drop(apply->shard, setting);
            return true;
        }
    return false;
}

static bool old_factor(const struct mirror_apply *apply)
{
    const struct desk_factor *factor;
    size_t at = 0;

    while ((factor = map_next(&apply->shard->desk.factors, &at)) != NULL)
        if (factor->epoch < apply->epoch) {
            book_factor_drop(apply->shard, factor);
            return true;
        }
    return false;
}

static bool old_proposal(const struct mirror_apply *apply)
{
    for (const struct desk_proposal *at = book_proposals(apply->shard); at != NULL;
         at = at->next) {
        const struct proposal_entry *entry = proposal_entry(at);

        if (entry->book == apply->shard && entry->epoch < apply->epoch) {
            book_proposal_remove(at);
            return true;
        }
    }
    return false;
}

static void old_markets(const struct mirror_apply *apply, const struct event *event)
{
    for (const struct market *market = event->markets, *next; market != NULL; market = next) {
        next = market->next;
        if (market_entry(market)->epoch < apply->epoch)
            remove_market(apply, market);
    }
}

/* An image is everything: what it did not bring is gone. */
void mirror_end_image(struct mirror_apply *apply)
{
    struct book *shard = apply->shard;

    for (size_t i = shard->n_events; i-- > 0;) { /* the last one takes a gap's place */
        const struct event *event = shard->list[i];

        /* Its own record may come behind the image, in a compacted topic. */
        old_markets(apply, event);
        if (event->markets == NULL && event_entry(event)->epoch < apply->epoch)
            remove_event(apply, event);
    }
    while (old_setting(apply))
        mirror_conclude_all(apply);
    while (old_factor(apply) || old_proposal(apply))
        ;
    book_producers_drop(shard, apply->epoch);
    shard->image.whole = true;
}

/* ---- tombstones --------------------------------------------------------------- */

static void gone_market(const struct mirror_apply *apply, struct str key)
{
    struct market_id id;
    const struct market *market =
        mirror_split_market(key, &id) ? book_market(apply->shard, id) : NULL;
    const struct event *event = market == NULL ? NULL : market->event;

    if (market == NULL)
        return;
    remove_market(apply, market);
    if (event->markets == NULL && event_entry(event)->told == 0)
        remove_event(apply, event);
}

static void gone_event(const struct mirror_apply *apply, struct str id)
{
    const struct event *event = book_event(apply->shard, id);

    if (event != NULL)
        remove_event(apply, event);
}

void mirror_gone(struct mirror_apply *apply, char kind, struct str key)
{
    int64_t id;

    if (kind == 'm')
        gone_market(apply, key);
    else if (kind == 'e')
        gone_event(apply, key);
    else if (kind == 's')
        mirror_gone_setting(apply, key);
    else if (kind == 'q' && text_number(key, PROPOSAL_MAX, &id))
        mirror_drop_proposal(apply->shard, id);
}
