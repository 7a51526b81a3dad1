/* The options of `audit` and `migrate`: which store, and which ledger where it has a
 * database of its own; and of tools that need the ledger alone, which that is. */
#ifndef CLI_STORE_URL_H
#define CLI_STORE_URL_H

#include <stdlib.h>

#include "cli/args.h"

#define STORE_URL_USAGE(command) \
    "usage: overround " command " --store sqlite:PATH or postgres://USER@HOST/DATABASE" \
    " [--ledger URL]\n"

/* Of both: `--store URL`, `--store=URL`, or OVERROUND_STORE; the same with ledger. */
#define STORE_URL_ROWS(store, ledger) \
    ARGS_TEXT("--store", "URL", store, NULL), ARGS_TEXT("--ledger", "URL", ledger, NULL)

/* Of tools that need the ledger alone: the database that has it, whichever way it is
 * called; the environment as serve's. */
#define STORE_LEDGER_ROWS(url, help) \
    ARGS_TEXT("--store", "URL", url, help), ARGS_TEXT("--ledger", "URL", url, NULL)

/* NULL: it is not set, or empty. */
static inline const char *store_url_set(const char *name)
{
    const char *url = getenv(name);

    return url != NULL && *url != '\0' ? url : NULL;
}

static inline const char *store_url_of_ledger(void)
{
    const char *ledger = store_url_set("OVERROUND_LEDGER");

    return ledger != NULL ? ledger : store_url_set("OVERROUND_STORE");
}

#endif
