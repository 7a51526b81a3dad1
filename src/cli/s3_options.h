/* Options that subcommands with object stores share: of one, and of a second. */
#ifndef CLI_S3_OPTIONS_H
#define CLI_S3_OPTIONS_H

#include <string.h>

#include "archive/copies.h"
#include "cli/args.h"

struct s3_pair {
    struct s3_options options[COPIES]; /* [0].url is the caller's to set */
    const char *from;                  /* NULL: both */
};

static inline bool s3_lock_mode_read(const struct args_row *row, const char *value)
{
    return (strcmp(value, "GOVERNANCE") == 0 || strcmp(value, "COMPLIANCE") == 0) &&
           args_text(row, value);
}

/* MiB; the protocol's least is 5. */
static inline bool s3_part_read(const struct args_row *row, const char *value)
{
    int64_t mib;

    if (!args_whole(value, 5, 1024, &mib))
        return false;
    *(size_t *)row->into = (size_t)mib << 20;
    return true;
}

static inline bool s3_from_read(const struct args_row *row, const char *value)
{
    return (strcmp(value, "first") == 0 || strcmp(value, "second") == 0) && args_text(row, value);
}

/* Rows of one store; help_X NULL: they are not shown. */
#define S3_ROWS(begin, o, endpoint_, host_, part_, class_, days_, mode_) \
    ARGS_TEXT(begin "endpoint", "URL", &(o)->endpoint, endpoint_), \
    ARGS_FLAG(begin "virtual-host", &(o)->virtual_host, host_), \
    ARGS_READ(begin "part-mib", "N", s3_part_read, &(o)->part_bytes, NULL, part_), \
    ARGS_TEXT(begin "storage-class", "C", &(o)->storage_class, class_), \
    ARGS_NUMBER(begin "lock-days", "N", &(o)->lock_days, 1, 36499, days_), \
    ARGS_READ(begin "lock-mode", "MODE", s3_lock_mode_read, &(o)->lock_mode, NULL, mode_)

/* Rows of both; help begins in column 22. */
#define S3_PAIR_ROWS(pair) \
    S3_ROWS("--", &(pair)->options[0], "not Amazon's own (AWS_ENDPOINT_URL)", \
            "BUCKET.HOST/KEY, where the endpoint wants it", \
            "larger objects go in parts of so many MiB (16)", \
            "of what is put, in the store's own word (its default)", \
            "nobody can remove what is put before; the bucket must have\nobject lock (no lock)", \
            "GOVERNANCE or COMPLIANCE (COMPLIANCE)"), \
    ARGS_SAID("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION are" \
              " read;\nwithout keys those of a role are asked for (STS, container," \
              " instance).\n\n"), \
    ARGS_TEXT("--second", "s3://…", &(pair)->options[1].url, \
              "another store, which gets the same; --second-endpoint and so on\n" \
              "are its options, SECOND_AWS_ACCESS_KEY_ID and so on its secrets"), \
    ARGS_READ("--from", "first|second", s3_from_read, &(pair)->from, NULL, \
              "of the two, this one alone"), \
    S3_ROWS("--second-", &(pair)->options[1], NULL, NULL, NULL, NULL, NULL, NULL)

/* With --from, the other store is not asked.  False: it names one that is not there. */
static inline bool s3_pair_choose(struct s3_pair *pair)
{
    pair->options[1].prefix = "SECOND_";
    for (unsigned i = 0; i < COPIES; i++)
        if (pair->from != NULL && strcmp(pair->from, copy_name(i)) != 0)
            pair->options[i].url = NULL;
    return pair->options[0].url != NULL || pair->options[1].url != NULL;
}

#endif
