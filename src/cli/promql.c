/* See promql.h. */
#include "cli/promql.h"

#include <ctype.h>

#include "base/check.h"

static bool is_name(char c, bool first)
{
    return isalpha((unsigned char)c) || c == '_' || c == ':' ||
           (!first && isdigit((unsigned char)c));
}

/* Behind a string, or the labels' braces. */
static size_t behind(const char *expr, size_t at, char end)
{
    at++;
    while (expr[at] != '\0' && expr[at] != end)
        at = expr[at] == '"' ? behind(expr, at, '"') : at + 1;
    return expr[at] == '\0' ? at : at + 1;
}

static bool is_grouping(struct str word)
{
    static const char *const words[] = { "by", "on", "ignoring", "without", "group_left",
                                         "group_right" };

    for (size_t i = 0; i < LENGTH(words); i++)
        if (str_eq(word, str_of(words[i])))
            return true;
    return false;
}

static bool is_operator(struct str word)
{
    static const char *const words[] = { "and", "or", "unless", "bool", "offset" };

    for (size_t i = 0; i < LENGTH(words); i++)
        if (str_eq(word, str_of(words[i])))
            return true;
    return false;
}

static size_t behind_spaces(const char *expr, size_t at)
{
    while (isspace((unsigned char)expr[at]))
        at++;
    return at;
}

static struct str word_at(const char *expr, size_t at)
{
    struct str word = { expr + at, 0 };

    while (is_name(word.p[word.n], word.n == 0))
        word.n++;
    return word;
}

/* Neither "rate (", nor "sum by (", nor "and". */
static bool is_series(struct str word, const char *next)
{
    struct str after = word_at(next, 0);

    return *next != '(' && !is_grouping(word) && !is_operator(word) &&
           !str_eq(after, STR("by")) && !str_eq(after, STR("without"));
}

bool promql_series(const char *expr, size_t *at, struct str *name)
{
    while (expr[*at] != '\0') {
        char c = expr[*at];
        size_t next;

        if (c == '"' || c == '{' || c == '[') {
            *at = behind(expr, *at, c == '"' ? '"' : c == '{' ? '}' : ']');
            continue;
        }
        if (!is_name(c, true)) { /* a number may end in a unit: nothing of it is a name */
            (*at)++;
            while (isdigit((unsigned char)c) && is_name(expr[*at], false))
                (*at)++;
            continue;
        }
        *name = word_at(expr, *at);
        *at += name->n;
        next = behind_spaces(expr, *at);
        if (is_grouping(*name) && expr[next] == '(')
            *at = behind(expr, next, ')');
        else if (is_series(*name, expr + next))
            return true;
    }
    return false;
}
