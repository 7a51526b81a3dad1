/*
 * Open bets on one market, many and quickly, as if they had been placed in
 * the last minutes: accounts with a deposit, bets, legs and transfers, by
 * INSERT ... SELECT.  `overround audit` passes on them.
 *
 *   settle_fill URL BETS CUSTOMERS EVENT
 *
 * PostgreSQL; bets are a multiple of customers.  Bet i is of account
 * i * 7919 mod customers, so that bets that follow each other, as settlement
 * reads them, are of customers all over the table.  A third of the bets is on
 * each outcome of market 1 (1x2).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "model/bet.h"
#include "model/ledger.h"
#include "store/db.h"

#define SQL_BYTES 16384
#define STAKE 100
#define CAP 100000000
#define DEPOSIT 100000000
#define AGO_MS (20 * 60 * 1000)

static struct {
    struct db *db;
    struct arena arena;
    int64_t bets, customers, account, bet, placed_ms;
    const char *event;
} fill;

static void die(const char *what, struct str why)
{
    fprintf(stderr, "settle_fill: %s: " STR_FMT "\n", what, STR_ARG(why));
    exit(1);
}

static void run(const char *what, struct str sql)
{
    struct str error;

    if (!db_run(fill.db, arena_cstr(&fill.arena, sql), &error))
        die(what, error);
}

static const int64_t odds_e4[] = { 25000, 32000, 29000 };

static void write_slip(struct buf *out, unsigned outcome)
{
    char id[2] = { (char)('1' + outcome), 0 };
    struct slip slip = {
        .type = BET_SINGLE,
        .accept = ACCEPT_ANY,
        .legs = { { .market = { .event = str_of(fill.event), .market = 1 },
                    .outcome = str_of(id), .odds_e4 = odds_e4[outcome] } },
        .n_legs = 1,
    };

    slip_encode(&slip, out);
}

/* "(ARRAY['…','…','…'])[i % 3 + 1]" */
static void write_slips(struct buf *sql)
{
    buf_str(sql, STR("(ARRAY["));
    for (unsigned i = 0; i < LENGTH(odds_e4); i++) {
        buf_str(sql, i == 0 ? STR("'") : STR(",'"));
        write_slip(sql, i);
        buf_char(sql, '\'');
    }
    buf_str(sql, STR("])[i % 3 + 1]"));
}

/* Ids grow with time; their steps are a millisecond's. */
#define ACCOUNT_OF_BET "%" PRId64 " + ((i * 7919 %% %" PRId64 ") << 22)"
#define BET_ID "%" PRId64 " + ((i / 4) << 22) + i %% 4"
#define BETS_I " FROM generate_series(0, %" PRId64 "::bigint) i"

static void fill_accounts(struct buf *sql)
{
    int64_t each = fill.bets / fill.customers;

    buf_printf(sql, "INSERT INTO accounts (id, balance, staked, seq, currency)"
               " SELECT %" PRId64 " + (i << 22), %" PRId64 ", %" PRId64 ", %" PRId64 ", 'EUR'"
               " FROM generate_series(0, %" PRId64 "::bigint) i", fill.account,
               DEPOSIT - each * STAKE, each * STAKE, each + 1, fill.customers - 1);
    run("accounts", buf_view(sql));
    buf_reset(sql);
    buf_printf(sql, "INSERT INTO transfers (account, seq, debit, credit, amount, bet, at_ms,"
               " balance_after, kind)"
               " SELECT %" PRId64 " + (i << 22), 1, %d, %" PRId64 " + (i << 22), %d, 0, %"
               PRId64 ", %d, %d FROM generate_series(0, %" PRId64 "::bigint) i", fill.account,
               HOUSE_CASH, fill.account, DEPOSIT, fill.placed_ms, DEPOSIT, TRANSFER_DEPOSIT,
               fill.customers - 1);
    run("deposits", buf_view(sql));
    buf_reset(sql);
}

static void fill_bets(struct buf *sql)
{
    buf_printf(sql, "INSERT INTO bets (account, id, stake, potential, cap, payout, placed_ms,"
               " settled_ms, version, state, rule, flags, currency, sport, slip, results)"
               " SELECT " ACCOUNT_OF_BET ", " BET_ID ", %d,"
               " (ARRAY[%d,%d,%d])[i %% 3 + 1], %d, 0, %" PRId64 " + i / 4,"
               " 0, 1, %d, 1, 0, 'EUR', 'sr:sport:1', ",
               fill.account, fill.customers, fill.bet, STAKE,
               (int)(STAKE * odds_e4[0] / 10000), (int)(STAKE * odds_e4[1] / 10000),
               (int)(STAKE * odds_e4[2] / 10000), CAP, fill.placed_ms, BET_ACCEPTED);
    write_slips(sql);
    buf_printf(sql, ", ''" BETS_I, fill.bets - 1);
    run("bets", buf_view(sql));
    buf_reset(sql);
}

static void fill_legs(struct buf *sql)
{
    int64_t key = market_key((struct market_id){ .event = str_of(fill.event), .market = 1 });

    buf_printf(sql, "INSERT INTO legs (market_key, bet, account)"
               " SELECT %" PRId64 ", " BET_ID ", " ACCOUNT_OF_BET BETS_I, key, fill.bet,
               fill.account, fill.customers, fill.bets - 1);
    run("legs", buf_view(sql));
    buf_reset(sql);
}

static void fill_stakes(struct buf *sql)
{
    buf_printf(sql, "INSERT INTO transfers (account, seq, debit, credit, amount, bet, at_ms,"
               " balance_after, kind)"
               " SELECT account, i / %" PRId64 " + 2, account, %d, %d, bet, %" PRId64
               " + i / 4, %d - (i / %" PRId64 " + 1) * %d, %d FROM (SELECT i, " ACCOUNT_OF_BET
               " AS account, " BET_ID " AS bet" BETS_I ") b",
               fill.customers, HOUSE_BETS, STAKE, fill.placed_ms, DEPOSIT, fill.customers,
               STAKE, TRANSFER_STAKE, fill.account, fill.customers, fill.bet, fill.bets - 1);
    run("stakes", buf_view(sql));
    buf_reset(sql);
}

static void fill_all(void)
{
    struct buf sql;

    buf_init(&sql, SQL_BYTES);
    run("begin", STR("BEGIN"));
    fill_accounts(&sql);
    fill_bets(&sql);
    fill_legs(&sql);
    fill_stakes(&sql);
    CHECK(!sql.overflow);
    run("commit", STR("COMMIT"));
    run("vacuum", STR("VACUUM ANALYZE"));
    buf_fini(&sql);
}

int main(int argc, char **argv)
{
    struct str error;

    if (argc != 5) {
        fprintf(stderr, "usage: settle_fill URL BETS CUSTOMERS EVENT\n");
        return 2;
    }
    fill.bets = strtoll(argv[2], NULL, 10);
    fill.customers = strtoll(argv[3], NULL, 10);
    fill.event = argv[4];
    CHECK(fill.customers > 0 && fill.bets > 0 && fill.bets % fill.customers == 0);
    CHECK(fill.customers % 7919 != 0);
    fill.placed_ms = clock_wall_ms() - AGO_MS;
    fill.bet = bet_id_make(fill.placed_ms, 1000, 0);
    fill.account = bet_id_make(fill.placed_ms - 10 * AGO_MS, 1000, 0);
    arena_init(&fill.arena, 1 << 20);
    fill.db = db_open(argv[1], DB_WRITE, &fill.arena, &error);
    if (fill.db == NULL)
        die(argv[1], error);
    fill_all();
    db_close(fill.db);
    arena_fini(&fill.arena);
    return 0;
}
