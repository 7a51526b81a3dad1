/*
 * Metrics.  A histogram counts into the bounds that it exports, so that what
 * Prometheus reads is exact.
 */
#include "base/metrics.h"

#include <stdlib.h>

#include "base/check.h"

#define LABELS 256
#define BOUNDS_MAX 16

enum kind { COUNTER, GAUGE, HISTOGRAM, SIZES, INFO };

static const struct info {
    const char *name, *label, *help;
    enum kind kind;
} infos[METRICS] = {
#define METRIC(name, kind, text, label, help) { text, label, help, kind },
#include "tbl/metrics.h"
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

struct histogram {
    uint64_t at_most[BOUNDS_MAX]; /* and above the bound before */
    uint64_t count;
    int64_t sum;
};

static struct {
    struct series *series;
    unsigned n;
    struct histogram *histogram;
} metrics[METRICS];

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
    CHECK(infos[metric].kind == COUNTER || infos[metric].kind == GAUGE);
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

void metric_observe(enum metric metric, int64_t value)
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
}

/* Microseconds as seconds, exactly. */
static void put_seconds(struct buf *out, int64_t us)
{
    buf_printf(out, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
}

static void put_bound(struct buf *out, const struct info *info, int64_t bound)
{
    if (info->kind == HISTOGRAM)
        put_seconds(out, bound);
    else
        buf_int(out, bound);
}

static void write_histogram(struct buf *out, const struct info *info, const struct histogram *h)
{
    static const struct histogram empty;
    uint64_t seen = 0;
    size_t n;
    const int64_t *bounds = bounds_of(info, &n);

    if (h == NULL)
        h = &empty;
    for (size_t i = 0; i < n; i++) {
        seen += h->at_most[i];
        buf_printf(out, "%s_bucket{le=\"", info->name);
        put_bound(out, info, bounds[i]);
        buf_printf(out, "\"} %llu\n", (unsigned long long)seen);
    }
    buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum ", info->name,
               (unsigned long long)h->count, info->name);
    put_bound(out, info, h->sum);
    buf_printf(out, "\n%s_count %llu\n", info->name, (unsigned long long)h->count);
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

static void write_series(struct buf *out, const struct info *info, enum metric metric)
{
    if (metrics[metric].n == 0 && info->label[0] == '\0')
        buf_printf(out, "%s 0\n", info->name);
    for (unsigned i = 0; i < metrics[metric].n; i++) {
        const struct series *series = &metrics[metric].series[i];

        buf_str(out, str_of(info->name));
        if (info->label[0] != '\0') {
            buf_printf(out, "{%s=\"", info->label);
            put_label(out, series->label);
            buf_str(out, STR("\"}"));
        }
        buf_printf(out, " %lld\n", (long long)series->value);
    }
}

static const char *kind_name(enum kind kind)
{
    if (kind == COUNTER)
        return "counter";
    return kind == GAUGE || kind == INFO ? "gauge" : "histogram";
}

void metrics_write(struct buf *out)
{
    for (unsigned i = 0; i < METRICS; i++) {
        const struct info *info = &infos[i];

        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", info->name, info->help, info->name,
                   kind_name(info->kind));
        if (info->kind == COUNTER || info->kind == GAUGE)
            write_series(out, info, i);
        else if (info->kind == INFO)
            write_info(out, info, i);
        else
            write_histogram(out, info, metrics[i].histogram);
    }
}

void metrics_reference(FILE *out)
{
    fprintf(out, "# Metrics\n\nGenerated from `src/tbl/metrics.h` by `make docs`.\n\n"
            "| metric | kind | label | |\n|---|---|---|---|\n");
    for (unsigned i = 0; i < METRICS; i++)
        fprintf(out, "| `%s` | %s | %s | %s |\n", infos[i].name, kind_name(infos[i].kind),
                infos[i].label, infos[i].help);
}
