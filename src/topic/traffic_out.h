/*
 * The topic traffic, written: what customers asked for, at most once
 * (docs/EVENTS.md).  A record that Kafka does not take now is dropped.
 */
#ifndef TOPIC_TRAFFIC_OUT_H
#define TOPIC_TRAFFIC_OUT_H

#include "bus/kafka.h"
#include "model/experiment.h"
#include "model/money.h"

struct traffic_out;

/* Requests of one kind within a second. */
struct traffic_requests {
    struct str route, method;
    int status;
    struct str label;       /* the refusal's code; empty: none */
    int64_t n, us;          /* how many; how long they took together */
};

/* process: its name, of this process alone; not copied. */
struct traffic_out *traffic_out_new(struct kafka *kafka, const char *process) MUST_USE;
void traffic_out_requests(struct traffic_out *out, const struct traffic_requests *requests,
                          int64_t at_ms);
/* The customer was told their arm of the experiment. */
void traffic_out_exposure(struct traffic_out *out, const struct experiment *experiment,
                          int64_t account, const struct currency *currency, int64_t at_ms);
void traffic_out_free(struct traffic_out *out);

#endif
