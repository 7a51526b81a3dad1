/*
 * What the desk's entries set, and who is affected: see desk.h.
 *
 * A setting is found or made at the entry's scope, and everything that it
 * concerns is priced anew: a market, an event's markets, or all of them.
 */
#include "model/book_inside.h"

/* Found, or made with nothing set; NULL: no room. */
static const struct desk_setting *setting_of(struct book *book, const struct message *message)
{
    const struct message_desk *desk = message->desk;
    struct market_id id = { .event = message->event };

    if (desk->level == DESK_ALL || desk->level == DESK_SPORT)
        id.event = STR_NONE;
    CHECK(desk->level != DESK_NOWHERE);
    if (desk->level == DESK_MARKET) {
        CHECK(message->n_markets == 1);
        id.market = message->markets[0].market;
        id.specifiers = message->markets[0].specifiers;
    }
    return book_setting_make(book, desk->level, desk->sport, &id);
}

/* ---- telling who is affected ---------------------------------------------- */

/* Prices the market anew; `status`: it may be sold or not now. */
static bool market_touch(const struct apply *apply, const struct market *market, bool status)
{
    bool changed = book_market_reprice(market);

    return changed || (status && book_feed_status(apply->book, market) == MARKET_ACTIVE);
}

/* Of a scope that is too wide for a list.  All of it is new, whether or not
 * its price is another: so versions are a function of the setting's. */
static void touch_all(const struct apply *apply, const struct desk_setting *setting,
                      struct str sport)
{
    const struct book *book = apply->book;
    struct desk_setting sold;

    for (size_t i = 0; i < book->n_events; i++) {
        const struct event *event = book->list[i];

        if (sport.n > 0 && !str_eq(event->sport, sport))
            continue;
        book_event_raise(event, apply->position, apply->order);
        for (const struct market *market = event->markets; market != NULL; market = market->next) {
            (void)book_market_reprice(market);
            book_market_stamp(market, apply->position, apply->order);
        }
    }
    CHECK(setting->level == DESK_ALL || setting->level == DESK_SPORT);
    CHECK(setting->sold_at < apply->position);
    sold = *setting;
    sold.sold_at = apply->position;
    book_setting_set(setting, &sold);
    apply->change->all = true;
}

static void touch_event(const struct apply *apply, const struct event *event, bool status,
                        bool every)
{
    CHECK(event_entry(event)->book == apply->book);
    apply->change->event = event;
    book_changed_reserve(apply->book, event->n_markets);
    for (const struct market *market = event->markets; market != NULL; market = market->next)
        if (market_touch(apply, market, status) || every)
            book_market_changed(apply, market);
}

static void touch_market(const struct apply *apply, const struct market *market, bool status)
{
    CHECK(apply->change->event == NULL && apply->change->n_markets == 0);
    apply->change->event = market->event;
    book_changed_reserve(apply->book, 1);
    if (market_touch(apply, market, status))
        book_market_changed(apply, market);
}

static void touch(const struct apply *apply, const struct desk_setting *setting, bool status)
{
    const struct message *message = apply->message;
    const struct event *event = book_event(apply->book, message->event);
    const struct market *market;

    if (message->desk->level == DESK_ALL || message->desk->level == DESK_SPORT) {
        if (status || message->desk->act == DESK_MARGIN)
            touch_all(apply, setting, message->desk->sport);
    } else if (event != NULL && message->desk->level == DESK_EVENT) {
        touch_event(apply, event, status, false);
    } else if (event != NULL) {
        market = book_market(apply->book, (struct market_id){
            message->event, message->markets[0].market, message->markets[0].specifiers,
        });
        if (market != NULL)
            touch_market(apply, market, status);
    }
}

void book_desk_sport(const struct apply *apply, const struct event *event)
{
    if (book_event_set_sport(apply->book, event))
        touch_event(apply, event, true, true);
}

/* ---- what an entry sets ----------------------------------------------------- */

static bool suspend(struct desk_setting *setting, bool suspended)
{
    bool was = setting->suspended;

    setting->suspended = suspended;
    return was != suspended;
}

/* True: whether the market may be sold may have changed. */
static bool setting_take(struct desk_setting *setting, const struct message_desk *desk)
{
    switch (desk->act) {
    case DESK_SUSPEND:
        return suspend(setting, true);
    case DESK_RESUME:
        return suspend(setting, false);
    case DESK_MARGIN:
        setting->margin_e4 = desk->margin_e4;
        break;
    case DESK_LIMITS:
        setting->limits = (struct desk_limits){
            .stake_max_minor = desk->stake_max_minor,
            .liability_max_minor = desk->liability_max_minor,
            .hold_above_minor = desk->hold_above_minor,
        };
        break;
    default:
        break;
    }
    return false;
}

/* A market that the desk decided is suspended, also after the decision is
 * withdrawn: someone must look before it is sold again. */
static bool setting_decide(struct desk_setting *setting, const struct message *message)
{
    bool changed = !setting->suspended || setting->result || setting->voided;

    CHECK(setting->level == DESK_MARKET); /* nothing wider has a result */
    setting->suspended = true;
    switch (message->desk->what) {
    case DESK_RESULT:
        setting->result = true;
        break;
    case DESK_VOID:
        setting->voided |= message->end_ms == INT64_MAX;
        break;
    case DESK_UNDO_RESULT:
        setting->result = false;
        break;
    case DESK_UNDO_VOID:
        setting->voided = false;
        break;
    case DESK_NOTHING:
        break;
    }
    return changed;
}

bool book_desk_set(const struct apply *apply)
{
    const struct message_desk *desk = apply->message->desk;
    const struct desk_setting *setting = setting_of(apply->book, apply->message);
    struct desk_setting next;
    bool status;

    if (setting == NULL)
        return false;
    CHECK(setting->version < apply->position && setting->epoch == 0);
    next = *setting;
    next.at_ms = apply->message->timestamp_ms;
    if (desk->act == DESK_CONFIRM)
        status = setting_decide(&next, apply->message);
    else
        status = setting_take(&next, desk);
    next.version = apply->position;
    if (desk->act == DESK_LIMITS)
        next.limits_at = apply->position;
    book_setting_set(setting, &next);
    if (desk->act == DESK_PRICE)
        book_setting_set_price(setting, desk->outcome, desk->odds_e4);
    book_desk_touched(apply->book, setting, NULL);
    touch(apply, setting, status);
    return true;
}
