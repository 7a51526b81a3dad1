/*
 * Events and markets as JSON: the same members wherever they are shown, in
 * snapshots and on the stream.
 */
#ifndef WEB_EVENT_JSON_H
#define WEB_EVENT_JSON_H

#include "base/json.h"
#include "model/book.h"

enum { EVENT_NOT_STARTED = 0, EVENT_LIVE = 1, EVENT_ENDED = 3 };

const char *event_json_state(const struct event *event); /* "upcoming", "live", "ended" */

/* Every member of the event itself. */
void event_json_members(struct jw *w, const struct event *event);
/* Those that move while it is played. */
void event_json_moving(struct jw *w, const struct event *event);
/* "markets": all of them.  arena: for names. */
void event_json_markets(struct jw *w, const struct book *book, const struct event *event,
                        struct arena *arena);
/* One market, an object; without names if the client has them already. */
void event_json_market(struct jw *w, const struct book *book, const struct market *market,
                       bool names, struct arena *arena);
/* "markets": how many there are, and "main": the market that stands for the
 * event in a list, or null. */
void event_json_main(struct jw *w, const struct book *book, const struct event *event,
                     struct arena *arena);

#endif
