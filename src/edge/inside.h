/* tbl/edge.h as rows, for the reader and the schema. */
#ifndef EDGE_INSIDE_H
#define EDGE_INSIDE_H

#include "edge/policy.h"

enum edge_kind {
#define EDGE_KIND(kind, pattern) EDGE_KIND_OF_##kind,
#include "tbl/edge_kinds.h"
#undef EDGE_KIND
};

enum edge_count { EDGE_ONE, EDGE_MANY, EDGE_EACH };

struct edge_section {
    enum edge_count count;
    const char *key;
    int64_t least, most;
    size_t at, n_at;       /* in struct edge_policy */
    size_t size;           /* of its struct, which begins with its line */
    size_t first, n;       /* its fields */
    const char *doc;
};

struct edge_field {
    enum edge_kind kind;
    const char *key;
    size_t at;             /* in the section's struct */
    const char *fallback;  /* NULL: it must be there */
    int64_t least, most;
    const char *among;     /* "a|b" */
    const char *doc;
};

const struct edge_section *edge_section_table(size_t *n);
const struct edge_field *edge_field_table(size_t *n);
const char *edge_kind_pattern(enum edge_kind kind); /* of one value; empty: none */
bool edge_kind_is_list(enum edge_kind kind);

/* What no single key shows; then the paths and countries.  False: *line and *key say
 * where, the answer is in *error. */
bool edge_policy_finish(struct edge_policy *policy, struct arena *arena, unsigned *line,
                        const char **key, struct str *error) MUST_USE;

#endif
