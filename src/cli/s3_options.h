/* Options that subcommands with object stores share: of one, and of a second. */
#ifndef CLI_S3_OPTIONS_H
#define CLI_S3_OPTIONS_H

#include <stdlib.h>
#include <string.h>

#include "archive/copies.h"

#define S3_USAGE \
    "  --endpoint URL      not Amazon's own (AWS_ENDPOINT_URL)\n" \
    "  --virtual-host      BUCKET.HOST/KEY, where the endpoint wants it\n" \
    "  --part-mib N        larger objects go in parts of so many MiB (16)\n" \
    "  --storage-class C   of what is put, in the store's own word (its default)\n" \
    "  --lock-days N       nobody can remove what is put before; the bucket must have\n" \
    "                      object lock (no lock)\n" \
    "  --lock-mode MODE    GOVERNANCE or COMPLIANCE (COMPLIANCE)\n" \
    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION are read;\n" \
    "without keys those of a role are asked for (STS, container, instance).\n\n" \
    "  --second s3://…     another store, which gets the same; --second-endpoint and so on\n" \
    "                      are its options, SECOND_AWS_ACCESS_KEY_ID and so on its secrets\n" \
    "  --from first|second of the two, this one alone\n"

struct s3_pair {
    struct s3_options options[COPIES]; /* [0].url is the caller's to set */
    const char *from;                  /* NULL: both */
};

/* Of one store, without its "--". */
static inline bool s3_option_set(const char *name, const char *value, struct s3_options *options)
{
    char *end = NULL;
    unsigned long n = strtoul(value, &end, 10);
    bool is_number = end != value && *end == '\0';

    if (strcmp(name, "endpoint") == 0)
        options->endpoint = value;
    else if (strcmp(name, "storage-class") == 0)
        options->storage_class = value;
    else if (strcmp(name, "lock-mode") == 0 &&
             (strcmp(value, "GOVERNANCE") == 0 || strcmp(value, "COMPLIANCE") == 0))
        options->lock_mode = value;
    else if (strcmp(name, "lock-days") == 0 && is_number && n > 0 && n < 36500)
        options->lock_days = (int64_t)n;
    else if (strcmp(name, "part-mib") == 0 && is_number && n >= 5 && n <= 1024)
        options->part_bytes = (size_t)n << 20; /* the protocol's least is 5 */
    else
        return false;
    return true;
}

/* Takes the option at argv[*i] if it is one of these. */
static inline bool s3_option_read(int argc, char **argv, int *i, struct s3_pair *pair)
{
    static const char second[] = "--second-";
    bool is_second = strncmp(argv[*i], second, sizeof(second) - 1) == 0;
    struct s3_options *options = &pair->options[is_second ? 1 : 0];
    const char *name = argv[*i] + (is_second ? sizeof(second) - 1 : 2);

    pair->options[1].prefix = "SECOND_";
    if (strncmp(argv[*i], "--", 2) != 0)
        return false;
    if (strcmp(name, "virtual-host") == 0) {
        options->virtual_host = true;
        return true;
    }
    if (*i + 1 >= argc)
        return false;
    if (!is_second && strcmp(name, "second") == 0)
        pair->options[1].url = argv[*i + 1];
    else if (!is_second && strcmp(name, "from") == 0 &&
             (strcmp(argv[*i + 1], "first") == 0 || strcmp(argv[*i + 1], "second") == 0))
        pair->from = argv[*i + 1];
    else if (!s3_option_set(name, argv[*i + 1], options))
        return false;
    ++*i;
    return true;
}

/* With --from, the other store is not asked.  False: it names one that is not there. */
static inline bool s3_pair_choose(struct s3_pair *pair)
{
    for (unsigned i = 0; i < COPIES; i++)
        if (pair->from != NULL && strcmp(pair->from, copy_name(i)) != 0)
            pair->options[i].url = NULL;
    return pair->options[0].url != NULL || pair->options[1].url != NULL;
}

#endif
