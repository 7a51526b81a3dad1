/*
 * What an engine gives to db.c (blocking access): one row of functions.
 * db_open() finds the engine by the URL and passes calls on.
 *
 * An error's text lives in `message`: it is valid until the next failure on
 * the same db, or its close.  open() has no db yet and uses the arena.
 */
#ifndef STORE_DB_ENGINE_H
#define STORE_DB_ENGINE_H

#include "store/db.h"

struct db_engine {
    bool is_postgres;
    struct db *(*open)(const char *url, enum db_mode mode, struct arena *arena,
                       struct str *error);
    void (*close)(struct db *db);
    bool (*run)(struct db *db, const char *sql, struct str *error);
    bool (*query)(struct db *db, const char *sql, const char *params,
                  const struct value *values, const char *columns,
                  bool (*on_row)(void *ctx, const struct value *cells), void *ctx,
                  struct str *error);
};

/* The first member of every engine's own struct. */
struct db {
    const struct db_engine *engine;
    char message[512];
};

/* The most columns and parameters of one statement. */
#define DB_COLUMNS 32

extern const struct db_engine db_engine_sqlite;
extern const struct db_engine db_engine_postgres;

/* Writes db->message, points *error at it, and returns false. */
bool db_fail(struct db *db, struct str *error, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
