/*
 * CSV: see csv.h.
 */
#include "feed/csv.h"

#define COLUMNS_MAX 500

static char peek(const struct csv *csv)
{
    return csv->rest.n > 0 ? csv->rest.p[0] : '\0';
}

static void skip(struct csv *csv, size_t n)
{
    csv->rest.p += n;
    csv->rest.n -= n;
}

static struct str trimmed(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = (struct str){ s.p + 1, s.n - 1 };
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* Bytes up to the closing quote, or to the end of the text. */
static size_t quoted_length(struct str text)
{
    size_t n = 0;

    while (n < text.n) {
        if (text.p[n] != '"')
            n++;
        else if (n + 1 < text.n && text.p[n + 1] == '"')
            n += 2;
        else
            break;
    }
    return n;
}

/* After the opening quote; doubled quotes become one. */
static struct str quoted_cell(struct csv *csv)
{
    size_t length = quoted_length(csv->rest), n = 0;
    char *copy = arena_alloc(csv->arena, length + 1);

    for (size_t i = 0; i < length; i++) {
        char c = csv->rest.p[i];

        copy[n++] = c;
        i += c == '"';
        csv->next_line += c == '\n';
    }
    skip(csv, length < csv->rest.n ? length + 1 : length);
    return (struct str){ copy, n };
}

static bool ends_cell(char c)
{
    return c == ',' || c == '\n' || c == '\r';
}

static struct str bare_cell(struct csv *csv)
{
    const char *from = csv->rest.p;
    size_t n = 0;

    while (n < csv->rest.n && !ends_cell(from[n]))
        n++;
    skip(csv, n);
    return (struct str){ from, n };
}

static struct str read_cell(struct csv *csv)
{
    struct str cell;

    if (peek(csv) != '"')
        return trimmed(bare_cell(csv));
    skip(csv, 1);
    cell = quoted_cell(csv);
    (void)bare_cell(csv); /* what follows the closing quote is nobody's */
    return trimmed(cell);
}

/* One line into cells[0..max); further ones are dropped.  Their count. */
static unsigned read_line(struct csv *csv, struct str *cells, unsigned max)
{
    unsigned n = 0;

    csv->line = csv->next_line;
    for (;;) {
        struct str cell = read_cell(csv);

        if (n < max)
            cells[n++] = cell;
        if (csv->rest.n == 0 || peek(csv) != ',')
            break;
        skip(csv, 1);
    }
    if (peek(csv) == '\r' && csv->rest.n > 0)
        skip(csv, 1);
    if (peek(csv) == '\n' && csv->rest.n > 0)
        skip(csv, 1);
    csv->next_line++;
    return n;
}

static bool is_blank(const struct str *cells, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (cells[i].n > 0)
            return false;
    return true;
}

bool csv_open(struct csv *csv, struct str text, struct arena *arena)
{
    *csv = (struct csv){ .rest = text, .arena = arena, .next_line = 1 };
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        skip(csv, 3);
    csv->names = ARENA_ARRAY(arena, struct str, COLUMNS_MAX + 1);
    csv->n = read_line(csv, csv->names, COLUMNS_MAX + 1);
    csv->cells = ARENA_ARRAY(arena, struct str, COLUMNS_MAX + 1);
    return csv->n <= COLUMNS_MAX && !is_blank(csv->names, csv->n);
}

bool csv_next(struct csv *csv)
{
    while (csv->rest.n > 0) {
        unsigned n = read_line(csv, csv->cells, csv->n);

        for (unsigned i = n; i < csv->n; i++)
            csv->cells[i] = STR_NONE;
        if (!is_blank(csv->cells, csv->n))
            return true;
    }
    return false;
}

static int column(const struct csv *csv, const char *name)
{
    for (unsigned i = 0; i < csv->n; i++)
        if (str_eq(csv->names[i], str_of(name)))
            return (int)i;
    return -1;
}

struct str csv_cell(const struct csv *csv, const char *name)
{
    int at = column(csv, name);

    return at < 0 ? STR_NONE : csv->cells[at];
}

bool csv_has(const struct csv *csv, const char *name)
{
    return column(csv, name) >= 0;
}
