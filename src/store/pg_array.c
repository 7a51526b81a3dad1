/*
 * Parameters of a PostgreSQL statement in binary; see pg_array.h.
 */
#include "store/pg_array.h"

#include <endian.h>

static void put_u32(struct buf *buf, uint32_t value)
{
    uint32_t wire = htobe32(value);

    buf_put(buf, &wire, sizeof(wire));
}

void pg_params_init(struct pg_params *params)
{
    *params = (struct pg_params){ .n = 0 };
    buf_init(&params->bytes, PG_PARAM_BYTES);
}

void pg_params_fini(struct pg_params *params)
{
    buf_fini(&params->bytes);
}

void pg_params_reset(struct pg_params *params)
{
    buf_reset(&params->bytes);
    params->n = 0;
    params->missing = 0;
}

/* One more element of the array that was begun. */
static void take_element(struct pg_params *params, enum pg_type type)
{
    CHECK(params->element == type && params->missing > 0);
    params->missing--;
}

static void begin(struct pg_params *params, bool null)
{
    CHECK(params->n < PG_PARAMS_MAX);
    CHECK(params->missing == 0); /* the array before has all it was promised */
    params->at[params->n] = params->bytes.n;
    params->null[params->n] = null;
    params->n++;
}

bool pg_params_finish(struct pg_params *params)
{
    CHECK(params->missing == 0);
    if (params->bytes.overflow)
        return false;
    params->at[params->n] = params->bytes.n;
    for (int i = 0; i < params->n; i++) {
        size_t length = params->at[i + 1] - params->at[i];

        CHECK(params->at[i] <= params->at[i + 1] && length <= INT32_MAX);
        CHECK(!params->null[i] || length == 0);
        /* libpq takes a NULL pointer for NULL; an empty buffer has none. */
        params->values[i] = params->null[i] ? NULL
            : length == 0 ? "" : params->bytes.p + params->at[i];
        params->lengths[i] = (int)length;
        params->formats[i] = 1;
    }
    return true;
}

void pg_param_int8(struct pg_params *params, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);

    begin(params, false);
    buf_put(&params->bytes, &wire, sizeof(wire));
}

void pg_param_str(struct pg_params *params, struct str value)
{
    begin(params, false);
    buf_str(&params->bytes, value);
}

void pg_param_null(struct pg_params *params)
{
    begin(params, true);
}

void pg_array(struct pg_params *params, enum pg_type element, uint32_t n)
{
    CHECK(element == PG_INT8 || element == PG_INT2 || element == PG_TEXT || element == PG_BYTEA);
    begin(params, false);
    params->element = element;
    params->missing = n;
    put_u32(&params->bytes, n == 0 ? 0 : 1);
    put_u32(&params->bytes, 0);
    put_u32(&params->bytes, (uint32_t)element);
    if (n == 0)
        return;
    put_u32(&params->bytes, n);
    put_u32(&params->bytes, 1);
}

void pg_put_int8(struct pg_params *params, int64_t value)
{
    struct { uint32_t length, high, low; } wire = {
        htobe32(8),
        htobe32((uint32_t)((uint64_t)value >> 32)),
        htobe32((uint32_t)(uint64_t)value),
    };

    take_element(params, PG_INT8);
    buf_put(&params->bytes, &wire, sizeof(wire));
}

void pg_put_int2(struct pg_params *params, int16_t value)
{
    uint16_t wire = htobe16((uint16_t)value);

    take_element(params, PG_INT2);
    put_u32(&params->bytes, 2);
    buf_put(&params->bytes, &wire, sizeof(wire));
}

void pg_put_str(struct pg_params *params, struct str value)
{
    take_element(params, params->element == PG_BYTEA ? PG_BYTEA : PG_TEXT);
    CHECK(value.n <= INT32_MAX && (value.n == 0 || value.p != NULL));
    put_u32(&params->bytes, (uint32_t)value.n);
    buf_str(&params->bytes, value);
}

int64_t pg_read_int(const char *bytes, int length)
{
    uint64_t n8;
    uint32_t n4;
    uint16_t n2;

    switch (length) {
    case 8:
        memcpy(&n8, bytes, 8);
        return (int64_t)be64toh(n8);
    case 4:
        memcpy(&n4, bytes, 4);
        return (int32_t)be32toh(n4);
    case 2:
        memcpy(&n2, bytes, 2);
        return (int16_t)be16toh(n2);
    case 1:
        return (int64_t)(bytes[0] != 0); /* bool */
    default:
        CHECK(false && "an integer of 1, 2, 4 or 8 bytes");
        return 0;
    }
}
