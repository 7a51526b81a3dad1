/*
 * `overround serve`: wires the roles together in one process, runs the loop,
 * and takes it all down again in the opposite order.
 */
#ifndef SERVE_H
#define SERVE_H

#include "net/http.h"

/* The subcommand: arguments after its name, gives the exit code. */
int serve_main(int argc, char **argv);

/* Routes' handlers on the operator listener. */
void serve_get_health(void *serve, struct http_request *request);
void serve_get_ready(void *serve, struct http_request *request);
void serve_get_metrics(void *serve, struct http_request *request);

#endif
