/*
 * Web: the catalogue as snapshots made for a CDN.  Each is made once a
 * version and served from memory until the book changes; ETag is the version.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "bus/bus.h"
#include "net/http.h"

struct web;

struct web *web_new(const struct book *book);
void web_free(struct web *web);

/* The bus's subscriber to prices. */
void web_on_prices(void *web, const struct bus_prices *prices);

/* Routes' handlers. */
void web_get_sports(struct web *web, struct http_request *request);
void web_get_events(struct web *web, struct http_request *request);
void web_get_event(struct web *web, struct http_request *request);

#endif
