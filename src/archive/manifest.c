/* Manifests (manifest.h). */
#include "archive/manifest.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

#define VERSION 1

const char *pack_kind_name(enum pack_kind kind)
{
    static const char *const names[] = {
        [PACK_BETS] = "bets", [PACK_TRANSFERS] = "transfers", [PACK_AUDIT] = "audit",
    };

    CHECK((unsigned)kind < PACK_KINDS);
    return names[kind];
}

bool day_equal(const struct day *a, const struct day *b)
{
    bool equal = a->day == b->day && a->open == b->open && a->has_country == b->has_country;

    for (unsigned i = 0; i < PACK_KINDS; i++)
        equal = equal && a->parts[i].rows == b->parts[i].rows
                && a->parts[i].sum == b->parts[i].sum;
    return equal;
}

bool manifest_equal(const struct manifest *a, const struct manifest *b)
{
    bool equal = day_equal(&a->day, &b->day);

    for (unsigned i = 0; i < PACK_KINDS; i++)
        equal = equal && strcmp(a->keys[i], b->keys[i]) == 0
                && strcmp(a->sums[i].sha256, b->sums[i].sha256) == 0;
    return equal;
}

void manifest_check(const struct manifest *manifest)
{
    CHECK(manifest->day.day > 0 && manifest->day.open >= 0);
    for (unsigned i = 0; i < PACK_KINDS; i++) {
        const struct pack_sum *sum = &manifest->sums[i];

        CHECK(text_begins(str_of(manifest->keys[i]), STR("days/")));
        CHECK(sum->rows >= 0 && sum->rows == manifest->day.parts[i].rows);
        CHECK(sum->bytes > 0); /* of no rows, too: the frame of zstd */
        CHECK(strspn(sum->sha256, "0123456789abcdef") == SHA256_HEX - 1);
    }
}

int manifest_by_day(const void *a, const void *b)
{
    int64_t x = ((const struct manifest *)a)->day.day, y = ((const struct manifest *)b)->day.day;

    return x < y ? -1 : x > y;
}

void day_text(int64_t day, char text[DAY_TEXT])
{
    struct buf buf;

    buf_init(&buf, 64);
    clock_format(&buf, day * DAY_MS);
    CHECK(buf.n > DAY_TEXT - 2 && !buf.overflow);
    (void)snprintf(text, DAY_TEXT, "%.10s", buf.p);
    buf_fini(&buf);
}

void manifest_key(int64_t day, char key[MANIFEST_KEY_BYTES])
{
    char text[DAY_TEXT];

    day_text(day, text);
    CHECK(snprintf(key, MANIFEST_KEY_BYTES, "days/%s/manifest.json", text) < MANIFEST_KEY_BYTES);
}

static void encode_object(struct jw *w, const struct manifest *manifest, enum pack_kind kind)
{
    const struct pack_sum *sum = &manifest->sums[kind];

    jw_object(w);
    jw_key(w, "kind");
    jw_str(w, str_of(pack_kind_name(kind)));
    jw_key(w, "key");
    jw_str(w, str_of(manifest->keys[kind]));
    jw_key(w, "rows");
    jw_int(w, sum->rows);
    jw_key(w, "sum");
    jw_int(w, manifest->day.parts[kind].sum);
    jw_key(w, "bytes");
    jw_int(w, sum->bytes);
    jw_key(w, "sha256");
    jw_str(w, str_of(sum->sha256));
    jw_object_end(w);
}

void manifest_encode(const struct manifest *manifest, struct buf *out)
{
    struct jw w = jw_to(out);
    char text[DAY_TEXT];

    day_text(manifest->day.day, text);
    jw_object(&w);
    jw_key(&w, "version");
    jw_int(&w, VERSION);
    jw_key(&w, "day");
    jw_str(&w, str_of(text));
    jw_key(&w, "open");
    jw_int(&w, manifest->day.open);
    jw_key(&w, "objects");
    jw_array(&w);
    for (unsigned i = 0; i < PACK_KINDS; i++)
        encode_object(&w, manifest, (enum pack_kind)i);
    jw_array_end(&w);
    jw_object_end(&w);
}

static bool wrong(struct str *error, struct str what)
{
    *error = what;
    return false;
}

static bool decode_object(json_t *object, struct manifest *manifest, struct arena *arena,
                          struct str *error)
{
    struct str kind, key, sha256;
    struct day_part part;
    int64_t bytes;
    const struct json_field fields[] = {
        { "kind", JSON_KIND_STRING, true, &kind }, { "key", JSON_KIND_STRING, true, &key },
        { "rows", JSON_KIND_INT, true, &part.rows }, { "sum", JSON_KIND_INT, true, &part.sum },
        { "bytes", JSON_KIND_INT, true, &bytes },
        { "sha256", JSON_KIND_STRING, true, &sha256 },
    };

    if (!json_fields(object, "objects", fields, LENGTH(fields), arena, error))
        return false;
    if (key.n >= MANIFEST_KEY_BYTES || sha256.n != SHA256_HEX - 1)
        return wrong(error, STR("a key or a sum is too long"));
    for (unsigned i = 0; i < PACK_KINDS; i++) {
        if (!str_eq(kind, str_of(pack_kind_name((enum pack_kind)i))))
            continue;
        CHECK(manifest->sums[i].sha256[SHA256_HEX - 1] == '\0');
        manifest->day.parts[i] = part;
        manifest->sums[i].rows = part.rows;
        manifest->sums[i].bytes = bytes;
        memcpy(manifest->sums[i].sha256, sha256.p, sha256.n);
        memcpy(manifest->keys[i], key.p, key.n);
        return true;
    }
    return wrong(error, STR("an object is of no known kind"));
}

static bool decode_objects(json_t *objects, struct manifest *manifest, struct arena *arena,
                           struct str *error)
{
    for (size_t i = 0; i < json_array_size(objects); i++)
        if (!decode_object(json_array_get(objects, i), manifest, arena, error))
            return false;
    for (unsigned i = 0; i < PACK_KINDS; i++)
        if (manifest->keys[i][0] == '\0')
            return wrong(error, STR("an object is missing"));
    return true;
}

bool manifest_decode(struct str text, struct manifest *manifest, struct arena *arena,
                     struct str *error)
{
    json_t *objects = NULL, *document;
    int64_t version = 0, at_ms = 0;
    struct str day = STR_NONE;
    const struct json_field fields[] = {
        { "version", JSON_KIND_INT, true, &version }, { "day", JSON_KIND_STRING, true, &day },
        { "open", JSON_KIND_INT, true, &manifest->day.open },
        { "objects", JSON_KIND_ARRAY, true, &objects },
    };
    bool well = false;

    *manifest = (struct manifest){ 0 };
    document = json_read(text, fields, LENGTH(fields), arena, error);
    if (document == NULL)
        return false;
    if (version != VERSION)
        *error = STR("it is of a version this program does not know");
    else if (day.n != DAY_TEXT - 2 || !clock_parse(day, &at_ms))
        *error = STR("its day is no date");
    else
        well = decode_objects(objects, manifest, arena, error);
    manifest->day.day = at_ms / DAY_MS;
    manifest->day.has_country =
        strstr(manifest->keys[PACK_BETS], "/" MANIFEST_COUNTRY "-") != NULL;
    json_decref(document);
    return well;
}
