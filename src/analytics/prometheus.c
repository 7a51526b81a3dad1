/* Queries over net/client (see prometheus.h). */
#include "analytics/prometheus.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "net/http_client.h"

#define ANSWER_BYTES (64u * 1024 * 1024)
#define QUERY_BYTES 16384
#define QUERY_MS 20000
#define TOKEN_BYTES 4096

struct prometheus {
    struct http_client *client;
    char authorization[TOKEN_BYTES]; /* a header, or "" */
    struct buf query, answer;
};

struct prometheus *prometheus_new(const char *url, const char *token)
{
    struct prometheus *self = calloc(1, sizeof(*self));

    CHECK(self != NULL);
    self->client = http_client_new(url);
    if (self->client == NULL) {
        free(self);
        return NULL;
    }
    http_client_limit(self->client, QUERY_MS, NULL);
    if (token != NULL)
        (void)snprintf(self->authorization, sizeof(self->authorization),
                       "Authorization: Bearer %s", token);
    buf_init(&self->query, QUERY_BYTES);
    buf_init(&self->answer, ANSWER_BYTES);
    return self;
}

void prometheus_free(struct prometheus *self)
{
    if (self == NULL)
        return;
    http_client_free(self->client);
    buf_fini(&self->query);
    buf_fini(&self->answer);
    free(self);
}

/* ---- asking ---------------------------------------------------------------- */

static void put_encoded(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '-' || c == '.';

        if (plain)
            buf_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

static void write_query(struct prometheus *self, const char *selector, int64_t at_ms,
                        int64_t span_ms)
{
    char span[32];

    (void)snprintf(span, sizeof(span), "[%lldms]", (long long)span_ms);
    buf_reset(&self->query);
    buf_str(&self->query, STR("query="));
    put_encoded(&self->query, selector);
    put_encoded(&self->query, span);
    buf_printf(&self->query, "&time=%lld.%03lld", (long long)(at_ms / 1000),
               (long long)(at_ms % 1000));
}

static bool send_query(struct prometheus *self, struct arena *arena, struct str *error)
{
    const char *headers[] = { self->authorization };
    int status;

    if (self->query.overflow) {
        *error = STR("the query is too long");
        return false;
    }
    if (!http_client_request(self->client, "POST", "/api/v1/query",
                             "application/x-www-form-urlencoded", buf_view(&self->query), headers,
                             self->authorization[0] != '\0', &status, &self->answer)) {
        *error = arena_printf(arena, "%s%s", http_client_error(self->client),
                              self->answer.overflow ? " (the answer is too large: take a"
                                                      " shorter window)" : "");
        return false;
    }
    if (status != 200 && status != 400 && status != 422) {
        *error = arena_printf(arena, "Prometheus answers with status %d", status);
        return false;
    }
    return true;
}

/* ---- reading ----------------------------------------------------------------- */

static void read_labels(const json_t *metric, struct arena *arena,
                        struct prometheus_series *series)
{
    const char *name;
    json_t *value;

    series->labels = ARENA_ARRAY(arena, struct prometheus_label, json_object_size(metric) + 1);
    json_object_foreach((json_t *)metric, name, value) {
        struct prometheus_label *label = &series->labels[series->n_labels++];
        const char *text = json_string_value(value);

        label->name = arena_cstr(arena, str_of(name));
        label->value = arena_cstr(arena, str_of(text != NULL ? text : ""));
    }
}

/* "12.5": a number as a text.  False: "NaN", "+Inf" or none. */
static bool read_value(const json_t *text, double *value)
{
    json_t *number;

    if (!json_is_string(text))
        return false;
    number = json_loads(json_string_value(text), JSON_DECODE_ANY, NULL);
    *value = json_number_value(number);
    json_decref(number);
    return number != NULL;
}

static bool read_one(const json_t *result, struct arena *arena, struct prometheus_series *series)
{
    const json_t *metric = json_object_get(result, "metric");
    const json_t *values = json_object_get(result, "values");
    size_t n = json_array_size(values);

    *series = (struct prometheus_series){ .n = 0 };
    if (!json_is_object(metric) || n == 0)
        return false;
    read_labels(metric, arena, series);
    series->samples = ARENA_ARRAY(arena, struct prometheus_sample, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *pair = json_array_get(values, i);
        struct prometheus_sample *sample = &series->samples[series->n];

        sample->at_s = json_number_value(json_array_get(pair, 0));
        series->n += read_value(json_array_get(pair, 1), &sample->value);
    }
    return series->n > 0;
}

static bool read_all(const json_t *document, struct arena *arena,
                     struct prometheus_series **series, size_t *n, struct str *error)
{
    const json_t *data = json_object_get(document, "data");
    const json_t *results = json_object_get(data, "result");
    const char *status = json_string_value(json_object_get(document, "status"));
    const char *why = json_string_value(json_object_get(document, "error"));
    const char *type = json_string_value(json_object_get(data, "resultType"));

    if (status != NULL && strcmp(status, "error") == 0) {
        *error = arena_printf(arena, "Prometheus refuses the query: %.300s",
                              why != NULL ? why : "it does not say why");
        return false;
    }
    if (type == NULL || strcmp(type, "matrix") != 0 || !json_is_array(results)) {
        *error = STR("this is no answer of Prometheus's API");
        return false;
    }
    *n = 0;
    *series = ARENA_ARRAY(arena, struct prometheus_series, json_array_size(results) + 1);
    for (size_t i = 0; i < json_array_size(results); i++)
        *n += read_one(json_array_get(results, i), arena, &(*series)[*n]);
    return true;
}

bool prometheus_read(struct prometheus *self, const char *selector, int64_t at_ms,
                     int64_t span_ms, struct arena *arena, struct prometheus_series **series,
                     size_t *n, struct str *error)
{
    json_t *document;
    bool well;

    write_query(self, selector, at_ms, span_ms);
    if (!send_query(self, arena, error))
        return false;
    document = json_loadb(self->answer.p, self->answer.n, 0, NULL);
    well = read_all(document, arena, series, n, error);
    json_decref(document);
    return well;
}

/* ---- series -------------------------------------------------------------------- */

const char *prometheus_label(const struct prometheus_series *series, const char *name)
{
    for (uint32_t i = 0; i < series->n_labels; i++)
        if (strcmp(series->labels[i].name, name) == 0)
            return series->labels[i].value;
    return "";
}

double prometheus_increase(const struct prometheus_series *series, bool born)
{
    double sum = born ? series->samples[0].value : 0;

    for (uint32_t i = 1; i < series->n; i++) {
        double before = series->samples[i - 1].value, is = series->samples[i].value;

        sum += is >= before ? is - before : is;
    }
    return sum;
}
