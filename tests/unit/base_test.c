/* base/: bytes, arenas, maps, time, JSON, metrics, settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/json.h"
#include "base/map.h"
#include "base/metrics.h"
#include "base/process.h"

static void buf_stops_at_its_limit(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 8);
    buf_str(&buf, STR("12345678"));
    assert_false(buf.overflow);
    buf_char(&buf, '9');
    assert_true(buf.overflow);
    assert_int_equal(buf.n, 8);
    buf_reset(&buf);
    buf_int(&buf, INT64_MIN / 100000000000000);
    assert_true(str_eq(buf_view(&buf), STR("-92233")));
    buf_fini(&buf);
}

static void arena_reuses_one_chunk(void **state)
{
    struct arena arena;
    char *first;

    (void)state;
    arena_init(&arena, 1 << 20);
    first = arena_alloc(&arena, 100);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(((char *)arena_alloc(&arena, 33))[32], 0);
    assert_true(str_eq(arena_printf(&arena, "%d-%s", 7, "x"), STR("7-x")));
    arena_reset(&arena);
    assert_ptr_equal(arena_alloc(&arena, 100), first);
    arena_fini(&arena);
}

static void map_survives_growth_and_deletion(void **state)
{
    static int64_t keys[5000];
    struct map map;
    size_t at = 0, seen = 0;

    (void)state;
    map_init(&map, LENGTH(keys));
    for (size_t i = 0; i < LENGTH(keys); i++) {
        keys[i] = (int64_t)(i * 7919);
        assert_true(map_put(&map, MAP_KEY(&keys[i]), &keys[i]));
    }
    for (size_t i = 0; i < LENGTH(keys); i += 3)
        assert_ptr_equal(map_del(&map, MAP_KEY(&keys[i])), &keys[i]);
    for (size_t i = 0; i < LENGTH(keys); i++)
        assert_ptr_equal(map_get(&map, MAP_KEY(&keys[i])), i % 3 == 0 ? NULL : &keys[i]);
    while (map_next(&map, &at) != NULL)
        seen++;
    assert_int_equal(seen, map.n);
    map_fini(&map);
}

static void map_keeps_its_limit(void **state)
{
    struct map map;

    (void)state;
    map_init(&map, 2);
    assert_true(map_put(&map, STR("a"), &map));
    assert_true(map_put(&map, STR("b"), &map));
    assert_false(map_put(&map, STR("c"), &map));
    assert_true(map_put(&map, STR("a"), &map)); /* replaces */
    assert_null(map_get(&map, STR("c")));
    map_fini(&map);
}

static void stable_hash_never_changes(void **state)
{
    (void)state;
    assert_true(hash_stable(STR("sr:match:42")) == hash_stable(STR("sr:match:42")));
    assert_int_equal(hash_stable(STR("sr:match:42")), 0x21081994f1e72237ULL);
}

static void time_reads_what_it_writes(void **state)
{
    static const struct { const char *text; int64_t ms; } rows[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "2024-02-29T23:59:59.999Z", 1709251199999 },
        { "2016-10-31T18:00:00+00:00", 1477936800000 },
        { "2016-10-31T19:30:00+01:30", 1477936800000 },
        { "2016-10-31T13:00:00-05:00", 1477936800000 },
        { "2026-11-23", 1795392000000 },
    };
    static const char *const bad[] = { "", "2023-02-29", "2024-13-01", "2024-01-01T25:00:00Z",
        "2024-01-01T10:00:00", "2024-01-01T10:00:00Zx", "24-01-01", "2024-01-01T10:00:00.Z",
        "0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:60Z" };
    struct buf out;
    int64_t ms;

    (void)state;
    buf_init(&out, 64);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        int64_t again;

        assert_true(clock_parse(str_of(rows[i].text), &ms));
        assert_int_equal(ms, rows[i].ms);
        buf_reset(&out);
        clock_format(&out, ms);
        assert_true(clock_parse(buf_view(&out), &again));
        assert_int_equal(again, ms);
    }
    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_false(clock_parse(str_of(bad[i]), &ms));
    buf_fini(&out);
}

static void json_writes_money_and_odds(void **state)
{
    struct buf out;
    struct jw w;

    (void)state;
    buf_init(&out, 4096);
    w = jw_to(&out);
    jw_object(&w);
    jw_key(&w, "a");
    jw_money(&w, -1205, 2);
    jw_key(&w, "b");
    jw_array(&w);
    jw_money(&w, 7, 3);
    jw_money(&w, 500, 0);
    jw_odds(&w, 23500);
    jw_odds(&w, 10001);
    jw_odds(&w, 12340);
    jw_odds(&w, 20000);
    jw_array_end(&w);
    jw_key(&w, "c");
    jw_str(&w, STR("\"\\\n\x01é"));
    jw_object_end(&w);
    assert_true(str_eq(buf_view(&out), STR("{\"a\":\"-12.05\",\"b\":[\"0.007\",\"500\","
        "\"2.35\",\"1.0001\",\"1.234\",\"2.00\"],\"c\":\"\\\"\\\\\\u000a\\u0001é\"}")));
    buf_fini(&out);
}

static void json_names_what_is_wrong(void **state)
{
    static const struct { const char *text, *error; } rows[] = {
        { "{\"stake\":1}", "stake must be a string" },
        { "{\"stake\":\"1\",\"steak\":2}", "unknown field steak" },
        { "{}", "stake is missing" },
        { "[]", "the body must be an object" },
    };
    struct arena arena;
    struct str stake, error;
    struct json_field fields[] = { { "stake", JSON_KIND_STRING, true, &stake } };

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        assert_null(json_read(str_of(rows[i].text), fields, 1, &arena, &error));
        assert_string_equal(arena_cstr(&arena, error), rows[i].error);
    }
    assert_null(json_read(STR("{\"stake\":"), fields, 1, &arena, &error));
    assert_null(json_read(STR("{\"stake\":\"1\",\"stake\":\"2\"}"), fields, 1, &arena, &error));
    arena_fini(&arena);
}

static void metrics_text_has_every_metric(void **state)
{
    struct buf out;

    (void)state;
    metric_add(METRIC_BETS, STR("accepted"), 3);
    for (int64_t us = 1; us <= 100000; us++)
        metric_observe(METRIC_PLACE_SECONDS, us);
    buf_init(&out, 1 << 20);
    metrics_write(&out, METRICS_TEXT);
    buf_char(&out, '\0');
    assert_non_null(strstr(out.p, "overround_bets_total{result=\"accepted\"} 3\n"));
    assert_non_null(strstr(out.p, "overround_place_seconds_bucket{le=\"0.0001\"} 100\n"));
    assert_non_null(strstr(out.p, "overround_place_seconds_sum 5000.05\n"));
    assert_non_null(strstr(out.p, "overround_place_seconds_count 100000\n"));
    assert_null(strstr(out.p, "\noverround_settle_lag_seconds ")); /* nobody has set it */
    assert_null(strstr(out.p, "# UNIT"));
    assert_null(strstr(out.p, "# EOF"));
    buf_fini(&out);
}

static void milliseconds_are_exported_as_seconds(void **state)
{
    static const struct { int64_t ms; const char *line; } rows[] = {
        { 0, "\noverround_settle_lag_seconds 0.0\n" },
        { 1, "\noverround_settle_lag_seconds 0.001\n" },
        { -35, "\noverround_settle_lag_seconds -0.035\n" },
        { 60000, "\noverround_settle_lag_seconds 60.0\n" },
        { 1234500, "\noverround_settle_lag_seconds 1234.5\n" },
        { INT64_MIN, "\noverround_settle_lag_seconds -9223372036854775.808\n" },
    };
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        buf_reset(&out);
        metric_set(METRIC_SETTLE_LAG, STR_NONE, rows[i].ms);
        metrics_write(&out, METRICS_TEXT);
        buf_char(&out, '\0');
        assert_non_null(strstr(out.p, rows[i].line));
        assert_int_equal(metric_value(METRIC_SETTLE_LAG, STR_NONE), rows[i].ms);
    }
    buf_fini(&out);
}

static void openmetrics_has_families_units_exemplars_and_an_end(void **state)
{
    static const char *const lines[] = {
        "\n# TYPE overround_bets counter\n",
        "\noverround_bets_total{result=\"accepted\"} ",
        "\n# UNIT overround_commit_seconds seconds\n",
        "\n# UNIT process_cpu_seconds seconds\n",
        "\n# UNIT overround_staked_minor minor\n",
        "\noverround_commit_seconds_bucket{le=\"0.0005\"} 1 # {trace_id=\""
        "0123456789abcdef0123456789abcdef\"} 0.0004 ",
        "\noverround_commit_seconds_bucket{le=\"0.001\"} 1\n",
        "\noverround_commit_seconds_bucket{le=\"0.0025\"} 4 # {trace_id=\""
        "fedcba9876543210fedcba9876543210\"} 0.0021 ", /* the last one of three */
        "\noverround_commit_seconds_bucket{le=\"+Inf\"} 5 # {trace_id=\""
        "fedcba9876543210fedcba9876543210\"} 11.0 ",
        "\noverround_batch_size_bucket{le=\"1.0\"} 0\n",
    };
    const char *one = "0123456789abcdef0123456789abcdef";
    const char *two = "fedcba9876543210fedcba9876543210";
    struct buf out;

    (void)state;
    metric_observe_exemplar(METRIC_COMMIT_SECONDS, 400, one);
    metric_observe_exemplar(METRIC_COMMIT_SECONDS, 2000, one);
    metric_observe_exemplar(METRIC_COMMIT_SECONDS, 2100, two);
    metric_observe(METRIC_COMMIT_SECONDS, 2200);
    metric_observe_exemplar(METRIC_COMMIT_SECONDS, 11000000, two);
    buf_init(&out, 1 << 20);
    metrics_write(&out, METRICS_OPEN);
    assert_memory_equal(out.p + out.n - 7, "\n# EOF\n", 7);
    buf_char(&out, '\0');
    for (size_t i = 0; i < LENGTH(lines); i++)
        if (strstr(out.p, lines[i]) == NULL)
            fail_msg("missing: %s", lines[i]);
    buf_fini(&out);
}

static void a_process_says_what_it_takes(void **state)
{
    int64_t now_ms = clock_wall_ms(), open;
    int fd;

    (void)state;
    process_metrics();
    open = metric_value(METRIC_PROCESS_FILES, STR_NONE);
    assert_true(open >= 3 && open <= metric_value(METRIC_PROCESS_FILES_MAX, STR_NONE));
    assert_true(metric_value(METRIC_PROCESS_MEMORY, STR_NONE) > 100000);
    assert_true(metric_value(METRIC_PROCESS_CPU, STR_NONE) >= 0);
    assert_in_range(metric_value(METRIC_PROCESS_START, STR_NONE), now_ms - 600000, now_ms + 1000);
    fd = dup(1);
    process_metrics();
    assert_int_equal(metric_value(METRIC_PROCESS_FILES, STR_NONE), open + 1);
    assert_int_equal(close(fd), 0);
}

static void an_info_says_it_in_its_labels(void **state)
{
    const char *first[] = { "1.0", "a\"b", "r" }, *second[] = { "1.0", "c", "r" };
    struct buf out;

    (void)state;
    metric_info(METRIC_BUILD_INFO, first, LENGTH(first));
    buf_init(&out, 1 << 20);
    metrics_write(&out, METRICS_TEXT);
    buf_char(&out, '\0');
    assert_non_null(strstr(out.p, "\noverround_build_info{version=\"1.0\",commit=\"a\\\"b\","
                                  "rules=\"r\"} 1\n"));
    buf_fini(&out);
    metric_info(METRIC_BUILD_INFO, second, LENGTH(second)); /* instead of it, not beside it */
    buf_init(&out, 1 << 20);
    metrics_write(&out, METRICS_TEXT);
    buf_char(&out, '\0');
    assert_non_null(strstr(out.p, "\noverround_build_info{version=\"1.0\",commit=\"c\","
                                  "rules=\"r\"} 1\n"));
    assert_null(strstr(out.p, "commit=\"a"));
    buf_fini(&out);
}

static void settings_override_in_order(void **state)
{
    char *argv[] = { (char *)"--stake-min", (char *)"0.5", (char *)"--lanes=3",
                     (char *)"--check" };
    char *bad[] = { (char *)"--lanes", (char *)"many" };
    struct config config;
    struct str error;

    (void)state;
    assert_int_equal(setenv("OVERROUND_STAKE_MIN", "0.2", 1), 0);
    assert_int_equal(setenv("OVERROUND_STAKE_MAX", "77.00", 1), 0);
    assert_true(config_read(&config, 4, argv, &error));
    assert_int_equal(config.stake_min, 50);
    assert_int_equal(config.stake_max, 7700);
    assert_int_equal(config.lanes, 3);
    assert_true(config.check_only);
    config_free(&config);
    assert_false(config_read(&config, 2, bad, &error));
    assert_non_null(strstr(error.p, "lanes must be a number"));
    config_free(&config);
    unsetenv("OVERROUND_STAKE_MIN");
    unsetenv("OVERROUND_STAKE_MAX");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_stops_at_its_limit),
        cmocka_unit_test(arena_reuses_one_chunk),
        cmocka_unit_test(map_survives_growth_and_deletion),
        cmocka_unit_test(map_keeps_its_limit),
        cmocka_unit_test(stable_hash_never_changes),
        cmocka_unit_test(time_reads_what_it_writes),
        cmocka_unit_test(json_writes_money_and_odds),
        cmocka_unit_test(json_names_what_is_wrong),
        cmocka_unit_test(metrics_text_has_every_metric),
        cmocka_unit_test(milliseconds_are_exported_as_seconds),
        cmocka_unit_test(openmetrics_has_families_units_exemplars_and_an_end),
        cmocka_unit_test(a_process_says_what_it_takes),
        cmocka_unit_test(an_info_says_it_in_its_labels),
        cmocka_unit_test(settings_override_in_order),
    };

    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
