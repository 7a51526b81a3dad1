/* Values of arguments that several subcommands read. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/check.h"

/* How many times as fast: above 0, at most three decimals. */
bool args_speed(const char *text, double *speed) MUST_USE;
/* A whole file of at most so many bytes, into the arena. */
bool args_read_file(const char *path, size_t most, struct arena *arena, struct str *text) MUST_USE;

#endif
