/*
 * feed/log: messages are published in order, once durable; a lost answer may
 * hide a commit, so the stored log is read again before going on.
 *
 * The store is a double that keeps rows and fails as the test says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "feed/feed.h"
#include "store/journal.h"

#define ROWS 100
#define ASKED 8

/* How the next append ends. */
enum fate { COMMITS, FAILS, COMMITS_AND_IS_LOST };

static struct {
    struct { int64_t pos; char body[300]; } rows[ROWS];
    unsigned n;
    enum fate fate;
    int64_t epoch; /* of the lease; an append under another one is refused */
    struct feed_append *append;
    struct store_exec *asked[ASKED]; /* statements, in order */
    struct { int64_t id; char body[300]; } inbox[ROWS];
    unsigned n_inbox;
    int64_t inbox_id;
    unsigned sought;
    uv_timer_t later; /* answers come from the loop, never inside the call */
} store;

/* What reached the bus: type and producer, in order. */
static struct {
    struct { int64_t position; enum message_type type; bool up; } entries[ROWS];
    unsigned n;
    int64_t position; /* and this */
    unsigned durable, busy, fenced; /* what submitters were told */
    bool leads;
} seen;

static void inbox_drop(int64_t id)
{
    for (unsigned i = 0; i < store.n_inbox; i++) {
        if (store.inbox[i].id != id)
            continue;
        for (store.n_inbox--; i < store.n_inbox; i++)
            store.inbox[i] = store.inbox[i + 1];
    }
}

static void commit_rows(const struct feed_append *append)
{
    for (uint32_t i = 0; i < append->n; i++) {
        assert_true(store.n < ROWS && append->rows[i].body.n < sizeof(store.rows[0].body));
        store.rows[store.n].pos = append->rows[i].pos;
        memset(store.rows[store.n].body, 0, sizeof(store.rows[store.n].body));
        memcpy(store.rows[store.n++].body, append->rows[i].body.p, append->rows[i].body.n);
        inbox_drop(append->rows[i].inbox);
    }
}

static void answer_append(void)
{
    struct feed_append *append = store.append;
    enum fate fate = store.fate;

    store.append = NULL;
    store.fate = COMMITS;
    append->fenced = append->epoch != store.epoch;
    if (fate != FAILS && !append->fenced)
        commit_rows(append);
    append->on_done(append, fate == COMMITS ? STORE_OK
                            : fate == FAILS ? STORE_UNAVAILABLE : STORE_UNKNOWN);
}

static void answer_read(struct store_exec *read)
{
    int64_t after = read->calls[0].params[0].i;

    read->columns = 6;
    read->rows = 0;
    read->cells = ARENA_ARRAY(read->arena, struct value, (store.n + 1) * read->columns);
    for (unsigned i = 0; i < store.n; i++) {
        struct value *row = &read->cells[read->rows * read->columns];

        if (store.rows[i].pos <= after)
            continue;
        row[0].i = store.rows[i].pos;
        row[5].s = str_of(store.rows[i].body);
        read->rows++;
    }
}

/* The desk's entries, newest first. */
static void answer_desk_list(struct store_exec *list)
{
    list->columns = 3;
    list->cells = ARENA_ARRAY(list->arena, struct value, (store.n + 1) * list->columns);
    for (unsigned i = store.n; i > 0; i--) {
        struct value *row = &list->cells[list->rows * list->columns];

        if (strncmp(store.rows[i - 1].body, "<overround_desk", 15) != 0)
            continue;
        row[0].i = store.rows[i - 1].pos;
        row[2].s = str_of(store.rows[i - 1].body);
        list->rows++;
    }
    store.sought++;
}

static void answer_look(struct store_exec *look)
{
    look->columns = 2;
    look->rows = store.n_inbox;
    look->cells = ARENA_ARRAY(look->arena, struct value, (store.n_inbox + 1) * 2);
    for (unsigned i = 0; i < store.n_inbox; i++) {
        look->cells[i * 2].i = store.inbox[i].id;
        look->cells[i * 2 + 1].s = arena_str(look->arena, str_of(store.inbox[i].body));
    }
}

static void inbox_add(struct str body)
{
    assert_true(store.n_inbox < ROWS && body.n < sizeof(store.inbox[0].body));
    memset(store.inbox[store.n_inbox].body, 0, sizeof(store.inbox[0].body));
    memcpy(store.inbox[store.n_inbox].body, body.p, body.n);
    store.inbox[store.n_inbox++].id = ++store.inbox_id;
}

static void answer_exec(void)
{
    struct store_exec *exec = store.asked[0];
    const struct statement_call *call = &exec->calls[0];

    memmove(store.asked, &store.asked[1], sizeof(store.asked) - sizeof(store.asked[0]));
    store.asked[ASKED - 1] = NULL;
    exec->rows = 0;
    if (call->statement == STATEMENT_FEED_READ) {
        answer_read(exec);
    } else if (call->statement == STATEMENT_INBOX_READ) {
        answer_look(exec);
    } else if (call->statement == STATEMENT_DESK_LIST) {
        answer_desk_list(exec);
    } else if (call->statement == STATEMENT_INBOX_DROP) {
        inbox_drop(call->params[0].i);
    } else {
        assert_int_equal(call->statement, STATEMENT_INBOX_ADD);
        inbox_add(call->params[0].s);
        exec->rows = 1;
    }
    exec->on_done(exec, STORE_OK);
}

static void on_later(uv_timer_t *timer)
{
    (void)timer;
    if (store.append != NULL)
        answer_append();
    else if (store.asked[0] != NULL)
        answer_exec();
    if (store.append != NULL || store.asked[0] != NULL)
        uv_timer_start(&store.later, on_later, 1, 0);
}

void store_feed_append(struct store *unused, struct feed_append *append)
{
    (void)unused;
    assert_null(store.append);
    store.append = append;
    uv_timer_start(&store.later, on_later, 1, 0);
}

void store_exec(struct store *unused, struct store_exec *exec)
{
    unsigned n = 0;

    (void)unused;
    while (store.asked[n] != NULL)
        n++;
    assert_true(n < ASKED - 1);
    store.asked[n] = exec;
    uv_timer_start(&store.later, on_later, 1, 0);
}

static void on_feed(void *ctx, const struct bus_feed *entry)
{
    (void)ctx;
    assert_true(seen.n < ROWS);
    seen.entries[seen.n].position = entry->position;
    seen.entries[seen.n].type = entry->message->type;
    seen.entries[seen.n++].up = entry->message->up;
}

static void on_lead(void *ctx, bool leads);

static void on_fenced(void *ctx)
{
    (void)ctx;
    seen.fenced++;
}

struct bench {
    uv_loop_t loop;
    struct bus *bus;
    struct feed *feed;
};

static void bench_init_as(struct bench *bench, int64_t silence_ms, bool asks)
{
    memset(&store, 0, sizeof(store));
    memset(&seen, 0, sizeof(seen));
    store.epoch = 1;
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    uv_timer_init(&bench->loop, &store.later);
    bench->bus = bus_local_new();
    bus_subscribe(bench->bus, &(struct bus_subscriber){ .on_feed = on_feed });
    bench->feed = feed_new(&(struct feed_options){
        .loop = &bench->loop, .bus = bench->bus, .producer_silence_ms = silence_ms,
        .on_lead = on_lead, .on_fenced = on_fenced, .shared = true,
        .asks = asks });
}

static void bench_init(struct bench *bench, int64_t silence_ms)
{
    bench_init_as(bench, silence_ms, false);
}

static void run_until_seen(struct bench *bench, unsigned n)
{
    for (unsigned turn = 0; seen.n < n; turn++) {
        assert_true(turn < 10000);
        uv_run(&bench->loop, UV_RUN_ONCE);
    }
}

static void bench_fini(struct bench *bench)
{
    while (!feed_idle(bench->feed))
        uv_run(&bench->loop, UV_RUN_ONCE);
    feed_stop(bench->feed);
    while (store.append != NULL || store.asked[0] != NULL)
        uv_run(&bench->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&store.later, NULL);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    feed_free(bench->feed);
    bus_free(bench->bus);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
}

static void assert_in_order(void)
{
    for (unsigned i = 1; i < seen.n; i++)
        assert_true(seen.entries[i].position > seen.entries[i - 1].position);
}

static void a_restart_is_the_first_entry(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 20000);
    assert_false(feed_is_recovered(bench.feed));
    feed_start(bench.feed, 7);
    feed_lead(bench.feed, 1);
    run_until_seen(&bench, 1);
    assert_int_equal(seen.entries[0].type, MESSAGE_RESTART);
    assert_int_equal(seen.entries[0].position, 8);
    assert_true(feed_is_recovered(bench.feed));
    bench_fini(&bench);
}

static void a_failed_restart_is_written_again(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 20000);
    store.fate = FAILS;
    feed_start(bench.feed, 0);
    feed_lead(bench.feed, 1);
    run_until_seen(&bench, 1);
    assert_int_equal(seen.entries[0].type, MESSAGE_RESTART);
    assert_int_equal(store.n, 1);
    bench_fini(&bench);
}

static void a_lost_answer_hides_a_commit(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 20000);
    store.fate = COMMITS_AND_IS_LOST;
    feed_start(bench.feed, 0);
    feed_lead(bench.feed, 1);
    run_until_seen(&bench, 1);
    bench_fini(&bench);
    assert_int_equal(store.n, 1); /* not written a second time */
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.entries[0].position, 1);
}

/* What a stored log of an earlier life leads to: replayed, then the restart. */
static void rule_21_replayed_producers_are_down_after_the_restart(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 1);
    assert_true(feed_replay(bench.feed, 3, 0,
                            STR("<overround_producer product=\"1\" up=\"1\" timestamp=\"1\"/>")));
    assert_false(feed_replay(bench.feed, 4, 0, STR("<garbage")));
    feed_start(bench.feed, 5);
    feed_lead(bench.feed, 1);
    run_until_seen(&bench, 2);
    assert_int_equal(seen.entries[1].type, MESSAGE_RESTART);
    /* Down already: the silence of a producer that is down says nothing. */
    for (int turn = 0; turn < 3; turn++)
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_int_equal(seen.n, 2);
    assert_in_order();
    bench_fini(&bench);
}

/* ---- of several processes one leads --------------------------------------- */

static void on_lead(void *ctx, bool leads)
{
    (void)ctx;
    seen.leads = leads;
}

static void run_until_leads(struct bench *bench, bool leads)
{
    for (unsigned turn = 0; seen.leads != leads; turn++) {
        assert_true(turn < 10000);
        uv_run(&bench->loop, UV_RUN_ONCE);
    }
}

static void another_process_writes(const char *body)
{
    store.rows[store.n].pos = store.n + 1;
    memset(store.rows[store.n].body, 0, sizeof(store.rows[store.n].body));
    memcpy(store.rows[store.n++].body, body, strlen(body));
}

static void on_submitted(void *ctx, bool durable, int64_t position)
{
    (void)ctx;
    seen.position = position;
    seen.durable += durable;
    seen.busy += !durable;
}

static enum feed_result submit(struct bench *bench, const char *text)
{
    struct uof_error error;

    return feed_submit(bench->feed, &(struct feed_item){ .body = str_of(text),
                                                         .on_done = on_submitted }, &error);
}

#define ALIVE "<alive product=\"1\" timestamp=\"1\" subscribed=\"1\"/>"

static void rule_23_a_standby_follows_and_takes_nothing(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 20000);
    feed_start(bench.feed, 0);
    feed_follow(bench.feed);
    assert_false(feed_is_recovered(bench.feed)); /* not before it has read the log */
    assert_int_equal(submit(&bench, ALIVE), FEED_BUSY);
    another_process_writes("<overround_restart timestamp=\"1\"/>");
    another_process_writes(ALIVE);
    run_until_seen(&bench, 2);
    assert_int_equal(seen.entries[1].type, MESSAGE_ALIVE);
    assert_true(feed_is_recovered(bench.feed));
    assert_false(feed_leads(bench.feed));
    assert_int_equal(submit(&bench, ALIVE), FEED_BUSY);
    another_process_writes(ALIVE); /* it goes on reading */
    run_until_seen(&bench, 3);
    assert_int_equal(store.n, 3);
    bench_fini(&bench);
}

/* What the former leader wrote until the lease was taken comes first. */
static void rule_23_the_successor_reads_the_log_to_its_end(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 20000);
    feed_start(bench.feed, 0);
    feed_follow(bench.feed);
    another_process_writes("<overround_restart timestamp=\"1\"/>");
    run_until_seen(&bench, 1);
    another_process_writes("<overround_producer product=\"1\" up=\"1\" timestamp=\"1\"/>");
    another_process_writes(ALIVE);
    feed_lead(bench.feed, 1);
    assert_false(feed_leads(bench.feed));
    run_until_leads(&bench, true);
    assert_int_equal(seen.n, 4);
    assert_int_equal(seen.entries[3].type, MESSAGE_RESTART);
    assert_int_equal(seen.entries[3].position, 4);
    assert_int_equal(submit(&bench, ALIVE), FEED_TAKEN);
    run_until_seen(&bench, 5);
    assert_int_equal(seen.durable, 1);
    bench_fini(&bench);
}

static void rule_23_a_fenced_leader_follows(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 20000);
    feed_start(bench.feed, 0);
    feed_lead(bench.feed, 1);
    run_until_leads(&bench, true);
    store.epoch = 2; /* another one took over */
    another_process_writes("<overround_restart timestamp=\"2\"/>");
    assert_int_equal(submit(&bench, ALIVE), FEED_TAKEN); /* in flight */
    assert_int_equal(submit(&bench, ALIVE), FEED_TAKEN); /* waits */
    run_until_leads(&bench, false);
    assert_int_equal(seen.fenced, 1);
    assert_int_equal(seen.busy, 2);
    assert_int_equal(submit(&bench, ALIVE), FEED_BUSY);
    run_until_seen(&bench, 2);
    assert_int_equal(seen.entries[1].type, MESSAGE_RESTART);
    assert_int_equal(store.n, 2);
    bench_fini(&bench);
}

/* What comes again must not be overtaken by what waited behind it. */
static void a_failed_append_turns_away_all_that_wait(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 20000);
    feed_start(bench.feed, 0);
    feed_lead(bench.feed, 1);
    run_until_leads(&bench, true);
    store.fate = FAILS;
    for (int i = 0; i < 3; i++)
        assert_int_equal(submit(&bench, ALIVE), FEED_TAKEN);
    while (seen.busy < 3)
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_int_equal(seen.durable, 0);
    bench_fini(&bench);
}

/* ---- the inbox -------------------------------------------------------------- */

#define SUSPEND \
    "<overround_desk act=\"suspend\" operator=\"tom\" timestamp=\"17\" level=\"all\"%s/>"
#define TICKET "0123456789abcdef"

static void another_process_asks(const char *attributes)
{
    char text[300];

    (void)snprintf(text, sizeof(text), SUSPEND, attributes);
    inbox_add(str_of(text));
}

static enum feed_result submit_own(struct bench *bench)
{
    char text[300];
    struct uof_error error;

    (void)snprintf(text, sizeof(text), SUSPEND, "");
    return feed_submit(bench->feed, &(struct feed_item){ .body = str_of(text), .own = true,
                                                         .on_done = on_submitted }, &error);
}

static void run_for(struct bench *bench, uint64_t ms)
{
    uint64_t until = uv_now(&bench->loop) + ms;

    while (uv_now(&bench->loop) < until)
        uv_run(&bench->loop, UV_RUN_ONCE);
}

static unsigned count_desk(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < seen.n; i++)
        n += seen.entries[i].type == MESSAGE_DESK;
    return n;
}

/* Put in here, written by another process, told here by its ticket. */
static void a_command_goes_by_the_leaders_inbox(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 20000);
    feed_start(bench.feed, 0);
    feed_follow(bench.feed);
    another_process_writes("<overround_restart timestamp=\"1\"/>");
    run_until_seen(&bench, 1);
    while (!feed_is_recovered(bench.feed))
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_int_equal(submit_own(&bench), FEED_TAKEN);
    assert_int_equal(submit(&bench, ALIVE), FEED_BUSY); /* nothing from outside */
    assert_false(feed_idle(bench.feed));
    while (store.n_inbox == 0)
        uv_run(&bench.loop, UV_RUN_ONCE);
    another_process_writes("<overround_desk act=\"suspend\" operator=\"tom\" timestamp=\"17\""
                           " level=\"all\" ticket=\"" TICKET "\"/>"); /* not ours */
    run_until_seen(&bench, 2);
    assert_int_equal(seen.durable, 0);
    another_process_writes(store.inbox[0].body);
    run_until_seen(&bench, 3);
    assert_int_equal(seen.durable, 1);
    assert_int_equal(seen.position, 3);
    bench_fini(&bench);
}

/* The same where nobody reads the log; and the store is left alone when nothing
 * is under way. */
static void a_process_that_only_asks_finds_its_entry(void **state)
{
    struct bench bench;

    (void)state;
    bench_init_as(&bench, 20000, true);
    feed_start(bench.feed, 0);
    assert_true(feed_is_recovered(bench.feed));
    run_for(&bench, 150);
    assert_int_equal(store.sought, 0);
    assert_int_equal(submit(&bench, ALIVE), FEED_BUSY);
    assert_int_equal(submit_own(&bench), FEED_TAKEN);
    while (store.n_inbox == 0)
        uv_run(&bench.loop, UV_RUN_ONCE);
    another_process_writes("<overround_desk act=\"suspend\" operator=\"tom\" timestamp=\"17\""
                           " level=\"all\" ticket=\"" TICKET "\"/>"); /* not ours */
    run_for(&bench, 150);
    assert_int_equal(seen.durable, 0);
    another_process_writes(store.inbox[0].body);
    while (seen.durable == 0)
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_int_equal(seen.position, 2);
    assert_int_equal(seen.n, 0); /* no entry is published here */
    assert_true(feed_idle(bench.feed));
    bench_fini(&bench);
}

/* Whether the append failed or only its answer was lost. */
static void a_command_whose_answer_was_lost_is_written_once(void **state)
{
    static const enum fate fates[] = { COMMITS, FAILS, COMMITS_AND_IS_LOST };

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct bench bench;

        bench_init(&bench, 20000);
        feed_start(bench.feed, 0);
        feed_lead(bench.feed, 1);
        run_until_leads(&bench, true);
        store.fate = fates[i];
        another_process_asks(" ticket=\"" TICKET "\"");
        another_process_asks("");
        run_until_seen(&bench, 3);
        run_for(&bench, 200); /* looks again, and finds nothing */
        assert_int_equal(count_desk(), 2);
        assert_int_equal(store.n, 3);
        assert_int_equal(store.n_inbox, 0);
        assert_in_order();
        bench_fini(&bench);
    }
}

static void a_fenced_leader_leaves_the_command_to_the_next(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 20000);
    feed_start(bench.feed, 0);
    feed_lead(bench.feed, 1);
    run_until_leads(&bench, true);
    store.epoch = 2;
    another_process_asks("");
    run_until_leads(&bench, false);
    run_for(&bench, 200);
    assert_int_equal(count_desk(), 0);
    assert_int_equal(store.n_inbox, 1); /* who follows takes nothing */
    store.epoch = 3;
    feed_lead(bench.feed, 3);
    run_until_leads(&bench, true);
    while (count_desk() == 0)
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_int_equal(store.n_inbox, 0);
    bench_fini(&bench);
}

static void a_command_that_nobody_takes_is_given_up(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 20000);
    feed_start(bench.feed, 0);
    feed_follow(bench.feed);
    assert_int_equal(submit_own(&bench), FEED_BUSY); /* the log is not read yet */
    while (!feed_is_recovered(bench.feed))
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_int_equal(submit_own(&bench), FEED_TAKEN);
    while (seen.busy == 0)
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_true(feed_idle(bench.feed));
    assert_int_equal(seen.durable, 0);
    assert_int_equal(store.n_inbox, 1);
    bench_fini(&bench);
}

static void what_is_no_command_is_dropped(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 20000);
    feed_start(bench.feed, 0);
    feed_lead(bench.feed, 1);
    run_until_leads(&bench, true);
    inbox_add(STR("<garbage"));
    inbox_add(STR("<overround_restart timestamp=\"1\"/>"));
    another_process_asks(" ticket=\"no\"");
    another_process_asks("");
    while (store.n_inbox > 0)
        uv_run(&bench.loop, UV_RUN_ONCE);
    run_for(&bench, 100);
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.entries[1].type, MESSAGE_DESK);
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_is_the_first_entry),
        cmocka_unit_test(a_failed_restart_is_written_again),
        cmocka_unit_test(a_lost_answer_hides_a_commit),
        cmocka_unit_test(rule_23_a_standby_follows_and_takes_nothing),
        cmocka_unit_test(rule_23_the_successor_reads_the_log_to_its_end),
        cmocka_unit_test(rule_23_a_fenced_leader_follows),
        cmocka_unit_test(a_failed_append_turns_away_all_that_wait),
        cmocka_unit_test(a_command_goes_by_the_leaders_inbox),
        cmocka_unit_test(a_process_that_only_asks_finds_its_entry),
        cmocka_unit_test(a_command_whose_answer_was_lost_is_written_once),
        cmocka_unit_test(a_fenced_leader_leaves_the_command_to_the_next),
        cmocka_unit_test(a_command_that_nobody_takes_is_given_up),
        cmocka_unit_test(what_is_no_command_is_dropped),
        cmocka_unit_test(rule_21_replayed_producers_are_down_after_the_restart),
    };

    return cmocka_run_group_tests_name("feed_log", tests, NULL, NULL);
}
