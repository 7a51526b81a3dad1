/* Lines to the origin: see fanout/upstream.h. */
#include <sodium.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metrics.h"
#include "fanout/inside.h"
#include "feed/backoff.h"

#define SUBSCRIBE_MS 120     /* between two of a line: the origin takes ten a second */
#define STATUS_MS 10000      /* for its answer, and the images */
#define LATE_MS 7000         /* a line that says nothing for so long is not fresh */
#define IDLE_MS 10000
#define ATTEMPTS 6           /* as many double the time before the next: 3 s at most */
#define MISSING_MS 2000      /* before what is not there is asked for again */
#define MISSING_SPACE_MS 1000
#define BELOW_MS 10000       /* an origin that has not caught up by then does not */

/* ---- what lines are worth ----------------------------------------------- */

static bool line_is_fresh(const struct line *line)
{
    return line->open && !line->resumes &&
           now_of(line->upstream) < line->received_ms + LATE_MS;
}

static bool is_fresh(const struct upstream *upstream)
{
    bool any = false;

    if (wanted_lacks(upstream))
        return false;
    for (size_t i = 0; i < upstream->n_lines; i++) {
        const struct line *line = upstream->lines[i];
        bool fresh = line_is_fresh(line);

        if (!fresh && list_n(&line->holds) > 0)
            return false;
        any = any || fresh;
    }
    return any;
}

uint64_t upstream_stale_ms(const struct upstream *upstream)
{
    return upstream->stale_since_ms == 0 ? 0 : now_of(upstream) + 1 - upstream->stale_since_ms;
}

/* ---- losing ------------------------------------------------------------- */

static void forget_adoption(struct line *line)
{
    if (line->asked.from != NULL)
        line->asked.from->is_given = false;
    line->asked.from = NULL;
}

/* Events go on by clk when it is back; what has no image yet, and sports, of whose
 * images an empty one could not be told from another, are asked for anew. */
static void line_keeps_events(struct line *line)
{
    struct wanted *next;

    for (struct wanted *wanted = line->holds.first; wanted != NULL; wanted = next) {
        next = wanted->next;
        if (wanted->state == WANTED_ASKED || wanted->channel->kind == CHANNEL_SPORT ||
            line->clk <= 0)
            wanted_move(line->upstream, wanted, WANTED_QUEUED, NULL);
    }
}

static void line_down(struct line *line)
{
    struct upstream *upstream = line->upstream;

    line->link = NULL;
    line->open = line->resumes = false;
    forget_adoption(line);
    line->asked = (struct line_asked){ .n = 0 };
    line_keeps_events(line);
    line->attempts += line->attempts < ATTEMPTS;
    line->retry_ms = now_of(upstream) +
                     (uint64_t)backoff_ms(line->attempts, randombytes_random());
    upstream->reconnects++;
    metric_inc(METRIC_FANOUT_RECONNECTS);
    wanted_soon(upstream);
}

/* The line is not to be had any more, or not to be believed. */
static void line_lose(struct line *line, const char *why)
{
    if (line->link == NULL)
        return;
    log_warn("fanout", "a stream of the origin is lost", "why='%s' attempt=%u", why,
             line->attempts + 1);
    link_end(line->link);
    line_down(line);
}

static void on_link_end(void *ctx, const char *why)
{
    struct line *line = ctx;

    log_warn("fanout", "a stream of the origin has ended", "why='%s' attempt=%u", why,
             line->attempts + 1);
    line_down(line);
}

/* ---- connecting --------------------------------------------------------- */

static void on_link_open(void *ctx)
{
    struct line *line = ctx;

    line->open = true;
    line->received_ms = line->idle_ms = now_of(line->upstream);
    line->resumes = line->changed = list_n(&line->holds) > 0;
    line->next_ms = 0;
    log_info("fanout", "a stream of the origin is open", NULL);
    wanted_soon(line->upstream);
}

static void on_link_text(void *ctx, struct str text)
{
    struct line *line = ctx;
    const char *why;

    line->received_ms = now_of(line->upstream);
    line->attempts = 0;
    why = line_receive(line, text);
    if (why != NULL)
        line_lose(line, why);
}

static const struct link_handler on_link = { on_link_open, on_link_text, on_link_end };

static void line_connect(struct line *line)
{
    struct upstream *upstream = line->upstream;

    line->received_ms = now_of(upstream);
    line->link = link_new(&(struct link_options){
        .loop = upstream->loop, .address = upstream->address,
        .message_bytes_max = MESSAGE_MOST, .handler = &on_link, .ctx = line });
}

static struct line *line_new(struct upstream *upstream)
{
    struct line *line = calloc(1, sizeof(*line));

    CHECK(line != NULL && upstream->n_lines < UPSTREAM_LINES);
    line->upstream = upstream;
    line->idle_ms = now_of(upstream);
    upstream->lines[upstream->n_lines++] = line;
    line_connect(line);
    return line;
}

static void line_free(struct line *line)
{
    struct upstream *upstream = line->upstream;
    size_t i = 0;

    CHECK(list_n(&line->holds) == 0 && !line->is_given);
    forget_adoption(line);
    if (line->link != NULL)
        link_end(line->link);
    while (upstream->lines[i] != line)
        i++;
    upstream->lines[i] = upstream->lines[--upstream->n_lines];
    free(line);
}

/* ---- subscribing -------------------------------------------------------- */

static bool line_may_ask(const struct line *line)
{
    return line->open && !line->asked.waits && !line->is_given &&
           (!line->asked.is_fetch || line->asked.images == line->asked.n) &&
           now_of(line->upstream) >= line->next_ms;
}

static void ask_for(struct line_asked *asked, struct wanted *wanted)
{
    CHECK(asked->n < ASKED_MOST);
    asked->of[asked->n++] = wanted;
}

static void ask_for_all(struct line_asked *asked, const struct wanted_list *list)
{
    for (struct wanted *wanted = list->first; wanted != NULL; wanted = wanted->next)
        ask_for(asked, wanted);
}

static void put_ids(struct jw *w, const char *name, const struct line_asked *asked,
                    enum channel_kind kind)
{
    jw_key(w, name);
    jw_array(w);
    for (size_t i = 0; i < asked->n; i++)
        if (asked->of[i]->channel->kind == kind)
            jw_str(w, channel_id(asked->of[i]->channel));
    jw_array_end(w);
}

/* The origin's images come in the order of the message: events, then sports. */
static void sort_asked(struct line_asked *asked)
{
    struct line_asked sorted = *asked;

    sorted.n = 0;
    for (unsigned kind = 0; kind < CHANNEL_KINDS; kind++)
        for (size_t i = 0; i < asked->n; i++)
            if (asked->of[i]->channel->kind == kind)
                sorted.of[sorted.n++] = asked->of[i];
    *asked = sorted;
}

/* clk 0: without one. */
static void line_subscribe(struct line *line, int64_t clk)
{
    struct line_asked *asked = &line->asked;
    struct buf text;
    struct jw w;

    sort_asked(asked);
    asked->waits = true;
    asked->id = ++line->upstream->requests;
    asked->sent_ms = now_of(line->upstream);
    buf_init(&text, LIMIT_WS_MESSAGE_BYTES);
    w = jw_to(&text);
    jw_object(&w);
    jw_put_str(&w, "op", STR("subscribe"));
    jw_put_int(&w, "id", asked->id);
    put_ids(&w, "events", asked, CHANNEL_EVENT);
    put_ids(&w, "sports", asked, CHANNEL_SPORT);
    if (clk > 0) {
        jw_key(&w, "clk");
        jw_id(&w, clk);
    }
    jw_object_end(&w);
    CHECK(!text.overflow);
    line->changed = false;
    line->next_ms = asked->sent_ms + SUBSCRIBE_MS;
    link_send(line->link, buf_view(&text));
    buf_fini(&text);
}

/* What it holds, and by its clk; nothing is new in it. */
static void line_resubscribe(struct line *line)
{
    line->asked = (struct line_asked){ .n = 0 };
    ask_for_all(&line->asked, &line->holds);
    line_subscribe(line, line->clk);
}

/* ---- what is new -------------------------------------------------------- */

static bool is_wanted(const struct wanted *wanted)
{
    return was_there(wanted) || wanted->channel->empty_ms == 0 || wanted->channel->waiters != NULL;
}

static size_t room_of(enum channel_kind kind)
{
    return kind == CHANNEL_EVENT ? LIMIT_STREAM_EVENTS : LIMIT_STREAM_SPORTS;
}

enum turn { TURN_FIRST, TURN_REST, TURN_OLD };

/* Who invents ids waits behind those who do not. */
static bool has_turn(struct upstream *upstream, const struct wanted *wanted, enum turn turn)
{
    const struct channel_waiter *waiter = wanted->channel->waiters;

    if (turn != TURN_FIRST || waiter == NULL || waiter->wait->client == NULL)
        return true;
    return session_has_turn(waiter->wait->client, upstream->batches);
}

static void take_batch(struct line *line, struct wanted_list *list, enum turn turn)
{
    struct upstream *upstream = line->upstream;
    struct wanted *next;

    for (struct wanted *wanted = list->first; wanted != NULL; wanted = next) {
        next = wanted->next;
        if (turn == TURN_OLD && now_of(upstream) < wanted->missing_ms + MISSING_MS)
            return;
        if (!is_wanted(wanted) ||
            line->holds.n[wanted->channel->kind] >= room_of(wanted->channel->kind) ||
            line->holds.bytes + wanted->id_bytes > ASKED_BYTES ||
            !has_turn(upstream, wanted, turn))
            continue;
        wanted_move(upstream, wanted, WANTED_ASKED, line);
        ask_for(&line->asked, wanted);
    }
}

static bool has_due(const struct upstream *upstream)
{
    const struct wanted *oldest = upstream->lists[WANTED_MISSING].first;
    uint64_t now_ms = now_of(upstream);

    for (const struct wanted *wanted = upstream->lists[WANTED_QUEUED].first; wanted != NULL;
         wanted = wanted->next)
        if (is_wanted(wanted))
            return true;
    return oldest != NULL && now_ms >= oldest->missing_ms + MISSING_MS &&
           now_ms >= upstream->missing_ms + MISSING_SPACE_MS;
}

/* What is not there, as far as there is room behind what may be. */
static void fetch(struct line *line)
{
    struct upstream *upstream = line->upstream;
    uint64_t now_ms = now_of(upstream);

    line->asked = (struct line_asked){ .is_fetch = true };
    upstream->batches++;
    take_batch(line, &upstream->lists[WANTED_QUEUED], TURN_FIRST);
    take_batch(line, &upstream->lists[WANTED_QUEUED], TURN_REST);
    if (now_ms >= upstream->missing_ms + MISSING_SPACE_MS) {
        upstream->missing_ms = now_ms;
        take_batch(line, &upstream->lists[WANTED_MISSING], TURN_OLD);
    }
    if (line->asked.n > 0)
        line_subscribe(line, 0);
    else
        line->asked.is_fetch = false;
}

/* One batch at a time: the lines that it ends on are few then. */
static void look_for_new(struct upstream *upstream)
{
    struct line *idle = NULL;

    if (!has_due(upstream))
        return;
    for (size_t i = 0; i < upstream->n_lines; i++) {
        struct line *line = upstream->lines[i];

        if (line->asked.is_fetch)
            return;
        if (list_n(&line->holds) == 0 && !line->is_given && (idle == NULL || line->open))
            idle = line;
    }
    if (idle == NULL && upstream->n_lines < UPSTREAM_LINES)
        idle = line_new(upstream);
    if (idle != NULL && line_may_ask(idle))
        fetch(idle);
}

/* ---- one taking over from another --------------------------------------- */

static bool fits(const struct line *into, const struct line *from)
{
    for (unsigned kind = 0; kind < CHANNEL_KINDS; kind++)
        if (into->holds.n[kind] + from->holds.n[kind] > room_of(kind))
            return false;
    return into->holds.bytes + from->holds.bytes <= ASKED_BYTES;
}

static bool may_merge(const struct line *line)
{
    return line_may_ask(line) && !line->asked.is_fetch && !line->resumes &&
           list_n(&line->holds) > 0 && line->clk > 0;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void take_over(struct line *into, struct line *from)
{
    into->asked = (struct line_asked){ .from = from };
    from->is_given = true;
    ask_for_all(&into->asked, &into->holds);
    ask_for_all(&into->asked, &from->holds);
    line_subscribe(into, earlier(into->clk, from->clk));
}

static void look_for_merge(struct upstream *upstream)
{
    for (size_t i = 0; i < upstream->n_lines; i++)
        for (size_t j = i + 1; j < upstream->n_lines; j++) {
            struct line *a = upstream->lines[i], *b = upstream->lines[j];

            if (!may_merge(a) || !may_merge(b) || !fits(a, b))
                continue;
            if (list_n(&a->holds) >= list_n(&b->holds))
                take_over(a, b);
            else
                take_over(b, a);
        }
}

/* ---- looking ------------------------------------------------------------ */

static void line_look(struct line *line)
{
    uint64_t now_ms = now_of(line->upstream);
    const struct line_asked *asked = &line->asked;

    if (line->link == NULL && now_ms >= line->retry_ms)
        line_connect(line);
    if (!line->open)
        return;
    if (now_ms > line->received_ms + SILENT_MS)
        line_lose(line, "it says nothing");
    else if ((asked->waits || (asked->is_fetch && asked->images < asked->n)) &&
             now_ms > asked->sent_ms + STATUS_MS)
        line_lose(line, "it does not answer");
    else if (line->changed && line_may_ask(line) && !asked->is_fetch)
        line_resubscribe(line);
    if (list_n(&line->holds) > 0 || asked->is_fetch || line->is_given)
        line->idle_ms = now_ms;
}

/* The origin's log has gone back, as after a restore: its versions count from there. */
static void doubt_all(struct upstream *upstream)
{
    struct wanted *next;

    log_warn("fanout", "the origin is at another log; all is asked for anew", NULL);
    for (size_t i = 0; i < upstream->n_lines; i++) {
        struct line *line = upstream->lines[i];

        line->peak = 0;
        line->below_ms = 0;
        for (struct wanted *wanted = line->holds.first; wanted != NULL; wanted = next) {
            next = wanted->next;
            if (wanted->doc != NULL)
                doc_doubt(wanted->doc);
            else
                rows_doubt(wanted->rows);
            if (wanted->state == WANTED_HELD)
                wanted_move(upstream, wanted, WANTED_QUEUED, NULL);
        }
    }
    clks_forget(&upstream->clks);
}

static void look_for_doubt(struct upstream *upstream)
{
    for (size_t i = 0; i < upstream->n_lines; i++) {
        uint64_t below_ms = upstream->lines[i]->below_ms;

        if (below_ms != 0 && now_of(upstream) > below_ms + BELOW_MS) {
            doubt_all(upstream);
            return;
        }
    }
}

static void look_for_idle(struct upstream *upstream)
{
    uint64_t now_ms = now_of(upstream);

    for (size_t i = upstream->n_lines; i > 0 && upstream->n_lines > 1; i--) {
        struct line *line = upstream->lines[i - 1];

        if (list_n(&line->holds) == 0 && !line->is_given && !line->asked.waits &&
            !line->asked.is_fetch && now_ms > line->idle_ms + IDLE_MS)
            line_free(line);
    }
}

/* Of lines that went on meanwhile more is here than was promised; how much cannot be told. */
static void is_fresh_again(struct upstream *upstream)
{
    if (upstream_stale_ms(upstream) >= BLINK_MS)
        clks_forget(&upstream->clks);
    upstream->stale_since_ms = 0;
    wanted_mark(upstream);
}

static void on_look(uv_timer_t *timer)
{
    struct upstream *upstream = timer->data;

    for (size_t i = 0; i < upstream->n_lines; i++)
        line_look(upstream->lines[i]);
    look_for_doubt(upstream);
    look_for_new(upstream);
    look_for_merge(upstream);
    look_for_idle(upstream);
    if (is_fresh(upstream))
        is_fresh_again(upstream);
    else if (upstream->stale_since_ms == 0)
        upstream->stale_since_ms = now_of(upstream);
}

/* ---- life --------------------------------------------------------------- */

struct upstream *upstream_new(uv_loop_t *loop, const char *address)
{
    struct upstream *upstream = calloc(1, sizeof(*upstream));

    CHECK(upstream != NULL);
    upstream->loop = loop;
    upstream->address = address;
    upstream->order = 1;
    upstream->on_look = on_look;
    clks_init(&upstream->clks);
    CHECK(uv_timer_init(loop, &upstream->timer) == 0);
    upstream->timer.data = upstream;
    return upstream;
}

void upstream_start(struct upstream *upstream, struct stream *stream)
{
    upstream->stream = stream;
    upstream->stale_since_ms = now_of(upstream);
    (void)line_new(upstream);
    wanted_soon(upstream);
}

void upstream_stop(struct upstream *upstream)
{
    CHECK(!upstream->stopped);
    upstream->stopped = true;
    for (size_t i = 0; i < upstream->n_lines; i++) {
        struct line *line = upstream->lines[i];

        if (line->link != NULL)
            link_end(line->link);
        line->link = NULL;
        line->open = false;
    }
    uv_close((uv_handle_t *)&upstream->timer, NULL);
}

void upstream_free(struct upstream *upstream)
{
    if (upstream == NULL)
        return;
    for (size_t i = 0; i < upstream->n_lines; i++)
        free(upstream->lines[i]);
    clks_fini(&upstream->clks);
    free(upstream);
}

void upstream_metrics(const struct upstream *upstream)
{
    size_t n[CHANNEL_KINDS] = { 0 }, open = 0;
    uint64_t received_ms = now_of(upstream);

    for (size_t i = 0; i < upstream->n_lines; i++) {
        const struct line *line = upstream->lines[i];

        open += line->open;
        n[CHANNEL_EVENT] += line->holds.n[CHANNEL_EVENT];
        n[CHANNEL_SPORT] += line->holds.n[CHANNEL_SPORT];
        if (line->received_ms < received_ms && (line->open || list_n(&line->holds) > 0))
            received_ms = line->received_ms;
    }
    metric_set(METRIC_FANOUT_CONNECTIONS, STR_NONE, (int64_t)open);
    metric_set(METRIC_FANOUT_SUBSCRIPTIONS, STR("event"), (int64_t)n[CHANNEL_EVENT]);
    metric_set(METRIC_FANOUT_SUBSCRIPTIONS, STR("sport"), (int64_t)n[CHANNEL_SPORT]);
    metric_set(METRIC_FANOUT_MISSING, STR_NONE,
               (int64_t)list_n(&upstream->lists[WANTED_MISSING]));
    metric_set(METRIC_FANOUT_SILENCE, STR_NONE, (int64_t)(now_of(upstream) - received_ms));
    metric_set(METRIC_FANOUT_CLK, STR_NONE, wanted_promise(upstream));
}
