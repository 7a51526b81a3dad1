/*
 * What customers ask for, sent to reports on the topic traffic: at most once,
 * because money does not hang on it and nobody waits for it.
 *
 *   requests   a record a second for each route, method, status and refusal,
 *              with how many and how long: its size does not grow with load
 *   exposure   a customer was told the arm of an experiment; told again at the
 *              next session, so one that is lost comes later
 */
#ifndef ANALYTICS_TRAFFIC_H
#define ANALYTICS_TRAFFIC_H

#include <uv.h>

#include "model/experiment.h"
#include "model/money.h"
#include "net/http.h"

struct kafka;
struct traffic;

struct traffic_options {
    uv_loop_t *loop;
    const char *process;    /* its name, of this process alone */
    const struct experiments *experiments;
    struct kafka *kafka;
};

struct traffic *traffic_new(const struct traffic_options *options) MUST_USE;
/* Sends what was counted, and no more afterwards; free when the loop has
 * turned. */
void traffic_stop(struct traffic *traffic);
void traffic_free(struct traffic *traffic);

/* The listener's on_answer. */
void traffic_on_answer(struct traffic *traffic, const struct http_request *request, int status);
void traffic_on_exposed(struct traffic *traffic, int64_t account,
                        const struct currency *currency, int64_t at_ms);

#endif
