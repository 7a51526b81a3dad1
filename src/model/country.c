/* Countries: see country.h. */
#include "model/country.h"

#include <string.h>

#include "base/check.h"
#include "base/text.h"

/* ISO 3166-1 alpha-2, in order. */
static const char countries[] =
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO "
    "BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ "
    "DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP "
    "GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG "
    "KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML "
    "MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE "
    "PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL "
    "SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM "
    "US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW ";

#define CODE_CHARS 3 /* in the list, with the blank behind it */

/* The place in a set, or -1. */
static int place_of(struct str code)
{
    if (code.n != 2 || code.p[0] < 'A' || code.p[0] > 'Z' || code.p[1] < 'A' || code.p[1] > 'Z')
        return -1;
    _Static_assert(sizeof(countries) % CODE_CHARS == 1, "codes with a blank behind each");
    return (code.p[0] - 'A') * 26 + (code.p[1] - 'A');
}

bool country_is_code(struct str code)
{
    if (place_of(code) < 0)
        return false;
    for (const char *at = countries; *at != '\0'; at += CODE_CHARS)
        if (memcmp(at, code.p, 2) == 0)
            return true;
    return false;
}

static bool set_has(const struct country_set *set, int place)
{
    CHECK(place >= 0 && place < COUNTRY_CODES);
    return (set->bits[place / 64] >> (place % 64) & 1) != 0;
}

static bool set_read(struct country_set *set, const char *name, struct str list,
                     struct arena *arena, struct str *error)
{
    bool more = list.n > 0;

    *set = (struct country_set){ { 0 } };
    while (more) {
        struct str code = list;
        int place;

        more = text_cut(&list, ',', &code);
        code = text_trim(code, " ");
        place = place_of(code);
        if (!country_is_code(code) && !str_eq(code, STR("XX"))) {
            *error = arena_printf(arena, "%s: \"" STR_FMT "\" is no ISO 3166-1 code such as MT,"
                                  " nor XX", name, STR_ARG(code));
            return false;
        }
        CHECK(place >= 0 && place < COUNTRY_CODES);
        set->bits[place / 64] |= UINT64_C(1) << (place % 64);
    }
    return true;
}

bool country_rules_read(struct country_rules *rules, struct str allowed, struct str refused,
                        struct arena *arena, struct str *error)
{
    rules->only = allowed.n > 0;
    return set_read(&rules->allowed, "countries-allowed", allowed, arena, error) &&
           set_read(&rules->refused, "countries-refused", refused, arena, error);
}

bool country_is_allowed(const struct country_rules *rules, struct str code)
{
    int place = place_of(code);

    if (place < 0 || set_has(&rules->refused, place))
        return false;
    return !rules->only || set_has(&rules->allowed, place);
}
