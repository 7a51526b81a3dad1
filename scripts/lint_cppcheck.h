/* base/check.h for cppcheck, which does not see that a CHECK inside ?: ends the process. */
#define BASE_CHECK_H

#include <stdbool.h>
#include <stdlib.h>

#define MUST_USE
#define PRINTF_LIKE(f, a)
#define UNUSED
#define CHECK(claim)     \
    do {                 \
        if (!(claim))    \
            abort();     \
    } while (0)
#define CHECK_DEAR(claim) CHECK(claim)
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
