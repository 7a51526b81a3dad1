/*
 * The measured part: requests at their times, from customers who have none
 * in flight.
 *
 * Open loop (--rate R): request k is due at start + k / R whatever the
 * server does, and its latency counts from then; when all connections are
 * busy it waits with its clock running, so that a stalled server cannot hide
 * behind a generator that stalled with it (coordinated omission).  Closed
 * loop (--rate max): due when a connection is free.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "cli/load.h"

#define RETRY_US 100000
#define GRACE_US 10000000        /* after the end, for what is in flight */
#define GRACE_STOPPED_US 2000000
#define GRACE_RETRY_US 60000000  /* the same while the server restarts */
#define FIRST_IDS 65536
#define KEY_BYTES 64

struct ring { uint32_t *items, room, head, n; };

struct load_run_state {
    struct load *load;
    struct ring free, retry; /* customers: idle, waiting to send again */
    int64_t start_us, end_us, last_us;
    uint64_t next, total;    /* requests, when the rate is given */
    int timer_fd;
    uv_poll_t timer;
    uv_signal_t interrupt, terminate;
    int64_t armed_us;
    uint64_t random;
    bool stopped;            /* by a signal */
    int64_t stopped_us;
};

static void ring_put(struct ring *ring, uint32_t item)
{
    CHECK(ring->n < ring->room);
    ring->items[(ring->head + ring->n++) % ring->room] = item;
}

static uint32_t ring_take(struct ring *ring)
{
    uint32_t item = ring->items[ring->head];

    CHECK(ring->n > 0);
    ring->head = (ring->head + 1) % ring->room;
    ring->n--;
    return item;
}

/* xorshift64: which selection is of no consequence, only that it varies. */
static uint64_t next_random(struct load_run_state *run)
{
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return run->random;
}

static uint32_t choose_selection(struct load_run_state *run)
{
    const struct load *load = run->load;
    uint32_t at = 0;

    for (int tries = 0; tries < 16; tries++) {
        at = (uint32_t)(next_random(run) % load->n_selections);
        if (!load->is_over[at])
            break;
    }
    return at;
}

/* ---- the clock ----------------------------------------------------------- */

static void arm(struct load_run_state *run, int64_t at_us)
{
    struct itimerspec when = {
        .it_value = { .tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000 },
    };

    if (run->armed_us == at_us)
        return;
    run->armed_us = at_us;
    (void)timerfd_settime(run->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void on_timer(uv_poll_t *poll, int status, int events)
{
    struct load_run_state *run = poll->data;
    uint64_t times;
    (void)status;
    (void)events;

    run->armed_us = 0;
    load_pool_kick(run->load->pool);
    /* armed again, it is not readable any more: one call less */
    if (run->armed_us == 0 && read(run->timer_fd, &times, sizeof(times)) < 0
        && errno != EAGAIN)
        load_fail(run->load, "the timer cannot be read");
}

/* ---- requests ------------------------------------------------------------ */

static void make_key(const struct load_run_state *run, uint32_t item, char *key)
{
    (void)snprintf(key, KEY_BYTES, "%s-%u-%u", run->load->salt, item,
                   run->load->customers[item].attempt);
}

/* Bytes of the customer's request now; the same for each try. */
static void write_request(struct load_run_state *run, uint32_t item, struct buf *request)
{
    struct load *load = run->load;
    struct load_customer *customer = &load->customers[item];
    struct str body = load->selections[customer->selection];
    char key[KEY_BYTES];

    make_key(run, item, key);
    buf_str(request, customer->head);
    buf_str(request, str_of(key));
    buf_str(request, STR("\r\nContent-Length: "));
    buf_int(request, (int64_t)body.n);
    buf_str(request, STR("\r\n\r\n"));
    buf_str(request, body);
}

/* A request that waits to be sent again goes first. */
static bool next_retry(struct load_run_state *run, struct buf *request, uint32_t *item, int64_t now)
{
    struct load_customer *customer;

    if (run->retry.n == 0)
        return false;
    customer = &run->load->customers[run->retry.items[run->retry.head]];
    if (customer->retry_us > now) {
        arm(run, customer->retry_us);
        return false;
    }
    *item = ring_take(&run->retry);
    customer->in_flight = true;
    run->load->retried++;
    write_request(run, *item, request);
    return true;
}

/* When the next request is due; 0: none is. */
static int64_t next_due(struct load_run_state *run, int64_t now)
{
    int64_t rate = run->load->options.rate;

    if (run->stopped)
        return 0;
    if (rate == 0)
        return now < run->end_us ? now : 0;
    if (run->next >= run->total)
        return 0;
    return run->start_us + (int64_t)(run->next * 1000000 / (uint64_t)rate);
}

static bool run_next(void *ctx, struct buf *request, uint32_t *item)
{
    struct load_run_state *run = ctx;
    int64_t now = clock_mono_us(), due;
    struct load_customer *customer;

    if (run->load->failed)
        return false;
    if (next_retry(run, request, item, now))
        return true;
    due = next_due(run, now);
    if (due == 0 || run->free.n == 0)
        return false;
    if (due > now) {
        if (run->retry.n == 0 || run->armed_us == 0 || due < run->armed_us)
            arm(run, due);
        return false;
    }
    *item = ring_take(&run->free);
    customer = &run->load->customers[*item];
    customer->attempt++;
    customer->intended_us = due;
    customer->selection = choose_selection(run);
    customer->in_flight = true;
    run->next++;
    run->load->sent++;
    write_request(run, *item, request);
    return true;
}

/* ---- answers ------------------------------------------------------------- */

static void count_code(struct load *load, struct str code, int status)
{
    char text[sizeof(load->codes[0].code)];
    unsigned i;

    if (code.n == 0)
        (void)snprintf(text, sizeof(text), "status_%d", status);
    else
        (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(code));
    for (i = 0; i < load->n_codes; i++)
        if (strcmp(load->codes[i].code, text) == 0)
            break;
    if (i == load->n_codes) {
        if (load->n_codes == LOAD_CODES)
            return;
        load->n_codes++;
        memcpy(load->codes[i].code, text, sizeof(text));
    }
    load->codes[i].n++;
}

static void keep_id(struct load *load, struct str id)
{
    if (load->n_bet_ids == load->room_bet_ids) {
        load->room_bet_ids = load->room_bet_ids == 0 ? FIRST_IDS : load->room_bet_ids * 2;
        load->bet_ids = realloc(load->bet_ids,
                                load->room_bet_ids * sizeof(*load->bet_ids));
        CHECK(load->bet_ids != NULL);
    }
    load->bet_ids[load->n_bet_ids++] = hash_stable(id);
}

/* A sample of all that were accepted, each as likely as the other. */
static void keep_sample(struct load_run_state *run, uint32_t item, struct str id)
{
    struct load *load = run->load;
    uint64_t at = load->accepted;
    struct load_bet *bet;

    if (at >= LOAD_BET_SAMPLE)
        at = next_random(run) % (load->accepted + 1);
    if (at >= LOAD_BET_SAMPLE)
        return;
    if (load->n_sample <= at)
        load->n_sample = (unsigned)at + 1;
    bet = &load->sample[at];
    bet->customer = item;
    (void)snprintf(bet->id, sizeof(bet->id), STR_FMT, STR_ARG(id));
}

/* In the file before anything else happens: who kills this process or the
 * server later can hold the store against it. */
static void journal(struct load_run_state *run, uint32_t item, struct str id)
{
    struct load *load = run->load;
    const struct load_customer *customer = &load->customers[item];
    char key[KEY_BYTES];

    if (load->journal == NULL)
        return;
    make_key(run, item, key);
    if (fprintf(load->journal, "{\"customer\":\"%s\",\"key\":\"%s\",\"%s\":\"" STR_FMT
                "\",\"request\":" STR_FMT "}\n", customer->id, key,
                load->options.deposits ? "deposit" : "bet", STR_ARG(id),
                STR_ARG(load->selections[customer->selection])) < 0
        || fflush(load->journal) != 0)
        load_fail(load, "cannot write the journal %s", load->options.journal);
}

static void accepted(struct load_run_state *run, uint32_t item, struct str body)
{
    struct load *load = run->load;
    struct str id = load_member(body, "id");

    if (id.n == 0) {
        load_fail(load, "a 201 without an id: %.300s",
                  arena_cstr(&load->arena, body));
        return;
    }
    keep_id(load, id);
    keep_sample(run, item, id);
    journal(run, item, id);
    load->accepted++;
    load->customers[item].accepted++;
}

static bool is_verdict(int status)
{
    return status >= 200 && status < 500 && status != 202 && status != 429;
}

static void run_answered(void *ctx, uint32_t item, int status, struct str body)
{
    struct load_run_state *run = ctx;
    struct load *load = run->load;
    struct load_customer *customer = &load->customers[item];
    int64_t now = clock_mono_us();

    run->last_us = now;
    customer->in_flight = false;
    if (!is_verdict(status) && load->options.retry) {
        customer->retry_us = now + RETRY_US;
        ring_put(&run->retry, item);
        return;
    }
    ring_put(&run->free, item);
    if (status != 0)
        load_stats_add(&load->latency, now - customer->intended_us);
    if (status == 201) {
        accepted(run, item, body);
        return;
    }
    if (status == 202)
        load->pending++;
    else if (status == 0 || (status >= 500 && status != 503))
        load->errors++;
    else
        count_code(load, load_member(body, "code"), status);
    if (status == 202 || status == 0 || status >= 500)
        customer->unknown++; /* it may have happened */
    if (str_eq(load_member(body, "code"), STR("market_closed")))
        load->is_over[customer->selection] = true; /* it will not come back */
}

/* ---- begin and end ------------------------------------------------------- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct load_run_state *run = handle->data;
    (void)number;

    run->stopped = run->load->stopped = true;
    run->stopped_us = clock_mono_us();
}

static void ring_make(struct load *load, struct ring *ring)
{
    *ring = (struct ring){
        .items = ARENA_ARRAY(&load->arena, uint32_t, load->n_customers),
        .room = load->n_customers,
    };
}

static void make_heads(struct load *load)
{
    const char *path = load->options.deposits ? "/v1/wallet/deposits" : "/v1/bets";

    for (uint32_t i = 0; i < load->n_customers; i++)
        load->customers[i].head = arena_printf(
            &load->arena, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
            "Content-Type: application/json\r\nIdempotency-Key: ", path,
            load_pool_host(load->pool), load->customers[i].token);
}

static int64_t cpu_us(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000
        + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static bool run_open(struct load_run_state *run)
{
    struct load *load = run->load;

    run->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (run->timer_fd < 0) {
        load_fail(load, "cannot make a timer");
        return false;
    }
    CHECK(uv_poll_init(&load->loop, &run->timer, run->timer_fd) == 0);
    CHECK(uv_signal_init(&load->loop, &run->interrupt) == 0);
    CHECK(uv_signal_init(&load->loop, &run->terminate) == 0);
    run->timer.data = run->interrupt.data = run->terminate.data = run;
    CHECK(uv_poll_start(&run->timer, UV_READABLE, on_timer) == 0);
    CHECK(uv_signal_start(&run->interrupt, on_signal, SIGINT) == 0);
    CHECK(uv_signal_start(&run->terminate, on_signal, SIGTERM) == 0);
    return true;
}

static void run_close(struct load_run_state *run)
{
    uv_close((uv_handle_t *)&run->timer, NULL);
    uv_close((uv_handle_t *)&run->interrupt, NULL);
    uv_close((uv_handle_t *)&run->terminate, NULL);
    (void)uv_run(&run->load->loop, UV_RUN_NOWAIT);
    (void)close(run->timer_fd);
}

/* Everything that was due is sent and answered, or nobody waits any more. */
static bool is_over(const struct load_run_state *run)
{
    const struct load *load = run->load;
    int64_t now = clock_mono_us();
    bool all_sent = run->stopped
        || (load->options.rate == 0 ? now >= run->end_us : run->next >= run->total);

    if (load->failed)
        return true;
    if (all_sent && run->retry.n == 0 && load_pool_in_flight(load->pool) == 0)
        return true;
    if (run->stopped)
        return now > run->stopped_us + GRACE_STOPPED_US;
    return now > run->end_us + (load->options.retry ? GRACE_RETRY_US : GRACE_US);
}

static void on_beat(uv_timer_t *timer)
{
    load_pool_kick(((struct load_run_state *)timer->data)->load->pool);
}

static void account(struct load_run_state *run, int64_t cpu_before_us)
{
    struct load *load = run->load;

    load->elapsed_us = run->last_us - run->start_us;
    load->cpu_us = cpu_us() - cpu_before_us;
    load->unsent = run->stopped || run->next >= run->total ? 0 : run->total - run->next;
    load->unanswered = load_pool_in_flight(load->pool) + run->retry.n;
    for (uint32_t i = 0; i < load->n_customers; i++)
        load->customers[i].unknown += load->customers[i].in_flight;
    for (uint32_t i = 0; i < run->retry.n; i++)
        load->customers[run->retry.items[(run->retry.head + i) % run->retry.room]].unknown++;
}

void load_run(struct load *load)
{
    struct load_run_state *run = ARENA_NEW(&load->arena, struct load_run_state);
    int64_t cpu_before_us = cpu_us();
    uv_timer_t beat;

    *run = (struct load_run_state){ .load = load, .random = hash_stable(str_of(load->salt)) | 1 };
    ring_make(load, &run->free);
    ring_make(load, &run->retry);
    for (uint32_t i = 0; i < load->n_customers; i++)
        ring_put(&run->free, i);
    make_heads(load);
    if (!run_open(run))
        return;
    run->start_us = run->last_us = clock_mono_us();
    run->end_us = run->start_us + load->options.seconds * 1000000;
    run->total = (uint64_t)(load->options.rate * load->options.seconds);
    load_pool_source(load->pool, (struct load_source){ run, run_next, run_answered });
    CHECK(uv_timer_init(&load->loop, &beat) == 0);
    beat.data = run;
    CHECK(uv_timer_start(&beat, on_beat, 0, 50) == 0);
    while (!is_over(run))
        (void)uv_run(&load->loop, UV_RUN_ONCE);
    account(run, cpu_before_us);
    uv_close((uv_handle_t *)&beat, NULL);
    run_close(run);
}
