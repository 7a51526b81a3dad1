/* The archive's texts and packs; what needs a server is in tests/cluster. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive/copies.h"
#include "archive/listing.h"
#include "archive/manifest.h"
#include "archive/md5.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

/* ---- packs --------------------------------------------------------------- */

#define LINES 20000

/* What a pack of many lines is, as a file's bytes. */
static struct str packed(struct pack *pack, struct pack_sum *sum)
{
    static char bytes[1 << 20];
    char line[64];
    FILE *file;
    size_t n;

    for (int i = 0; i < LINES; i++) {
        (void)snprintf(line, sizeof(line), "{\"line\":%d,\"noise\":%d}", i, i * 7919 % 104729);
        assert_true(pack_add(pack, str_of(line)));
    }
    assert_true(pack_end(pack, sum, &file));
    rewind(file);
    n = fread(bytes, 1, sizeof(bytes), file);
    assert_true(n > 0 && n < sizeof(bytes));
    return (struct str){ bytes, n };
}

static void test_a_pack_reads_back_in_any_pieces(void **state)
{
    struct pack *pack = pack_new();
    struct pack_sum sum, found;
    struct str bytes;
    char hex[SHA256_HEX];

    (void)state;
    assert_non_null(pack);
    bytes = packed(pack, &sum);
    sha256_hex(bytes, hex);
    assert_string_equal(sum.sha256, hex);
    assert_int_equal(sum.rows, LINES);
    assert_int_equal(sum.bytes, bytes.n);
    for (size_t piece = 1; piece <= bytes.n; piece = piece * 37 + 1) {
        struct unpack *unpack = unpack_new(NULL, NULL);

        for (size_t at = 0; at < bytes.n; at += piece)
            assert_true(unpack_bytes(unpack, (struct str){
                bytes.p + at, piece < bytes.n - at ? piece : bytes.n - at }));
        assert_true(unpack_end(unpack, &found));
        assert_int_equal(found.rows, LINES);
        assert_string_equal(found.sha256, sum.sha256);
        unpack_free(unpack);
    }
    pack_free(pack);
}

static void test_a_pack_cut_short_is_noticed(void **state)
{
    struct pack *pack = pack_new();
    struct pack_sum sum;
    struct str bytes;

    (void)state;
    bytes = packed(pack, &sum);
    for (size_t cut = 1; cut < bytes.n; cut += bytes.n / 7) {
        struct unpack *unpack = unpack_new(NULL, NULL);

        (void)unpack_bytes(unpack, (struct str){ bytes.p, bytes.n - cut });
        assert_false(unpack_end(unpack, &sum));
        unpack_free(unpack);
    }
    pack_free(pack);
}

/* ---- manifests ------------------------------------------------------------- */

static struct manifest example(void)
{
    struct manifest manifest = { .day = { .day = 20780, .open = 2 } };

    for (unsigned i = 0; i < PACK_KINDS; i++) {
        manifest.day.parts[i] = (struct day_part){ 10 + i, -5 };
        manifest.sums[i] = (struct pack_sum){ .rows = 10 + i, .bytes = 400 };
        sha256_hex(STR("x"), manifest.sums[i].sha256);
        (void)snprintf(manifest.keys[i], sizeof(manifest.keys[i]), "days/%u", i);
    }
    return manifest;
}

static struct str text_of(const struct manifest *manifest)
{
    struct str text;
    struct buf buf;

    buf_init(&buf, 1 << 16);
    manifest_encode(manifest, &buf);
    text = arena_str(&arena, buf_view(&buf));
    buf_fini(&buf);
    return text;
}

static void test_a_manifest_reads_back(void **state)
{
    struct manifest written = example(), read;
    struct str error = STR_NONE;
    char day[DAY_TEXT];

    (void)state;
    day_text(20780, day);
    assert_string_equal(day, "2026-11-23");
    assert_true(manifest_decode(text_of(&written), &read, &arena, &error));
    assert_true(day_equal(&read.day, &written.day));
    for (unsigned i = 0; i < PACK_KINDS; i++) {
        assert_string_equal(read.keys[i], written.keys[i]);
        assert_string_equal(read.sums[i].sha256, written.sums[i].sha256);
        assert_int_equal(read.sums[i].bytes, 400);
    }
    read.day.parts[PACK_AUDIT].sum++;
    assert_false(day_equal(&read.day, &written.day));
}

/* A release that knows no countries writes the same sums under the other name. */
static void test_a_manifest_says_whether_countries_are_in_it(void **state)
{
    struct manifest written = example(), read;
    struct str error = STR_NONE;

    (void)state;
    (void)snprintf(written.keys[PACK_BETS], MANIFEST_KEY_BYTES,
                   "days/2026-11-23/" MANIFEST_COUNTRY "-9f86.jsonl.zst");
    assert_true(manifest_decode(text_of(&written), &read, &arena, &error));
    assert_true(read.day.has_country);
    assert_false(day_equal(&read.day, &written.day));
    (void)snprintf(written.keys[PACK_BETS], MANIFEST_KEY_BYTES,
                   "days/2026-11-23/bets-9f86.jsonl.zst");
    assert_true(manifest_decode(text_of(&written), &read, &arena, &error));
    assert_false(read.day.has_country);
    assert_true(day_equal(&read.day, &written.day));
}

static void test_what_is_no_manifest_is_said(void **state)
{
    static const struct { const char *was, *is, *error; } faults[] = {
        { "\"version\":1", "\"version\":2", "version" },
        { "2026-11-23", "2026-13-23", "no date" },
        { "\"kind\":\"bets\"", "\"kind\":\"debt\"", "no known kind" },
        { "\"kind\":\"bets\"", "\"kind\":\"audit\"", "missing" },
        { "\"bytes\"", "\"byte\"", "byte" },
        { "\"sha256\":\"", "\"sha256\":\"0", "too long" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(faults); i++) {
        struct manifest manifest = example(), read;
        char *text = arena_cstr(&arena, text_of(&manifest));
        char *at = strstr(text, faults[i].was);
        struct str error = STR_NONE, whole;

        assert_non_null(at);
        whole = arena_printf(&arena, "%.*s%s%s", (int)(at - text), text, faults[i].is,
                             at + strlen(faults[i].was));
        assert_false(manifest_decode(whole, &read, &arena, &error));
        if (strstr(arena_cstr(&arena, error), faults[i].error) == NULL)
            fail_msg("%s: " STR_FMT, faults[i].is, STR_ARG(error));
    }
}

/* ---- listings ---------------------------------------------------------------- */

static bool on_object(void *ctx, const struct s3_object *object)
{
    struct buf *keys = ctx;

    buf_str(keys, object->key);
    buf_printf(keys, ":%d:%s%s ", (int)object->bytes, object->storage_class, object->etag);
    return true;
}

static void expect_listing(const char *xml, bool well, const char *keys, const char *next)
{
    struct buf found, token;

    buf_init(&found, 4096);
    buf_init(&token, 64);
    assert_int_equal(s3_list_read(str_of(xml), on_object, &found, &token), well);
    if (well) {
        assert_true(str_eq(buf_view(&found), str_of(keys)));
        assert_true(str_eq(buf_view(&token), str_of(next)));
    }
    buf_fini(&found);
    buf_fini(&token);
}

static void test_a_listing_names_its_keys(void **state)
{
    (void)state;
    expect_listing("<ListBucketResult xmlns='x'><Key>no</Key><Contents><Key>a&amp;b</Key>"
                   "<Size>1</Size></Contents><Contents><Owner><Key>no</Key></Owner>"
                   "<Key>c</Key><StorageClass>GLACIER</StorageClass><Size>20</Size></Contents>"
                   "<Contents><Size>3</Size></Contents></ListBucketResult>", true,
                   "a&b:1: c:20:GLACIER ", "");
    expect_listing("<ListBucketResult><NextContinuationToken>t/1=</NextContinuationToken>"
                   "</ListBucketResult>", true, "", "t/1=");
    expect_listing("<ListBucketResult><Contents><Key>a</Key><ETag>&quot;9E10-2&quot;</ETag>"
                   "</Contents><Contents><Key>b</Key><ETag>\"</ETag></Contents><Contents>"
                   "<Key>c</Key><ETag>01234567890123456789012345678901"
                   "23456789012345678901234567890123</ETag></Contents>"
                   "<Contents><Key>d</Key><ETag>ab</ETag></Contents>"
                   "</ListBucketResult>", true, "a:0:9e10-2 b:0:\" c:0: d:0:ab ", "");
    expect_listing("<Error><Code>no</Code></Error>", false, "", "");
    expect_listing("<ListBucketResult><Contents>", false, "", "");
    expect_listing("<!DOCTYPE x [<!ENTITY a 'b'>]><ListBucketResult/>", false, "", "");
    expect_listing("", false, "", "");
}

/* ---- what a store says of one that is thawed ------------------------------------ */

static void test_the_state_of_a_thaw_is_read(void **state)
{
    struct s3_state found = { 0 };

    (void)state;
    assert_true(s3_thaw_read(STR("ongoing-request=\"true\""), &found));
    assert_int_equal(found.thaw, S3_THAWING);
    assert_true(s3_thaw_read(STR("ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2029"
                                 " 00:00:00 GMT\""), &found));
    assert_int_equal(found.thaw, S3_THAWED);
    assert_string_equal(found.until, "Fri, 21 Dec 2029 00:00:00 GMT");
    assert_false(s3_thaw_read(STR("ongoing-request=true"), &found));
    assert_false(s3_thaw_read(STR("ongoing-request=\"true"), &found));
    assert_false(s3_thaw_read(STR(""), &found));
    assert_true(s3_class_is_frozen("DEEP_ARCHIVE"));
    assert_false(s3_class_is_frozen("GLACIER_IR"));
}

/* ---- MD5: RFC 1321's own, and each length around the ends of blocks --------------- */

static void expect_md5(struct str text, const char *wanted)
{
    unsigned char sum[MD5_BYTES];
    char hex[2 * MD5_BYTES + 1];

    md5(text, sum);
    for (unsigned i = 0; i < MD5_BYTES; i++)
        (void)snprintf(hex + (size_t)2 * i, 3, "%02x", sum[i]);
    assert_string_equal(hex, wanted);
}

static void test_md5_is_that_of_its_rfc(void **state)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const char digits[] = "12345678901234567890123456789012345678901234567890123456789012345"
                                 "678901234567890";

    (void)state;
    expect_md5(STR(""), "d41d8cd98f00b204e9800998ecf8427e");
    expect_md5(STR("a"), "0cc175b9c0f1b6a831c399e269772661");
    expect_md5(STR("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    expect_md5(str_of(letters), "d174ab98d277d9f5a5611c2c9f419d9f");
    expect_md5(str_of(digits), "57edf4a22be3c955ac49da2e2107b67a");
    expect_md5((struct str){ digits, 55 }, "c9ccf168914a1bcfc3229f1948e67da0");
    expect_md5((struct str){ digits, 56 }, "49f193adce178490e34d1b3a4ec0064c");
    expect_md5((struct str){ digits, 64 }, "eb6c4179c0a7c82cc2828c1e6338e165");
}

/* ---- a listing in any order --------------------------------------------------------- */

#define LISTED 5000

/* 0 … LISTED - 1, each once, by `step`s that reach them all. */
static struct listing *listing_by(unsigned step)
{
    struct listing *listing = listing_new(4096);

    assert_non_null(listing);
    for (unsigned i = 0, at = 0; i < LISTED; i++, at = (at + step) % LISTED) {
        char key[32];
        struct s3_object object = { .bytes = at, .modified_ms = at * 2 };

        (void)snprintf(key, sizeof(key), "wal/%08u", at);
        (void)snprintf(object.etag, sizeof(object.etag), "%u", at % 100);
        object.key = str_of(key);
        assert_true(listing_add(listing, &object));
    }
    return listing;
}

static void test_a_listing_in_any_order_is_read_in_one(void **state)
{
    static const struct { unsigned step, runs_least, runs_most; } orders[] = {
        { 1, 1, 1 }, { LISTED - 1, 20, 500 }, { 37, 20, 500 }, { 1657, 20, 500 },
    };

    (void)state;
    for (size_t o = 0; o < LENGTH(orders); o++) {
        struct listing *listing = listing_by(orders[o].step);
        struct s3_object twice = { .key = STR("wal/00000007"), .bytes = 7, .modified_ms = 14,
                                   .etag = "7" };
        struct listed listed;

        assert_true(listing_add(listing, &twice));
        assert_true(listing_end(listing));
        assert_int_equal(listing_count(listing), LISTED + 1);
        assert_in_range(listing_runs(listing), orders[o].runs_least, orders[o].runs_most + 1);
        for (unsigned i = 0; i < LISTED; i++) {
            char key[32], etag[8];

            (void)snprintf(key, sizeof(key), "wal/%08u", i);
            (void)snprintf(etag, sizeof(etag), "%u", i % 100);
            assert_true(listing_next(listing, &listed));
            assert_true(str_eq(listed.key, str_of(key)));
            assert_int_equal(listed.bytes, i);
            assert_int_equal(listed.modified_ms, i * 2);
            assert_string_equal(listed.etag, etag);
        }
        assert_false(listing_next(listing, &listed));
        assert_false(listing_next(listing, &listed));
        assert_false(listing_failed(listing));
        listing_free(listing);
    }
}

static void test_a_listing_of_nothing(void **state)
{
    struct listing *listing = listing_new(0);
    struct listed listed;

    (void)state;
    assert_non_null(listing);
    assert_true(listing_end(listing));
    assert_false(listing_next(listing, &listed));
    listing_free(listing);
    listing_free(NULL);
}

/* ---- what node_exporter was told before ------------------------------------------ */

static void test_a_text_file_keeps_what_a_store_had(void **state)
{
    static const char text[] =
        "# HELP m{what=\"wal\",store=\"second\"} 5\n"
        "m{what=\"wal\",store=\"first\"} 1764460800\n"
        "n{what=\"wal\",store=\"second\"} 18\n"
        "m{what=\"wal\",store=\"second\"} 17\n"
        "large 99999999999999999999\nlast";

    (void)state;
    assert_int_equal(copies_textfile_read(str_of(text), "m{what=\"wal\",store=\"first\"}"),
                     1764460800);
    assert_int_equal(copies_textfile_read(str_of(text), "m{what=\"wal\",store=\"second\"}"), 17);
    assert_int_equal(copies_textfile_read(str_of(text), "n{what=\"wal\",store=\"second\"}"), 18);
    assert_int_equal(copies_textfile_read(str_of(text), "m{what=\"base\",store=\"first\"}"), 0);
    assert_int_equal(copies_textfile_read(str_of(text), "large"), 0);
    assert_int_equal(copies_textfile_read(str_of(text), "last"), 0);
    assert_int_equal(copies_textfile_read(STR(""), "m"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_pack_reads_back_in_any_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_pack_cut_short_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_manifest_reads_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_manifest_says_whether_countries_are_in_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_manifest_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_listing_names_its_keys, setup, teardown),
        cmocka_unit_test(test_the_state_of_a_thaw_is_read),
        cmocka_unit_test(test_md5_is_that_of_its_rfc),
        cmocka_unit_test(test_a_listing_in_any_order_is_read_in_one),
        cmocka_unit_test(test_a_listing_of_nothing),
        cmocka_unit_test(test_a_text_file_keeps_what_a_store_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
