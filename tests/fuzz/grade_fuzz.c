/*
 * Any bytes as the input of `overround grade`.  Whatever comes: no crash, and
 * one JSON object for each line that is not blank, with a payout or an error.
 *
 * The source is included: what reads the lines is its own business.
 */
#include "cli/grade.c"

#include <stdint.h>

#define INPUT_BYTES_MAX (8 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines that are answered; a NUL is a byte like any other. */
static size_t count_lines(const char *p, size_t n)
{
    size_t lines = 0;

    while (n > 0) {
        const char *end = memchr(p, '\n', n);
        size_t length = end == NULL ? n : (size_t)(end - p);

        lines += !line_is_blank((struct str){ p, length });
        length += end != NULL;
        p += length;
        n -= length;
    }
    return lines;
}

static void check_answer(struct str line)
{
    json_t *document = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, NULL);

    CHECK(json_is_object(document));
    CHECK((json_object_get(document, "error") != NULL)
          != (json_object_get(document, "payout") != NULL));
    json_decref(document);
}

static size_t check_answers(const char *p, size_t n)
{
    size_t lines = 0;

    for (; n > 0; lines++) {
        const char *end = memchr(p, '\n', n);
        size_t length;

        CHECK(end != NULL);
        length = (size_t)(end - p);
        check_answer((struct str){ p, length });
        p += length + 1;
        n -= length + 1;
    }
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct grader g = { .currency = NULL };
    char *answers = NULL;
    size_t n = 0;
    FILE *in, *out;

    if (size == 0 || size > INPUT_BYTES_MAX)
        return 0;
    in = fmemopen((void *)(uintptr_t)data, size, "r");
    out = open_memstream(&answers, &n);
    CHECK(in != NULL && out != NULL);
    grader_init(&g);
    CHECK(lines_grade(&g, in, out));
    grader_fini(&g);
    CHECK(fclose(in) == 0 && fclose(out) == 0);
    CHECK(check_answers(answers, n) == count_lines((const char *)data, size));
    free(answers);
    return 0;
}
