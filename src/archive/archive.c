/* Writing and reading back the archive (archive.h). */
#include "archive/archive.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/json.h"
#include "model/bet.h"

#define LINE_BYTES ((size_t)256 * 1024)
#define MANIFEST_BYTES 16384

/* ---- which days ------------------------------------------------------------- */

/* kind (3 = open bets), day, rows, sum, bets that say where they were placed. */
#define DAYS_SQL \
    "SELECT kind, day, CAST(SUM(n) AS bigint), CAST(SUM(total) AS bigint)," \
    " CAST(SUM(placed) AS bigint) FROM (" \
    "SELECT CASE state WHEN 1 THEN 3 ELSE 0 END AS kind," \
    " (id / 4194304 + 1704067200000) / 86400000 AS day, COUNT(*) AS n," \
    " SUM(" ARCHIVE_BET_MARK ") AS total," \
    " SUM(CASE country WHEN '' THEN 0 ELSE 1 END) AS placed FROM bets GROUP BY 1, 2" \
    " UNION ALL SELECT 1, at_ms / 86400000, COUNT(*), SUM(amount), 0 FROM transfers" \
    " GROUP BY 1, 2" \
    " UNION ALL SELECT 2, at_ms / 86400000, COUNT(*), COUNT(*), 0 FROM feed_log WHERE type = 14" \
    " GROUP BY 1, 2) d WHERE day >= (SELECT value / 86400000 FROM meta" \
    " WHERE name = 'transfers_from') GROUP BY kind, day ORDER BY day, kind"

static bool on_day_part(void *ctx, const struct value *cells)
{
    struct days *days = ctx;
    int64_t day = cells[1].i;
    struct day *last = days->n > 0 ? &days->days[days->n - 1] : NULL;

    CHECK(cells[0].i >= 0 && cells[0].i <= PACK_KINDS && cells[2].i > 0);
    CHECK(last == NULL || last->day <= day);
    if (last == NULL || last->day != day) {
        if (days->n == ARCHIVE_DAYS_MAX)
            return false;
        last = &days->days[days->n++];
        *last = (struct day){ .day = day };
    }
    if (cells[0].i == PACK_KINDS)
        last->open = cells[2].i;
    else
        last->parts[cells[0].i] = (struct day_part){ cells[2].i, cells[3].i };
    if (cells[0].i == PACK_BETS)
        last->has_country = cells[4].i > 0;
    return true;
}

bool archive_days(struct archive *archive, struct days *days, struct str *error)
{
    days->days = ARENA_ARRAY(&archive->arena, struct day, ARCHIVE_DAYS_MAX);
    days->n = 0;
    CHECK(archive->db != NULL);
    return db_query(archive->db, DAYS_SQL, "", NULL, "iiiii", on_day_part, days, error);
}

/* ---- manifests ----------------------------------------------------------------- */

static bool into_buf(void *ctx, struct str bytes)
{
    struct buf *buf = ctx;

    buf_str(buf, bytes);
    return !buf->overflow;
}

static enum s3_result read_manifest(struct archive *archive, struct s3 *s3, const char *key,
                                    struct manifest *manifest, struct str *error)
{
    enum s3_result result;
    struct buf text;

    buf_init(&text, MANIFEST_BYTES);
    result = s3_get(s3, key, into_buf, &text, error);
    if (result == S3_OK &&
        (text.overflow || !manifest_decode(buf_view(&text), manifest, &archive->arena, error))) {
        *error = arena_printf(&archive->arena, "%s: " STR_FMT, key,
                              STR_ARG(text.overflow ? STR("it is too long") : *error));
        result = S3_FAILED;
    }
    buf_fini(&text);
    return result;
}

enum s3_result archive_manifest(struct archive *archive, struct s3 *s3, int64_t day,
                                struct manifest *manifest, struct str *error)
{
    char key[MANIFEST_KEY_BYTES];

    manifest_key(day, key);
    return read_manifest(archive, s3, key, manifest, error);
}

static bool put_manifest(struct s3 *s3, const struct manifest *manifest, struct str *error)
{
    char key[MANIFEST_KEY_BYTES];
    struct buf text;
    bool well;

    manifest_check(manifest);
    buf_init(&text, MANIFEST_BYTES);
    manifest_encode(manifest, &text);
    CHECK(!text.overflow);
    manifest_key(manifest->day.day, key);
    well = s3_put(s3, key, buf_view(&text), error) == S3_OK;
    buf_fini(&text);
    return well;
}

/* ---- one day ---------------------------------------------------------------------- */

/* Rows as lines: columns by name; i a number, d an id, s a text, j JSON or
 * nothing, - is not written.  The column `sum` is added up. */
static const struct row_source {
    const char *sql, *columns, *kinds;
    const char *names[20];
    unsigned sum, country; /* 0: it has none */
} sources[PACK_KINDS] = {
    [PACK_BETS] = {
        "SELECT id, account, state, version, stake, potential, cap, payout, cashed_stake,"
        " cashed_paid, placed_ms, settled_ms, rule, flags, currency, sport, slip, results,"
        " country, " ARCHIVE_BET_MARK
        " FROM bets WHERE id >= $1 AND id < $2 AND state <> 1 ORDER BY id",
        "iiiiiiiiiiiiiisssssi", "ddiiiiiiiiiiiissjjs-",
        { "id", "account", "state", "version", "stake", "potential", "cap", "payout",
          "cashed_stake", "cashed_paid", "placed_ms", "settled_ms", "rule", "flags", "currency",
          "sport", "slip", "results", "country", NULL }, 19, 18 },
    [PACK_TRANSFERS] = {
        "SELECT account, seq, debit, credit, amount, kind, bet, at_ms, balance_after"
        " FROM transfers WHERE at_ms >= $1 AND at_ms < $2 ORDER BY account, seq",
        "iiiiiiiii", "diddiidii",
        { "account", "seq", "debit", "credit", "amount", "kind", "bet", "at_ms",
          "balance_after" }, 4, 0 },
    [PACK_AUDIT] = {
        "SELECT pos, at_ms, body, CAST(1 AS bigint) FROM feed_log"
        " WHERE at_ms >= $1 AND at_ms < $2 AND type = 14 ORDER BY pos",
        "iisi", "iis-", { "pos", "at_ms", "entry", NULL }, 3, 0 },
};

/* A column is written, or left out; there is no name without one. */
static void source_check(const struct row_source *source)
{
    size_t n = strlen(source->columns);

    CHECK(strlen(source->kinds) == n && n <= LENGTH(source->names));
    CHECK(source->sum < n && source->columns[source->sum] == 'i');
    CHECK(source->country < n);
    for (size_t i = 0; i < n; i++)
        CHECK((source->kinds[i] == '-') == (source->names[i] == NULL));
}

struct row_writer {
    const struct row_source *source;
    struct pack *pack;
    struct buf line;
    int64_t sum;
    bool has_country, full;
};

static void write_cell(struct jw *w, char kind, const struct value *cell)
{
    if (kind == 'd')
        jw_id(w, cell->i);
    else if (kind == 'i')
        jw_int(w, cell->i);
    else if (kind == 's')
        jw_str(w, cell->s);
    else if (cell->s.n > 0)
        jw_raw(w, cell->s);
    else
        jw_null(w);
}

static bool on_row(void *ctx, const struct value *cells)
{
    struct row_writer *writer = ctx;
    const struct row_source *source = writer->source;
    struct jw w = jw_to(&writer->line);

    buf_reset(&writer->line);
    jw_object(&w);
    for (unsigned i = 0; source->kinds[i] != '\0'; i++) {
        if (source->kinds[i] == '-')
            continue;
        jw_key(&w, source->names[i]);
        write_cell(&w, source->kinds[i], &cells[i]);
    }
    jw_object_end(&w);
    CHECK(!__builtin_add_overflow(writer->sum, cells[source->sum].i, &writer->sum));
    if (source->country > 0 && cells[source->country].s.n > 0)
        writer->has_country = true;
    writer->full = writer->line.overflow || !pack_add(writer->pack, buf_view(&writer->line));
    return !writer->full;
}

/* The day's rows of one kind, from the snapshot, into a pack. */
static bool fill(struct archive *archive, struct day *day, enum pack_kind kind,
                 struct pack *pack, struct str *error)
{
    struct row_writer writer = { .source = &sources[kind], .pack = pack };
    int64_t from = day->day * DAY_MS, to = from + DAY_MS;
    struct value range[] = {
        VALUE_INT(kind == PACK_BETS ? bet_id_floor(from) : from),
        VALUE_INT(kind == PACK_BETS ? bet_id_floor(to) : to),
    };
    bool well;

    source_check(writer.source);
    CHECK(range[0].i < range[1].i);
    CHECK(day->parts[kind].rows == 0 && day->parts[kind].sum == 0);
    buf_init(&writer.line, LINE_BYTES);
    well = db_query(archive->db, writer.source->sql, "ii", range, writer.source->columns, on_row,
                    &writer, error);
    if (well && writer.full)
        *error = STR("the temporary folder is full (TMPDIR)");
    buf_fini(&writer.line);
    day->parts[kind].sum = writer.sum;
    day->has_country = day->has_country || writer.has_country;
    return well && !writer.full;
}

static bool take_int(void *ctx, const struct value *cells)
{
    *(int64_t *)ctx = cells[0].i;
    return true;
}

/* In the snapshot: what is not there any more is not written over what is kept
 * of it. */
static bool is_still_there(struct archive *archive, int64_t day, struct str *error)
{
    char text[DAY_TEXT];
    int64_t from_ms = 0;

    if (!db_query(archive->db, "SELECT value FROM meta WHERE name = 'transfers_from'", "", NULL,
                  "i", take_int, &from_ms, error))
        return false;
    if (day * DAY_MS >= from_ms)
        return true;
    day_text(day, text);
    *error = arena_printf(&archive->arena, "%s was dropped meanwhile, by another one", text);
    return false;
}

static bool fill_day(struct archive *archive, struct day *day, struct pack **packs,
                     struct str *error)
{
    struct value range[] = { VALUE_INT(bet_id_floor(day->day * DAY_MS)),
                             VALUE_INT(bet_id_floor(day->day * DAY_MS + DAY_MS)) };
    struct str ignored;
    bool well;

    /* The locks before the snapshot, as the audit does. */
    if (!db_run(archive->db, db_is_postgres(archive->db)
                ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
                  " LOCK TABLE bets, transfers IN ACCESS SHARE MODE" : "BEGIN", error))
        return false;
    well = is_still_there(archive, day->day, error) &&
        db_query(archive->db, "SELECT COUNT(*) FROM bets WHERE id >= $1 AND id < $2"
                 " AND state = 1", "ii", range, "i", take_int, &day->open, error);
    for (unsigned i = 0; i < PACK_KINDS && well; i++)
        well = fill(archive, day, (enum pack_kind)i, packs[i], error);
    CHECK(day->open >= 0);
    if (!well)
        *error = arena_str(&archive->arena, *error);
    return db_run(archive->db, "ROLLBACK", well ? error : &ignored) && well;
}

/* What a store has of a day. */
struct kept_day { bool is_there, is_current; struct manifest manifest; };

static bool end_pack(struct manifest *manifest, enum pack_kind kind, struct pack *pack,
                     FILE **file, struct str *error)
{
    struct pack_sum *sum = &manifest->sums[kind];
    char text[DAY_TEXT], content[17];
    const char *name = kind == PACK_BETS && manifest->day.has_country ? MANIFEST_COUNTRY
                                                                       : pack_kind_name(kind);

    CHECK(manifest->keys[kind][0] == '\0' && *file == NULL);
    if (!pack_end(pack, sum, file)) {
        *error = STR("the temporary folder is full (TMPDIR)");
        return false;
    }
    manifest->day.parts[kind].rows = sum->rows;
    day_text(manifest->day.day, text);
    (void)snprintf(content, sizeof(content), "%.16s", sum->sha256);
    CHECK(snprintf(manifest->keys[kind], sizeof(manifest->keys[kind]), "days/%s/%s-%s.jsonl.zst",
                   text, name, content) < (int)sizeof(manifest->keys[kind]));
    return true;
}

/* An object is named after its content: who finds it in the manifest that is
 * there has nothing to send. */
static bool has_object(const struct kept_day *held, const struct manifest *manifest, unsigned kind)
{
    return held->is_there && strcmp(held->manifest.keys[kind], manifest->keys[kind]) == 0;
}

/* To one store: the objects, then the manifest that names them. */
static bool put_day(struct s3 *s3, const struct manifest *manifest, FILE *const *files,
                    const struct kept_day *held, struct archive_counts *counts, struct str *error)
{
    for (unsigned i = 0; i < PACK_KINDS; i++) {
        if (has_object(held, manifest, i))
            continue;
        CHECK(files[i] != NULL);
        counts->objects++;
        counts->rows += (uint64_t)manifest->sums[i].rows;
        if (s3_put_file(s3, manifest->keys[i], files[i], error) != S3_OK)
            return false;
    }
    return put_manifest(s3, manifest, error);
}

/* Where it fails, the store is passed over; false: none is left. */
static bool put_everywhere(struct archive *archive, const struct manifest *manifest,
                           FILE *const *files, const struct kept_day *held,
                           struct archive_counts *counts, struct str *error)
{
    struct copies *copies = &archive->copies;

    for (unsigned i = 0; i < COPIES; i++)
        if (copy_is_up(copies, i) &&
            !put_day(copies->s3[i], manifest, files, &held[i], counts, error))
            copy_is_away(copies, i, *error);
    return copies_reader(copies) != NULL;
}

static bool write_day(struct archive *archive, int64_t day, const struct kept_day *held,
                      struct archive_counts *counts, struct str *error)
{
    struct manifest manifest = { .day = { .day = day } };
    struct pack *packs[PACK_KINDS] = { NULL };
    FILE *files[PACK_KINDS] = { NULL };
    bool well = true;

    CHECK(!held[0].is_current && !held[1].is_current); /* else it is copied */
    for (unsigned i = 0; i < PACK_KINDS && well; i++) {
        packs[i] = pack_new();
        well = packs[i] != NULL;
    }
    if (!well)
        *error = STR("cannot make a temporary file (TMPDIR)");
    well = well && fill_day(archive, &manifest.day, packs, error);
    for (unsigned i = 0; i < PACK_KINDS && well; i++)
        well = end_pack(&manifest, (enum pack_kind)i, packs[i], &files[i], error);
    well = well && put_everywhere(archive, &manifest, files, held, counts, error);
    for (unsigned i = 0; i < PACK_KINDS; i++)
        if (packs[i] != NULL)
            pack_free(packs[i]);
    return well;
}

static void report_day(struct archive *archive, int64_t day, const char *what)
{
    char text[DAY_TEXT];

    day_text(day, text);
    archive->say(archive->ctx, arena_printf(&archive->arena, "%s %s", text, what));
}

/* ---- from one store to the other ----------------------------------------------------- */

static bool fetch_object(struct archive *archive, struct s3 *s3, const struct manifest *manifest,
                         enum pack_kind kind, FILE *file, struct str *why);

static bool fetch_day(struct archive *archive, struct s3 *from, const struct manifest *manifest,
                      const struct kept_day *held, FILE **files, struct str *why)
{
    for (unsigned i = 0; i < PACK_KINDS; i++) {
        if (has_object(held, manifest, i))
            continue;
        CHECK(files[i] == NULL);
        files[i] = copies_temporary();
        if (files[i] == NULL) {
            *why = STR("cannot make a temporary file (TMPDIR)");
            return false;
        }
        if (!fetch_object(archive, from, manifest, (enum pack_kind)i, files[i], why)) {
            *why = arena_printf(&archive->arena, "%s: " STR_FMT, manifest->keys[i],
                                STR_ARG(*why));
            return false;
        }
    }
    return true;
}

/* `held`: what the store has that it goes to.  What is not what its manifest says is
 * not copied, but told. */
static void copy_day(struct archive *archive, unsigned from, unsigned to,
                     const struct manifest *manifest, const struct kept_day *held,
                     struct archive_counts *counts)
{
    struct copies *copies = &archive->copies;
    FILE *files[PACK_KINDS] = { NULL };
    struct archive_counts ignored = { 0 };
    struct str why = STR_NONE;

    CHECK(from != to && copies->s3[from] != NULL && copy_is_up(copies, to));
    if (!fetch_day(archive, copies->s3[from], manifest, held, files, &why)) {
        archive->say(archive->ctx, arena_printf(&archive->arena, "not copied to the %s store: "
                                                STR_FMT, copy_name(to), STR_ARG(why)));
        copies->lacks[to] = true;
    } else if (put_day(copies->s3[to], manifest, files, held, &ignored, &why)) {
        counts->copied++;
        report_day(archive, manifest->day.day,
                   to == 0 ? "copied to the first store" : "copied to the second store");
    } else {
        copy_is_away(copies, to, why);
    }
    for (unsigned i = 0; i < PACK_KINDS; i++)
        if (files[i] != NULL)
            (void)fclose(files[i]);
}

/* What each store has of the day; false: no store is left. */
static bool look_at_day(struct archive *archive, const struct day *day, struct kept_day *held,
                        struct str *error)
{
    struct copies *copies = &archive->copies;

    for (unsigned i = 0; i < COPIES; i++) {
        enum s3_result found;

        held[i] = (struct kept_day){ 0 };
        if (!copy_is_up(copies, i))
            continue;
        found = archive_manifest(archive, copies->s3[i], day->day, &held[i].manifest, error);
        if (found == S3_FAILED)
            copy_is_away(copies, i, *error);
        held[i].is_there = found == S3_OK;
        held[i].is_current = found == S3_OK && day_equal(&held[i].manifest.day, day);
        CHECK(!held[i].is_there || copy_is_up(copies, i));
    }
    return copies_reader(copies) != NULL;
}

static bool bring_up_to_date(struct archive *archive, const struct day *day,
                             const struct kept_day *held, struct archive_counts *counts,
                             struct str *error)
{
    unsigned from = held[0].is_current ? 0 : 1, to = 1 - from;
    bool is_again = held[0].is_there || held[1].is_there;

    CHECK(copies_reader(&archive->copies) != NULL);
    if (!held[from].is_current) {
        if (!write_day(archive, day->day, held, counts, error))
            return false;
        counts->written++;
        report_day(archive, day->day, is_again ? "written again" : "written");
    } else if (copy_is_up(&archive->copies, to) &&
               !(held[to].is_current && manifest_equal(&held[0].manifest, &held[1].manifest))) {
        copy_day(archive, from, to, &held[from].manifest, &held[to], counts);
    }
    return true;
}

/* ---- days that the database has no more ------------------------------------------------ */

struct listed_days { struct archive *archive; struct manifest *manifests; uint32_t n; };

static bool on_listed(void *ctx, const struct manifest *manifest, struct str why)
{
    struct listed_days *listed = ctx;

    if (manifest == NULL)
        listed->archive->say(listed->archive->ctx, why);
    else if (listed->n < ARCHIVE_DAYS_MAX)
        listed->manifests[listed->n++] = *manifest;
    return true;
}

static bool list_days(struct archive *archive, unsigned store, struct listed_days *listed,
                      struct str *error)
{
    *listed = (struct listed_days){ archive, ARENA_ARRAY(&archive->arena, struct manifest,
                                                    ARCHIVE_DAYS_MAX), 0 };
    if (!archive_manifests(archive, archive->copies.s3[store], on_listed, listed, error))
        return false;
    qsort(listed->manifests, listed->n, sizeof(*listed->manifests), manifest_by_day);
    return true;
}

/* Each day of `from` of which `to` has nothing. */
static void copy_missing(struct archive *archive, const struct listed_days listed[COPIES],
                         unsigned from, struct archive_counts *counts)
{
    static const struct kept_day nothing;
    unsigned to = 1 - from;

    for (uint32_t i = 0; i < listed[from].n && copy_is_up(&archive->copies, to); i++) {
        const struct manifest *manifest = &listed[from].manifests[i];

        if (listed[to].n == 0 || bsearch(manifest, listed[to].manifests, listed[to].n,
                                         sizeof(*manifest), manifest_by_day) == NULL)
            copy_day(archive, from, to, manifest, &nothing, counts);
    }
}

static void copy_rest(struct archive *archive, struct archive_counts *counts)
{
    struct copies *copies = &archive->copies;
    struct listed_days listed[COPIES];
    struct str error;

    for (unsigned i = 0; i < COPIES; i++) {
        if (!copy_is_up(copies, i))
            return;
        if (!list_days(archive, i, &listed[i], &error)) {
            copy_is_away(copies, i, error);
            return;
        }
    }
    copy_missing(archive, listed, 0, counts);
    copy_missing(archive, listed, 1, counts);
}

bool archive_write(struct archive *archive, int64_t through, struct archive_counts *counts,
                   struct str *error)
{
    struct days days;

    CHECK(archive->say != NULL);
    if (!archive_days(archive, &days, error))
        return false;
    for (uint32_t i = 0; i < days.n && days.days[i].day <= through; i++) {
        struct kept_day held[COPIES];

        if (!look_at_day(archive, &days.days[i], held, error))
            return false;
        counts->days++;
        if (!bring_up_to_date(archive, &days.days[i], held, counts, error))
            return false;
    }
    copy_rest(archive, counts);
    return true;
}

/* ---- reading back ------------------------------------------------------------------- */

static bool is_what_it_was(struct archive *archive, const struct pack_sum *sum,
                           const struct pack_sum *found, bool whole, struct str *why)
{
    if (strcmp(sum->sha256, found->sha256) != 0)
        *why = arena_printf(&archive->arena, "its SHA-256 is %s", found->sha256);
    else if (!whole || found->rows != sum->rows || found->bytes != sum->bytes)
        *why = arena_printf(&archive->arena, "it has %" PRId64 " rows in %" PRId64 " bytes",
                            found->rows, found->bytes);
    else
        return true;
    return false;
}

/* Bytes on their way through the sums, and into a file, if there is one. */
struct pack_reading { struct unpack *unpack; FILE *file; };

static bool on_bytes(void *ctx, struct str bytes)
{
    struct pack_reading *reading = ctx;

    return (reading->file == NULL || fwrite(bytes.p, 1, bytes.n, reading->file) == bytes.n) &&
           unpack_bytes(reading->unpack, bytes);
}

static bool read_object(struct archive *archive, struct s3 *s3, const struct manifest *manifest,
                        enum pack_kind kind, struct pack_reading *reading, struct str *why)
{
    enum s3_result result;
    struct pack_sum found;
    bool whole;

    CHECK(kind < PACK_KINDS && manifest->keys[kind][0] != '\0');
    result = s3_get(s3, manifest->keys[kind], on_bytes, reading, why);
    whole = unpack_end(reading->unpack, &found);
    unpack_free(reading->unpack);
    if (result == S3_ABSENT)
        *why = STR("it is missing");
    return result == S3_OK && is_what_it_was(archive, &manifest->sums[kind], &found, whole, why);
}

bool archive_object_read(struct archive *archive, struct s3 *s3,
                         const struct manifest *manifest, enum pack_kind kind,
                         bool (*on_line)(void *ctx, struct str line), void *ctx, struct str *why)
{
    struct pack_reading reading = { unpack_new(on_line, ctx), NULL };

    return read_object(archive, s3, manifest, kind, &reading, why);
}

/* Into a file, which is only good when this is true. */
static bool fetch_object(struct archive *archive, struct s3 *s3, const struct manifest *manifest,
                         enum pack_kind kind, FILE *file, struct str *why)
{
    struct pack_reading reading = { unpack_new(NULL, NULL), file };

    CHECK(file != NULL && ftell(file) == 0);
    if (!read_object(archive, s3, manifest, kind, &reading, why))
        return false;
    if (fflush(file) == 0)
        return true;
    *why = STR("the temporary folder is full (TMPDIR)");
    return false;
}

bool archive_objects_hold(struct archive *archive, struct s3 *s3,
                          const struct manifest *manifest, struct archive_counts *counts,
                          struct str *why)
{
    for (unsigned i = 0; i < PACK_KINDS; i++) {
        counts->objects++;
        counts->rows += (uint64_t)manifest->sums[i].rows;
        if (!archive_object_read(archive, s3, manifest, (enum pack_kind)i, NULL, NULL, why)) {
            *why = arena_printf(&archive->arena, "%s: " STR_FMT, manifest->keys[i],
                                STR_ARG(*why));
            return false;
        }
    }
    return true;
}

struct keys { struct arena *arena; const char **keys; uint32_t n; };

static bool on_object(void *ctx, const struct s3_object *object)
{
    static const struct str end = { "/manifest.json", 14 };
    struct str key = object->key;
    struct keys *keys = ctx;

    if (key.n > end.n && memcmp(key.p + key.n - end.n, end.p, end.n) == 0 &&
        keys->n < ARCHIVE_DAYS_MAX)
        keys->keys[keys->n++] = arena_cstr(keys->arena, key);
    return true;
}

bool archive_manifests(struct archive *archive, struct s3 *s3,
                       bool (*on_manifest)(void *ctx, const struct manifest *manifest,
                                           struct str why),
                       void *ctx, struct str *error)
{
    struct keys keys = { &archive->arena,
                         ARENA_ARRAY(&archive->arena, const char *, ARCHIVE_DAYS_MAX), 0 };
    enum s3_result result = s3_list(s3, "days/", on_object, &keys, error);

    if (result != S3_OK)
        return false;
    for (uint32_t i = 0; i < keys.n; i++) {
        struct manifest manifest;
        struct str why = STR("it went away");
        bool well = read_manifest(archive, s3, keys.keys[i], &manifest, &why) == S3_OK;

        if (!on_manifest(ctx, well ? &manifest : NULL, why))
            break;
    }
    return true;
}
