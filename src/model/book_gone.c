/*
 * Keys of records (book_image.h), and which of them left the book in the last
 * apply: book->gone holds each behind its length, until the next one begins.
 */
#include "model/book_inside.h"

/* ---- keys --------------------------------------------------------------- */

static void key_market(struct buf *key, const char *prefix, const struct market_id *id)
{
    CHECK(id->event.n <= LIMIT_ID_BYTES && id->specifiers.n <= LIMIT_SPECIFIERS_BYTES);
    buf_str(key, str_of(prefix));
    buf_str(key, id->event);
    buf_printf(key, "|%u|", id->market);
    buf_str(key, id->specifiers);
}

void book_record_market_key(struct buf *key, const struct market_id *id)
{
    key_market(key, "m|", id);
}

/* The setting's own key, book_setting_key(): a letter, the name; of a market also 0,
 * its number, its specifiers. */
void book_record_setting_key(struct buf *key, const struct desk_setting *setting)
{
    struct str name = { setting->key.p + 1, setting->key.n - 1 };

    CHECK(setting->key.n > 0);
    buf_printf(key, "s|%c", setting->key.p[0]);
    if (setting->level == DESK_MARKET) {
        struct market_id id = book_setting_market(setting);

        key_market(key, "|", &id);
    } else if (setting->level != DESK_ALL) {
        buf_char(key, '|');
        buf_str(key, name);
    }
}

/* ---- what left ---------------------------------------------------------- */

static size_t gone_begin(struct book *book)
{
    uint32_t n = 0;

    buf_put(&book->gone, &n, sizeof(n));
    return book->gone.n;
}

static void gone_end(struct book *book, size_t from)
{
    uint32_t n = (uint32_t)(book->gone.n - from);

    CHECK(!book->gone.overflow && n > 0);
    memcpy(book->gone.p + from - sizeof(n), &n, sizeof(n));
}

void book_gone_event(struct book *book, const struct event *event)
{
    size_t from;

    for (const struct market *market = event->markets; market != NULL; market = market->next) {
        from = gone_begin(book);
        book_record_market_key(&book->gone, &market->id);
        gone_end(book, from);
    }
    from = gone_begin(book);
    buf_str(&book->gone, STR("e|"));
    buf_str(&book->gone, event->id);
    gone_end(book, from);
}

void book_gone_setting(struct book *book, const struct desk_setting *setting)
{
    size_t from = gone_begin(book);

    book_record_setting_key(&book->gone, setting);
    gone_end(book, from);
}

void book_gone_proposal(struct book *book, int64_t id)
{
    size_t from = gone_begin(book);

    CHECK(id > 0);
    buf_printf(&book->gone, "q|%lld", (long long)id);
    gone_end(book, from);
}
