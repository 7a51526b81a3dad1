/*
 * Which half of the store a database has (store/store.h).  A database of one half
 * says so in its meta row `half`; without the row it has both.  Two that belong
 * together have the same number in their rows `journal`: a ledger must not follow
 * another journal, whose places in the log are not its own.
 *
 * All blocking, before serving or in tools.
 */
#ifndef STORE_HALVES_H
#define STORE_HALVES_H

#include "store/db.h"

/* Two databases; the same one when the halves live together. */
struct db_halves { struct db *journal, *ledger; };

/*
 * Before the store is opened: its databases have the halves that they are asked
 * for.  ledger_url: NULL = both halves are at `url`.  SQLite's are migrated and
 * marked here; PostgreSQL's by `overround migrate`.
 */
bool halves_ready(const char *url, const char *ledger_url, struct arena *arena,
                  struct str *error) MUST_USE;

/* Marks two databases as the halves of one store; once is enough.  Not when one
 * of them is another's half, or when what it takes over is in the other alone. */
bool halves_mark(struct db *journal, struct db *ledger, struct str *error) MUST_USE;

/* Schema and marks are as they must be to serve, and the two are one store's. */
bool halves_fit(struct db_halves *halves, struct str *error) MUST_USE;

bool halves_has(struct db *db, enum store_half half, bool *has, struct str *error) MUST_USE;
/* False, with a sentence: the half that a tool needs lives elsewhere. */
bool halves_need(struct db *db, enum store_half half, struct str *error) MUST_USE;

/* `ledger_url` may be NULL or empty: the ledger is then at `url`. */
bool db_open_halves(const char *url, const char *ledger_url, enum db_mode mode,
                    struct arena *arena, struct db_halves *halves, struct str *error) MUST_USE;
void db_close_halves(struct db_halves *halves);

#endif
