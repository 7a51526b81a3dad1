/*
 * One process of the relay, or one that hears money, for relay_test.js.
 *
 *   relay_drive tell STORE KAFKA    tells the outbox until SIGTERM
 *   relay_drive hear STORE KAFKA    counts each account's events in the store,
 *                                   under a snapshot, and from then on by the
 *                                   bus; at SIGUSR1, and at SIGTERM as the last
 *                                   line, prints {"ACCOUNT":EVENTS,…}
 *
 * Prints "ready" when it is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "topic/money_in.h"
#include "settle/relay.h"
#include "store/db.h"

#define FIRST 1000
#define ACCOUNTS 100

static struct {
    uv_loop_t loop;
    uv_signal_t term, ask;
    struct arena arena;
    struct store *store;
    struct kafka *kafka;
    struct relay *relay;
    struct money_in *money;
    struct bus *bus;
    struct xid_snapshot snapshot;
    int64_t seqs[ACCOUNTS];
} drive;

static void die(struct str why)
{
    fprintf(stderr, "relay_drive: " STR_FMT "\n", STR_ARG(why));
    exit(1);
}

/* ---- telling ------------------------------------------------------------- */

static void begin_tell(const char *url)
{
    struct store_options options = { .url = url, .lanes = 1, .readers = 1, .no_money = true,
                                     .no_settle = true, .company = STORE_BESIDE,
                                     .relay = true };
    char owner[32];
    struct str error;

    snprintf(owner, sizeof(owner), "drive %d", (int)getpid());
    drive.store = store_open(&drive.loop, &options, &drive.arena, &error);
    if (drive.store == NULL)
        die(error);
    drive.relay = relay_new(&(struct relay_options){ .loop = &drive.loop, .store = drive.store,
                                                     .kafka = drive.kafka, .owner = owner,
                                                     .lease_ms = 3000 });
}

/* ---- hearing --------------------------------------------------------------- */

static int64_t *seq_of(int64_t account)
{
    CHECK(account >= FIRST && account < FIRST + ACCOUNTS);
    return &drive.seqs[account - FIRST];
}

/* Each once, and the account's next one: nothing is twice, nothing missing. */
static void on_money(void *ctx, const struct bus_money *message)
{
    int64_t *seq = seq_of(message->account);

    (void)ctx;
    if (message->seq != *seq + 1)
        fprintf(stderr, "account %" PRId64 ": %" PRId64 " behind %" PRId64 "\n",
                message->account, message->seq, *seq);
    *seq += 1;
}

static bool on_snapshot(void *ctx, const struct value *cells)
{
    (void)ctx;
    return xid_snapshot_read(cells[0].s, &drive.snapshot);
}

static bool on_account(void *ctx, const struct value *cells)
{
    (void)ctx;
    *seq_of(cells[0].i) = cells[1].i;
    return true;
}

static void begin_hear(const char *url)
{
    int64_t now_ms = clock_wall_ms();
    struct str error;
    struct db *db = db_open(url, DB_BESIDE, &drive.arena, &error);

    if (db == NULL || !db_run(db, "BEGIN ISOLATION LEVEL REPEATABLE READ", &error) ||
        !db_query(db, "SELECT pg_current_snapshot()::text", "", NULL, "s", on_snapshot, NULL,
                  &error) ||
        !db_query(db, "SELECT id, seq FROM accounts", "", NULL, "ii", on_account, NULL, &error))
        die(error);
    db_close(db);
    drive.bus = bus_local_new();
    bus_subscribe(drive.bus, &(struct bus_subscriber){ .on_money = on_money });
    drive.money = money_in_new(&(struct money_in_options){
        .kafka = drive.kafka, .bus = drive.bus, .since_ms = now_ms - MONEY_IN_BEFORE_MS,
        .snapshot = &drive.snapshot });
}

static void print_seqs(void)
{
    const char *comma = "";

    printf("{");
    for (int i = 0; i < ACCOUNTS; i++)
        if (drive.seqs[i] > 0) {
            printf("%s\"%d\":%" PRId64, comma, FIRST + i, drive.seqs[i]);
            comma = ",";
        }
    printf("}\n");
    fflush(stdout);
}

static void on_ask(uv_signal_t *ask, int number)
{
    (void)ask;
    (void)number;
    print_seqs();
}

/* ---- the end ------------------------------------------------------------------ */

static void on_closed(void *ctx)
{
    (void)ctx;
    if (drive.store != NULL)
        store_close(drive.store, NULL, NULL);
}

static void on_stopped(void *ctx)
{
    kafka_close(drive.kafka, 2000, on_closed, ctx);
}

static void on_term(uv_signal_t *term, int number)
{
    (void)number;
    uv_close((uv_handle_t *)term, NULL);
    uv_close((uv_handle_t *)&drive.ask, NULL);
    money_in_free(drive.money);
    if (drive.relay != NULL)
        relay_stop(drive.relay, on_stopped, NULL);
    else
        on_stopped(NULL);
}

int main(int argc, char **argv)
{
    bool tells = argc == 4 && strcmp(argv[1], "tell") == 0;

    CHECK(argc == 4 && uv_loop_init(&drive.loop) == 0);
    log_set_level(LOG_WARN);
    arena_init(&drive.arena, 1 << 20);
    uv_signal_init(&drive.loop, &drive.term);
    uv_signal_start(&drive.term, on_term, SIGTERM);
    uv_signal_init(&drive.loop, &drive.ask);
    uv_signal_start(&drive.ask, on_ask, SIGUSR1);
    drive.kafka = kafka_new(&(struct kafka_options){ .loop = &drive.loop, .url = argv[3],
                                                     .conf = "", .partitions = 4,
                                                     .client = "relay_drive" });
    if (tells)
        begin_tell(argv[2]);
    else
        begin_hear(argv[2]);
    printf("ready\n");
    fflush(stdout);
    (void)uv_run(&drive.loop, UV_RUN_DEFAULT);
    kafka_free(drive.kafka);
    relay_free(drive.relay);
    if (!tells)
        print_seqs();
    return uv_loop_close(&drive.loop);
}
