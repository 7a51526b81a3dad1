/* analytics/traffic, topic/traffic_out: counted by the second, dropped when nobody takes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analytics/traffic.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "bus/kafka.h"

#define TOLD 16

static struct buf told[TOLD];
static unsigned n_told;
static bool takes;
static uv_loop_t loop;
static struct experiments experiments;

bool kafka_send(struct kafka *kafka, const struct kafka_record *record)
{
    (void)kafka;
    assert_int_equal(record->topic, TOPIC_TRAFFIC);
    assert_int_equal(record->partition, -1);
    assert_true(record->at_ms > 0);
    if (!takes)
        return false;
    assert_true(n_told < TOLD);
    buf_reset(&told[n_told]);
    buf_str(&told[n_told++], record->value);
    return true;
}

static struct traffic *make(void)
{
    n_told = 0;
    takes = true;
    return traffic_new(&(struct traffic_options){
        .loop = &loop, .process = "bets-1", .experiments = &experiments,
    });
}

static void end(struct traffic *traffic)
{
    traffic_stop(traffic);
    uv_run(&loop, UV_RUN_DEFAULT);
    traffic_free(traffic);
}

static bool says(unsigned i, const char *part)
{
    return memmem(told[i].p, told[i].n, part, strlen(part)) != NULL;
}

static void answer(struct traffic *traffic, const char *route, int status, const char *code)
{
    struct http_request request = {
        .method = STR("POST"), .route = str_of(route), .label = str_of(code),
        .arrived_us = clock_mono_us() - 100,
    };

    traffic_on_answer(traffic, &request, status);
}

static void requests_are_added_up(void **state)
{
    struct traffic *traffic = make();

    (void)state;
    for (int i = 0; i < 5; i++)
        answer(traffic, "/v1/bets", 201, NULL);
    answer(traffic, "/v1/bets", 409, "odds_changed");
    answer(traffic, "/v1/bets", 409, "market_suspended");
    answer(traffic, "", 404, "not_found");
    assert_int_equal(n_told, 0);
    end(traffic);
    assert_int_equal(n_told, 4);
    assert_true(says(0, "\"kind\":\"requests\"") && says(0, "\"process\":\"bets-1\""));
    assert_true(says(0, "\"route\":\"/v1/bets\",\"method\":\"POST\",\"status\":201,\"code\":\"\""));
    assert_true(says(0, "\"n\":5,"));
    assert_true(says(1, "\"code\":\"odds_changed\",\"n\":1,"));
    assert_true(says(2, "\"code\":\"market_suspended\",\"n\":1,"));
    assert_true(says(3, "\"route\":\"none\""));
}

static void a_second_is_told_when_it_is_over(void **state)
{
    struct traffic *traffic = make();

    (void)state;
    answer(traffic, "/v1/bets", 201, NULL);
    while (n_told == 0)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(n_told, 1);
    end(traffic);
    assert_int_equal(n_told, 1); /* not again */
}

static void what_is_not_taken_is_dropped(void **state)
{
    struct traffic *traffic = make();
    int64_t dropped = metric_value(METRIC_TRAFFIC_RECORDS, STR("dropped"));

    (void)state;
    takes = false;
    answer(traffic, "/v1/bets", 201, NULL);
    end(traffic);
    assert_int_equal(metric_value(METRIC_TRAFFIC_RECORDS, STR("dropped")), dropped + 1);
}

static void exposures_are_told_at_once(void **state)
{
    struct traffic *traffic = make();

    (void)state;
    traffic_on_exposed(traffic, 1000, currency_find(STR("EUR")), 1790000000000);
    assert_int_equal(n_told, 1);
    assert_true(says(0, "\"kind\":\"exposure\",\"at_ms\":1790000000000,\"experiment\":\"slip\","
                        "\"arm\":\"quick\",\"account\":1000,\"currency\":\"EUR\"}"));
    end(traffic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_added_up),
        cmocka_unit_test(a_second_is_told_when_it_is_over),
        cmocka_unit_test(what_is_not_taken_is_dropped),
        cmocka_unit_test(exposures_are_told_at_once),
    };
    struct arena arena;
    struct str error;
    int failed;

    arena_init(&arena, 1 << 16);
    uv_loop_init(&loop);
    for (unsigned i = 0; i < TOLD; i++)
        buf_init(&told[i], 4096);
    if (!experiments_read(&experiments, STR("slip=quick:1000000/rare:1"), &arena, &error))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (unsigned i = 0; i < TOLD; i++)
        buf_fini(&told[i]);
    uv_loop_close(&loop);
    arena_fini(&arena);
    return failed;
}
