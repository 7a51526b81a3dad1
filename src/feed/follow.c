/* Reading the stored log: see follow.h. */
#include "feed/follow.h"

#include <stdlib.h>

#include "base/limits.h"

#define PAGE_ROWS 256
#define AGAIN_MS 200

struct follow {
    struct follow_options options;
    uv_timer_t timer;
    struct store_exec exec;
    struct arena arena;
    int64_t position;  /* of the last entry given on */
    uint32_t page;     /* rows to ask for */
    bool reading, asked, stopped;
};

struct follow *follow_new(const struct follow_options *options)
{
    struct follow *follow = calloc(1, sizeof(*follow));

    CHECK(follow != NULL);
    follow->options = *options;
    follow->page = PAGE_ROWS;
    arena_init(&follow->arena, LIMIT_ROWS_BYTES);
    uv_timer_init(options->loop, &follow->timer);
    follow->timer.data = follow;
    return follow;
}

static void read_page(struct follow *follow);

static void on_timer(uv_timer_t *timer)
{
    read_page(timer->data);
}

/* A page whose rows do not fit into memory would fail for ever. */
static void again(struct follow *follow)
{
    follow->page = follow->page > 1 ? follow->page / 2 : 1;
    uv_timer_start(&follow->timer, on_timer, AGAIN_MS, 0);
}

/* False: enough. */
static bool give(struct follow *follow, const struct store_exec *exec, uint32_t i)
{
    struct feed_row row = {
        .pos = EXEC_INT(exec, i, FEED_READ_POS),
        .at_ms = EXEC_INT(exec, i, FEED_READ_AT_MS),
        .type = (int32_t)EXEC_INT(exec, i, FEED_READ_TYPE),
        .producer = (int32_t)EXEC_INT(exec, i, FEED_READ_PRODUCER),
        .event = EXEC_TEXT(exec, i, FEED_READ_EVENT),
        .body = EXEC_TEXT(exec, i, FEED_READ_BODY),
    };

    follow->position = row.pos;
    if (follow->options.on_row != NULL)
        return follow->options.on_row(follow->options.ctx, &row);
    follow->options.on_entry(follow->options.ctx, row.pos, row.at_ms, row.body);
    return true;
}

static void on_page(struct store_exec *exec, enum store_result result)
{
    struct follow *follow = exec->ctx;
    uint32_t asked = (uint32_t)exec->calls[0].params[1].i;

    follow->asked = false;
    if (follow->stopped)
        return;
    if (result != STORE_OK) {
        again(follow);
        return;
    }
    for (uint32_t i = 0; i < exec->rows; i++)
        if (!give(follow, exec, i)) {
            follow->reading = false;
            return;
        }
    if (exec->rows >= asked) {
        read_page(follow);
        return;
    }
    follow->page = PAGE_ROWS;
    follow->reading = false;
    follow->options.on_end(follow->options.ctx);
}

static void read_page(struct follow *follow)
{
    struct store_exec *exec = &follow->exec;

    follow->reading = follow->asked = true;
    arena_reset(&follow->arena);
    *exec = (struct store_exec){ .n = 1, .arena = &follow->arena, .on_done = on_page,
                                 .ctx = follow };
    exec->calls[0] = (struct statement_call){
        STATEMENT_FEED_READ, { VALUE_INT(follow->position), VALUE_INT(follow->page) }
    };
    store_exec(follow->options.store, exec);
}

void follow_read(struct follow *follow, int64_t position, uint64_t after_ms)
{
    CHECK(!follow->reading && !follow->stopped);
    follow->position = position;
    uv_timer_start(&follow->timer, on_timer, after_ms, 0);
}

bool follow_is_reading(const struct follow *follow)
{
    return follow->reading;
}

void follow_stop(struct follow *follow)
{
    follow->stopped = true;
    uv_close((uv_handle_t *)&follow->timer, NULL);
}

void follow_free(struct follow *follow)
{
    CHECK(!follow->asked);
    arena_fini(&follow->arena);
    free(follow);
}
