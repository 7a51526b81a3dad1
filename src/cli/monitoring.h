/*
 * deploy/monitoring/ from the tables: rules of Prometheus (tbl/alerts.h), and
 * dashboards of Grafana (tbl/panels.h).
 */
#ifndef CLI_MONITORING_H
#define CLI_MONITORING_H

#include <stdbool.h>
#include <stdio.h>

#include "base/str.h"

void alerts_reference(FILE *out);    /* alerts.yaml */
void recording_reference(FILE *out); /* recording.yaml */
/* FOLDER/NAME.json each; false: said on stderr why not. */
bool dashboards_reference(const char *folder);

/*
 * The tables agree: every metric that an expression names is one of ours, a
 * recorded one, or a foreign one that is listed; each of ours is on a
 * dashboard, or is marked why not.  Says what is wrong, a line each.
 */
bool monitoring_check(FILE *out);

/* Calls it with each expression of the dashboards. */
void dashboards_each(void (*on_query)(void *ctx, const char *expr), void *ctx);

#endif
