/* The options of `audit` and `migrate`: which store, and of other tools the one
 * half that they need. */
#ifndef CLI_STORE_URL_H
#define CLI_STORE_URL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Of tools that need the ledger alone: the environment as serve's. */
static inline const char *store_url_of_ledger(void)
{
    const char *ledger = getenv("OVERROUND_LEDGER");

    return ledger != NULL && *ledger != '\0' ? ledger : getenv("OVERROUND_STORE");
}

/* Their option: the database that has the ledger, whichever way it is called. */
static inline bool store_url_is_ledger(const char *option)
{
    return strcmp(option, "--store") == 0 || strcmp(option, "--ledger") == 0;
}

/*
 * `--store URL`, `--store=URL`, or OVERROUND_STORE; of the ledger, when it has a
 * database of its own (else *ledger is NULL), the same with ledger.  False: *exit_code, after
 * help was asked for (0) or the usage was wrong (2).
 */
static inline bool store_url_read(const char *command, int argc, char **argv,
                                  const char **url, const char **ledger,
                                  int *exit_code)
{
    bool help = false, wrong = false;

    *url = getenv("OVERROUND_STORE");
    *ledger = getenv("OVERROUND_LEDGER");
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--store") == 0 && i + 1 < argc)
            *url = argv[++i];
        else if (strncmp(argv[i], "--store=", 8) == 0)
            *url = argv[i] + 8;
        else if (strcmp(argv[i], "--ledger") == 0 && i + 1 < argc)
            *ledger = argv[++i];
        else if (strncmp(argv[i], "--ledger=", 9) == 0)
            *ledger = argv[i] + 9;
        else if (strcmp(argv[i], "--help") == 0)
            help = true;
        else
            wrong = true;
    }
    if (*ledger != NULL && **ledger == '\0')
        *ledger = NULL;
    if (!help && !wrong && *url != NULL && **url != '\0')
        return true;
    *exit_code = help ? 0 : 2;
    fprintf(help ? stdout : stderr,
            "usage: overround %s --store sqlite:PATH or postgres://USER@HOST/DATABASE"
            " [--ledger URL]\n", command);
    return false;
}

#endif
