/* TabSeparated, strictly (see tsv.h). */
#include "analytics/tsv.h"

#include "base/limits.h"

static bool read_int(struct str text, int64_t *n)
{
    bool minus = text.n > 0 && text.p[0] == '-';
    uint64_t most = minus ? (uint64_t)INT64_MAX + 1 : INT64_MAX, sum = 0;

    if (text.n == minus || text.n > 20)
        return false;
    for (size_t i = minus; i < text.n; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text.p[i] - '0';

        if (digit > 9 || sum > (most - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *n = minus ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}

static char unescaped(char c)
{
    switch (c) {
    case 't': return '\t';
    case 'n': return '\n';
    case 'r': return '\r';
    case 'b': return '\b';
    case 'f': return '\f';
    case '0': return '\0';
    default: return c; /* \\ and \' */
    }
}

static struct str read_text(struct str text, struct arena *arena)
{
    char *out = ARENA_ARRAY(arena, char, text.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\\' && i + 1 < text.n)
            out[n++] = unescaped(text.p[++i]);
        else
            out[n++] = text.p[i];
    }
    return (struct str){ out, n };
}

static bool read_cell(struct str text, char type, struct arena *arena, struct value *cell)
{
    *cell = (struct value){ .null = str_eq(text, STR("\\N")) };
    if (cell->null)
        return true;
    if (type == 'i')
        return read_int(text, &cell->i);
    cell->s = read_text(text, arena);
    return true;
}

/* One line without its end. */
static bool read_row(struct str line, const char *types, struct arena *arena,
                     struct value *cells)
{
    size_t columns = strlen(types);

    for (size_t i = 0; i < columns; i++) {
        const char *tab = line.n == 0 ? NULL : memchr(line.p, '\t', line.n);
        size_t n = tab == NULL ? line.n : (size_t)(tab - line.p);

        if ((tab == NULL) != (i + 1 == columns) ||
            !read_cell((struct str){ line.p, n }, types[i], arena, &cells[i]))
            return false;
        line = (struct str){ line.p + n + 1, line.n - n - (tab != NULL) };
    }
    return true;
}

static uint32_t count_lines(struct str text)
{
    uint32_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

bool tsv_read(struct str text, const char *types, struct arena *arena, struct value **cells,
              uint32_t *rows)
{
    size_t columns = strlen(types);
    struct value *all;

    *cells = NULL;
    *rows = 0;
    if (text.n > 0 && text.p[text.n - 1] != '\n')
        return false;
    if (text.n > UINT32_MAX || count_lines(text) > LIMIT_ROWS)
        return false;
    all = ARENA_ARRAY(arena, struct value, (count_lines(text) + 1) * columns);
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = (size_t)(end - text.p);

        if (!read_row((struct str){ text.p, n }, types, arena, &all[*rows * columns]))
            return false;
        ++*rows;
        text = (struct str){ end + 1, text.n - n - 1 };
    }
    *cells = all;
    return true;
}
