/*
 * Marks: between orders, by which changes are told apart in this process, and
 * clks, which clients bring to any other.
 *
 * Of a book in shards, each owner writes at its own pace.  A mark says of one
 * moment: everything up to `promise` was in the book (its slowest shard), and
 * nothing above `highest` was.
 *
 *   what has the order      may be told the promise of the latest mark up to it
 *   who comes with a clk    lacks at most what came after the latest mark whose
 *                           highest is not above it
 *
 * While a shard is silent its markets are shown as suspended, here and perhaps
 * nowhere else: such a moment promises nothing, and a client who leaves with
 * its clk gets an image wherever it comes.
 *
 * Of a book without shards orders are log positions, and so are clks.
 */
#include "web/stream_inside.h"

#define SPACE_MS 4 /* between two marks */

static struct mark *mark_at(struct stream *stream, size_t i)
{
    return &stream->marks[(stream->first_mark + i) % MARKS];
}

/* The last mark is of this moment, near enough. */
static bool is_marked(struct stream *stream, bool alive)
{
    return stream->n_marks > 0 && hub_now(stream) < stream->marked_ms + SPACE_MS &&
           (mark_at(stream, stream->n_marks - 1)->promise > 0) == alive;
}

void stream_mark(struct stream *stream)
{
    const struct book *book = stream->options.book;
    bool alive = book_is_alive(book);
    struct mark *mark;

    if (book_shards(book) == 0 || is_marked(stream, alive))
        return;
    if (stream->n_marks == MARKS) {
        stream->first_mark = (stream->first_mark + 1) % MARKS;
        stream->n_marks--;
    }
    mark = mark_at(stream, stream->n_marks++);
    *mark = (struct mark){ book_order(book), alive ? book_position(book) : 0,
                           book_highest(book) };
    stream->marked_ms = hub_now(stream);
}

int64_t stream_clk(struct stream *stream, int64_t order)
{
    size_t least = 0, most = stream->n_marks; /* the answer is before `most` */

    if (book_shards(stream->options.book) == 0)
        return order;
    while (least < most) {
        size_t half = (least + most) / 2;

        if (mark_at(stream, half)->order <= order)
            least = half + 1;
        else
            most = half;
    }
    return least == 0 ? 0 : mark_at(stream, least - 1)->promise;
}

int64_t stream_order(struct stream *stream, int64_t clk)
{
    size_t least = 0, most = stream->n_marks;

    if (book_shards(stream->options.book) == 0)
        return clk > book_position(stream->options.book) ? -1 : clk;
    while (least < most) {
        size_t half = (least + most) / 2;

        if (mark_at(stream, half)->highest <= clk)
            least = half + 1;
        else
            most = half;
    }
    return least == 0 ? -1 : mark_at(stream, least - 1)->order;
}
