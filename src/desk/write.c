/* Parts of the desk's answers: see write.h. */
#include "desk/write.h"

#define HALF_E12 (FACTOR_ONE_E12 / 2)

void desk_put_decimal(struct jw *w, int64_t value_e4)
{
    if (value_e4 < 0)
        jw_null(w);
    else
        jw_odds(w, value_e4);
}

void desk_put_amount(struct jw *w, const char *name, int64_t minor, const struct house *house)
{
    jw_key(w, name);
    if (minor < 0)
        jw_null(w);
    else
        jw_money(w, minor, house->currency->exponent);
}

/* As POST /v1/desk/results takes it; "mixed" for other factors. */
static const char *result_name(const struct message_outcome *outcome)
{
    if (outcome->void_e12 == FACTOR_ONE_E12)
        return "void";
    if (outcome->void_e12 == 0)
        return outcome->result == 1 ? "won" : "lost";
    if (outcome->void_e12 == HALF_E12)
        return outcome->result == 1 ? "half_won" : "half_lost";
    return "mixed";
}

static void put_factor(struct jw *w, int64_t e12)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%lld.%012lld", (long long)(e12 / FACTOR_ONE_E12),
                     (long long)(e12 % FACTOR_ONE_E12));

    CHECK(n > 0 && (size_t)n < sizeof(text));
    while (text[n - 1] == '0' && text[n - 2] != '.')
        n--;
    jw_str(w, (struct str){ text, (size_t)n });
}

static void put_bound(struct jw *w, const char *name, int64_t ms, int64_t open)
{
    jw_key(w, name);
    if (ms == open)
        jw_null(w);
    else
        jw_time(w, ms);
}

void desk_put_decision(struct jw *w, enum desk_what what, int64_t start_ms, int64_t end_ms,
                       const struct message_outcome *outcomes, uint32_t n)
{
    if (what == DESK_VOID) {
        put_bound(w, "from", start_ms, 0);
        put_bound(w, "to", end_ms, INT64_MAX);
    }
    if (what != DESK_RESULT)
        return;
    jw_key(w, "outcomes");
    jw_array(w);
    for (uint32_t i = 0; i < n; i++) {
        jw_object(w);
        jw_key(w, "outcome");
        jw_str(w, outcomes[i].id);
        jw_key(w, "result");
        jw_str(w, str_of(result_name(&outcomes[i])));
        if (outcomes[i].dead_heat_e12 != FACTOR_ONE_E12) {
            jw_key(w, "dead_heat_factor");
            put_factor(w, outcomes[i].dead_heat_e12);
        }
        jw_object_end(w);
    }
    jw_array_end(w);
}
