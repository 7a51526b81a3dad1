/*
 * The manifest of a day: which objects it is made of, with their sums, and
 * the day's fingerprint in the store when they were written.
 *
 * {"version":1,"day":"2026-11-23","open":0,"objects":[{"kind":"bets",
 *  "key":"days/2026-11-23/bets-9f86d081884c.jsonl.zst","rows":12,"sum":30,
 *  "bytes":4711,"sha256":"…"},{"kind":"transfers",…},{"kind":"audit",…}]}
 *
 * Objects are named after their content and never change: the manifest alone
 * is replaced, when the day is (a bet settled late, or settled again).
 *
 * Where a bet of the day has the country that it was placed from, the object is
 * named bets-country-…: a release that knows no countries writes the day's lines
 * without, under the other name, and the day is then written again.  (A member of
 * its own would do, but that release takes a manifest with one for broken.)
 */
#ifndef ARCHIVE_MANIFEST_H
#define ARCHIVE_MANIFEST_H

#include "archive/pack.h"

enum pack_kind { PACK_BETS, PACK_TRANSFERS, PACK_AUDIT, PACK_KINDS };
const char *pack_kind_name(enum pack_kind kind);

/* What a day has of a kind: rows, and a sum that any change changes: of bets
 * their versions, each by its id, for one may go and another of its version
 * come; of transfers their amounts. */
#define ARCHIVE_BET_MARK "version * (id % 16777213 + 1)"
struct day_part { int64_t rows, sum; };

struct day {
    int64_t day;  /* since 1970 */
    int64_t open; /* bets that are not in it, for they are open */
    struct day_part parts[PACK_KINDS];
    bool has_country; /* some bet that is in it says where it was placed */
};
bool day_equal(const struct day *a, const struct day *b);

#define DAY_MS ((int64_t)86400 * 1000)
#define DAY_TEXT 12
void day_text(int64_t day, char text[DAY_TEXT]); /* "2026-11-23" */

#define MANIFEST_COUNTRY "bets-country" /* for "bets", in the name of the object */
#define MANIFEST_KEY_BYTES 128
struct manifest {
    struct day day;
    struct pack_sum sums[PACK_KINDS];
    char keys[PACK_KINDS][MANIFEST_KEY_BYTES];
};

/* The same day of the same objects. */
bool manifest_equal(const struct manifest *a, const struct manifest *b);
/* That it is one to be written: every object has a name, rows and sums. */
void manifest_check(const struct manifest *manifest);
int manifest_by_day(const void *a, const void *b); /* for qsort() */
void manifest_key(int64_t day, char key[MANIFEST_KEY_BYTES]);
void manifest_encode(const struct manifest *manifest, struct buf *out);
/* False: *error (in arena) says what it is not. */
bool manifest_decode(struct str text, struct manifest *manifest, struct arena *arena,
                     struct str *error) MUST_USE;

#endif
