/*
 * Configuration: parsed whole into a new struct, checked, then used.  The
 * table is tbl/config.h; --help and docs/CONFIG.md come from it.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"

#define CONFIG_TYPE_TEXT const char *
#define CONFIG_TYPE_INT int64_t
#define CONFIG_TYPE_E2 int64_t /* x 100 */

struct config {
#define CONFIG(kind, field, name, value, unit, doc) CONFIG_TYPE_##kind field;
#include "tbl/config.h"
#undef CONFIG
    bool check_only; /* --check */
    struct arena arena; /* of the strings */
};

/* From arguments (after the subcommand), environment and file.  False: *error
 * is one line that names the setting. */
bool config_read(struct config *config, int argc, char **argv, struct str *error) MUST_USE;
void config_free(struct config *config);
void config_help(FILE *out);      /* for --help */
void config_reference(FILE *out); /* docs/CONFIG.md, Markdown */

#endif
