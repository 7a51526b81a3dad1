/* A whole listing, by key (listing.h). */
#include "archive/listing.h"

#include <stdlib.h>
#include <unistd.h>

#include "archive/copies.h"

#define LISTING_MAGIC 0x4c697374u
#define PORTION_BYTES ((size_t)16 * 1024 * 1024)
#define PORTION_LEAST 4096
#define RUNS_MAX 512 /* of 16 MiB: some 80 million objects in no order */
#define RUN_BYTES ((size_t)64 * 1024)

struct head {
    uint32_t key_n, etag_n;
    int64_t bytes, modified_ms;
};

/* Part of the file, in order. */
struct stretch {
    off_t at, end;
    char *bytes;              /* RUN_BYTES of it */
    size_t n, used, next;     /* `next`: where the entry behind the one at `used` begins */
    struct listed entry;      /* the one at `used`; key.p NULL: none is left */
};

struct listing {
    uint32_t magic;
    FILE *file;
    off_t end;
    char *portion;
    size_t portion_bytes, used;
    size_t *at;               /* of each entry in the portion */
    size_t n;
    struct stretch runs[RUNS_MAX];
    unsigned n_runs;
    struct buf last;          /* the greatest key of the last run; of what was told */
    bool has_last, failed;
    struct stretch *told;         /* whose entry the caller has */
    uint64_t count;
};

static void listing_check(const struct listing *listing)
{
    CHECK(listing->magic == LISTING_MAGIC);
    CHECK(listing->used <= listing->portion_bytes && listing->n_runs <= RUNS_MAX);
    CHECK(listing->n <= listing->used / sizeof(struct head) && listing->n <= listing->count);
    CHECK(listing->told == NULL || listing->n == 0); /* it is read, or added to */
    CHECK(!listing->failed || listing->told != NULL);
}

struct listing *listing_new(size_t portion_bytes)
{
    struct listing *listing = calloc(1, sizeof(*listing));

    CHECK(listing != NULL);
    listing->magic = LISTING_MAGIC;
    listing->portion_bytes = portion_bytes == 0 ? PORTION_BYTES : portion_bytes;
    CHECK(listing->portion_bytes >= PORTION_LEAST);
    listing->portion = malloc(listing->portion_bytes);
    listing->at = malloc(listing->portion_bytes / sizeof(struct head) * sizeof(*listing->at));
    CHECK(listing->portion != NULL && listing->at != NULL);
    buf_init(&listing->last, listing->portion_bytes);
    listing->file = copies_temporary();
    if (listing->file != NULL)
        return listing;
    listing_free(listing);
    return NULL;
}

void listing_free(struct listing *listing)
{
    if (listing == NULL)
        return;
    CHECK(listing->magic == LISTING_MAGIC);
    listing->magic = 0;
    for (unsigned i = 0; i < listing->n_runs; i++)
        free(listing->runs[i].bytes);
    if (listing->file != NULL)
        (void)fclose(listing->file);
    buf_fini(&listing->last);
    free(listing->portion);
    free(listing->at);
    free(listing);
}

bool listing_failed(const struct listing *listing)
{
    return listing->failed;
}

uint64_t listing_count(const struct listing *listing)
{
    return listing->count;
}

unsigned listing_runs(const struct listing *listing)
{
    return listing->n_runs;
}

/* ---- in ----------------------------------------------------------------------- */

static struct str key_at(const char *entry)
{
    struct head head;

    memcpy(&head, entry, sizeof(head));
    return (struct str){ entry + sizeof(head), head.key_n };
}

static int by_key(const void *a, const void *b, void *portion)
{
    const char *bytes = portion;

    return str_cmp(key_at(bytes + *(const size_t *)a), key_at(bytes + *(const size_t *)b));
}

static size_t size_at(const char *entry)
{
    struct head head;

    memcpy(&head, entry, sizeof(head));
    return sizeof(head) + head.key_n + head.etag_n;
}

/* In the order in which they came?  Then the sort is spared. */
static bool is_sorted(const struct listing *listing)
{
    for (size_t i = 1; i < listing->n; i++)
        if (by_key(&listing->at[i - 1], &listing->at[i], listing->portion) > 0)
            return false;
    return true;
}

/* The portion goes on with the last run where its keys do. */
static bool begin_run(struct listing *listing)
{
    struct str first = key_at(listing->portion + listing->at[0]);

    if (listing->has_last && str_cmp(buf_view(&listing->last), first) < 0)
        return true;
    if (listing->n_runs == RUNS_MAX)
        return false;
    listing->runs[listing->n_runs++] = (struct stretch){ .at = listing->end, .end = listing->end };
    return true;
}

static bool flush(struct listing *listing)
{
    struct str last;

    if (listing->n == 0)
        return true;
    if (!is_sorted(listing))
        qsort_r(listing->at, listing->n, sizeof(*listing->at), by_key, listing->portion);
    if (!begin_run(listing))
        return false;
    CHECK(listing->n_runs > 0 && listing->runs[listing->n_runs - 1].end == listing->end);
    CHECK_DEAR(is_sorted(listing));
    for (size_t i = 0; i < listing->n; i++) {
        const char *entry = listing->portion + listing->at[i];
        size_t n = size_at(entry);

        if (fwrite(entry, 1, n, listing->file) != n)
            return false;
        listing->end += (off_t)n;
    }
    listing->runs[listing->n_runs - 1].end = listing->end;
    last = key_at(listing->portion + listing->at[listing->n - 1]);
    buf_reset(&listing->last);
    buf_str(&listing->last, last);
    listing->has_last = true;
    listing->n = listing->used = 0;
    return true;
}

bool listing_add(struct listing *listing, const struct s3_object *object)
{
    struct head head = { (uint32_t)object->key.n, (uint32_t)strlen(object->etag), object->bytes,
                         object->modified_ms };
    size_t n = sizeof(head) + head.key_n + head.etag_n;
    char *entry;

    listing_check(listing);
    CHECK(listing->told == NULL && head.etag_n < S3_WORD_BYTES);
    if (n > listing->portion_bytes || n > RUN_BYTES ||
        (listing->used + n > listing->portion_bytes && !flush(listing)))
        return false;
    entry = listing->portion + listing->used;
    memcpy(entry, &head, sizeof(head));
    memcpy(entry + sizeof(head), object->key.p, head.key_n);
    memcpy(entry + sizeof(head) + head.key_n, object->etag, head.etag_n);
    listing->at[listing->n++] = listing->used;
    listing->used += n;
    listing->count++;
    return true;
}

/* ---- out ---------------------------------------------------------------------- */

/* At least one whole entry is in its bytes, or none is left. */
static bool fill(struct listing *listing, struct stretch *run)
{
    size_t kept = run->n - run->used;
    ssize_t got = 0;

    CHECK(run->used <= run->n && run->n <= RUN_BYTES && run->at <= run->end);
    if (kept >= sizeof(struct head) && kept >= size_at(run->bytes + run->used))
        return true;
    memmove(run->bytes, run->bytes + run->used, kept);
    run->used = 0;
    run->n = kept;
    while (run->n < RUN_BYTES && run->at < run->end) {
        size_t n = RUN_BYTES - run->n;

        if ((off_t)n > run->end - run->at)
            n = (size_t)(run->end - run->at);
        got = pread(fileno(listing->file), run->bytes + run->n, n, run->at);
        if (got <= 0)
            return false;
        run->n += (size_t)got;
        run->at += got;
    }
    return true;
}

static bool step(struct listing *listing, struct stretch *run)
{
    struct head head;
    const char *entry;

    run->used = run->next;
    run->entry.key = STR_NONE;
    if (!fill(listing, run))
        return false;
    if (run->used == run->n)
        return true;
    entry = run->bytes + run->used;
    memcpy(&head, entry, sizeof(head));
    CHECK(head.etag_n < S3_WORD_BYTES && run->n - run->used >= size_at(entry));
    run->entry.bytes = head.bytes;
    run->entry.modified_ms = head.modified_ms;
    run->entry.key = (struct str){ entry + sizeof(head), head.key_n };
    memcpy(run->entry.etag, entry + sizeof(head) + head.key_n, head.etag_n);
    run->entry.etag[head.etag_n] = '\0';
    run->next = run->used + size_at(entry);
    return true;
}

bool listing_end(struct listing *listing)
{
    listing_check(listing);
    if (!flush(listing) || fflush(listing->file) != 0)
        return false;
    listing->has_last = false;
    for (unsigned i = 0; i < listing->n_runs; i++) {
        listing->runs[i].bytes = malloc(RUN_BYTES);
        CHECK(listing->runs[i].bytes != NULL);
        if (!step(listing, &listing->runs[i]))
            return false;
    }
    return true;
}

static struct stretch *least(struct listing *listing)
{
    struct stretch *run = NULL;

    for (unsigned i = 0; i < listing->n_runs; i++) {
        struct stretch *other = &listing->runs[i];

        if (other->entry.key.p != NULL &&
            (run == NULL || str_cmp(other->entry.key, run->entry.key) < 0))
            run = other;
    }
    return run;
}

bool listing_next(struct listing *listing, struct listed *listed)
{
    listing_check(listing);
    for (;;) {
        struct stretch *run;

        if (listing->told != NULL && !step(listing, listing->told)) {
            listing->failed = true;
            return false;
        }
        run = listing->told = least(listing);
        if (run == NULL)
            return false;
        if (listing->has_last && str_cmp(run->entry.key, buf_view(&listing->last)) == 0)
            continue;
        CHECK(!listing->has_last || str_cmp(buf_view(&listing->last), run->entry.key) < 0);
        buf_reset(&listing->last);
        buf_str(&listing->last, run->entry.key);
        listing->has_last = true;
        *listed = run->entry;
        return true;
    }
}
