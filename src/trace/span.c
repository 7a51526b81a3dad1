/* OTLP in JSON (see trace/span.h). */
#include "trace/span.h"

#include <inttypes.h>

#include "base/json.h"

/* fixed64 and int64 are strings: a double has no room for them. */
static void put_int64(struct jw *w, const char *key, int64_t number)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%" PRId64, number);

    jw_put_str(w, key, (struct str){ text, (size_t)n });
}

static void put_hex(struct jw *w, const char *key, const uint8_t *bytes, size_t n)
{
    char text[32];

    CHECK(2 * n <= sizeof(text));
    trace_hex(bytes, n, text);
    jw_put_str(w, key, (struct str){ text, 2 * n });
}

static void put_text(struct jw *w, const char *key, struct str text)
{
    jw_object(w);
    jw_put_str(w, "key", str_of(key));
    jw_key(w, "value");
    jw_object(w);
    jw_put_str(w, "stringValue", text);
    jw_object_end(w);
    jw_object_end(w);
}

static void put_attribute(struct jw *w, const struct span_attribute *attribute)
{
    if (attribute->text != NULL) {
        put_text(w, attribute->key, str_of(attribute->text));
        return;
    }
    jw_object(w);
    jw_put_str(w, "key", str_of(attribute->key));
    jw_key(w, "value");
    jw_object(w);
    put_int64(w, "intValue", attribute->number);
    jw_object_end(w);
    jw_object_end(w);
}

static bool is_root(const struct span *span)
{
    static const uint8_t none[sizeof(span->parent)];

    return memcmp(span->parent, none, sizeof(none)) == 0;
}

static void put_attributes(struct jw *w, const struct span *span)
{
    jw_key(w, "attributes");
    jw_array(w);
    for (size_t i = 0; i < SPAN_ATTRIBUTES && span->attributes[i].key != NULL; i++)
        put_attribute(w, &span->attributes[i]);
    if (span->request_n > 0)
        put_text(w, "overround.request.id", (struct str){ span->request, span->request_n });
    jw_array_end(w);
}

static void put_span(struct jw *w, const struct span *span)
{
    jw_object(w);
    put_hex(w, "traceId", span->here.trace, sizeof(span->here.trace));
    put_hex(w, "spanId", span->here.span, sizeof(span->here.span));
    if (!is_root(span))
        put_hex(w, "parentSpanId", span->parent, sizeof(span->parent));
    jw_put_str(w, "name", str_of(span->name));
    jw_put_int(w, "kind", (int)span->kind);
    put_int64(w, "startTimeUnixNano", span->start_ns);
    put_int64(w, "endTimeUnixNano", span->end_ns);
    put_attributes(w, span);
    if (span->failed) {
        jw_key(w, "status");
        jw_object(w);
        jw_put_int(w, "code", 2);
        jw_object_end(w);
    }
    jw_object_end(w);
}

static void put_resource(struct jw *w, const struct span_resource *resource)
{
    jw_key(w, "resource");
    jw_object(w);
    jw_key(w, "attributes");
    jw_array(w);
    put_text(w, "service.name", str_of(resource->service));
    if (resource->version[0] != '\0')
        put_text(w, "service.version", str_of(resource->version));
    put_text(w, "service.instance.id", str_of(resource->instance));
    put_text(w, "overround.role", str_of(resource->role));
    jw_array_end(w);
    jw_object_end(w);
}

void spans_write(const struct span *spans, size_t n, const struct span_resource *resource,
                 struct buf *out)
{
    struct jw w = jw_to(out);

    jw_object(&w);
    jw_key(&w, "resourceSpans");
    jw_array(&w);
    jw_object(&w);
    put_resource(&w, resource);
    jw_key(&w, "scopeSpans");
    jw_array(&w);
    jw_object(&w);
    jw_key(&w, "scope");
    jw_object(&w);
    jw_put_str(&w, "name", STR("overround"));
    jw_object_end(&w);
    jw_key(&w, "spans");
    jw_array(&w);
    for (size_t i = 0; i < n; i++)
        put_span(&w, &spans[i]);
    jw_array_end(&w);
    jw_object_end(&w);
    jw_array_end(&w);
    jw_object_end(&w);
    jw_array_end(&w);
    jw_object_end(&w);
}
