/*
 * Unified Odds Feed XML to struct message, over expat.  One shape for the
 * nine message types, fixture and market-description documents, and our own
 * entries of the log.
 *
 * Unknown elements and attributes are passed over and counted; a required
 * one that is missing or cannot be parsed, a document type declaration, an
 * entity of its own, bytes that are not UTF-8, or too much depth refuse the
 * whole message with line and column.
 */
#ifndef FEED_UOF_H
#define FEED_UOF_H

#include "base/buf.h"
#include "model/message.h"

struct uof_parser; /* reusable; keeps its expat parser between messages */

struct uof_error {
    uint64_t line, column; /* from 1 */
    char text[200];        /* what is wrong, naming element and attribute */
};

struct uof_parser *uof_parser_new(void);
void uof_parser_free(struct uof_parser *parser);

/*
 * Parses bytes into *message, whose memory is in arena (strings are copied:
 * the bytes may go).  `internal` admits our own entries of the log.  False:
 * *error is filled and *message is not to be used.
 */
bool uof_parse(struct uof_parser *parser, struct str bytes, bool internal,
               struct arena *arena, struct message *message,
               struct uof_error *error) MUST_USE;

/* A whole MESSAGE_DESK as XML, at the end of `out`: what uof_parse() reads. */
void uof_desk_compose(struct buf *out, const struct message *message);

const char *message_type_name(enum message_type type); /* "odds_change" */

#endif
