/* The country that the edge signs (docs/EDGE.md): its form, its signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "net/edge_country.h"

#define SECRET "edge-secret-of-the-test-vector"
#define MT_SIGNATURE "afe1679891a1287f27222a1cda84a279f9c0829087001f69470943b0cef89dbe"
#define XX_SIGNATURE "61234aba4592f65dfd95b8ce911fa0f85eb9ad5d115f5e185e0ec40418ce6433"
#define GOOD "MT;t=1790000000;sig=" MT_SIGNATURE
#define AT INT64_C(1790000000)

static const struct str client = { "203.0.113.7", 11 };

static enum edge_country_result read_with(const char *secret, const char *former,
                                          const char *header, struct str from, int64_t now_s)
{
    struct edge_keys *keys = edge_keys_new(str_of(secret), str_of(former));
    struct edge_country country;
    enum edge_country_result result = edge_country_read(
        keys, header == NULL ? STR_NONE : str_of(header), from, now_s, 60, &country);

    if (result == EDGE_COUNTRY_SIGNED || result == EDGE_COUNTRY_FORMER)
        assert_memory_equal(country.code, header, 2);
    edge_keys_free(keys);
    return result;
}

static void signs_as_the_document_says(void **state)
{
    uint8_t signature[EDGE_SIGNATURE_BYTES];
    char hex[2 * EDGE_SIGNATURE_BYTES + 1];

    (void)state;
    edge_country_sign(STR(SECRET), "MT", client, AT, signature);
    (void)sodium_bin2hex(hex, sizeof(hex), signature, sizeof(signature));
    assert_string_equal(hex, MT_SIGNATURE);
    edge_country_sign(STR(SECRET), "XX", STR("2001:db8::7"), AT, signature);
    (void)sodium_bin2hex(hex, sizeof(hex), signature, sizeof(signature));
    assert_string_equal(hex, XX_SIGNATURE);
}

static void holds_for_this_client_and_a_minute(void **state)
{
    (void)state;
    assert_int_equal(read_with(SECRET, "", GOOD, client, AT), EDGE_COUNTRY_SIGNED);
    assert_int_equal(read_with(SECRET, "", GOOD, client, AT + 60), EDGE_COUNTRY_SIGNED);
    assert_int_equal(read_with(SECRET, "", GOOD, client, AT - 60), EDGE_COUNTRY_SIGNED);
    assert_int_equal(read_with(SECRET, "", GOOD, client, AT + 61), EDGE_COUNTRY_STALE);
    assert_int_equal(read_with(SECRET, "", GOOD, client, AT - 61), EDGE_COUNTRY_STALE);
    assert_int_equal(read_with(SECRET, "", GOOD, STR("203.0.113.8"), AT), EDGE_COUNTRY_WRONG);
    assert_int_equal(read_with(SECRET, "", "XX;t=1790000000;sig=" XX_SIGNATURE,
                               STR("2001:db8::7"), AT), EDGE_COUNTRY_SIGNED);
}

static void knows_the_former_secret(void **state)
{
    (void)state;
    assert_int_equal(read_with("another-secret-of-today", SECRET, GOOD, client, AT),
                     EDGE_COUNTRY_FORMER);
    assert_int_equal(read_with("another-secret-of-today", "", GOOD, client, AT),
                     EDGE_COUNTRY_WRONG);
    assert_int_equal(read_with("another-secret-of-today", "a-third-secret-of-nobody", GOOD,
                               client, AT), EDGE_COUNTRY_WRONG);
}

/* Each byte of the good header turned into each other: never signed. */
static void no_byte_may_differ(void **state)
{
    char header[] = GOOD;

    (void)state;
    for (size_t i = 0; i < sizeof(header) - 1; i++) {
        char was = header[i];

        for (int c = 1; c < 256; c++) {
            header[i] = (char)c;
            if (header[i] != was)
                assert_int_not_equal(read_with(SECRET, "", header, client, AT),
                                     EDGE_COUNTRY_SIGNED);
        }
        header[i] = was;
    }
    assert_int_equal(read_with(SECRET, "", header, client, AT), EDGE_COUNTRY_SIGNED);
}

static void any_other_form_is_malformed(void **state)
{
    static const char *const headers[] = {
        "", "MT", "MT;", "mt;t=1790000000;sig=" MT_SIGNATURE, "M;t=1790000000;sig=" MT_SIGNATURE,
        "MLT;t=1790000000;sig=" MT_SIGNATURE, " " GOOD, GOOD " ", GOOD "0", GOOD ";x=1",
        "MT;sig=" MT_SIGNATURE ";t=1790000000", "MT; t=1790000000; sig=" MT_SIGNATURE,
        "MT;t=;sig=" MT_SIGNATURE, "MT;t=01790000000;sig=" MT_SIGNATURE,
        "MT;t=-1790000000;sig=" MT_SIGNATURE, "MT;t=1790000000.0;sig=" MT_SIGNATURE,
        "MT;t=1790000000000000000000000;sig=" MT_SIGNATURE, "MT;t=1790000000;sig=",
        "MT;t=1790000000;sig=AFE1679891A1287F27222A1CDA84A279F9C0829087001F69470943B0CEF89DBE",
        "M\xc3\xa4;t=1790000000;sig=" MT_SIGNATURE,
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(headers); i++)
        assert_int_equal(read_with(SECRET, "", headers[i], client, AT), EDGE_COUNTRY_MALFORMED);
    assert_int_equal(read_with(SECRET, "", NULL, client, AT), EDGE_COUNTRY_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_as_the_document_says),
        cmocka_unit_test(holds_for_this_client_and_a_minute),
        cmocka_unit_test(knows_the_former_secret),
        cmocka_unit_test(no_byte_may_differ),
        cmocka_unit_test(any_other_form_is_malformed),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
