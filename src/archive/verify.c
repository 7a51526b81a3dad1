/* That the archive is whole: each store for itself, and both the same (archive.h). */
#include <inttypes.h>
#include <stdlib.h>

#include "archive/archive.h"

struct verify {
    struct archive *archive;
    struct archive_counts *counts;
    unsigned store;
    uint64_t faults;
    struct manifest *manifests[COPIES]; /* what could be read, by day */
    uint32_t n[COPIES];
};

static void fault(struct verify *verify, struct str sentence)
{
    struct archive *archive = verify->archive;

    CHECK(verify->store < COPIES && sentence.n > 0);
    verify->faults++;
    if (copies_are_two(&archive->copies))
        sentence = arena_printf(&archive->arena, "%s store: " STR_FMT, copy_name(verify->store),
                                STR_ARG(sentence));
    archive->say(archive->ctx, sentence);
}

static bool on_manifest(void *ctx, const struct manifest *manifest, struct str why)
{
    struct verify *verify = ctx;
    unsigned store = verify->store;

    verify->counts->days++;
    if (manifest != NULL && verify->n[store] < ARCHIVE_DAYS_MAX)
        verify->manifests[store][verify->n[store]++] = *manifest;
    if (manifest == NULL || !archive_objects_hold(verify->archive,
                                                  verify->archive->copies.s3[store], manifest,
                                                  verify->counts, &why))
        fault(verify, why);
    return true;
}

/* False: it cannot be read. */
static bool verify_store(struct verify *verify, unsigned store, struct str *error)
{
    struct archive *archive = verify->archive;

    CHECK(store < COPIES && verify->n[store] == 0);
    verify->store = store;
    verify->manifests[store] = ARENA_ARRAY(&archive->arena, struct manifest, ARCHIVE_DAYS_MAX);
    if (!archive_manifests(archive, archive->copies.s3[store], on_manifest, verify, error)) {
        if (copies_are_two(&archive->copies))
            fault(verify, *error);
        return false;
    }
    qsort(verify->manifests[store], verify->n[store], sizeof(struct manifest), manifest_by_day);
    return true;
}

static void day_differs(struct verify *verify, unsigned store, int64_t day, const char *how)
{
    char text[DAY_TEXT];

    day_text(day, text);
    verify->store = store;
    fault(verify, arena_printf(&verify->archive->arena, "%s %s", text, how));
}

static void compare(struct verify *verify)
{
    uint32_t i = 0, j = 0;

    while (i < verify->n[0] || j < verify->n[1]) {
        const struct manifest *a = i < verify->n[0] ? &verify->manifests[0][i] : NULL;
        const struct manifest *b = j < verify->n[1] ? &verify->manifests[1][j] : NULL;
        int order = a == NULL ? 1 : b == NULL ? -1 : manifest_by_day(a, b);

        if (order < 0)
            day_differs(verify, 1, a->day.day, "is missing, the first has it");
        else if (order > 0)
            day_differs(verify, 0, b->day.day, "is missing, the second has it");
        else if (!manifest_equal(a, b))
            day_differs(verify, 1, b->day.day, "is not what the first has");
        i += order <= 0 ? 1 : 0;
        j += order >= 0 ? 1 : 0;
    }
    CHECK(i == verify->n[0] && j == verify->n[1]);
}

bool archive_verify(struct archive *archive, struct archive_counts *counts, uint64_t *faults,
                    struct str *error)
{
    struct verify verify = { .archive = archive, .counts = counts };
    unsigned readable = 0;

    for (unsigned i = 0; i < COPIES; i++)
        if (archive->copies.s3[i] != NULL && verify_store(&verify, i, error))
            readable++;
    if (readable == COPIES)
        compare(&verify);
    *faults = verify.faults;
    return readable > 0;
}
