/* Values of arguments that several subcommands read. */
#include "cli/args.h"

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
