/*
 * Pages: the HTML, scripts, styles and icons that web/build.mjs made, part of
 * the binary, each as it is, gzip and Brotli.  Assets carry their content's
 * hash in their name and are immutable; HTML is asked for again each time and
 * answered 304 by its ETag.
 */
#ifndef WEB_PAGES_H
#define WEB_PAGES_H

#include "net/http.h"

struct web;

enum page_encoding { PAGE_PLAIN, PAGE_GZIP, PAGE_BROTLI, PAGE_ENCODINGS };

/* The best encoding that an Accept-Encoding header takes (RFC 9110, 12.5.3);
 * PAGE_PLAIN when it names none of ours. */
enum page_encoding page_encoding_for(struct str accept);

/* Routes' handlers; of the role's part they need nothing. */
/* "/", "/event/…", "/bets", … */
void pages_get_board(struct web *web, struct http_request *request);
void pages_get_desk(struct web *web, struct http_request *request);
void pages_get_ops(struct web *web, struct http_request *request);
void pages_get_asset(struct web *web, struct http_request *request); /* by its whole path */

#endif
