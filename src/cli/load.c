/*
 * overround load: puts bets or deposits on a server at a given rate, reports
 * what came of them and how long they took, and checks the books afterwards.
 * The parts are listed in cli/load.h.
 */
#include "cli/load.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "model/money.h"

/* ---- options ------------------------------------------------------------- */

#define COUNT_MOST 100000000

static bool read_rate(const struct args_row *row, const char *value)
{
    *(int64_t *)row->into = 0;
    return strcmp(value, "max") == 0 || args_whole(value, 1, COUNT_MOST, row->into);
}

static bool read_mode(const struct args_row *row, const char *value)
{
    bool *deposits = row->into;

    *deposits = strcmp(value, "deposits") == 0;
    return *deposits || strcmp(value, "bets") == 0;
}

#define COUNT(name, value, into, help) ARGS_NUMBER(name, value, into, 1, COUNT_MOST, help)

static int check_options(const struct args *args, struct load_options *o)
{
    if (o->seconds == 0)
        o->seconds = o->reconnect != NULL ? 60 : 10;
    if (!load_amount(str_of(o->stake), &o->stake_minor) || o->stake_minor == 0)
        return args_wrong(args, "--stake", "must be an amount such as 0.10");
    if (!load_amount(str_of(o->deposit), &o->deposit_minor))
        return args_wrong(args, "--deposit", "must be an amount such as 1000.00");
    if ((o->operator_url == NULL) != (o->operator_token == NULL))
        return args_wrong(args, "--operator-url", "and --operator-token belong together");
    return ARGS_WELL;
}

/* ARGS_WELL: go on; else the exit code. */
static int read_options(struct load_options *o, int argc, char **argv)
{
    const struct args_row rows[] = {
        ARGS_TEXT("--url", "URL", &o->url, "the public listener (http://127.0.0.1:8080)"),
        ARGS_TEXT("--operator-url", "URL", &o->operator_url,
                  "where to push matches if the server has none"),
        ARGS_TEXT("--operator-token", "T", &o->operator_token, "with this token"),
        COUNT("--matches", "N", &o->matches, "so many (20)"),
        COUNT("--customers", "N", &o->customers,
              "customers; each has one request in flight (100)"),
        COUNT("--connections", "C", &o->connections, "keep-alive connections (32)"),
        ARGS_READ("--rate", "R|max", read_rate, &o->rate, NULL,
                  "requests/s, latency from when each was due; max: as\n"
                  "fast as the answers come (max)"),
        COUNT("--seconds", "S", &o->seconds,
              "how long (10; with --reconnect 60, to be back)"),
        ARGS_READ("--mode", "bets|deposits", read_mode, &o->deposits, NULL,
                  "what to send (bets)"),
        ARGS_TEXT("--stake", "AMOUNT", &o->stake, "stake, or amount of a deposit (0.10)"),
        ARGS_TEXT("--deposit", "AMOUNT", &o->deposit,
                  "each customer's money before the run (1000.00)"),
        ARGS_TEXT("--state", "FILE", &o->state, "keeps customers for the next run"),
        ARGS_FLAG("--prepare-only", &o->prepare_only, "customers, deposits, then end"),
        ARGS_FLAG("--retry", &o->retry,
                  "lost, busy and pending requests are sent again with\n"
                  "their key until there is a verdict"),
        ARGS_TEXT("--journal", "FILE", &o->journal,
                  "a line for each accepted request, as it is accepted"),
        ARGS_FLAG("--check", &o->check, "compare balances afterwards (nothing may settle)"),
        ARGS_TEXT("--reconnect", "URL", &o->reconnect,
                  "instead: streams at --url that come to URL when they are\n"
                  "lost; how many had to wait, and when all were back"),
        COUNT("--streams", "N", &o->streams, "so many (200)"),
        ARGS_TEXT("--back-off", "page|told|none", &o->back_off,
                  "when one comes again: as the page does it; at once,\n"
                  "then after what Retry-After says; or at once (page)"),
        ARGS_TEXT("--host", "NAME", &o->host, "the name that they say (the address)"),
        ARGS_FLAG("--json", &o->json, "stdout gets the JSON line alone"),
    };
    const struct args args = {
        .command = "load", .usage = "usage: overround load [--name value]…\n",
        .rows = rows, .n = LENGTH(rows), .column = 23, .tone = ARGS_SAY_NAME,
    };
    int exit_code = args_read(&args, argc, argv);

    return exit_code == ARGS_WELL ? check_options(&args, o) : exit_code;
}

/* ---- the report ---------------------------------------------------------- */

static int64_t per_second(const struct load *load, uint64_t n)
{
    return load->elapsed_us <= 0 ? 0 : (int64_t)(n * 1000000 / (uint64_t)load->elapsed_us);
}

static void report_codes(const struct load *load, struct jw *w)
{
    jw_key(w, "refused");
    jw_object(w);
    for (unsigned i = 0; i < load->n_codes; i++) {
        jw_key(w, load->codes[i].code);
        jw_int(w, (int64_t)load->codes[i].n);
    }
    jw_object_end(w);
}

static void report_json(const struct load *load, FILE *out)
{
    const struct load_stats *latency = &load->latency;
    const struct { const char *name; int64_t value; } numbers[] = {
        { "connections", load->options.connections },
        { "customers", load->n_customers },
        { "rate_wanted", load->options.rate },
        { "elapsed_ms", load->elapsed_us / 1000 },
        { "sent", (int64_t)load->sent },
        { "accepted", (int64_t)load->accepted },
        { "pending", (int64_t)load->pending },
        { "errors", (int64_t)load->errors },
        { "unanswered", (int64_t)load->unanswered },
        { "unsent", (int64_t)load->unsent },
        { "retried", (int64_t)load->retried },
        { "reconnects", (int64_t)load_pool_reconnects(load->pool) },
        { "accepted_per_s", per_second(load, load->accepted) },
        { "answered_per_s", per_second(load, latency->count) },
        { "p50_us", (int64_t)load_stats_quantile_us(latency, 50000) },
        { "p99_us", (int64_t)load_stats_quantile_us(latency, 99000) },
        { "p999_us", (int64_t)load_stats_quantile_us(latency, 99900) },
        { "max_us", (int64_t)latency->max_us },
        { "cpu_ms", load->cpu_us / 1000 },
        { "checked_bets", (int64_t)load->checked_bets },
        { "checked_wallets", (int64_t)load->checked_wallets },
        { "differences", (int64_t)load->differences },
    };
    struct buf text;
    struct jw w;

    buf_init(&text, 65536);
    w = jw_to(&text);
    jw_object(&w);
    jw_key(&w, "mode");
    jw_str(&w, load->options.deposits ? STR("deposits") : STR("bets"));
    for (size_t i = 0; i < LENGTH(numbers); i++) {
        jw_key(&w, numbers[i].name);
        jw_int(&w, numbers[i].value);
    }
    report_codes(load, &w);
    jw_object_end(&w);
    (void)fprintf(out, STR_FMT "\n", STR_ARG(buf_view(&text)));
    buf_fini(&text);
}

static void report_line(const struct load *load, FILE *out)
{
    const struct load_stats *latency = &load->latency;

    (void)fprintf(out, "%s: %llu sent, %llu accepted (%lld/s)", load->options.deposits
                  ? "deposits" : "bets", (unsigned long long)load->sent,
                  (unsigned long long)load->accepted,
                  (long long)per_second(load, load->accepted));
    for (unsigned i = 0; i < load->n_codes; i++)
        (void)fprintf(out, ", %llu %s", (unsigned long long)load->codes[i].n,
                      load->codes[i].code);
    (void)fprintf(out, ", %llu pending, %llu errors, %llu unanswered, %llu unsent; "
                  "p50 %llu p99 %llu p99.9 %llu max %llu us; generator's CPU %lld.%02lld s\n",
                  (unsigned long long)load->pending, (unsigned long long)load->errors,
                  (unsigned long long)load->unanswered, (unsigned long long)load->unsent,
                  (unsigned long long)load_stats_quantile_us(latency, 50000),
                  (unsigned long long)load_stats_quantile_us(latency, 99000),
                  (unsigned long long)load_stats_quantile_us(latency, 99900),
                  (unsigned long long)latency->max_us, (long long)load->cpu_us / 1000000,
                  (long long)load->cpu_us / 10000 % 100);
    if (load->checked_bets + load->checked_wallets > 0)
        (void)fprintf(out, "books: %llu bets and %llu wallets checked, %llu differences\n",
                      (unsigned long long)load->checked_bets,
                      (unsigned long long)load->checked_wallets,
                      (unsigned long long)load->differences);
}

/* ---- phases -------------------------------------------------------------- */

/* Matches that an earlier run left behind have nobody to keep them alive. */
static bool must_feed(const struct load *load)
{
    for (uint32_t i = 0; i < load->n_events; i++)
        if (load_feed_owns(load->events[i]))
            return load->options.operator_url != NULL;
    return false;
}

static void wait_ms(struct load *load, int64_t ms)
{
    int64_t until = clock_mono_us() + ms * 1000;

    while (clock_mono_us() < until) {
        (void)uv_run(&load->loop, UV_RUN_NOWAIT);
        (void)usleep(1000);
    }
}

static void find_something_to_bet_on(struct load *load)
{
    int64_t until = clock_mono_us() + 10000000;

    load_find_selections(load);
    if (load->failed || (load->n_selections > 0 && !must_feed(load)))
        return;
    if (load->options.operator_url == NULL) {
        load_fail(load, "%s has nothing to bet on: run overround sim or replay, or give "
                  "--operator-url and --operator-token", load->options.url);
        return;
    }
    load->feed = load_feed_open(load);
    if (load->feed == NULL)
        return;
    load_feed_wait(load, load->feed);
    load->n_selections = 0;
    while (!load->failed && load->n_selections == 0) {
        if (clock_mono_us() > until)
            load_fail(load, "the pushed matches do not show up in /v1/events");
        wait_ms(load, 100);
        load_find_selections(load);
    }
}

static void find_deposit(struct load *load)
{
    load->selections[0] = arena_printf(&load->arena, "{\"amount\":\"%s\"}",
                                       load->options.stake);
    load->n_selections = 1;
}

static void all_phases(struct load *load)
{
    load_prepare(load);
    if (load->options.prepare_only || load->failed)
        return;
    if (load->options.deposits)
        find_deposit(load);
    else
        find_something_to_bet_on(load);
    if (load->options.journal != NULL && !load->failed) {
        load->journal = fopen(load->options.journal, "a");
        if (load->journal == NULL)
            load_fail(load, "cannot open the journal %s", load->options.journal);
    }
    if (load->failed)
        return;
    load_run(load);
    if (!load->failed && !load->stopped)
        load_check(load);
    report_line(load, load->options.json ? stderr : stdout);
    report_json(load, stdout);
}

static bool load_open(struct load *load)
{
    const char *why = "";

    arena_init(&load->arena, LOAD_ARENA_BYTES);
    CHECK(uv_loop_init(&load->loop) == 0);
    (void)snprintf(load->salt, sizeof(load->salt), "%llx%x",
                   (unsigned long long)clock_wall_ms(), (unsigned)getpid() & 0xffffu);
    load->n_customers = (uint32_t)load->options.customers;
    load->customers = ARENA_ARRAY(&load->arena, struct load_customer, load->n_customers);
    load->pool = load_pool_new(&load->loop, load->options.url,
                               (unsigned)load->options.connections, &why);
    if (load->pool == NULL)
        load_fail(load, "--url %s: %s", load->options.url, why);
    return load->pool != NULL;
}

static void load_close(struct load *load)
{
    load_feed_close(load->feed);
    if (load->pool != NULL)
        load_pool_close(load->pool);
    (void)uv_run(&load->loop, UV_RUN_DEFAULT);
    load_feed_free(load->feed);
    load_pool_free(load->pool);
    (void)uv_loop_close(&load->loop);
    if (load->journal != NULL)
        (void)fclose(load->journal);
    free(load->bet_ids);
    arena_fini(&load->arena);
}

int cli_load(int argc, char **argv)
{
    struct load *load = calloc(1, sizeof(*load));
    int code;

    CHECK(load != NULL);
    load->options = (struct load_options){
        .url = "http://127.0.0.1:8080", .customers = 100, .connections = 32, .matches = 20,
        .streams = 200, .back_off = "page", .stake = "0.10", .deposit = "1000.00",
    };
    code = read_options(&load->options, argc, argv);
    if (code != ARGS_WELL) {
        free(load);
        return code;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    if (load->options.reconnect != NULL) {
        code = load_reconnect(&load->options);
        free(load);
        return code;
    }
    if (load_open(load))
        all_phases(load);
    if (load->failed)
        (void)fprintf(stderr, "overround load: %s\n", load->error);
    else if (load->differences > 0)
        (void)fprintf(stderr, "overround load: the books differ in %llu places\n",
                      (unsigned long long)load->differences);
    code = load->failed || load->differences > 0 ? 1 : 0;
    load_close(load);
    free(load);
    return code;
}
