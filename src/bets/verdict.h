/* Idempotency keys in flight and lately decided (rule 11). */
#ifndef BETS_VERDICT_H
#define BETS_VERDICT_H

#include "base/limits.h"
#include "base/map.h"
#include "model/refusal.h"

#define VERDICT_NAME_BYTES (8 + 1 + LIMIT_KEY_BYTES)

struct key_verdict {
    uint8_t hash[16];       /* of the parsed fields */
    bool decided;
    void *owner;            /* in flight: the command */
    enum refusal refusal;   /* decided: NOTHING or why not */
    struct str text;        /* decided: the answer, or the refusal's members */
    /* the table's own */
    struct key_verdict *next;
    size_t name_bytes;
    char name[VERDICT_NAME_BYTES]; /* account, operation, key */
};

struct verdicts;

struct verdicts *verdicts_new(size_t limit) MUST_USE;
void verdicts_free(struct verdicts *verdicts);

struct key_verdict *verdicts_find(const struct verdicts *verdicts, int64_t account, int op,
                                  struct str key);
/* A new one in flight; the oldest decided gives way.  NULL: all are in flight. */
struct key_verdict *verdicts_add(struct verdicts *verdicts, int64_t account, int op,
                                 struct str key, const uint8_t hash[16], void *owner) MUST_USE;
/* From in flight to decided; text is copied. */
void verdicts_decide(struct verdicts *verdicts, struct key_verdict *verdict,
                     enum refusal refusal, struct str text);
/* One in flight that came to nothing. */
void verdicts_forget(struct verdicts *verdicts, struct key_verdict *verdict);
size_t verdicts_count(const struct verdicts *verdicts);

#endif
