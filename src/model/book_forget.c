/*
 * Forgetting: an event that is over leaves the book with its markets, so
 * that there is always room for the next one.
 *
 *   over: ended, closed, cancelled, abandoned, or all its markets settled or
 *         cancelled             leaves 6 hours after it was heard of last
 *   not:  neither heard of nor kicking off for 14 days    leaves
 *   a book seven eighths full:  what is over leaves at once
 *
 * Each message looks at a few events, in turn, so that none takes long.
 *
 * The book's time comes from the log alone.  It is the time of the last
 * message of the producer that is up; of several, the second latest, so that
 * one with a wild clock moves nothing.  Where that leads further than an
 * hour, it is believed as far as our own last entry in the log confirms it,
 * and otherwise moves a few seconds a message: a lone wild clock cannot age
 * an event that messages still name.
 *
 * What was forgotten leaves a tomb, so that odds that were late for hours do
 * not raise it: they would be bettable, and nobody would stop them again.
 */
#include "model/book_inside.h"

#include <stdlib.h>

#define HOUR_MS INT64_C(3600000)
#define OVER_KEPT_MS (6 * HOUR_MS)
#define QUIET_KEPT_MS (14 * 24 * HOUR_MS)
#define LEAP_MS HOUR_MS /* believed at once */
#define STEP_MS 10000   /* of a longer one, a message */
#define LOOKS 4         /* events looked at, a message */
#define LOOKS_PRESSED 32

/* ---- the book's time ---------------------------------------------------- */

static void advance_time(struct book *book, const struct message *message)
{
    const struct book_producer *producer;

    if (message->timestamp_ms <= 0 || message->type == MESSAGE_DESK)
        return; /* the desk's entries of any age are read at a start */
    if (message->type == MESSAGE_RESTART || message->type == MESSAGE_PRODUCER) {
        book->own_ms = message->timestamp_ms;
        return;
    }
    producer = book_producer(book, message->producer);
    if (producer != NULL)
        book_producer_receive(producer, message->timestamp_ms);
}

/* 0 = no producer is up and was heard. */
static int64_t producers_time(const struct book *book)
{
    int64_t first = 0, second = 0;
    unsigned n = 0;

    for (size_t i = 0; i < book->n_producers; i++) {
        const struct book_producer *producer = &book->producers[i];

        if (!producer->up || producer->ts == 0)
            continue;
        n++;
        if (producer->ts > first) {
            second = first;
            first = producer->ts;
        } else if (producer->ts > second) {
            second = producer->ts;
        }
    }
    CHECK(first >= second && (n > 0 || first == 0));
    return n > 1 ? second : first;
}

static void move_time(struct book *book)
{
    int64_t told = producers_time(book), leap, sure;

    if (book->now_ms == 0)
        book->now_ms = book->own_ms;
    leap = told - book->now_ms;
    if (told == 0 || book->now_ms == 0)
        return;
    if (leap >= -LEAP_MS && leap <= LEAP_MS) {
        book->now_ms = told;
    } else if (leap < 0) {
        book->now_ms -= STEP_MS;
    } else {
        sure = told < book->own_ms ? told : book->own_ms;
        book->now_ms += STEP_MS;
        if (sure > book->now_ms)
            book->now_ms = sure;
    }
}

/* ---- tombs -------------------------------------------------------------- */

static void bury(struct book *book, const struct event_entry *entry)
{
    uint64_t hash = hash_stable(entry->event.id);

    CHECK(entry->received_ms <= book->now_ms);
    if (book->tombs == NULL) {
        book->tombs = calloc(BOOK_TOMBS, sizeof(*book->tombs));
        CHECK(book->tombs != NULL);
    }
    book->tombs[hash & (BOOK_TOMBS - 1)] = (struct tomb){ hash, entry->received_ms };
}

/* ---- who leaves --------------------------------------------------------- */

static bool is_nearly(size_t n, size_t limit)
{
    CHECK(n <= limit);
    return n >= limit - limit / 8;
}

static bool is_pressed(const struct book *book)
{
    return is_nearly(book->n_events, book->limits.events) ||
           is_nearly(book->n_markets, book->limits.markets) ||
           is_nearly(book->texts.n, BOOK_TEXTS_MAX);
}

/* Delayed, interrupted and postponed matches (6, 7, 8) go on some day. */
static bool is_over(const struct event_entry *entry)
{
    const struct event *event = &entry->event;

    if (event->status >= 3 && (event->status <= 5 || event->status == 9))
        return true;
    CHECK(entry->n_closed <= event->n_markets);
    return event->n_markets > 0 && entry->n_closed == event->n_markets;
}

static bool is_due(const struct book *book, const struct event_entry *entry, bool pressed)
{
    int64_t quiet_ms = book->now_ms - entry->received_ms;

    CHECK(entry->book == book && quiet_ms >= 0);
    if (is_over(entry))
        return pressed || quiet_ms > OVER_KEPT_MS;
    return quiet_ms > QUIET_KEPT_MS && entry->event.start_ms < book->now_ms - QUIET_KEPT_MS;
}

void book_forget(struct book *book, const struct message *message)
{
    bool pressed = is_pressed(book);
    unsigned looks = pressed ? LOOKS_PRESSED : LOOKS;

    advance_time(book, message);
    move_time(book);
    while (looks-- > 0 && book->n_events > 0) {
        const struct event_entry *entry;

        if (book->cursor >= book->n_events)
            book->cursor = 0;
        entry = event_entry(book->list[book->cursor]);
        /* before there was a time, or time has been set back */
        if (entry->received_ms == 0 || entry->received_ms > book->now_ms)
            book_event_receive(&entry->event, book->now_ms);
        if (is_due(book, entry, pressed)) {
            bury(book, entry);
            book_gone_event(book, &entry->event);
            book_desk_forget(book, &entry->event);
            book_event_remove(book, &entry->event); /* another stands there now */
        } else {
            book->cursor++;
        }
    }
}
