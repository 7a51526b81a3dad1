/*
 * Inbox: how an entry of our own gets into the log from a process that does
 * not write it.
 *
 *   desk - feed_submit() - inbox_put() --> feed_inbox --> the leader looks, 50 ms
 *                            ^                             | one transaction:
 *   gets its position -- the ticket, read in the log <-----+ entry in, row out
 *
 * The row goes in the transaction of the append, under the lease's epoch: a
 * crash on either side neither loses nor doubles a command.  For stores that
 * several processes share.  A process that does not read the log looks for its
 * tickets among the desk's newest entries.
 */
#ifndef FEED_INBOX_H
#define FEED_INBOX_H

#include "feed/feed.h"

#define INBOX_WAIT_MS 10000 /* for the ticket, then nobody knows */

struct inbox;

/* The log's side: what is found goes into it, when this process leads. */
struct inbox_log {
    /* Why it can take nothing now; NULL: it can. */
    const char *(*is_busy)(const struct feed *feed);
    /* feed_submit() without the copy: the body stays the caller's until on_done.
     * False: malformed, on_done never comes. */
    bool (*take)(struct feed *feed, const struct feed_item *item, struct uof_error *error);
    /* What the inbox holds may be taken: the number of this stretch, in which the
     * leader did not have to read the log again; 0: not now. */
    int64_t (*round)(const struct feed *feed);
    struct feed *feed;
};

struct inbox_options {
    uv_loop_t *loop;
    struct store *store;
    struct inbox_log log;
    bool seeks;        /* nobody here reads the log: looks for tickets in it, while
                          any is waited for */
};

struct inbox *inbox_new(const struct inbox_options *options);
/* Looks, from now on, whenever this process leads; and gives up what waits too
 * long. */
void inbox_start(struct inbox *inbox);

/* feed_submit() of a desk's entry; what else there is: FEED_MALFORMED. */
enum feed_result inbox_put(struct inbox *inbox, const struct feed_item *item,
                           struct uof_error *error) MUST_USE;
/* An entry with a ticket was published: if it is one of ours, it is done. */
void inbox_seen(struct inbox *inbox, struct str ticket, int64_t position);

bool inbox_idle(const struct inbox *inbox); /* nobody waits to be told */
void inbox_drain(struct inbox *inbox); /* looks no more */
void inbox_stop(struct inbox *inbox);
void inbox_free(struct inbox *inbox); /* NULL: nothing */

#endif
