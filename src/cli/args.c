/* Values of arguments that several subcommands read. */
#include "cli/args.h"

#include <stdio.h>

#include "model/money.h"

#define SPEED_MAX_E3 1000000000000 /* a thousand million */

bool args_speed(const char *text, double *speed)
{
    int64_t speed_e3;

    if (decimal_parse(str_of(text), 3, SPEED_MAX_E3, &speed_e3) != DECIMAL_OK || speed_e3 == 0)
        return false;
    *speed = (double)speed_e3 / 1000;
    return true;
}

bool args_read_file(const char *path, size_t most, struct arena *arena, struct str *text)
{
    FILE *file = fopen(path, "rb");
    long size;
    char *bytes;
    bool ok = false;

    if (file == NULL)
        return false;
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 &&
        (size_t)size <= most && fseek(file, 0, SEEK_SET) == 0) {
        bytes = arena_alloc(arena, (size_t)size + 1);
        *text = (struct str){ bytes, (size_t)size };
        ok = fread(bytes, 1, (size_t)size, file) == (size_t)size;
    }
    (void)fclose(file);
    return ok;
}
