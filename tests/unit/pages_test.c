/* Which encoding of a page an Accept-Encoding header gets. */
#include "web/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void the_best_that_is_named(void **state)
{
    static const struct {
        const char *accept;
        enum page_encoding want;
    } cases[] = {
        { "", PAGE_PLAIN },
        { "identity", PAGE_PLAIN },
        { "gzip", PAGE_GZIP },
        { "GZip", PAGE_GZIP },
        { "br", PAGE_BROTLI },
        { "gzip, deflate, br, zstd", PAGE_BROTLI },
        { "br;q=1.0, gzip;q=0.8", PAGE_BROTLI },
        { "br;q=0, gzip;q=0.8", PAGE_GZIP },
        { "br;q=0.000,gzip;q=0", PAGE_PLAIN },
        { "br;q=0.001", PAGE_BROTLI },
        { "gzip ; q=0", PAGE_PLAIN },
        { "gzipped, brr, b", PAGE_PLAIN },
        { ",;,;q=0,gzip", PAGE_GZIP },
        { "gzip;q", PAGE_GZIP },
    };

    (void)state;
    assert_int_equal(page_encoding_for(STR_NONE), PAGE_PLAIN);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(page_encoding_for(str_of(cases[i].accept)), cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_best_that_is_named) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
