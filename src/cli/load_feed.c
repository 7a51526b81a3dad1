/*
 * Matches of the generator's own: when the server has nothing to bet on and
 * the operator's address is given, it pushes them as the feed would, and
 * keeps their producer alive while the run lasts.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "cli/load.h"

#define PRODUCER 3
#define ALIVE_MS 1000
#define PATIENCE_US 20000000

struct load_feed {
    struct load *load;
    struct load_pool *pool;
    uv_timer_t alive;
    uint32_t next, n, taken; /* messages: 0 = alive, then one a match */
    uint64_t reconnects;     /* when the matches were last pushed */
    bool alive_due;
};

bool load_feed_owns(const char *event)
{
    static const char prefix[] = "sr:match:";
    long match;

    if (strncmp(event, prefix, sizeof(prefix) - 1) != 0)
        return false;
    match = strtol(event + sizeof(prefix) - 1, NULL, 10);
    return match >= LOAD_FIRST_MATCH && match < LOAD_FIRST_MATCH + 1000000;
}

static void put_alive(struct buf *out)
{
    buf_printf(out, "<alive product=\"%d\" timestamp=\"%lld\" subscribed=\"1\"/>", PRODUCER,
               (long long)clock_wall_ms());
}

static void put_match(struct buf *out, uint32_t match)
{
    buf_printf(out, "<odds_change product=\"%d\" event_id=\"sr:match:%u\" "
               "timestamp=\"%lld\"><odds><market id=\"1\" status=\"1\">"
               "<outcome id=\"1\" odds=\"2.50\" active=\"1\"/>"
               "<outcome id=\"2\" odds=\"3.20\" active=\"1\"/>"
               "<outcome id=\"3\" odds=\"2.90\" active=\"1\"/></market></odds></odds_change>",
               PRODUCER, LOAD_FIRST_MATCH + match, (long long)clock_wall_ms());
}

static bool next(void *ctx, struct buf *request, uint32_t *item)
{
    struct load_feed *feed = ctx;
    struct buf body;

    if (feed->next >= feed->n && !feed->alive_due)
        return false;
    buf_init(&body, 4096);
    *item = feed->next < feed->n ? feed->next++ : 0;
    if (*item == 0)
        put_alive(&body);
    else
        put_match(&body, *item);
    feed->alive_due = false;
    buf_printf(request, "POST /v1/feed HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
               "Content-Type: application/xml\r\nContent-Length: %zu\r\n\r\n",
               load_pool_host(feed->pool), feed->load->options.operator_token, body.n);
    buf_str(request, buf_view(&body));
    buf_fini(&body);
    return true;
}

static void answered(void *ctx, uint32_t item, int status, struct str body)
{
    struct load_feed *feed = ctx;

    if (status == 202) {
        feed->taken++;
    } else if (status == 0 || status == 503 || status == 429) {
        if (item == 0)
            feed->alive_due = true;
        else if (feed->taken < feed->n)
            feed->next = item; /* one connection: the order holds */
    } else {
        load_fail(feed->load, "POST /v1/feed: %d %.200s", status,
                  body.n == 0 ? "" : arena_cstr(&feed->load->arena, body));
    }
}

static void on_alive(uv_timer_t *timer)
{
    struct load_feed *feed = timer->data;

    /* Another connection may be another server process, whose markets are
     * suspended until they are listed again (RULES.md 21). */
    if (load_pool_reconnects(feed->pool) != feed->reconnects) {
        feed->reconnects = load_pool_reconnects(feed->pool);
        feed->next = 0;
    }
    feed->alive_due = true;
    load_pool_kick(feed->pool);
}

struct load_feed *load_feed_open(struct load *load)
{
    struct load_feed *feed = calloc(1, sizeof(*feed));
    const char *why = "";

    CHECK(feed != NULL);
    feed->load = load;
    feed->n = (uint32_t)load->options.matches + 1;
    feed->pool = load_pool_new(&load->loop, load->options.operator_url, 1, &why);
    if (feed->pool == NULL) {
        load_fail(load, "--operator-url %s: %s", load->options.operator_url, why);
        free(feed);
        return NULL;
    }
    load_pool_source(feed->pool, (struct load_source){ feed, next, answered });
    CHECK(uv_timer_init(&load->loop, &feed->alive) == 0);
    feed->alive.data = feed;
    CHECK(uv_timer_start(&feed->alive, on_alive, ALIVE_MS, ALIVE_MS) == 0);
    return feed;
}

void load_feed_wait(struct load *load, struct load_feed *feed)
{
    int64_t until = clock_mono_us() + PATIENCE_US;

    while (!load->failed && feed->taken < feed->n && clock_mono_us() < until)
        (void)uv_run(&load->loop, UV_RUN_ONCE);
    if (feed->taken < feed->n)
        load_fail(load, "the feed at %s took %u of %u messages",
                  load->options.operator_url, feed->taken, feed->n);
}

void load_feed_close(struct load_feed *feed)
{
    if (feed == NULL)
        return;
    uv_close((uv_handle_t *)&feed->alive, NULL);
    load_pool_close(feed->pool);
}

void load_feed_free(struct load_feed *feed)
{
    if (feed == NULL)
        return;
    load_pool_free(feed->pool);
    free(feed);
}
