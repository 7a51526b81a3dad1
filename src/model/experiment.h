/*
 * Experiments: which customer gets which arm.
 *
 * A pure function of the setting and the customer's id: the same in every
 * process and for ever, without a table.  Each experiment draws for itself,
 * because its name is part of what is hashed.  Weights are shares of 10,000
 * buckets in the order of the setting.  Changing weights moves customers from
 * one arm to another, so give a changed experiment a new name.
 */
#ifndef MODEL_EXPERIMENT_H
#define MODEL_EXPERIMENT_H

#include "base/arena.h"
#include "base/json.h"

#define EXPERIMENTS_MAX 4   /* at a time */
#define EXPERIMENT_ARMS_MAX 8
#define EXPERIMENT_NAME_BYTES 32

struct experiment_arm {
    struct str name;
    int64_t weight;
    uint32_t below; /* buckets below this, and not of an arm before it */
};

struct experiment {
    struct str name;
    struct experiment_arm arms[EXPERIMENT_ARMS_MAX]; /* the first one is the control */
    uint32_t n_arms;
};

struct experiments {
    struct experiment list[EXPERIMENTS_MAX];
    uint32_t n;
};

/*
 * "slip=control:50/quick:50,board=a:9/b:1"; empty: none.  Names are 1 to 32
 * of a-z, 0-9, _ and -; weights are 1 to 1000000.  The names point into
 * `text`.  False: *error (in arena) says what is wrong.
 */
bool experiments_read(struct experiments *experiments, struct str text, struct arena *arena,
                      struct str *error) MUST_USE;
const struct experiment *experiments_find(const struct experiments *experiments,
                                          struct str name);
/* The customer's arm; never NULL. */
const struct experiment_arm *experiment_arm_of(const struct experiment *experiment,
                                               int64_t account);
/* {"slip":"quick"}: the customer's arm of each, as a value. */
void experiments_write(const struct experiments *experiments, int64_t account, struct jw *w);

#endif
