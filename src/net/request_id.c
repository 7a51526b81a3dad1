/* X-Request-Id (see net/request_id.h). */
#include "net/request_id.h"

#include <sodium.h>
#include <stdint.h>

#include "base/limits.h"

bool request_id_is_well(struct str id)
{
    if (id.n == 0 || id.n > LIMIT_REQUEST_ID_BYTES)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr("-._~:+/=@", c) != NULL)))
            return false;
    }
    return true;
}

static void put_hex(char *out, uint64_t value)
{
    static const char digits[] = "0123456789abcdef";

    for (unsigned i = 16; i-- > 0; value >>= 4)
        out[i] = digits[value & 15];
}

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014) over a counter: one to
 * one, so that no two are the same before 2^64 requests. */
static uint64_t mixed(uint64_t n)
{
    n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
    return n ^ (n >> 31);
}

void request_id_make(char out[REQUEST_ID_MADE])
{
    static _Thread_local uint64_t process, n;

    if (process == 0) {
        randombytes_buf(&process, sizeof(process));
        randombytes_buf(&n, sizeof(n));
    }
    put_hex(out, process);
    put_hex(out + 16, mixed(n += UINT64_C(0x9e3779b97f4a7c15)));
}
