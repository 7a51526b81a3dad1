/* The settings of `overround serve`, read and checked. */
#ifndef SERVE_SETTINGS_H
#define SERVE_SETTINGS_H

#include "base/config.h"
#include "feed/watch.h"
#include "house/delay.h"
#include "model/country.h"
#include "model/experiment.h"
#include "model/house.h"
#include "serve/played.h"

struct settings {
    struct config config;
    struct played played;
    struct house house;
    struct country_rules countries;
    struct experiments experiments;
    struct watch_recovery recovery;
    struct delay_settings delays;
};

/* Arguments after the subcommand's name.  False: *error is a sentence for the
 * user, in the arena or static. */
bool settings_read(struct settings *settings, int argc, char **argv, struct arena *arena,
                   struct str *error) MUST_USE;
void settings_free(struct settings *settings);

#endif
