/* Options that subcommands with an object store share. */
#ifndef CLI_S3_OPTIONS_H
#define CLI_S3_OPTIONS_H

#include <stdlib.h>
#include <string.h>

#include "archive/s3.h"

#define S3_USAGE \
    "  --endpoint URL    not Amazon's own (AWS_ENDPOINT_URL)\n" \
    "  --virtual-host    BUCKET.HOST/KEY, where the endpoint wants it\n" \
    "  --part-mib N      larger objects go in parts of so many MiB (16)\n" \
    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION are read.\n"

/* Takes the option at argv[*i] if it is one of these. */
static inline bool s3_option_read(int argc, char **argv, int *i, struct s3_options *options)
{
    bool has_value = *i + 1 < argc;
    char *end = NULL;

    if (strcmp(argv[*i], "--virtual-host") == 0) {
        options->virtual_host = true;
        return true;
    }
    if (strcmp(argv[*i], "--endpoint") == 0 && has_value) {
        options->endpoint = argv[++*i];
        return true;
    }
    if (strcmp(argv[*i], "--part-mib") == 0 && has_value) {
        unsigned long n = strtoul(argv[++*i], &end, 10);

        options->part_bytes = (size_t)n << 20;
        return *end == '\0' && n >= 5 && n <= 1024; /* the protocol's least is 5 */
    }
    return false;
}

#endif
