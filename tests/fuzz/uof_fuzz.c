/*
 * Any bytes as a feed message: they are refused with a place and a reason,
 * or make a message that the book takes and stays sound with.
 *
 * The input is a sequence of messages split at 0x1e, so that one input can
 * play odds, stops and settlements against each other.
 */

#include "base/limits.h"
#include "feed/uof.h"
#include "model/book.h"

#define SEPARATOR 0x1e

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void name_all(const struct book *book, const struct event *event, struct arena *arena)
{
    for (const struct market *market = event->markets; market != NULL; market = market->next) {
        (void)book_market_name(book, market, arena);
        (void)book_status(book, market);
        for (uint32_t i = 0; i < market->n_outcomes; i++)
            (void)book_outcome_name(book, market, market->outcomes[i].id, arena);
    }
}

/* What the desk composes is read again as it was. */
static void compose_again(struct uof_parser *parser, const struct message *message,
                          struct arena *arena)
{
    struct message again;
    struct uof_error error;
    struct buf first, second;

    buf_init(&first, LIMIT_FEED_BODY_BYTES);
    buf_init(&second, LIMIT_FEED_BODY_BYTES);
    uof_desk_compose(&first, message);
    CHECK(uof_parse(parser, buf_view(&first), true, arena, &again, &error));
    uof_desk_compose(&second, &again);
    CHECK(str_eq(buf_view(&first), buf_view(&second)));
    buf_fini(&first);
    buf_fini(&second);
}

static void one_message(struct uof_parser *parser, struct book *book, struct str xml,
                        int64_t position)
{
    struct arena arena;
    struct message message;
    struct uof_error error = { 0 };
    struct book_change change;

    arena_init(&arena, LIMIT_REQUEST_ARENA_BYTES);
    if (!uof_parse(parser, xml, true, &arena, &message, &error)) {
        CHECK(error.line >= 1 && error.column >= 1 && error.text[0] != '\0');
        arena_fini(&arena);
        return;
    }
    if (message.type == MESSAGE_DESK)
        compose_again(parser, &message, &arena);
    if (book_apply(book, &message, position, &change) == BOOK_OK) {
        book_check(book);
        if (change.event != NULL)
            name_all(book, change.event, &arena);
    }
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct uof_parser *parser; /* kept, as the server keeps it */
    struct book *book = book_new();
    struct str rest = { (const char *)bytes, n };
    int64_t position = 0;

    if (parser == NULL)
        parser = uof_parser_new();
    for (;;) {
        const char *end = rest.n == 0 ? NULL : memchr(rest.p, SEPARATOR, rest.n);
        size_t length = end == NULL ? rest.n : (size_t)(end - rest.p);

        one_message(parser, book, (struct str){ rest.p, length }, ++position);
        if (end == NULL)
            break;
        rest = (struct str){ end + 1, rest.n - length - 1 };
    }
    book_free(book);
    return 0;
}
