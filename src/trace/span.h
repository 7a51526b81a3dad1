/*
 * Spans as they wait to be exported, and the text they are exported as: one
 * ExportTraceServiceRequest of OTLP in protobuf's JSON mapping
 * (https://opentelemetry.io/docs/specs/otlp/, JSON Protobuf Encoding): ids in
 * hexadecimal, 64-bit integers as strings, enums as numbers.
 */
#ifndef TRACE_SPAN_H
#define TRACE_SPAN_H

#include "base/buf.h"
#include "base/limits.h"
#include "trace/context.h"

/* SpanKind of the protocol. */
enum span_kind { SPAN_INTERNAL = 1, SPAN_SERVER = 2, SPAN_PRODUCER = 4 };

#define SPAN_ATTRIBUTES 6

struct span_attribute {
    const char *key;     /* static; NULL: the end */
    const char *text;    /* static; NULL: the number holds */
    int64_t number;
};

struct span {
    struct trace_context here;
    uint8_t parent[8];   /* zero: a root */
    const char *name;    /* static */
    enum span_kind kind;
    bool failed;         /* status ERROR */
    int64_t start_ns, end_ns; /* since 1970 */
    struct span_attribute attributes[SPAN_ATTRIBUTES];
    char request[LIMIT_REQUEST_ID_BYTES]; /* whose it is; with its length */
    uint8_t request_n;
};

/* Whose spans they are. */
struct span_resource {
    const char *service;  /* service.name */
    const char *version;  /* service.version, or "" */
    const char *instance; /* service.instance.id */
    const char *role;     /* overround.role: what the process plays */
};

void spans_write(const struct span *spans, size_t n, const struct span_resource *resource,
                 struct buf *out);

#endif
