/*
 * `overround serve`: the roles of one process, from its settings to the loop,
 * and all of it taken down again in the opposite order.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

/* The subcommand: arguments after its name, gives the exit code. */
int serve_main(int argc, char **argv);

#endif
