/*
 * Any bytes as traceparent, and as X-Request-Id.  Whatever comes: no crash; a
 * context that was read is written as version 00 and read back the same; an id
 * that is well formed needs no escaping in a header or in JSON.
 */
#include <stdint.h>

#include "base/check.h"
#include "base/limits.h"
#include "net/request_id.h"
#include "trace/context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct trace_context context, again;
    char written[TRACEPARENT_BYTES];

    if (request_id_is_well(text)) {
        CHECK(size > 0 && size <= LIMIT_REQUEST_ID_BYTES);
        for (size_t i = 0; i < size; i++)
            CHECK(data[i] > ' ' && data[i] < 0x7f && data[i] != '"' && data[i] != '\\');
    }
    if (!trace_context_read(text, &context))
        return 0;
    CHECK(size >= TRACEPARENT_BYTES);
    trace_context_write(&context, written);
    CHECK(trace_context_read((struct str){ written, sizeof(written) }, &again));
    CHECK(memcmp(context.trace, again.trace, sizeof(context.trace)) == 0);
    CHECK(memcmp(context.span, again.span, sizeof(context.span)) == 0);
    CHECK(context.sampled == again.sampled);
    CHECK(memcmp(written + 3, text.p + 3, 49) == 0); /* the ids, digit by digit */
    return 0;
}
