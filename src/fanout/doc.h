/*
 * An event as the origin's stream sent it: the public JSON, kept so that it can
 * be sent to readers that have any part of it.  Pure.
 *
 * Changes are merged as the page merges them (web/src/board/feed.ts): members
 * replace the former ones, "market" and "specifiers" identify a market, "outcome"
 * an outcome, an absent name keeps the former one, and a change with a lower
 * "version" than the present one is older, and ignored.
 *
 * Each member and market has the order of its last change.
 */
#ifndef FANOUT_DOC_H
#define FANOUT_DOC_H

#include "base/json.h"
#include "base/map.h"

struct doc;

enum doc_result {
    DOC_SAME,    /* nothing is new */
    DOC_CHANGED, /* told by doc_put_since() */
    DOC_WHOLE,   /* something has left it, or is named anew: told by doc_put_image() */
    DOC_LACKS,   /* a change of what is not here: the image must be had */
    DOC_BAD,     /* not what the protocol says; the doc may be half changed */
};

struct doc *doc_new(struct str id) MUST_USE;
void doc_free(struct doc *doc);
/* event: an object of "events".  image: all of it, not what changed. */
enum doc_result doc_apply(struct doc *doc, json_t *event, bool image, int64_t order) MUST_USE;
/* The event is not there any more; or has never been, which nobody has heard. */
enum doc_result doc_forget(struct doc *doc) MUST_USE;
/* Its versions are not to be compared with those of the next image. */
void doc_doubt(struct doc *doc);
bool doc_is_gone(const struct doc *doc);

void doc_put_image(const struct doc *doc, struct jw *w);
/* What changed after `since`, for who has heard everything up to it: names where
 * they are new.  False: nothing did. */
bool doc_put_delta(const struct doc *doc, int64_t since, struct jw *w);
/* The same for who may have missed names, too.  False: nothing did. */
bool doc_put_merged(const struct doc *doc, int64_t since, struct jw *w);

/* Whether it is nested no deeper than anything of the protocol may be. */
bool json_is_shallow(const json_t *value);
/* A value as it is; reals have all of their digits. */
void json_put(struct jw *w, const json_t *value);

#endif
