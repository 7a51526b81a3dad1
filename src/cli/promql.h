/* Expressions of PromQL, as far as their series' names. */
#ifndef CLI_PROMQL_H
#define CLI_PROMQL_H

#include <stdbool.h>

#include "base/str.h"

/* The next name of a series in an expression of PromQL, from *at on, which is
 * moved behind it; false: there is none left.  What is in quotes, in braces or
 * in by (…) is no series, nor are functions and words of the language. */
bool promql_series(const char *expr, size_t *at, struct str *name);

#endif
