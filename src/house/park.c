/*
 * Park: one list a reason, by deadline.  Those of one reason mostly wait as
 * long as each other, so that the place of a new one is at the end.
 *
 *   reason -> due first <-> … <-> due last       one timer, for the next one
 */
#include "house/park.h"

#include <stdlib.h>

#include "base/clock.h"

struct park_list {
    struct parked_request *first, *last;
    size_t n;
};

struct park {
    uv_timer_t timer;
    struct park_list lists[PARK_REASONS];
    size_t n, limit;
    bool drained;
};

static void arm(struct park *park);

static void on_timer(uv_timer_t *timer)
{
    struct park *park = timer->data;
    int64_t now_us = clock_mono_us();

    for (unsigned i = 0; i < PARK_REASONS; i++) {
        struct parked_request *parked;

        while ((parked = park->lists[i].first) != NULL && parked->until_us <= now_us) {
            park_take(park, parked);
            parked->on_end(parked, PARK_DUE);
        }
    }
    arm(park);
}

/* For the earliest deadline of all. */
static void arm(struct park *park)
{
    int64_t next_us = INT64_MAX, left_us;

    for (unsigned i = 0; i < PARK_REASONS; i++)
        if (park->lists[i].first != NULL && park->lists[i].first->until_us < next_us)
            next_us = park->lists[i].first->until_us;
    if (next_us == INT64_MAX) {
        uv_timer_stop(&park->timer);
        return;
    }
    left_us = next_us - clock_mono_us();
    uv_update_time(park->timer.loop);
    CHECK(uv_timer_start(&park->timer, on_timer,
                         left_us <= 0 ? 0 : (uint64_t)(left_us + 999) / 1000, 0) == 0);
}

struct park *park_new(uv_loop_t *loop, size_t limit)
{
    struct park *park = calloc(1, sizeof(*park));

    CHECK(park != NULL && limit > 0);
    park->limit = limit;
    CHECK(uv_timer_init(loop, &park->timer) == 0);
    park->timer.data = park;
    return park;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void park_free(struct park *park)
{
    if (park == NULL)
        return;
    CHECK(park->n == 0);
    uv_close((uv_handle_t *)&park->timer, on_closed);
}

static bool is_sorted(const struct park_list *list)
{
    const struct parked_request *before = NULL;
    size_t n = 0;

    for (const struct parked_request *at = list->first; at != NULL; at = at->next) {
        if (!at->in || at->previous != before)
            return false;
        if (before != NULL && before->until_us > at->until_us)
            return false;
        before = at;
        n++;
    }
    return n == list->n && list->last == before;
}

static void park_check(const struct park *park)
{
    size_t n = 0;

    for (unsigned i = 0; i < PARK_REASONS; i++) {
        CHECK((park->lists[i].first == NULL) == (park->lists[i].n == 0));
        CHECK_DEAR(is_sorted(&park->lists[i]));
        n += park->lists[i].n;
    }
    CHECK(n == park->n && n <= park->limit);
}

/* Behind all that are due before it or with it. */
static void insert(struct park_list *list, struct parked_request *parked)
{
    struct parked_request *before = list->last;

    while (before != NULL && before->until_us > parked->until_us)
        before = before->previous;
    parked->previous = before;
    parked->next = before == NULL ? list->first : before->next;
    *(before == NULL ? &list->first : &before->next) = parked;
    *(parked->next == NULL ? &list->last : &parked->next->previous) = parked;
    list->n++;
}

bool park_put(struct park *park, struct parked_request *parked, enum park_reason reason,
              int64_t now_us, int64_t until_us)
{
    CHECK(!parked->in && parked->on_end != NULL && (unsigned)reason < PARK_REASONS);
    if (park->drained || park->n >= park->limit)
        return false;
    parked->reason = reason;
    parked->since_us = now_us;
    parked->until_us = until_us;
    parked->in = true;
    insert(&park->lists[reason], parked);
    park->n++;
    park_check(park);
    if (parked->previous == NULL)
        arm(park);
    return true;
}

void park_take(struct park *park, struct parked_request *parked)
{
    struct park_list *list = &park->lists[parked->reason];

    CHECK(parked->in && list->n > 0);
    *(parked->previous == NULL ? &list->first : &parked->previous->next) = parked->next;
    *(parked->next == NULL ? &list->last : &parked->next->previous) = parked->previous;
    parked->next = parked->previous = NULL;
    parked->in = false;
    list->n--;
    park->n--;
    park_check(park);
    if (park->n == 0)
        uv_timer_stop(&park->timer); /* else it finds nothing due, and goes on */
}

void park_drain(struct park *park)
{
    park->drained = true;
    for (unsigned i = 0; i < PARK_REASONS; i++) {
        struct parked_request *parked;

        while ((parked = park->lists[i].first) != NULL) {
            park_take(park, parked);
            parked->on_end(parked, PARK_DRAINED);
        }
    }
}

struct parked_request *park_next(const struct park *park, enum park_reason reason,
                         const struct parked_request *parked)
{
    return parked == NULL ? park->lists[reason].first : parked->next;
}

size_t park_count(const struct park *park, enum park_reason reason)
{
    return park->lists[reason].n;
}

const char *park_reason_name(enum park_reason reason)
{
    static const char *const names[PARK_REASONS] = { "held", "delayed" };

    CHECK((unsigned)reason < PARK_REASONS);
    return names[reason];
}
