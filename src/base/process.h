/* A process among others: what it says of itself, by the names of Prometheus's own
 * libraries (process_cpu_seconds_total and the like), and what it may have open. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

/* Reads them from the kernel and sets them; for each look at /metrics.  What
 * cannot be read is not set. */
void process_metrics(void);

/* From now on as many files may be open as the machine allows: a connection is one. */
void process_raise_file_limit(void);

#endif
