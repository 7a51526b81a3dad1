/* Two stores compared (sync.h). */
#include "archive/sync.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>

#include "archive/listing.h"

#define KEY_BYTES 2048
#define LINE_BYTES (KEY_BYTES + 512)
#define LINES_MAX 1000             /* of faults; behind them they are counted alone */
#define TOLD_EVERY 100000          /* objects listed, or compared */
#define HOUR_MS ((int64_t)3600 * 1000) /* what two stores may end at different times */
#define MD5_HEX 32

/* ---- what is said -------------------------------------------------------------- */

static void report(struct sync *sync, const char *format, ...) PRINTF_LIKE(2, 3);

static void report(struct sync *sync, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    sync->say(sync->ctx, str_of(line));
}

/* `to`: the store that is not well; COPIES: which is not known. */
static void fault(struct sync *sync, unsigned to, const char *key, struct str why)
{
    CHECK(to <= COPIES && key[0] != '\0');
    for (unsigned i = 0; i < COPIES; i++)
        if (to == i || to == COPIES)
            sync->copies->lacks[i] = true;
    if (++sync->faults <= LINES_MAX)
        report(sync, "%s: " STR_FMT, key, STR_ARG(why));
    if (sync->faults == LINES_MAX)
        report(sync, "and others, which are counted");
}

static void missing(struct sync *sync, unsigned to, const char *key, struct str why)
{
    CHECK(to < COPIES);
    sync->found.missing[to]++;
    fault(sync, to, key, why);
}

static void different(struct sync *sync, unsigned to, const char *key, const char *why)
{
    char text[256];

    CHECK(to <= COPIES && why[0] != '\0');
    sync->found.different++;
    (void)snprintf(text, sizeof(text), "is not what the %s store has: %s",
                   copy_name(to == 0 ? 1 : 0), why);
    fault(sync, to, key, str_of(text));
}

/* ---- lists --------------------------------------------------------------------- */

struct listing_reading {
    struct sync *sync;
    struct listing *listing;
    unsigned store;
    bool failed;
};

static bool on_object(void *ctx, const struct s3_object *object)
{
    struct listing_reading *reading = ctx;

    if (object->key.n >= KEY_BYTES || !listing_add(reading->listing, object)) {
        reading->failed = true;
        return false;
    }
    if (listing_count(reading->listing) % TOLD_EVERY == 0)
        report(reading->sync, "the %s store: %" PRIu64 " objects listed",
               copy_name(reading->store), listing_count(reading->listing));
    return true;
}

static bool list(struct sync *sync, unsigned i, struct listing *listing, struct str *error)
{
    struct listing_reading reading = { sync, listing, i, listing == NULL };

    CHECK(i < COPIES && sync->copies->s3[i] != NULL);
    if (listing != NULL &&
        s3_list(sync->copies->s3[i], "", on_object, &reading, error) != S3_OK) {
        copy_is_away(sync->copies, i, *error);
        *error = sync->copies->away[i];
        return false;
    }
    if (!reading.failed && listing_end(listing))
        return true;
    *error = STR("the listing does not fit into a temporary file (TMPDIR), or has a key of 2 KiB");
    return false;
}

/* ---- one is fetched -------------------------------------------------------------- */

struct fetched {
    FILE *file;
    char sha256[SHA256_HEX];
    crypto_hash_sha256_state state;
    int64_t bytes;
};

static bool on_bytes(void *ctx, struct str bytes)
{
    struct fetched *fetched = ctx;

    CHECK(fetched->file != NULL && fetched->bytes >= 0);
    fetched->bytes += (int64_t)bytes.n;
    crypto_hash_sha256_update(&fetched->state, (const unsigned char *)bytes.p, bytes.n);
    return fwrite(bytes.p, 1, bytes.n, fetched->file) == bytes.n;
}

/* Whole, or S3_FAILED; the file is the caller's to close either way. */
static enum s3_result fetch(struct sync *sync, unsigned from, const char *key, int64_t bytes,
                            struct fetched *fetched, struct str *why)
{
    unsigned char sum[crypto_hash_sha256_BYTES];
    enum s3_result result;

    CHECK(from < COPIES && sync->copies->s3[from] != NULL);
    *fetched = (struct fetched){ .file = copies_temporary() };
    *why = STR("cannot make or write a temporary file (TMPDIR)");
    if (fetched->file == NULL)
        return S3_FAILED;
    crypto_hash_sha256_init(&fetched->state);
    result = s3_get(sync->copies->s3[from], key, on_bytes, fetched, why);
    if (result != S3_OK)
        return result;
    crypto_hash_sha256_final(&fetched->state, sum);
    (void)sodium_bin2hex(fetched->sha256, SHA256_HEX, sum, sizeof(sum));
    if (fflush(fetched->file) != 0 || ferror(fetched->file) != 0)
        return S3_FAILED;
    if (fetched->bytes == bytes)
        return S3_OK;
    *why = arena_printf(sync->copies->arena, "%" PRId64 " of %" PRId64 " bytes came",
                        fetched->bytes, bytes);
    return S3_FAILED;
}

static void done_with(struct fetched *fetched)
{
    if (fetched->file != NULL)
        (void)fclose(fetched->file);
    fetched->file = NULL;
}

/* ---- one store alone has it -------------------------------------------------------- */

static bool is_past(const struct sync *sync, int64_t made_ms)
{
    return sync->kept_ms > 0 && made_ms < sync->now_ms - sync->kept_ms + HOUR_MS;
}

static void bring(struct sync *sync, unsigned from, const char *key, int64_t bytes,
                  const struct s3_state *state, int64_t made_ms)
{
    unsigned to = 1 - from;
    struct fetched fetched;
    struct str why = STR_NONE;
    enum s3_result result = fetch(sync, from, key, bytes, &fetched, &why);

    CHECK(copy_is_up(sync->copies, to));
    if (result == S3_ABSENT) {
        sync->ended++; /* since it was listed */
    } else if (result != S3_OK) {
        missing(sync, to, key, why);
    } else if (state->sha256[0] != '\0' && strcmp(state->sha256, fetched.sha256) != 0) {
        sync->found.different++;
        missing(sync, to, key, STR("is missing, and what the other has is not what was put"));
    } else if (s3_put_copy(sync->copies->s3[to], key, fetched.file, made_ms, &why) == S3_OK) {
        sync->copied++;
    } else {
        copy_is_away(sync->copies, to, why);
        missing(sync, to, key, why);
    }
    done_with(&fetched);
}

static void alone(struct sync *sync, unsigned from, const char *key, const struct listed *has)
{
    unsigned to = 1 - from;
    struct s3_state state, other;
    struct str why = STR_NONE;
    int64_t made_ms;

    CHECK(from < COPIES && has != NULL);
    if (is_past(sync, has->modified_ms)) {
        sync->ended++;
        return;
    }
    if (!copy_is_up(sync->copies, to)) {
        missing(sync, to, key, STR("waits"));
        return;
    }
    /* Put while the listings came? */
    if (s3_look(sync->copies->s3[to], key, &other, &why) == S3_OK)
        return;
    if (s3_look(sync->copies->s3[from], key, &state, &why) != S3_OK)
        state = (struct s3_state){ 0 }; /* the fetch says why */
    made_ms = state.made_ms > 0 ? state.made_ms : has->modified_ms;
    if (is_past(sync, made_ms))
        sync->ended++;
    else
        bring(sync, from, key, has->bytes, &state, made_ms);
}

/* ---- both have it ------------------------------------------------------------------ */

struct both {
    const char *key;
    const struct listed *listed[COPIES];
    struct s3_state states[COPIES];
    struct fetched fetched[COPIES];
};

enum verdict { SAME, NOT_SAME, NOT_KNOWN };

static bool is_sum(const char *etag)
{
    return strspn(etag, "0123456789abcdef") >= MD5_HEX;
}

static bool is_md5(const char *etag)
{
    return strlen(etag) == MD5_HEX && is_sum(etag);
}

/* The sums of what was put, of parts too, are never the same by chance. */
static enum verdict by_listing(const struct listed *a, const struct listed *b)
{
    if (a->bytes != b->bytes)
        return NOT_SAME;
    return is_sum(a->etag) && strcmp(a->etag, b->etag) == 0 ? SAME : NOT_KNOWN;
}

static enum verdict by_look(const struct both *both)
{
    const struct s3_state *a = &both->states[0], *b = &both->states[1];

    if (both->listed[0]->bytes != both->listed[1]->bytes)
        return NOT_SAME;
    if (a->etag_is_md5 && b->etag_is_md5 && is_md5(both->listed[0]->etag) &&
        is_md5(both->listed[1]->etag))
        return NOT_SAME; /* else the listing had told */
    if (a->sha256[0] == '\0' || b->sha256[0] == '\0')
        return NOT_KNOWN;
    return strcmp(a->sha256, b->sha256) == 0 ? SAME : NOT_SAME;
}

static bool fetch_both(struct sync *sync, struct both *both)
{
    for (unsigned i = 0; i < COPIES; i++) {
        struct str why;

        if (fetch(sync, i, both->key, both->listed[i]->bytes, &both->fetched[i], &why) != S3_OK) {
            sync->found.different++;
            fault(sync, i, both->key, arena_printf(sync->copies->arena,
                  "cannot be compared, in the %s store: " STR_FMT, copy_name(i), STR_ARG(why)));
            return false;
        }
    }
    sync->read++;
    return true;
}

/* Which is what its put said, and the other is not; COPIES: neither, or both. */
static unsigned whole_one(const struct both *both)
{
    bool holds[COPIES];

    CHECK(both->fetched[0].sha256[0] != '\0' && both->fetched[1].sha256[0] != '\0');
    for (unsigned i = 0; i < COPIES; i++)
        holds[i] = strcmp(both->states[i].sha256, both->fetched[i].sha256) == 0;
    return holds[0] == holds[1] ? COPIES : holds[0] ? 0 : 1;
}

static void mend(struct sync *sync, struct both *both)
{
    unsigned from = whole_one(both), to = 1 - from;
    struct str why = STR_NONE;
    int64_t made_ms;

    CHECK(both->fetched[0].file != NULL && both->fetched[1].file != NULL);
    if (from == COPIES) {
        different(sync, COPIES, both->key, "which of them is right, neither proves");
        return;
    }
    CHECK(from < COPIES && strcmp(both->fetched[0].sha256, both->fetched[1].sha256) != 0);
    if (both->states[to].version[0] == '\0') {
        different(sync, to, both->key, "its bucket keeps no versions, so it stays");
        return;
    }
    made_ms = both->states[from].made_ms > 0 ? both->states[from].made_ms
                                             : both->listed[from]->modified_ms;
    if (s3_put_copy(sync->copies->s3[to], both->key, both->fetched[from].file, made_ms,
                    &why) != S3_OK) {
        different(sync, to, both->key, "it cannot be put anew");
        report(sync, "%s: " STR_FMT, both->key, STR_ARG(why));
        return;
    }
    sync->mended++;
    report(sync, "%s: put anew in the %s store; the version %s stays", both->key, copy_name(to),
           both->states[to].version);
}

static bool look_at_both(struct sync *sync, struct both *both)
{
    sync->looked++;
    for (unsigned i = 0; i < COPIES; i++) {
        struct str why;

        if (s3_look(sync->copies->s3[i], both->key, &both->states[i], &why) == S3_OK)
            continue;
        sync->found.different++;
        fault(sync, i, both->key, why);
        return false;
    }
    return true;
}

static void look_closer(struct sync *sync, struct both *both)
{
    enum verdict verdict;

    if (!look_at_both(sync, both))
        return;
    verdict = by_look(both);
    if (verdict == SAME || !fetch_both(sync, both))
        return;
    if (strcmp(both->fetched[0].sha256, both->fetched[1].sha256) != 0)
        mend(sync, both);
}

static void together(struct sync *sync, const char *key, const struct listed *a,
                     const struct listed *b)
{
    struct both both = { .key = key, .listed = { a, b } };
    enum verdict verdict = by_listing(a, b);

    if (verdict == SAME)
        return;
    if (!sync->is_quick)
        look_closer(sync, &both);
    else if (verdict == NOT_SAME)
        different(sync, COPIES, key, "they are not of one size");
    else
        sync->unproven++;
    for (unsigned i = 0; i < COPIES; i++)
        done_with(&both.fetched[i]);
}

/* ---- side by side ------------------------------------------------------------------- */

static void meet(struct sync *sync, const struct listed *a, const struct listed *b)
{
    struct str text = a != NULL ? a->key : b->key;
    char key[KEY_BYTES];

    CHECK(a == NULL || b == NULL || str_eq(a->key, b->key));
    CHECK(a != NULL || b != NULL);
    CHECK(text.n < sizeof(key)); /* longer ones were not listed */
    (void)snprintf(key, sizeof(key), STR_FMT, STR_ARG(text));
    if (++sync->objects % TOLD_EVERY == 0)
        report(sync, "%" PRIu64 " objects compared, %" PRIu64 " copied, %" PRIu64 " faults",
               sync->objects, sync->copied, sync->faults);
    if (a != NULL && b != NULL)
        together(sync, key, a, b);
    else
        alone(sync, a != NULL ? 0 : 1, key, a != NULL ? a : b);
}

static bool compare(struct sync *sync, struct listing *listings[COPIES], struct str *error)
{
    struct listed listed[COPIES];
    bool has[COPIES];

    for (unsigned i = 0; i < COPIES; i++)
        has[i] = listing_next(listings[i], &listed[i]);
    while (has[0] || has[1]) {
        int order = !has[0] ? 1 : !has[1] ? -1 : str_cmp(listed[0].key, listed[1].key);

        meet(sync, order <= 0 ? &listed[0] : NULL, order >= 0 ? &listed[1] : NULL);
        if (order <= 0)
            has[0] = listing_next(listings[0], &listed[0]);
        if (order >= 0)
            has[1] = listing_next(listings[1], &listed[1]);
    }
    *error = STR("a temporary file cannot be read (TMPDIR)");
    return !listing_failed(listings[0]) && !listing_failed(listings[1]);
}

bool sync_run(struct sync *sync, struct str *error)
{
    struct listing *listings[COPIES] = { listing_new(0), listing_new(0) };
    bool well = true;

    CHECK(copies_are_two(sync->copies) && sync->kept_ms >= 0);
    CHECK(sync->objects == 0 && !sync->found.is_known); /* a run has a sync of its own */
    for (unsigned i = 0; i < COPIES && well; i++)
        well = list(sync, i, listings[i], error);
    well = well && compare(sync, listings, error);
    for (unsigned i = 0; i < COPIES; i++)
        listing_free(listings[i]);
    sync->found.is_known = well;
    sync->found.is_whole = well && !sync->is_quick;
    CHECK(sync->read <= sync->looked && sync->mended <= sync->read);
    CHECK(sync->looked <= sync->objects && sync->copied <= sync->objects);
    CHECK(sync->found.missing[0] + sync->found.missing[1] <= sync->faults);
    CHECK(!sync->is_quick || sync->looked == 0);
    return well;
}
