/*
 * Any bytes as X-Edge-Country.  Whatever comes: no crash; what parses is
 * written back as it was, and is signed only when its signature is ours.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "net/edge_country.h"

#define AT INT64_C(1790000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const struct edge_country *country, struct str header)
{
    char hex[2 * EDGE_SIGNATURE_BYTES + 1], text[128];
    int n;

    (void)sodium_bin2hex(hex, sizeof(hex), country->signature, sizeof(country->signature));
    n = snprintf(text, sizeof(text), "%s;t=%" PRId64 ";sig=%s", country->code, country->at_s, hex);
    CHECK(n > 0 && str_eq(header, (struct str){ text, (size_t)n }));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str header = { (const char *)data, size }, client = STR("203.0.113.7");
    struct edge_keys *keys = edge_keys_new(STR("edge-secret-of-the-test-vector"), STR_NONE);
    struct edge_country country;
    uint8_t ours[EDGE_SIGNATURE_BYTES];
    enum edge_country_result result =
        edge_country_read(keys, header, client, AT, 60, &country);

    if (edge_country_parse(header, &country)) {
        check_text(&country, header);
        edge_country_sign(STR("edge-secret-of-the-test-vector"), country.code, client,
                          country.at_s, ours);
        CHECK((memcmp(ours, country.signature, sizeof(ours)) == 0) ==
              (result == EDGE_COUNTRY_SIGNED || result == EDGE_COUNTRY_STALE));
    } else {
        CHECK(result == EDGE_COUNTRY_MALFORMED || result == EDGE_COUNTRY_MISSING);
    }
    edge_keys_free(keys);
    return 0;
}
