/* What every process says of itself, by the names of Prometheus's own
 * libraries: process_cpu_seconds_total and the like. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

/* Reads them from the kernel and sets them; for each look at /metrics.  What
 * cannot be read is not set. */
void process_metrics(void);

#endif
