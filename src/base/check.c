/* Where a failed CHECK ends: one line, then abort for the core dump. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *file, int line, const char *claim)
{
    fprintf(stderr, "{\"level\":\"fatal\",\"area\":\"check\",\"msg\":\"claim failed\","
            "\"at\":\"%s:%d\",\"claim\":\"%s\"}\n", file, line, claim);
    fflush(stderr);
    abort();
}
