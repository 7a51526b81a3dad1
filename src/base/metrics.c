/*
 * Metrics.  A histogram counts into the bounds that it exports, so that what
 * Prometheus reads is exact.
 */
#include "base/metrics.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"

#define LABELS 256
#define BOUNDS_MAX 16
#define TRACE_ID 33 /* bytes, with the zero */

enum kind { COUNTER, COUNTER_US, GAUGE, GAUGE_MS, GAUGE_US, HISTOGRAM, SIZES, INFO };

static const struct info {
    const char *name, *label, *help;
    enum kind kind;
} infos[METRICS] = {
#define METRIC(name, kind, text, label, help) { text, label, help, kind },
#define SERIES(name, value)
#include "tbl/metrics.h"
#undef SERIES
#undef METRIC
};

/* Those that are there before anything was counted. */
static const struct { enum metric metric; const char *label; } first_series[] = {
#define METRIC(name, kind, text, label, help)
#define SERIES(name, value) { METRIC_##name, value },
#include "tbl/metrics.h"
#undef SERIES
#undef METRIC
};

struct series {
    char *label; /* owned; "" for metrics without one; an INFO's, written out */
    int64_t value;
};

/* Microseconds. */
static const int64_t times[] = { 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000,
                                 100000, 250000, 500000, 1000000, 2500000, 10000000 };
static const int64_t sizes[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000 };
_Static_assert(LENGTH(times) <= BOUNDS_MAX && LENGTH(sizes) <= BOUNDS_MAX, "a bucket each");

struct exemplar {
    char trace_id[TRACE_ID]; /* "": none yet */
    int64_t value, at_ms;
};

struct histogram {
    uint64_t at_most[BOUNDS_MAX]; /* and above the bound before */
    uint64_t count;
    int64_t sum;
    struct exemplar *exemplars; /* the last of each bucket, of +Inf too; NULL: no */
};

static struct {
    struct series *series;
    unsigned n;
    struct histogram *histogram;
} metrics[METRICS];

static bool is_counter(const struct info *info)
{
    return info->kind == COUNTER || info->kind == COUNTER_US;
}

static struct series *series_add(enum metric metric, struct str label)
{
    struct series *grown, *fresh;

    grown = realloc(metrics[metric].series, (metrics[metric].n + 1) * sizeof(*grown));
    CHECK(grown != NULL);
    metrics[metric].series = grown;
    fresh = &grown[metrics[metric].n++];
    fresh->value = 0;
    fresh->label = strndup(label.p == NULL ? "" : label.p, label.n);
    CHECK(fresh->label != NULL);
    return fresh;
}

static struct series *series_find(enum metric metric, struct str label)
{
    for (unsigned i = 0; i < metrics[metric].n; i++)
        if (str_eq(str_of(metrics[metric].series[i].label), label))
            return &metrics[metric].series[i];
    return NULL;
}

static struct series *series_of(enum metric metric, struct str label)
{
    struct series *series = series_find(metric, label);

    CHECK(metric < METRICS);
    CHECK(infos[metric].kind < HISTOGRAM);
    if (series != NULL)
        return series;
    if (metrics[metric].n >= LABELS) {
        series = series_find(metric, STR("other"));
        return series != NULL ? series : series_add(metric, STR("other"));
    }
    return series_add(metric, label);
}

void metric_add(enum metric metric, struct str label, int64_t n)
{
    series_of(metric, label)->value += n;
}

void metric_set(enum metric metric, struct str label, int64_t n)
{
    series_of(metric, label)->value = n;
}

int64_t metric_value(enum metric metric, struct str label)
{
    struct series *series = series_find(metric, label);

    if (metrics[metric].histogram != NULL)
        return (int64_t)metrics[metric].histogram->count;
    return series == NULL ? 0 : series->value;
}

/* The upper bounds of a histogram's buckets, inclusive, ascending. */
static const int64_t *bounds_of(const struct info *info, size_t *n)
{
    *n = info->kind == HISTOGRAM ? LENGTH(times) : LENGTH(sizes);
    return info->kind == HISTOGRAM ? times : sizes;
}

/* The bucket that it was counted in. */
static size_t observe(enum metric metric, int64_t value)
{
    struct histogram *h = metrics[metric].histogram;
    const int64_t *bounds;
    size_t n, i = 0;

    CHECK(metric < METRICS);
    CHECK(infos[metric].kind == HISTOGRAM || infos[metric].kind == SIZES);
    if (h == NULL) {
        h = metrics[metric].histogram = calloc(1, sizeof(*h));
        CHECK(h != NULL);
    }
    if (value < 0)
        value = 0;
    bounds = bounds_of(&infos[metric], &n);
    while (i < n && value > bounds[i])
        i++;
    if (i < n)
        h->at_most[i]++;
    h->count++;
    h->sum += value;
    return i;
}

void metric_observe(enum metric metric, int64_t value)
{
    (void)observe(metric, value);
}

void metric_observe_exemplar(enum metric metric, int64_t value, const char trace_id[33])
{
    size_t bucket = observe(metric, value);
    struct histogram *h = metrics[metric].histogram;
    struct exemplar *exemplar;

    if (h->exemplars == NULL) {
        h->exemplars = calloc(BOUNDS_MAX + 1, sizeof(*h->exemplars));
        CHECK(h->exemplars != NULL);
    }
    exemplar = &h->exemplars[bucket];
    memcpy(exemplar->trace_id, trace_id, TRACE_ID - 1);
    exemplar->value = value < 0 ? 0 : value;
    exemplar->at_ms = clock_wall_ms();
}

/* n / 10^digits, exactly: "0.25", "-3.0", as OpenMetrics wants its bounds. */
static void put_decimal(struct buf *out, int64_t n, int digits)
{
    uint64_t whole = n < 0 ? -(uint64_t)n : (uint64_t)n, scale = 1, part;

    for (int i = 0; i < digits; i++)
        scale *= 10;
    part = digits == 0 ? 0 : whole % scale;
    while (digits > 1 && part % 10 == 0) {
        part /= 10;
        digits--;
    }
    buf_printf(out, "%s%" PRIu64 ".%0*" PRIu64, n < 0 ? "-" : "", whole / scale,
               digits, part);
}

/* What was observed, in the unit of the metric's name. */
static void put_observed(struct buf *out, const struct info *info, int64_t value)
{
    put_decimal(out, value, info->kind == HISTOGRAM ? 6 : 0);
}

static void put_exemplar(struct buf *out, const struct info *info, const struct exemplar *e)
{
    if (e->trace_id[0] == '\0')
        return;
    buf_printf(out, " # {trace_id=\"%s\"} ", e->trace_id);
    put_observed(out, info, e->value);
    buf_char(out, ' ');
    put_decimal(out, e->at_ms, 3);
}

static void write_bucket(struct buf *out, const struct info *info, const struct histogram *h,
                         size_t bucket, uint64_t n, enum metrics_format format)
{
    size_t bounds;
    const int64_t *bound = bounds_of(info, &bounds);

    buf_printf(out, "%s_bucket{le=\"", info->name);
    if (bucket < bounds)
        put_observed(out, info, bound[bucket]);
    else
        buf_str(out, STR("+Inf"));
    buf_printf(out, "\"} %" PRIu64, n);
    if (format == METRICS_OPEN && h->exemplars != NULL)
        put_exemplar(out, info, &h->exemplars[bucket]);
    buf_char(out, '\n');
}

static void write_histogram(struct buf *out, const struct info *info, const struct histogram *h,
                            enum metrics_format format)
{
    static const struct histogram empty;
    uint64_t seen = 0;
    size_t n;

    if (h == NULL)
        h = &empty;
    (void)bounds_of(info, &n);
    for (size_t i = 0; i < n; i++) {
        seen += h->at_most[i];
        write_bucket(out, info, h, i, seen, format);
    }
    write_bucket(out, info, h, n, h->count, format);
    buf_printf(out, "%s_sum ", info->name);
    put_observed(out, info, h->sum);
    buf_printf(out, "\n%s_count %" PRIu64 "\n", info->name, h->count);
}

static void put_label(struct buf *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            buf_char(out, '\\');
        buf_char(out, *value == '\n' ? ' ' : *value);
    }
}

static void write_info(struct buf *out, const struct info *info, enum metric metric)
{
    for (unsigned i = 0; i < metrics[metric].n; i++)
        buf_printf(out, "%s{%s} 1\n", info->name, metrics[metric].series[i].label);
}

void metric_info(enum metric metric, const char *const *values, size_t n)
{
    const char *name = infos[metric].label;
    struct buf labels;

    CHECK(infos[metric].kind == INFO);
    buf_init(&labels, 64 * 1024);
    for (size_t i = 0; i < n; i++) {
        size_t length = strcspn(name, ",");

        CHECK(length > 0);
        buf_printf(&labels, "%s%.*s=\"", i > 0 ? "," : "", (int)length, name);
        put_label(&labels, values[i]);
        buf_char(&labels, '"');
        name += length + (name[length] == ',');
    }
    CHECK(*name == '\0');
    if (metrics[metric].n > 0) {
        free(metrics[metric].series[0].label);
        metrics[metric].n = 0;
    }
    (void)series_add(metric, buf_view(&labels));
    buf_fini(&labels);
}

static void put_value(struct buf *out, const struct info *info, int64_t value)
{
    buf_char(out, ' ');
    if (info->kind == COUNTER_US || info->kind == GAUGE_US)
        put_decimal(out, value, 6);
    else if (info->kind == GAUGE_MS)
        put_decimal(out, value, 3);
    else
        buf_int(out, value);
    buf_char(out, '\n');
}

/* A counter begins at 0; a gauge is not there before it was set. */
static void write_series(struct buf *out, const struct info *info, enum metric metric)
{
    if (metrics[metric].n == 0 && info->label[0] == '\0' && is_counter(info)) {
        buf_str(out, str_of(info->name));
        put_value(out, info, 0);
    }
    for (unsigned i = 0; i < metrics[metric].n; i++) {
        const struct series *series = &metrics[metric].series[i];

        buf_str(out, str_of(info->name));
        if (info->label[0] != '\0') {
            buf_printf(out, "{%s=\"", info->label);
            put_label(out, series->label);
            buf_str(out, STR("\"}"));
        }
        put_value(out, info, series->value);
    }
}

static const char *kind_name(enum kind kind)
{
    if (kind == COUNTER || kind == COUNTER_US)
        return "counter";
    return kind == HISTOGRAM || kind == SIZES ? "histogram" : "gauge";
}

/* The last word of the family's name, if it is a unit. */
static const char *unit_of(struct str family)
{
    static const char *const units[] = { "seconds", "bytes", "minor" };

    for (size_t i = 0; i < LENGTH(units); i++) {
        size_t n = strlen(units[i]);

        if (family.n > n && family.p[family.n - n - 1] == '_' &&
            memcmp(family.p + family.n - n, units[i], n) == 0)
            return units[i];
    }
    return NULL;
}

/* In OpenMetrics a family has no _total; its samples have. */
static void write_head(struct buf *out, const struct info *info, enum metrics_format format)
{
    struct str family = str_of(info->name);
    const char *unit;

    if (format == METRICS_OPEN && is_counter(info))
        family.n -= strlen("_total");
    buf_printf(out, "# HELP " STR_FMT " %s\n# TYPE " STR_FMT " %s\n", STR_ARG(family),
               info->help, STR_ARG(family), kind_name(info->kind));
    unit = unit_of(family);
    if (format == METRICS_OPEN && unit != NULL)
        buf_printf(out, "# UNIT " STR_FMT " %s\n", STR_ARG(family), unit);
}

static void write_metric(struct buf *out, enum metric metric, enum metrics_format format)
{
    const struct info *info = &infos[metric];

    write_head(out, info, format);
    if (info->kind == HISTOGRAM || info->kind == SIZES)
        write_histogram(out, info, metrics[metric].histogram, format);
    else if (info->kind == INFO)
        write_info(out, info, metric);
    else
        write_series(out, info, metric);
}

void metrics_write(struct buf *out, enum metrics_format format)
{
    for (unsigned i = 0; i < LENGTH(first_series); i++)
        metric_add(first_series[i].metric, str_of(first_series[i].label), 0);
    for (unsigned i = 0; i < METRICS; i++)
        write_metric(out, i, format);
    if (format == METRICS_OPEN)
        buf_str(out, STR("# EOF\n"));
}

static bool is_sample(const struct info *info, struct str name)
{
    static const char *const ends[] = { "_bucket", "_sum", "_count" };
    struct str family = str_of(info->name), end;

    if (info->kind != HISTOGRAM && info->kind != SIZES)
        return str_eq(family, name);
    if (name.n <= family.n || memcmp(name.p, family.p, family.n) != 0)
        return false;
    end = (struct str){ name.p + family.n, name.n - family.n };
    for (size_t i = 0; i < LENGTH(ends); i++)
        if (str_eq(end, str_of(ends[i])))
            return true;
    return false;
}

enum metric metric_of_sample(struct str name)
{
    unsigned i = 0;

    while (i < METRICS && !is_sample(&infos[i], name))
        i++;
    return i;
}

const char *metric_name(enum metric metric)
{
    CHECK(metric < METRICS);
    return infos[metric].name;
}

const char *metric_help(enum metric metric)
{
    CHECK(metric < METRICS);
    return infos[metric].help;
}

void metrics_reference(FILE *out)
{
    fprintf(out, "# Metrics\n\nGenerated from `src/tbl/metrics.h` by `make docs`.\n\n"
            "| metric | kind | label | |\n|---|---|---|---|\n");
    for (unsigned i = 0; i < METRICS; i++)
        fprintf(out, "| `%s` | %s | %s | %s |\n", infos[i].name, kind_name(infos[i].kind),
                infos[i].label, infos[i].help);
}
