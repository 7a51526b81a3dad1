/*
 * Inside the mirror: what book_mirror*.c share.  Nobody else includes it.
 *
 *   book_mirror_conclude.c   what follows for a market; room; what changed; keys
 *   book_mirror_desk.c       records of what the desk set
 *   book_mirror_gone.c       what goes: tombstones, the end of an image
 *   book_mirror.c            the other records; one record
 */
#ifndef MODEL_BOOK_MIRROR_H
#define MODEL_BOOK_MIRROR_H

#include "base/json_record.h"
#include "model/book_inside.h"

#define MIRROR_TEXT_BYTES 4096

/* One record on its way into the book. */
struct mirror_apply {
    struct book *shard;
    struct book_change *change;
    struct json_record record;
    int64_t epoch, position, order;
};

/* ---- book_mirror_conclude.c -------------------------------------------------- */

bool mirror_has_room(const struct mirror_apply *apply, size_t events, size_t markets,
                     size_t texts);
/* True: it is shown otherwise than before, or may be. */
bool mirror_conclude(const struct mirror_apply *apply, const struct market *market);
void mirror_conclude_all(const struct mirror_apply *apply);
/* The market is news here, and stands in the change. */
void mirror_change(const struct mirror_apply *apply, const struct market *market);
/* "event|market|specifiers"; false: it is not. */
bool mirror_split_market(struct str key, struct market_id *id) MUST_USE;

/* ---- book_mirror_desk.c ------------------------------------------------------ */

void mirror_setting(struct mirror_apply *apply);
void mirror_factor(struct mirror_apply *apply);
void mirror_proposal(struct mirror_apply *apply);
void mirror_refused(struct mirror_apply *apply);
/* The proposal, where the shard has it, is no more. */
void mirror_drop_proposal(struct book *shard, int64_t id);
/* What it set is no more.  `key`: "a", "s|sport", "e|event" or
 * "m|event|market|specifiers". */
void mirror_gone_setting(struct mirror_apply *apply, struct str key);

/* ---- book_mirror_gone.c ------------------------------------------------------ */

void mirror_gone(struct mirror_apply *apply, char kind, struct str key);
/* An image is everything: what it did not bring is gone. */
void mirror_end_image(struct mirror_apply *apply);

#endif
