/*
 * Names of markets and outcomes: the templates of the feed's market
 * descriptions, filled in from specifiers and competitors.
 *
 *   {total}            the specifier's value
 *   {!setnr}           its ordinal: 1st, 2nd, 11th
 *   {+hcp} {-hcp}      signed, and signed the other way round
 *   {(minute-1)} {!(inningnr+1)}   a whole number more or less
 *   {%player}          the name behind the id in that specifier
 *   {$competitor1} {$competitor2} {$event}
 */
#ifndef MODEL_NAMES_H
#define MODEL_NAMES_H

#include "base/arena.h"

struct name_context {
    struct str specifiers;       /* canonical */
    struct str home, away;       /* names; empty = unknown */
    struct str home_id, away_id;
    struct str tournament;
};

/* False: the template asks for what the context has not, or is malformed. */
bool name_fill(struct str template, const struct name_context *context, struct arena *arena,
               struct str *name) MUST_USE;

/* A competitor's name; any other id is its own name. */
struct str name_of_id(struct str id, const struct name_context *context);

#endif
