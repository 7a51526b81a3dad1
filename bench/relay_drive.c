/*
 * The relay alone: tells what is in an outbox, as a process of role settle
 * does, and says what that cost.
 *
 *   relay_drive STORE KAFKA RECORDS     until so many were acknowledged
 *
 * Prints "ready" when it has what it tells and where to, and in the end
 * {"records":…,"seconds":…,"cpu_s":…,"lag_p50_ms":…,"lag_p99_ms":…,
 * "lag_max_ms":…}: from the first record sent.  The lag is the age of the oldest
 * event that is not acknowledged, looked at each millisecond.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "settle/relay.h"

#define LAG_MAX_MS 60000 /* and above */

static struct {
    uv_loop_t loop;
    uv_timer_t look;
    struct kafka *kafka;
    struct relay *relay;
    int64_t records, started_us;
    double cpu_s;
    bool ready;
    uint64_t looks, lags[LAG_MAX_MS + 1]; /* looks by the lag they saw */
} drive;

static double cpu_s(void)
{
    struct rusage used;

    CHECK(getrusage(RUSAGE_SELF, &used) == 0);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static int64_t sent(void)
{
    return metric_value(METRIC_RELAY_EVENTS, STR("bets")) +
           metric_value(METRIC_RELAY_EVENTS, STR("transfers"));
}

static void look_ready(void)
{
    relay_metrics(drive.relay);
    if (drive.ready || kafka_partitions(drive.kafka) == 0 ||
        metric_value(METRIC_RELAY_CLASSES, STR_NONE) < ACCOUNT_CLASSES)
        return;
    drive.ready = true;
    puts("ready");
    fflush(stdout);
}

static void look_at_lag(void)
{
    int64_t lag_ms;

    relay_metrics(drive.relay);
    lag_ms = metric_value(METRIC_RELAY_LAG, STR_NONE);
    drive.lags[lag_ms < LAG_MAX_MS ? lag_ms : LAG_MAX_MS]++;
    drive.looks++;
}

/* The lag that `percent` of the looks did not pass. */
static int lag_at(uint64_t percent)
{
    uint64_t seen = 0;
    int ms = 0;

    for (; ms < LAG_MAX_MS; ms++) {
        seen += drive.lags[ms];
        if (seen * 100 >= drive.looks * percent)
            break;
    }
    return ms;
}

static void on_look(uv_timer_t *timer)
{
    (void)timer;
    look_ready();
    if (sent() == 0) {
        drive.started_us = clock_mono_us();
        drive.cpu_s = cpu_s();
        return;
    }
    look_at_lag();
    kafka_metrics(drive.kafka);
    if (sent() < drive.records || metric_value(METRIC_KAFKA_QUEUE, STR_NONE) > 0)
        return;
    printf("{\"records\":%" PRId64 ",\"seconds\":%.3f,\"cpu_s\":%.3f,\"lag_p50_ms\":%d,"
           "\"lag_p99_ms\":%d,\"lag_max_ms\":%d}\n",
           sent(), (double)(clock_mono_us() - drive.started_us) / 1e6, cpu_s() - drive.cpu_s,
           lag_at(50), lag_at(99), lag_at(100));
    fflush(stdout);
    _Exit(0);
}

int main(int argc, char **argv)
{
    struct store_options options = { .lanes = 1, .readers = 1, .no_money = true,
                                     .no_settle = true, .company = STORE_BESIDE,
                                     .relay = true };
    struct store *store;
    struct arena arena;
    struct str error;

    if (argc != 4)
        return 2;
    log_set_level(LOG_WARN);
    arena_init(&arena, 1 << 20);
    CHECK(uv_loop_init(&drive.loop) == 0);
    options.url = argv[1];
    drive.records = strtoll(argv[3], NULL, 10);
    store = store_open(&drive.loop, &options, &arena, &error);
    if (store == NULL) {
        fprintf(stderr, "relay_drive: " STR_FMT "\n", STR_ARG(error));
        return 1;
    }
    drive.kafka = kafka_new(&(struct kafka_options){
        .loop = &drive.loop, .url = argv[2], .conf = "", .partitions = 8, .client = "bench",
        .linger_ms = RELAY_LINGER_MS });
    drive.relay = relay_new(&(struct relay_options){
        .loop = &drive.loop, .store = store, .kafka = drive.kafka, .owner = "bench",
        .lease_ms = 3000 });
    CHECK(uv_timer_init(&drive.loop, &drive.look) == 0);
    CHECK(uv_timer_start(&drive.look, on_look, 1, 1) == 0);
    return uv_run(&drive.loop, UV_RUN_DEFAULT);
}
