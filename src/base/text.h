/*
 * Reading a text from its front: cutting it at a character, and numbers of
 * digits alone.  Everything borrows: a part points into the text it came from.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdint.h>

#include "base/str.h"

/* Takes what stands before the first `c` off *rest, and `c` with it; false:
 * there is no `c`, and *rest is as it was. */
static inline bool text_cut(struct str *rest, char c, struct str *front)
{
    const char *at = rest->n == 0 ? NULL : memchr(rest->p, c, rest->n);

    if (at == NULL)
        return false;
    *front = (struct str){ rest->p, (size_t)(at - rest->p) };
    *rest = (struct str){ at + 1, rest->n - front->n - 1 };
    return true;
}

/* The same, for lists: without a `c` it takes all, and *rest is STR_NONE. */
static inline struct str text_until(struct str *rest, char c)
{
    struct str front = *rest;

    if (!text_cut(rest, c, &front))
        *rest = STR_NONE;
    return front;
}

static inline bool text_begins(struct str text, struct str front)
{
    return text.n >= front.n && (front.n == 0 || memcmp(text.p, front.p, front.n) == 0);
}

/* Takes `front` off *rest; false: it does not begin so, and is as it was. */
static inline bool text_skip(struct str *rest, struct str front)
{
    if (!text_begins(*rest, front))
        return false;
    *rest = (struct str){ rest->p + front.n, rest->n - front.n };
    return true;
}

/* Without the characters of `blanks` at both ends. */
static inline struct str text_trim(struct str text, const char *blanks)
{
    while (text.n > 0 && text.p[0] != '\0' && strchr(blanks, text.p[0]) != NULL)
        text = (struct str){ text.p + 1, text.n - 1 };
    while (text.n > 0 && text.p[text.n - 1] != '\0' && strchr(blanks, text.p[text.n - 1]) != NULL)
        text.n--;
    return text;
}

/* Takes the digits off the front of *rest: 0 .. max, leading zeros allowed.
 * False: there is none, or they make more than max. */
static inline bool text_take_number(struct str *rest, int64_t max, int64_t *number)
{
    int64_t sum = 0;
    size_t n = 0;

    for (; n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9'; n++) {
        int64_t digit = rest->p[n] - '0';

        if (digit > max || sum > (max - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    if (n == 0)
        return false;
    *number = sum;
    *rest = (struct str){ rest->p + n, rest->n - n };
    return true;
}

/* Digits and nothing else, 0 .. max. */
static inline bool text_number(struct str text, int64_t max, int64_t *number)
{
    return text_take_number(&text, max, number) && text.n == 0;
}

/* Digits and nothing else, 1 .. max. */
static inline bool text_positive(struct str text, int64_t max, int64_t *number)
{
    return text_number(text, max, number) && *number > 0;
}

#endif
