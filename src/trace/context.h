/*
 * Where a span stands: the ids of its trace and its own, and their text form,
 * W3C Trace Context level 1 (https://www.w3.org/TR/trace-context/):
 *
 *   traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
 *                version, trace, span, flags (1: sampled)
 */
#ifndef TRACE_CONTEXT_H
#define TRACE_CONTEXT_H

#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

#define TRACEPARENT_BYTES 55

struct trace_context {
    uint8_t trace[16], span[8];
    bool sampled;
};

/* False: malformed, and to be ignored as a whole (3.2.2).  Of a version that is
 * not known yet the part that is gets read. */
bool trace_context_read(struct str text, struct trace_context *context) MUST_USE;
void trace_context_write(const struct trace_context *context, char out[TRACEPARENT_BYTES]);
/* The trace of a text that was written so: 32 digits. */
void traceparent_trace(struct str traceparent, char out[33]);
/* Lower-case hexadecimal digits, twice n of them. */
void trace_hex(const uint8_t *bytes, size_t n, char *out);

#endif
