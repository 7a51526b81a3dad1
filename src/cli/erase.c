/*
 * overround erase CUSTOMER [--keep-years N] [--store URL]
 * overround erase --due [--store URL]
 *
 * Closes an account and erases who it belonged to: e-mail, password, country,
 * date of birth, and the countries it was used from.  The ledger and the archive
 * know a number alone, and stay.
 * Where the law wants the identity kept, --keep-years closes the account and
 * forgets the password now, the rest when the time has come (the server looks
 * every hour; --due does it by hand).  Beside a live server.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/store_url.h"
#include "store/halves.h"

#define ARENA_BYTES ((size_t)4 * 1024 * 1024)
#define DAY_MS ((int64_t)86400 * 1000)
#define YEARS_MAX 100
#define CLOSED 1 /* accounts.status */

struct erase_args {
    const char *store;
    int64_t customer, keep_years;
    bool due;
};

static int fail(struct str error)
{
    fprintf(stderr, "overround erase: " STR_FMT "\n", STR_ARG(error));
    return 1;
}

static const char *take_customer(void *ctx, const char *word)
{
    struct erase_args *asked = ctx;

    return asked->customer == 0 && args_whole(word, 1, INT64_MAX, &asked->customer)
               ? NULL : "is no customer, or one too many";
}

static int read_arguments(int argc, char **argv, struct erase_args *asked)
{
    const struct args_row rows[] = {
        STORE_LEDGER_ROWS(&asked->store, NULL),
        ARGS_NUMBER("--keep-years", "N", &asked->keep_years, 0, YEARS_MAX, NULL),
        ARGS_FLAG("--due", &asked->due, NULL),
    };
    const struct args args = {
        .command = "erase",
        .usage = "usage: overround erase CUSTOMER [--keep-years N] [--store URL]\n"
                 "       overround erase --due [--store URL]\n",
        .rows = rows, .n = LENGTH(rows), .word = take_customer, .ctx = asked,
    };
    int exit_code;

    *asked = (struct erase_args){ .store = store_url_of_ledger() };
    exit_code = args_read(&args, argc, argv);
    if (exit_code == ARGS_WELL && (asked->store == NULL || *asked->store == '\0' ||
                                   asked->due != (asked->customer == 0)))
        return args_help(&args, stderr);
    return exit_code;
}

struct account { bool found; int64_t balance, debt, staked; };

static bool on_account(void *ctx, const struct value *cells)
{
    struct account *account = ctx;

    *account = (struct account){ true, cells[0].i, cells[1].i, cells[2].i };
    return true;
}

static bool on_flag(void *ctx, const struct value *cells UNUSED)
{
    *(bool *)ctx = true;
    return true;
}

/* Why it cannot be closed, in words. */
static bool explain(struct db *db, const struct value *customer, struct str *error)
{
    struct account account = { 0 };

    if (!db_query(db, "SELECT balance, debt, staked FROM accounts WHERE id = $1", "i", customer,
                  "iii", on_account, &account, error))
        return false;
    *error = !account.found ? STR("there is no such customer")
        : account.staked > 0 ? STR("it has open bets: wait until they are settled")
        : account.debt > 0 ? STR("it owes money: settle that first")
                           : STR("it has money: pay it out first");
    return false;
}

/* The account as it is now decides, whatever a live server does beside it. */
static bool close_account(struct db *db, const struct erase_args *asked, int64_t now_ms,
                          struct str *error)
{
    struct value values[] = { VALUE_INT(asked->customer), VALUE_INT(now_ms),
                              VALUE_INT(now_ms + asked->keep_years * 36525 * DAY_MS / 100),
                              VALUE_INT(CLOSED) };
    bool closed = false;

    if (!db_query(db, "UPDATE accounts SET status = CAST($4 AS smallint), epoch = epoch + 1"
                  " WHERE id = $1 AND balance = 0 AND debt = 0 AND staked = 0 RETURNING id",
                  "iiii", values, "i", on_flag, &closed, error))
        return false;
    if (!closed)
        return explain(db, values, error);
    return db_query(db, "UPDATE customers SET password = '' WHERE id = $1", "i", values, "", NULL,
                    NULL, error)
        && db_query(db, "INSERT INTO erasures (customer, asked_ms, due_ms) VALUES ($1, $2, $3)"
                    " ON CONFLICT (customer) DO UPDATE SET due_ms = excluded.due_ms",
                    "iii", values, "", NULL, NULL, error);
}

static bool erase_due(struct db *db, int64_t now_ms, struct str *error)
{
    struct value now = VALUE_INT(now_ms);

    return db_call(db, STATEMENT_ERASE_DUE, &now, NULL, NULL, error)
        && db_call(db, STATEMENT_ERASE_COUNTRIES, &now, NULL, NULL, error)
        && db_call(db, STATEMENT_ERASE_DONE, &now, NULL, NULL, error);
}

static bool erase(struct db *db, const struct erase_args *asked, struct arena *arena,
                  struct str *error)
{
    int64_t now_ms = clock_wall_ms();
    struct str ignored;

    if (!db_run(db, db_is_postgres(db) ? "BEGIN" : "BEGIN IMMEDIATE", error))
        return false;
    if ((asked->due || close_account(db, asked, now_ms, error)) &&
        erase_due(db, now_ms, error) && db_run(db, "COMMIT", error))
        return true;
    *error = arena_str(arena, *error);
    if (!db_run(db, "ROLLBACK", &ignored))
        return false; /* nothing was committed */
    return false;
}

int cli_erase(int argc, char **argv)
{
    struct erase_args asked;
    struct arena arena;
    struct str error = STR_NONE;
    struct db *db;
    int exit_code = read_arguments(argc, argv, &asked);

    if (exit_code != ARGS_WELL)
        return exit_code;
    exit_code = 0;
    arena_init(&arena, ARENA_BYTES);
    db = db_open(asked.store, DB_BESIDE, &arena, &error);
    if (db == NULL || !halves_need(db, STORE_LEDGER, &error) ||
        !erase(db, &asked, &arena, &error))
        exit_code = fail(error);
    else
        printf(asked.due ? "erased what was due\n"
               : asked.keep_years > 0 ? "closed; who it was is kept for now\n"
                                      : "closed and erased\n");
    if (db != NULL)
        db_close(db);
    arena_fini(&arena);
    return exit_code;
}
