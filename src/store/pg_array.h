/*
 * Parameters of a PostgreSQL statement in binary: arrays that carry a whole
 * batch, and single values.  All bytes lie in one buffer; the pointers that
 * libpq wants are made when the last one is written.
 *
 * An array on the wire, all big-endian:
 *
 *   int32 dimensions | int32 has nulls | uint32 element type
 *   int32 length     | int32 lower bound = 1
 *   per element: int32 bytes, then the bytes
 */
#ifndef STORE_PG_ARRAY_H
#define STORE_PG_ARRAY_H

#include <stdint.h>

#include "base/buf.h"

#define PG_PARAMS_MAX 24
#define PG_PARAM_BYTES (256 * 1024 * 1024)

enum pg_type {
    PG_BYTEA = 17, PG_INT8 = 20, PG_INT2 = 21, PG_TEXT = 25, PG_BYTEA_ARRAY = 1001,
    PG_INT2_ARRAY = 1005, PG_TEXT_ARRAY = 1009, PG_INT8_ARRAY = 1016,
};

struct pg_params {
    struct buf bytes;
    size_t at[PG_PARAMS_MAX + 1]; /* where each begins in bytes */
    bool null[PG_PARAMS_MAX];
    int n;
    enum pg_type element; /* of the array that was begun last */
    uint32_t missing;     /* of its elements */
    /* for libpq, valid after pg_params_finish() */
    const char *values[PG_PARAMS_MAX];
    int lengths[PG_PARAMS_MAX], formats[PG_PARAMS_MAX];
};

void pg_params_init(struct pg_params *params);
void pg_params_fini(struct pg_params *params);
void pg_params_reset(struct pg_params *params);
/* False: too many bytes for one statement. */
bool pg_params_finish(struct pg_params *params) MUST_USE;

void pg_param_int8(struct pg_params *params, int64_t value);
void pg_param_str(struct pg_params *params, struct str value);
void pg_param_null(struct pg_params *params);

/* Begins an array parameter of n elements, which follow one by one. */
void pg_array(struct pg_params *params, enum pg_type element, uint32_t n);
void pg_put_int8(struct pg_params *params, int64_t value);
void pg_put_int2(struct pg_params *params, int16_t value);
void pg_put_str(struct pg_params *params, struct str value);

/* An integer of 2, 4 or 8 bytes as a result's cell holds it. */
int64_t pg_read_int(const char *bytes, int length);

#endif
