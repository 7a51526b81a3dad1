/* Two stores, the same objects (sync.h). */
#include "archive/sync.h"

#include <inttypes.h>
#include <stdlib.h>

struct entry { struct entry *next; const char *key; int64_t bytes, modified_ms; };
struct entries { struct arena *arena; struct entry *list, **sorted; size_t n; };

static bool on_object(void *ctx, const struct s3_object *object)
{
    struct entries *entries = ctx;
    struct entry *entry = ARENA_NEW(entries->arena, struct entry);

    *entry = (struct entry){ entries->list, arena_cstr(entries->arena, object->key),
                             object->bytes, object->modified_ms };
    entries->list = entry;
    entries->n++;
    return true;
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(struct entry *const *)a)->key, (*(struct entry *const *)b)->key);
}

/* By bytes: not every store lists in this order. */
static bool list(struct sync *sync, unsigned i, struct entries *entries, struct str *error)
{
    struct entry *entry;
    size_t n = 0;

    *entries = (struct entries){ .arena = sync->copies->arena };
    if (s3_list(sync->copies->s3[i], "", on_object, entries, error) != S3_OK)
        return false;
    entries->sorted = ARENA_ARRAY(entries->arena, struct entry *, entries->n + 1);
    for (entry = entries->list; entry != NULL; entry = entry->next)
        entries->sorted[n++] = entry;
    qsort(entries->sorted, n, sizeof(*entries->sorted), by_key);
    return true;
}

static void fault(struct sync *sync, unsigned to, const char *key, struct str why)
{
    sync->faults++;
    sync->copies->lacks[to] = true;
    sync->say(sync->ctx, arena_printf(sync->copies->arena, "%s: " STR_FMT, key, STR_ARG(why)));
}

struct passing { FILE *file; int64_t bytes; };

static bool on_bytes(void *ctx, struct str bytes)
{
    struct passing *passing = ctx;

    passing->bytes += (int64_t)bytes.n;
    return fwrite(bytes.p, 1, bytes.n, passing->file) == bytes.n;
}

static bool fetch(struct sync *sync, unsigned from, const struct entry *entry, FILE *file,
                  struct str *why)
{
    struct passing passing = { file, 0 };
    enum s3_result result = s3_get(sync->copies->s3[from], entry->key, on_bytes, &passing, why);

    if (result == S3_ABSENT)
        *why = STR("it went away");
    if (result != S3_OK)
        return false;
    if (passing.bytes == entry->bytes && fflush(file) == 0 && ferror(file) == 0)
        return true;
    *why = arena_printf(sync->copies->arena, "%" PRId64 " of %" PRId64 " bytes came",
                        passing.bytes, entry->bytes);
    return false;
}

static void copy(struct sync *sync, unsigned from, const struct entry *entry)
{
    unsigned to = 1 - from;
    FILE *file;
    struct str why = STR_NONE;

    if (!copy_is_up(sync->copies, to)) {
        fault(sync, to, entry->key, STR("waits"));
        return;
    }
    file = copies_temporary();
    if (file == NULL) {
        fault(sync, to, entry->key, STR("cannot make a temporary file (TMPDIR)"));
        return;
    }
    if (!fetch(sync, from, entry, file, &why)) {
        fault(sync, to, entry->key, why);
    } else if (s3_put_file(sync->copies->s3[to], entry->key, file, &why) == S3_OK) {
        sync->copied++;
    } else {
        copy_is_away(sync->copies, to, why);
        fault(sync, to, entry->key, why);
    }
    (void)fclose(file);
}

static void meet(struct sync *sync, const struct entry *a, const struct entry *b)
{
    sync->objects++;
    if (a != NULL && b != NULL) {
        if (a->bytes != b->bytes)
            fault(sync, 1, b->key, STR("is not what the first store has"));
    } else if (a != NULL && a->modified_ms >= sync->newer_than_ms) {
        copy(sync, 0, a);
    } else if (b != NULL && b->modified_ms >= sync->newer_than_ms) {
        copy(sync, 1, b);
    }
}

bool sync_run(struct sync *sync, struct str *error)
{
    struct entries entries[COPIES];
    size_t i = 0, j = 0;

    for (unsigned store = 0; store < COPIES; store++) {
        if (!list(sync, store, &entries[store], error)) {
            copy_is_away(sync->copies, store, *error);
            *error = sync->copies->away[store];
            return false;
        }
    }
    while (i < entries[0].n || j < entries[1].n) {
        struct entry *const *a = &entries[0].sorted[i], *const *b = &entries[1].sorted[j];
        int order = i == entries[0].n ? 1 : j == entries[1].n ? -1 : by_key(a, b);

        meet(sync, order <= 0 ? *a : NULL, order >= 0 ? *b : NULL);
        i += order <= 0 ? 1 : 0;
        j += order >= 0 ? 1 : 0;
    }
    return true;
}
