/* X-Forwarded-For: see forwarded.h. */
#include "net/forwarded.h"

#include <stdbool.h>
#include <string.h>

#define ADDRESS_MAX 45 /* IPv6 with an IPv4 part */

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct str trimmed(struct str s)
{
    while (s.n > 0 && is_space(s.p[0]))
        s = (struct str){ s.p + 1, s.n - 1 };
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

static bool is_address(struct str s)
{
    static const char allowed[] = "0123456789abcdefABCDEF.:";

    for (size_t i = 0; i < s.n; i++)
        if (memchr(allowed, s.p[i], sizeof(allowed) - 1) == NULL)
            return false;
    return s.n > 0 && s.n <= ADDRESS_MAX;
}

struct str forwarded_client(struct str list, int64_t proxies)
{
    struct str entry = STR_NONE;

    for (; proxies > 0; proxies--) {
        const char *comma = list.n == 0 ? NULL : memrchr(list.p, ',', list.n);

        if (list.n == 0)
            return STR_NONE;
        entry = comma == NULL ? list
            : (struct str){ comma + 1, list.n - (size_t)(comma + 1 - list.p) };
        list.n = comma == NULL ? 0 : (size_t)(comma - list.p);
    }
    entry = trimmed(entry);
    return is_address(entry) ? entry : STR_NONE;
}
