/*
 * That a checkpoint is true: the archived transfers of the days before the
 * ledger's begin add up to it, account by account.  With the manifests' sums
 * and the audit, which counts on from the checkpoints, every balance is proven
 * from its first deposit on.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "archive/archive.h"
#include "base/json.h"
#include "base/map.h"
#include "model/ledger.h"

#define ACCOUNTS_MAX ((size_t)1 << 26)
#define ACCOUNTS_BYTES ((size_t)8 << 30)

struct sum { int64_t account, seq, cash, won, staked; bool told; };

struct proof {
    struct archive *archive;
    struct s3 *s3;
    struct arena arena;   /* sums */
    struct arena scratch; /* of a line */
    struct map sums;
    int64_t before;       /* day */
    uint64_t accounts, faults;
};

static void fault(struct proof *proof, struct str sentence)
{
    proof->faults++;
    proof->archive->say(proof->archive->ctx, sentence);
    arena_reset(&proof->scratch); /* the sentence's, mostly */
}

static struct sum *sum_of(struct proof *proof, int64_t account)
{
    struct sum *sum = map_get(&proof->sums, MAP_KEY(&account));

    if (sum != NULL)
        return sum;
    sum = ARENA_NEW(&proof->arena, struct sum);
    *sum = (struct sum){ .account = account };
    CHECK(map_put(&proof->sums, MAP_KEY(&sum->account), sum));
    return sum;
}

static bool add(struct proof *proof, int64_t account, int64_t seq, int64_t kind, int64_t amount)
{
    struct sum *sum = sum_of(proof, account);
    bool in = kind == TRANSFER_DEPOSIT || kind == TRANSFER_PAYOUT || kind == TRANSFER_CASHOUT;
    int64_t *part = kind <= TRANSFER_WITHDRAWAL ? &sum->cash : &sum->won;

    CHECK(kind >= TRANSFER_DEPOSIT && kind <= TRANSFER_CASHOUT && amount > 0);
    CHECK(sum->account == account);
    if (seq > sum->seq)
        sum->seq = seq;
    if (kind == TRANSFER_STAKE && __builtin_add_overflow(sum->staked, amount, &sum->staked))
        return false;
    return in ? !__builtin_add_overflow(*part, amount, part)
              : !__builtin_sub_overflow(*part, amount, part);
}

static bool on_transfer(void *ctx, struct str line)
{
    struct proof *proof = ctx;
    struct str account, debit, credit, bet, error = STR_NONE;
    int64_t seq, amount, kind, at_ms, after;
    const struct json_field fields[] = {
        { "account", JSON_KIND_STRING, true, &account }, { "seq", JSON_KIND_INT, true, &seq },
        { "debit", JSON_KIND_STRING, true, &debit }, { "credit", JSON_KIND_STRING, true, &credit },
        { "amount", JSON_KIND_INT, true, &amount }, { "kind", JSON_KIND_INT, true, &kind },
        { "bet", JSON_KIND_STRING, true, &bet }, { "at_ms", JSON_KIND_INT, true, &at_ms },
        { "balance_after", JSON_KIND_INT, true, &after },
    };
    json_t *document;
    bool well;

    arena_reset(&proof->scratch);
    document = json_read(line, fields, LENGTH(fields), &proof->scratch, &error);
    if (document == NULL)
        return false;
    well = kind >= TRANSFER_DEPOSIT && kind <= TRANSFER_CASHOUT && amount > 0
        && add(proof, strtoll(arena_cstr(&proof->scratch, account), NULL, 10), seq, kind, amount);
    json_decref(document);
    return well;
}

static bool on_manifest(void *ctx, const struct manifest *manifest, struct str why)
{
    struct proof *proof = ctx;

    if (manifest != NULL && manifest->day.day >= proof->before)
        return false;
    if (manifest == NULL || !archive_object_read(proof->archive, proof->s3, manifest,
                                                 PACK_TRANSFERS, on_transfer, proof, &why))
        fault(proof, why);
    return true;
}

static bool on_checkpoint(void *ctx, const struct value *cells)
{
    struct proof *proof = ctx;
    struct sum *sum = sum_of(proof, cells[0].i);

    CHECK(!sum->told); /* an account has one */
    proof->accounts++;
    sum->told = true;
    if (sum->seq != cells[1].i || sum->cash != cells[2].i || sum->won != cells[3].i
        || sum->staked != cells[4].i)
        fault(proof, arena_printf(&proof->scratch, "checkpoint of account %" PRId64 ": cash %"
                                  PRId64 ", won %" PRId64 "; the archive says %" PRId64 ", %"
                                  PRId64, cells[0].i, cells[2].i, cells[3].i, sum->cash,
                                  sum->won));
    return true;
}

static bool take_int(void *ctx, const struct value *cells)
{
    *(int64_t *)ctx = cells[0].i;
    return true;
}

static bool compare(struct proof *proof, struct str *error)
{
    struct sum *sum;

    if (!db_query(proof->archive->db, "SELECT account, seq, cash, won, staked FROM checkpoints",
                  "", NULL, "iiiii", on_checkpoint, proof, error))
        return false;
    for (size_t at = 0; (sum = map_next(&proof->sums, &at)) != NULL;)
        if (!sum->told)
            fault(proof, arena_printf(&proof->scratch, "account %" PRId64
                                      " has dropped transfers and no checkpoint", sum->account));
    return true;
}

bool archive_prove(struct archive *archive, uint64_t *accounts, uint64_t *faults,
                   struct str *error)
{
    struct proof proof = { .archive = archive, .s3 = copies_reader(&archive->copies) };
    int64_t from_ms = 0;
    bool well;

    CHECK(archive->db != NULL && proof.s3 != NULL);
    arena_init(&proof.arena, ACCOUNTS_BYTES);
    arena_init(&proof.scratch, (size_t)64 << 20);
    map_init(&proof.sums, ACCOUNTS_MAX);
    well = db_query(archive->db, "SELECT value FROM meta WHERE name = 'transfers_from'", "", NULL,
                    "i", take_int, &from_ms, error);
    proof.before = from_ms / DAY_MS;
    well = well && archive_manifests(archive, proof.s3, on_manifest, &proof, error)
        && compare(&proof, error);
    CHECK(!well || proof.accounts <= proof.sums.n);
    *accounts = proof.accounts;
    *faults = proof.faults;
    map_fini(&proof.sums);
    arena_fini(&proof.scratch);
    arena_fini(&proof.arena);
    return well;
}
