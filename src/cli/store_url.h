/* The one option of `audit` and `migrate`: which store. */
#ifndef CLI_STORE_URL_H
#define CLI_STORE_URL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/*
 * `--store URL`, `--store=URL`, or OVERROUND_STORE.  False: *exit_code, after
 * help was asked for (0) or the usage was wrong (2).
 */
static inline bool store_url_read(const char *command, int argc, char **argv,
                                  const char **url, int *exit_code)
{
    bool help = false, wrong = false;

    *url = getenv("OVERROUND_STORE");
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--store") == 0 && i + 1 < argc)
            *url = argv[++i];
        else if (strncmp(argv[i], "--store=", 8) == 0)
            *url = argv[i] + 8;
        else if (strcmp(argv[i], "--help") == 0)
            help = true;
        else
            wrong = true;
    }
    if (!help && !wrong && *url != NULL && **url != '\0')
        return true;
    *exit_code = help ? 0 : 2;
    fprintf(help ? stdout : stderr,
            "usage: overround %s --store sqlite:PATH or postgres://USER@HOST/DATABASE\n",
            command);
    return false;
}

#endif
