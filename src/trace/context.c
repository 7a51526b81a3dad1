/* traceparent: strictly as the specification has it (see trace/context.h). */
#include "trace/context.h"

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; /* lower case alone */
}

static bool read_hex(const char *p, size_t n, uint8_t *bytes)
{
    for (size_t i = 0; i < n; i++) {
        int high = digit(p[2 * i]), low = digit(p[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++)
        any |= bytes[i];
    return any == 0;
}

bool trace_context_read(struct str text, struct trace_context *context)
{
    uint8_t version, flags;

    if (text.n < TRACEPARENT_BYTES || text.p[2] != '-' || text.p[35] != '-' ||
        text.p[52] != '-')
        return false;
    if (!read_hex(text.p, 1, &version) || !read_hex(text.p + 3, 16, context->trace) ||
        !read_hex(text.p + 36, 8, context->span) || !read_hex(text.p + 53, 1, &flags))
        return false;
    if (version == 0xff || is_zero(context->trace, sizeof(context->trace)) ||
        is_zero(context->span, sizeof(context->span)))
        return false;
    if (text.n > TRACEPARENT_BYTES && (version == 0 || text.p[TRACEPARENT_BYTES] != '-'))
        return false;
    context->sampled = (flags & 1) != 0;
    return true;
}

void trace_hex(const uint8_t *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

void traceparent_trace(struct str traceparent, char out[33])
{
    CHECK(traceparent.n == TRACEPARENT_BYTES);
    memcpy(out, traceparent.p + 3, 32);
    out[32] = '\0';
}

void trace_context_write(const struct trace_context *context, char out[TRACEPARENT_BYTES])
{
    memcpy(out, "00-", 3);
    trace_hex(context->trace, sizeof(context->trace), out + 3);
    out[35] = '-';
    trace_hex(context->span, sizeof(context->span), out + 36);
    memcpy(out + 52, context->sampled ? "-01" : "-00", 3);
}
