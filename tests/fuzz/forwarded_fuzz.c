/*
 * Any bytes as X-Forwarded-For.  Whatever comes: no crash; an address is a
 * part of the list, and what stands before the trusted entries changes nothing.
 */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "net/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char longer[1 << 16];
    struct str list = { (const char *)data, size };

    for (int64_t proxies = 0; proxies < 4; proxies++) {
        struct str client = forwarded_client(list, proxies);
        struct str claimed = { longer, size + 2 };

        if (client.n == 0)
            continue;
        CHECK(client.p >= list.p && client.p + client.n <= list.p + list.n);
        if (claimed.n > sizeof(longer))
            continue;
        memcpy(longer, "1,", 2);
        memcpy(longer + 2, data, size);
        CHECK(str_eq(forwarded_client(claimed, proxies), client));
    }
    return 0;
}
