/*
 * Refusals: the table of tbl/refusals.h as an array by rank, and the rank of
 * each id.
 */
#include "model/refusal.h"

#include <stddef.h>

#include "base/check.h"

static const struct refusal_info table[] = {
#define REFUSAL(id, name, code, status, verdict, title, sentence, members) \
    { REFUSE_##name, status, verdict, code, title, sentence, members },
#include "tbl/refusals.h"
#undef REFUSAL
};

/* Two rows with one id do not compile (-Woverride-init). */
static const uint8_t ranks[] = {
    [REFUSE_NOTHING] = RANK_NOTHING,
#define REFUSAL(id, name, ...) [REFUSE_##name] = RANK_##name,
#include "tbl/refusals.h"
#undef REFUSAL
};

#define REFUSAL(id, name, code, status, verdict, title, sentence, members) \
    _Static_assert(id > 0 && RANK_##name <= UINT8_MAX, "the id and the rank of " code); \
    _Static_assert(status >= 400 && status < 600, "the status of " code); \
    _Static_assert(sizeof(title) > 1 && sizeof(sentence) > 1, "the words of " code);
#include "tbl/refusals.h"
#undef REFUSAL

/* A member of the enum, but no rung: whoever logs a verdict needs no branch. */
static const struct refusal_info nothing = {
    REFUSE_NOTHING, 200, true, "accepted", "Nothing is refused", "", "",
};

static enum refusal_rank rank_of(int64_t id)
{
    return id >= 0 && id < (int64_t)LENGTH(ranks) ? ranks[id] : RANK_NONE;
}

enum refusal_rank refusal_rank(enum refusal refusal)
{
    enum refusal_rank rank = rank_of(refusal);

    CHECK(rank != RANK_NONE);
    return rank;
}

const struct refusal_info *refusal_info(enum refusal refusal)
{
    enum refusal_rank rank = refusal_rank(refusal);

    return rank == RANK_NOTHING ? &nothing : &table[rank - 1];
}

struct str refusal_sentence(enum refusal refusal)
{
    return str_of(refusal_info(refusal)->sentence);
}

bool refusal_is_verdict(int64_t id)
{
    enum refusal_rank rank = rank_of(id);

    return rank == RANK_NOTHING || (rank != RANK_NONE && table[rank - 1].is_verdict);
}

const struct refusal_info *refusal_table(unsigned *n)
{
    CHECK(n != NULL);
    *n = (unsigned)LENGTH(table);
    return table;
}
