/*
 * Orders, by which changes are told apart here, and clks, which the origin promised.
 *
 * To who has everything up to an order may be promised what was promised here by
 * then.  The other way round is not as simple: who comes with a clk of another node
 * lacks what was in the log behind it, and some of that may have been here before
 * that clk was promised here; for of a book in shards the fastest one is told when
 * it changes and the slowest one is promised.  But what has been here for LAG_MS is
 * in every promise of now: shards that are silent for 10 s promise nothing, and a
 * line that is silent for 8 s ends what is known here (clks_forget).  So he goes on
 * from LAG_MS before this clk was passed; what is told twice are the same versions.
 */
#include <stdlib.h>

#include "fanout/inside.h"

#define LAG_MS 20000

static const struct clk *at(const struct clks *clks, size_t i)
{
    return &clks->ring[(clks->first + i) % CLKS];
}

void clks_init(struct clks *clks)
{
    *clks = (struct clks){ .ring = calloc(CLKS, sizeof(struct clk)) };
    CHECK(clks->ring != NULL);
}

void clks_fini(struct clks *clks)
{
    free(clks->ring);
    clks->ring = NULL;
}

void clks_forget(struct clks *clks)
{
    clks->first = clks->n = 0;
}

void clks_mark(struct clks *clks, int64_t order, int64_t promise, uint64_t now_ms)
{
    const struct clk *last = clks->n == 0 ? NULL : at(clks, clks->n - 1);
    int64_t top = last != NULL && last->top > promise ? last->top : promise;

    if (last != NULL && last->order == order && last->promise == promise)
        return;
    if (clks->n == CLKS) {
        clks->first = (clks->first + 1) % CLKS;
        clks->n--;
    }
    clks->ring[(clks->first + clks->n++) % CLKS] = (struct clk){ order, promise, top, now_ms };
}

int64_t clks_of_order(const struct clks *clks, int64_t order)
{
    size_t least = 0, most = clks->n; /* the answer is before `most` */

    while (least < most) {
        size_t half = (least + most) / 2;

        if (at(clks, half)->order <= order)
            least = half + 1;
        else
            most = half;
    }
    return least == 0 ? 0 : at(clks, least - 1)->promise;
}

/* How many of the marks are not after this moment. */
static size_t marks_until(const struct clks *clks, uint64_t ms)
{
    size_t least = 0, most = clks->n;

    while (least < most) {
        size_t half = (least + most) / 2;

        if (at(clks, half)->ms <= ms)
            least = half + 1;
        else
            most = half;
    }
    return least;
}

int64_t clks_since(const struct clks *clks, int64_t clk, uint64_t now_ms)
{
    size_t least = 0, most = clks->n, until;
    uint64_t passed_ms;

    if (clk <= 0 || clks->n == 0 || clk > at(clks, clks->n - 1)->top)
        return -1;
    while (least < most) {
        size_t half = (least + most) / 2;

        if (at(clks, half)->top <= clk)
            least = half + 1;
        else
            most = half;
    }
    passed_ms = least == clks->n ? now_ms : at(clks, least)->ms;
    until = passed_ms < LAG_MS ? 0 : marks_until(clks, passed_ms - LAG_MS);
    return until == 0 ? -1 : at(clks, until - 1)->order;
}
