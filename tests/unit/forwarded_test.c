/* Who the client is behind load balancers: only what a trusted one wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "net/forwarded.h"

static void so_many_from_the_end(void **state)
{
    static const struct {
        struct str list, client;
        int64_t proxies;
    } cases[] = {
        { STR("192.0.2.7"), STR("192.0.2.7"), 1 },
        { STR("10.0.0.1, 192.0.2.7"), STR("192.0.2.7"), 1 }, /* the first is a claim */
        { STR("6.6.6.6, 192.0.2.7 ,10.0.0.1"), STR("192.0.2.7"), 2 },
        { STR("2001:db8::1"), STR("2001:db8::1"), 1 },
        { STR("192.0.2.7"), STR_NONE, 2 },
        { STR(""), STR_NONE, 1 },
        { STR("192.0.2.7,"), STR_NONE, 1 },
        { STR("unknown"), STR_NONE, 1 },
        { STR("1111111111111111111111111111111111111111111111"), STR_NONE, 1 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        assert_true(str_eq(forwarded_client(cases[i].list, cases[i].proxies), cases[i].client));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(so_many_from_the_end) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
