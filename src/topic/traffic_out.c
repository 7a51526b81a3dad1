/* The topic traffic, written: see traffic_out.h. */
#include "topic/traffic_out.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/metrics.h"

#define RECORD_BYTES 4096

struct traffic_out {
    struct kafka *kafka;
    const char *process;
    struct buf text;
};

struct traffic_out *traffic_out_new(struct kafka *kafka, const char *process)
{
    struct traffic_out *out = calloc(1, sizeof(*out));

    CHECK(out != NULL);
    out->kafka = kafka;
    out->process = process;
    buf_init(&out->text, RECORD_BYTES);
    return out;
}

void traffic_out_free(struct traffic_out *out)
{
    buf_fini(&out->text);
    free(out);
}

static struct jw begin(struct traffic_out *out, const char *kind, int64_t at_ms)
{
    struct jw w;

    buf_reset(&out->text);
    w = jw_to(&out->text);
    jw_object(&w);
    jw_put_int(&w, "v", 1);
    jw_put_str(&w, "kind", str_of(kind));
    jw_put_int(&w, "at_ms", at_ms);
    return w;
}

static void end(struct traffic_out *out, struct jw *w, int64_t at_ms)
{
    bool sent;

    jw_object_end(w);
    sent = kafka_send(out->kafka, &(struct kafka_record){
        .topic = TOPIC_TRAFFIC, .partition = -1, .value = buf_view(&out->text),
        .at_ms = at_ms });
    metric_add(METRIC_TRAFFIC_RECORDS, sent ? STR("sent") : STR("dropped"), 1);
}

void traffic_out_requests(struct traffic_out *out, const struct traffic_requests *requests,
                          int64_t at_ms)
{
    struct jw w = begin(out, "requests", at_ms);

    jw_put_str(&w, "process", str_of(out->process));
    jw_put_str(&w, "route", requests->route);
    jw_put_str(&w, "method", requests->method);
    jw_put_int(&w, "status", requests->status);
    jw_put_str(&w, "code", requests->label);
    jw_put_int(&w, "n", requests->n);
    jw_put_int(&w, "us", requests->us);
    end(out, &w, at_ms);
}

void traffic_out_exposure(struct traffic_out *out, const struct experiment *experiment,
                          int64_t account, const struct currency *currency, int64_t at_ms)
{
    struct jw w = begin(out, "exposure", at_ms);

    jw_put_str(&w, "experiment", experiment->name);
    jw_put_str(&w, "arm", experiment_arm_of(experiment, account)->name);
    jw_put_int(&w, "account", account);
    jw_put_str(&w, "currency", str_of(currency->code));
    end(out, &w, at_ms);
}
