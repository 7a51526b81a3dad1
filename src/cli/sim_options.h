/* What `overround sim` was asked for. */
#ifndef CLI_SIM_OPTIONS_H
#define CLI_SIM_OPTIONS_H

#include "feed/sim.h"

struct sim_play {
    const char *url, *token;
    const char *recovery_listen;  /* NULL = nobody asks */
    const char *worldcup;         /* the data's folder; NULL = matches by dice */
    const char *match, *from, *until;
    unsigned matches;
    double speed, margin;
    uint64_t seed;
    bool once, day, print;
    struct faults_options faults;
};

/* ARGS_WELL, or the exit code after the person was told (cli/args.h). */
int sim_options_read(struct sim_play *play, int argc, char **argv);

#endif
