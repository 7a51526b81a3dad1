/*
 * overround fanout: the stream of an edge node.  Readers get the public stream
 * unchanged; the origin has one subscription for each event, however many there are.
 *
 * Returns the exit code: 0 drained, 1 failed, 2 usage.
 */
#ifndef FANOUT_FANOUT_H
#define FANOUT_FANOUT_H

int fanout_main(int argc, char **argv);

#endif
