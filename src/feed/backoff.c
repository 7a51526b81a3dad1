/* Waiting before the next attempt: see backoff.h. */
#include "feed/backoff.h"

int64_t backoff_ms(unsigned attempt, uint32_t chance)
{
    int64_t ms = BACKOFF_FIRST_MS;

    for (unsigned i = 1; i < attempt && ms < BACKOFF_MAX_MS; i++)
        ms *= 2;
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    return ms - (int64_t)(chance % (uint64_t)(ms / 2 + 1));
}
