/*
 * Entries of the trading desk, as messages of the log: the names of what they
 * do, and whether one is whole.
 */
#ifndef MODEL_DESK_ENTRY_H
#define MODEL_DESK_ENTRY_H

#include "base/check.h"
#include "model/message.h"

#define LIMIT_REASON_BYTES 500
#define DESK_NOTE_BYTES 300
#define DESK_TICKET_BYTES 16
#define DESK_MARGIN_MAX_E4 10000   /* 100 % */
#define DESK_FACTOR_MAX_E4 100000  /* ten times */
#define DESK_ODDS_MIN_E4 10100     /* no price below 1.01 is set */

const char *desk_act_name(enum desk_act act);       /* "suspend" */
const char *desk_level_name(enum desk_level level); /* "all"; nowhere: "" */
const char *desk_what_name(enum desk_what what);    /* "result"; nothing: "" */
bool desk_act_parse(struct str name, enum desk_act *act) MUST_USE;
bool desk_level_parse(struct str name, enum desk_level *level) MUST_USE;
bool desk_what_parse(struct str name, enum desk_what *what) MUST_USE;

/* An entry with nothing set. */
struct message_desk desk_entry_make(enum desk_act act, struct str operator, struct str reason);

/* What is missing in a MESSAGE_DESK, too much, or out of its range; NULL: it
 * is whole. */
const char *desk_entry_fault(const struct message *message);

#endif
