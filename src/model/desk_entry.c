/* Entries of the trading desk: see desk_entry.h. */
#include "model/desk_entry.h"

#include "base/limits.h"
#include "model/money.h"
#include "model/operator.h"

static const char *const acts[] = {
    [DESK_SUSPEND] = "suspend", [DESK_RESUME] = "resume",   [DESK_MARGIN] = "margin",
    [DESK_PRICE] = "price",     [DESK_LIMITS] = "limits",   [DESK_FACTOR] = "factor",
    [DESK_PROPOSE] = "propose", [DESK_CONFIRM] = "confirm", [DESK_REJECT] = "reject",
    [DESK_NOTE] = "note",
};
static const char *const levels[] = {
    [DESK_NOWHERE] = "", [DESK_ALL] = "all", [DESK_SPORT] = "sport",
    [DESK_EVENT] = "event", [DESK_MARKET] = "market",
};
static const char *const whats[] = {
    [DESK_NOTHING] = "",
    [DESK_RESULT] = "result",
    [DESK_VOID] = "void",
    [DESK_UNDO_RESULT] = "withdraw_result",
    [DESK_UNDO_VOID] = "withdraw_void",
};

const char *desk_act_name(enum desk_act act)
{
    CHECK(act >= DESK_SUSPEND && act < LENGTH(acts));
    return acts[act];
}

const char *desk_level_name(enum desk_level level)
{
    CHECK(level < LENGTH(levels));
    return levels[level];
}

const char *desk_what_name(enum desk_what what)
{
    CHECK(what < LENGTH(whats));
    return whats[what];
}

/* Where the name stands in the list; 0: nowhere. */
static unsigned index_of(const char *const *names, unsigned n, struct str name)
{
    CHECK(n > 1 && names[n - 1] != NULL);
    for (unsigned i = 1; i < n; i++)
        if (str_eq(name, str_of(names[i])))
            return i;
    return 0;
}

bool desk_act_parse(struct str name, enum desk_act *act)
{
    *act = (enum desk_act)index_of(acts, LENGTH(acts), name);
    return *act != 0;
}

bool desk_level_parse(struct str name, enum desk_level *level)
{
    *level = (enum desk_level)index_of(levels, LENGTH(levels), name);
    return name.n == 0 || *level != DESK_NOWHERE;
}

bool desk_what_parse(struct str name, enum desk_what *what)
{
    *what = (enum desk_what)index_of(whats, LENGTH(whats), name);
    return name.n == 0 || *what != DESK_NOTHING;
}

struct message_desk desk_entry_make(enum desk_act act, struct str operator, struct str reason)
{
    CHECK(act >= DESK_SUSPEND && act <= DESK_NOTE);
    return (struct message_desk){
        .act = act, .operator = operator, .reason = reason, .margin_e4 = -1,
        .stake_max_minor = -1, .liability_max_minor = -1, .hold_above_minor = -1,
        .factor_e4 = 10000,
    };
}

/* ---- whether it is whole -------------------------------------------------- */

static bool is_amount(int64_t minor)
{
    return minor >= -1 && minor <= LIMIT_MINOR;
}

static const char *place_fault(const struct message *message)
{
    enum desk_level level = message->desk->level;

    if ((message->desk->sport.n > 0) != (level == DESK_SPORT))
        return "sport stands with level sport, and there alone";
    if ((message->event.n > 0) != (level == DESK_EVENT || level == DESK_MARKET))
        return "event_id stands with level event or market, and there alone";
    if (message->n_markets != (level == DESK_MARKET))
        return "one market stands with level market, and there alone";
    return NULL;
}

/* The levels at which this may be done. */
static bool level_is_well(enum desk_act act, enum desk_level level)
{
    switch (act) {
    case DESK_SUSPEND:
    case DESK_RESUME:
    case DESK_MARGIN:
    case DESK_LIMITS:
        return level != DESK_NOWHERE;
    case DESK_PRICE:
    case DESK_PROPOSE:
    case DESK_CONFIRM:
        return level == DESK_MARKET;
    case DESK_FACTOR:
        return level == DESK_NOWHERE;
    case DESK_REJECT: /* nowhere: as it was written once */
        return level == DESK_NOWHERE || level == DESK_EVENT;
    case DESK_NOTE:
        return true;
    }
    return false;
}

static const char *outcomes_fault(const struct message *message)
{
    if ((message->n_outcomes > 0) != (message->desk->what == DESK_RESULT))
        return "outcomes stand with a result, and there alone";
    for (uint32_t i = 0; i < message->n_outcomes; i++)
        if (message->outcomes[i].result != 0 && message->outcomes[i].result != 1)
            return "the result of an outcome is 0 or 1";
    return NULL;
}

static const char *values_fault(const struct message_desk *desk)
{
    if ((desk->note.n > 0) != (desk->act == DESK_NOTE))
        return "note stands with a note, and there alone";
    if ((desk->outcome.n > 0) != (desk->act == DESK_PRICE))
        return "outcome stands with a price, and there alone";
    if (desk->odds_e4 != 0 &&
        (desk->act != DESK_PRICE || desk->odds_e4 < DESK_ODDS_MIN_E4 ||
         desk->odds_e4 > ODDS_MAX_E4))
        return "odds are at least 1.01, and of a price";
    if (desk->margin_e4 < -1 || desk->margin_e4 > DESK_MARGIN_MAX_E4)
        return "margin_e4 is out of its range";
    if (!is_amount(desk->stake_max_minor) || !is_amount(desk->liability_max_minor) ||
        !is_amount(desk->hold_above_minor))
        return "an amount is out of its range";
    if ((desk->customer > 0) != (desk->act == DESK_FACTOR) || desk->factor_e4 < 0 ||
        desk->factor_e4 > DESK_FACTOR_MAX_E4)
        return "customer and factor_e4 stand with a factor, in their range";
    return NULL;
}

static const char *proposal_fault(const struct message_desk *desk)
{
    bool decides = desk->act == DESK_CONFIRM || desk->act == DESK_REJECT;
    bool tells = desk->act == DESK_PROPOSE || desk->act == DESK_CONFIRM;

    if ((desk->proposal > 0) != decides)
        return "proposal stands with confirm and reject, and there alone";
    if ((desk->what != DESK_NOTHING) != tells)
        return "what stands with propose and confirm, and there alone";
    if ((desk->proposer.n > 0) != (desk->act == DESK_CONFIRM))
        return "proposer stands with confirm, and there alone";
    return NULL;
}

const char *desk_entry_fault(const struct message *message)
{
    const struct message_desk *desk = message->desk;
    const char *fault;

    CHECK(message->type == MESSAGE_DESK && desk != NULL);
    if (!operator_name_is_well(desk->operator) ||
        (desk->proposer.n > 0 && !operator_name_is_well(desk->proposer)))
        return "an operator's name is not one";
    if (!level_is_well(desk->act, desk->level))
        return "this is not done at that level";
    if ((fault = place_fault(message)) != NULL || (fault = values_fault(desk)) != NULL ||
        (fault = proposal_fault(desk)) != NULL)
        return fault;
    return outcomes_fault(message);
}
