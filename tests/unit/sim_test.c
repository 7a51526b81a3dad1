/*
 * Sim: a whole day is consistent, message by message; the same seed plays the
 * same day; faults do what they are told, and recoveries make good for them.
 */
#include "tests/unit/sim_tape.h"

#define MINUTE 60000

static struct sim_options day_of(unsigned matches, uint64_t seed)
{
    return (struct sim_options){
        .matches = matches, .seed = seed, .base_id = 7000, .speed = 10, .margin = SIM_MARGIN,
        .once = true, .emit = on_message,
    };
}

static struct sim *open_with(struct sim_options options)
{
    struct sim *sim = sim_new(&options, WALL + options.head_start_ms / 10);

    assert_true(sim_begin(sim, WALL + options.head_start_ms / 10));
    return sim;
}

static void a_day_is_played_to_its_end(void **state)
{
    struct sim_options options = day_of(60, 42);
    unsigned goals = 0, disallowed = 0;
    struct sim *sim;
    int64_t at_ms;

    (void)state;
    options.day = true;
    sim = open_with(options);
    play(sim, INT64_MAX);
    assert_false(sim_next(sim, &at_ms));
    assert_int_equal(tape.n_events, 60);
    assert_int_equal(tape.stale, 0);
    all_is_settled();
    for (unsigned i = 0; i < tape.n_events; i++) {
        const struct seen_event *event = &tape.events[i];

        assert_int_equal(event->event_status, EVENT_CLOSED);
        assert_int_equal(event->match_status, MATCH_ENDED);
        assert_int_equal(event->n_goals, event->regular[0] + event->regular[1]);
        assert_true(event->handed_over >= 20);
        goals += event->n_goals;
        disallowed += event->disallowed;
    }
    assert_in_range(goals, 60 * 2, 60 * 4);
    assert_in_range(disallowed, 1, 40);
    assert_int_equal(tape.of_type[MESSAGE_ROLLBACK_SETTLEMENT], disallowed);
    assert_int_equal(tape.of_type[MESSAGE_BET_CANCEL], disallowed);
    assert_true(tape.of_type[MESSAGE_BET_STOP] > goals);
    assert_true(tape.of_type[MESSAGE_FIXTURE_CHANGE] > 60); /* some are delayed */
    assert_true(tape.of_type[MESSAGE_ALIVE] > 2 * 60);
    sim_free(sim);
}

static double overround_of(const struct event *event, uint32_t market)
{
    for (const struct market *m = event->markets; m != NULL; m = m->next) {
        double sum = 0;

        if (m->id.market != market)
            continue;
        for (uint32_t i = 0; i < m->n_outcomes; i++)
            sum += 1e4 / (double)m->outcomes[i].odds_e4;
        return sum;
    }
    return 0;
}

static void the_margin_is_as_asked(void **state)
{
    static const double margins[] = { 0, 0.03, 0.2 };

    (void)state;
    for (size_t i = 0; i < LENGTH(margins); i++) {
        struct sim_options options = day_of(1, 21);
        struct sim *sim;

        tear_down(NULL);
        set_up(NULL);
        options.margin = margins[i];
        sim = open_with(options);
        play(sim, 5000);
        assert_true(fabs(overround_of(book_event(tape.book, STR("sr:match:7000")), 1) - 1 -
                         margins[i]) < 0.012);
        sim_free(sim);
    }
}

/* Every ten seconds of the run each producer says that it lives. */
static void alives_come_on_schedule(void **state)
{
    struct sim *sim = open_with(day_of(1, 1));

    (void)state;
    play(sim, 1000 * 1000 + 1);
    assert_int_equal(tape.of_type[MESSAGE_ALIVE], 2 + 2 * 10);
    sim_free(sim);
}

static uint64_t play_and_hash(struct sim_options options)
{
    struct sim *sim;
    uint64_t hash;

    tear_down(NULL);
    set_up(NULL);
    tape.keep = true;
    tape.loose = true;
    sim = open_with(options);
    play(sim, 3 * 60 * MINUTE);
    sim_free(sim);
    hash = hash_stable(buf_view(&tape.all));
    assert_true(tape.all.n > 500000);
    return hash;
}

static void the_same_seed_plays_the_same(void **state)
{
    struct sim_options options = day_of(3, 7);
    uint64_t hash;

    (void)state;
    options.once = false;
    options.faults = (struct faults_options){ .seed = 7, .duplicate_pct = 5, .reorder_pct = 5 };
    hash = play_and_hash(options);
    assert_true(play_and_hash(options) == hash);
    options.faults.seed = 8;
    assert_true(play_and_hash(options) != hash);
    options.faults.seed = 7;
    options.seed = 8;
    assert_true(play_and_hash(options) != hash);
}

static unsigned count_events(int status)
{
    unsigned n = 0;

    for (unsigned i = 0; i < tape.n_events; i++)
        n += tape.events[i].event_status == status;
    return n;
}

static void a_newcomer_meets_a_day_under_way(void **state)
{
    struct sim_options options = day_of(10, 3);
    struct sim *sim;

    (void)state;
    options.once = false;
    options.head_start_ms = 105 * MINUTE;
    tape.loose = true; /* goals have been scored already */
    sim = open_with(options);
    assert_true(count_events(EVENT_LIVE) >= 8);
    assert_true(count_events(EVENT_NOT_STARTED) >= 2);
    play(sim, options.head_start_ms + 20 * MINUTE); /* two minutes of the wall's */
    assert_true(count_events(EVENT_CLOSED) >= 1);
    for (int64_t minute = 30; minute < 6 * 60; minute += 10) {
        play(sim, options.head_start_ms + minute * MINUTE);
        assert_true(count_events(EVENT_LIVE) >= 7);
    }
    sim_free(sim);
}

/* ---- faults ------------------------------------------------------------------ */

static void a_silent_producer_says_nothing(void **state)
{
    struct sim_options options = day_of(4, 5);
    unsigned before, after;
    struct sim *sim;

    (void)state;
    options.day = true;
    options.faults.silent[0] = (struct faults_silence){ PRODUCER_LIVE, 120000, 60000 };
    options.faults.n_silent = 1;
    tape.loose = true;
    sim = open_with(options);
    play(sim, 20 * MINUTE);
    before = tape.by_producer[PRODUCER_LIVE];
    after = tape.by_producer[PRODUCER_PREMATCH];
    assert_true(before > 50);
    play(sim, 29 * MINUTE);
    assert_int_equal(tape.by_producer[PRODUCER_LIVE], before);
    assert_true(tape.by_producer[PRODUCER_PREMATCH] > after);
    play(sim, 31 * MINUTE);
    assert_true(tape.by_producer[PRODUCER_LIVE] > before);
    sim_free(sim);
}

static struct tape *lossless;

/* What two receivers think of every match in the end. */
static void compare_tapes(void)
{
    assert_int_equal(tape.n_events, lossless->n_events);
    for (unsigned i = 0; i < tape.n_events; i++) {
        struct seen_event *mine = &tape.events[i], *other = NULL;

        for (unsigned k = 0; k < lossless->n_events; k++)
            if (strcmp(lossless->events[k].id, mine->id) == 0)
                other = &lossless->events[k];
        assert_non_null(other);
        assert_int_equal(mine->n, other->n);
        for (unsigned k = 0; k < mine->n; k++) {
            struct message_market as = { .market = mine->markets[k].market,
                                         .specifiers = str_of(mine->markets[k].specifiers) };

            assert_true(mine->markets[k].settled[2] >= 1);
            assert_int_equal(market_of(other, &as)->settled[2], 1);
        }
    }
}

/* Whatever was missed in a silence is told afterwards. */
static void a_silence_is_made_good(void **state)
{
    struct sim_options options = day_of(6, 9);
    struct sim *sim = open_with(options);

    (void)state;
    play(sim, INT64_MAX);
    sim_free(sim);
    lossless = malloc(sizeof(*lossless));
    assert_non_null(lossless);
    memcpy(lossless, &tape, sizeof(tape));
    tear_down(NULL);
    set_up(NULL);
    tape.loose = true;
    options.refresh = true;
    options.faults.silent[0] = (struct faults_silence){ PRODUCER_LIVE, 200000, 300000 };
    options.faults.silent[1] = (struct faults_silence){ PRODUCER_PREMATCH, 30000, 60000 };
    options.faults.n_silent = 2;
    options.faults.restart_ms = 600000;
    sim = open_with(options);
    play(sim, INT64_MAX);
    compare_tapes();
    free(lossless);
    sim_free(sim);
}

static void a_recovery_ends_with_its_snapshot(void **state)
{
    struct sim *sim = open_with(day_of(3, 11));
    unsigned settled, alives;

    (void)state;
    play(sim, 130 * MINUTE);
    settled = tape.of_type[MESSAGE_BET_SETTLEMENT];
    alives = tape.of_type[MESSAGE_ALIVE];
    assert_true(settled >= 2);
    tape.loose = true;
    assert_true(sim_recover(sim, WALL + 13 * MINUTE, PRODUCER_LIVE, 0, 77));
    assert_int_equal(tape.of_type[MESSAGE_BET_SETTLEMENT], 2 * settled);
    assert_int_equal(tape.of_type[MESSAGE_SNAPSHOT_COMPLETE], 1);
    assert_true(tape.with_request > settled);
    assert_int_equal(tape.of_type[MESSAGE_ALIVE], alives);
    /* nothing has been decided since */
    assert_true(sim_recover(sim, WALL + 13 * MINUTE, PRODUCER_LIVE, WALL + 14 * MINUTE, 78));
    assert_int_equal(tape.of_type[MESSAGE_BET_SETTLEMENT], 2 * settled);
    assert_int_equal(tape.of_type[MESSAGE_SNAPSHOT_COMPLETE], 2);
    sim_free(sim);
}

/* A server that knows nothing has it all from a recovery of each producer. */
static void recoveries_fill_an_empty_book(void **state)
{
    struct sim *sim = open_with(day_of(8, 12));
    struct book_counts before, now;

    (void)state;
    play(sim, 70 * MINUTE);
    before = book_counts(tape.book);
    book_free(tape.book);
    tape.book = book_new();
    tape.loose = true;
    assert_true(sim_recover(sim, WALL + 7 * MINUTE, PRODUCER_LIVE, 0, 1));
    assert_true(sim_recover(sim, WALL + 7 * MINUTE, PRODUCER_PREMATCH, 0, 2));
    now = book_counts(tape.book);
    assert_int_equal(now.events, before.events);
    sim_free(sim);
}

static void a_snapshot_can_be_lost(void **state)
{
    struct sim_options options = day_of(2, 13);
    struct sim *sim;

    (void)state;
    options.faults.drop_snapshot = true;
    sim = open_with(options);
    play(sim, 5 * MINUTE);
    tape.loose = true;
    assert_true(sim_recover(sim, WALL + MINUTE, PRODUCER_LIVE, 0, 1));
    assert_int_equal(tape.of_type[MESSAGE_SNAPSHOT_COMPLETE], 0);
    assert_true(sim_recover(sim, WALL + MINUTE, PRODUCER_PREMATCH, 0, 2));
    assert_int_equal(tape.of_type[MESSAGE_SNAPSHOT_COMPLETE], 0);
    assert_true(sim_recover(sim, WALL + MINUTE, PRODUCER_LIVE, 0, 3));
    assert_int_equal(tape.of_type[MESSAGE_SNAPSHOT_COMPLETE], 1);
    sim_free(sim);
}

static void duplicates_and_disorder_change_nothing_in_the_end(void **state)
{
    struct sim_options options = day_of(6, 14);
    struct sim *sim;

    (void)state;
    options.faults = (struct faults_options){ .seed = 1, .duplicate_pct = 20, .reorder_pct = 20 };
    tape.loose = true;
    sim = open_with(options);
    play(sim, INT64_MAX);
    assert_true(sim_flush(sim));
    assert_true(tape.stale > 0); /* something did overtake */
    for (unsigned i = 0; i < tape.n_events; i++)
        for (unsigned k = 0; k < tape.events[i].n; k++)
            assert_true(tape.events[i].markets[k].settled[2] >= 1);
    sim_free(sim);
}

static void a_refusal_ends_the_step(void **state)
{
    struct sim_options options = day_of(1, 5);
    struct sim *sim = sim_new(&options, WALL);

    (void)state;
    tape.fail_after = 1;
    assert_false(sim_begin(sim, WALL));
    sim_free(sim);
}

static void silences_are_read_strictly(void **state)
{
    static const char *const wrong[] = { "", "1", "1:2", "1:2:", "1:2:3:", "1:2:x", ":1:2",
                                         "0:1:2", "1:1:0", "-1:1:1", "1:99999999999:1", "1::1" };
    struct faults_silence silence;

    (void)state;
    assert_true(faults_silence_parse("3:60:25", &silence));
    assert_int_equal(silence.producer, 3);
    assert_int_equal(silence.at_ms, 60000);
    assert_int_equal(silence.for_ms, 25000);
    for (size_t i = 0; i < LENGTH(wrong); i++)
        assert_false(faults_silence_parse(wrong[i], &silence));
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_day_is_played_to_its_end),
        T(the_margin_is_as_asked),
        T(alives_come_on_schedule),
        T(the_same_seed_plays_the_same),
        T(a_newcomer_meets_a_day_under_way),
        T(a_silent_producer_says_nothing),
        T(a_silence_is_made_good),
        T(a_recovery_ends_with_its_snapshot),
        T(recoveries_fill_an_empty_book),
        T(a_snapshot_can_be_lost),
        T(duplicates_and_disorder_change_nothing_in_the_end),
        T(a_refusal_ends_the_step),
        cmocka_unit_test(silences_are_read_strictly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
