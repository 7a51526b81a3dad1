/*
 * Who waits until the source knows a channel: a subscription is answered, and a
 * request for Server-Sent Events becomes a stream, when all of its channels are
 * known; so what is promised to a client is true of all that it subscribed to.
 *
 * The book knows every channel at once: there nothing waits.
 */
#include <stdlib.h>

#include "web/stream_inside.h"

#define WAIT_MS 5000

static void waiter_end(struct channel_waiter *waiter)
{
    if (waiter->wait == NULL)
        return;
    *(waiter->prev != NULL ? &waiter->prev->next : &waiter->channel->waiters) = waiter->next;
    if (waiter->next != NULL)
        waiter->next->prev = waiter->prev;
    waiter->wait = NULL;
}

void wait_end(struct channel_wait *wait)
{
    for (size_t i = 0; i < wait->n; i++) {
        waiter_end(&wait->waiters[i]);
        wait->waiters[i].channel->n_waits--;
    }
    *(wait->prev != NULL ? &wait->prev->next : &wait->stream->waits) = wait->next;
    if (wait->next != NULL)
        wait->next->prev = wait->prev;
    if (wait->client != NULL)
        wait->client->wait = NULL;
    free(wait);
}

static void waiter_begin(struct channel_wait *wait, struct channel_waiter *waiter,
                         struct channel *channel)
{
    *waiter = (struct channel_waiter){ .channel = channel };
    channel->n_waits++;
    if (channel->known)
        return;
    waiter->wait = wait;
    waiter->next = channel->waiters;
    if (waiter->next != NULL)
        waiter->next->prev = waiter;
    channel->waiters = waiter;
    wait->left++;
}

static struct channel_wait *wait_new(const struct channel_wait *as, struct channel **channels,
                                     size_t n)
{
    struct channel_wait *wait = calloc(1, sizeof(*wait) + n * sizeof(wait->waiters[0]));
    struct stream *stream = as->stream;

    CHECK(wait != NULL && n > 0);
    *wait = *as;
    wait->n = n;
    wait->deadline_ms = hub_now(stream) + WAIT_MS;
    wait->next = stream->waits;
    if (wait->next != NULL)
        wait->next->prev = wait;
    stream->waits = wait;
    if (wait->client != NULL)
        wait->client->wait = wait;
    for (size_t i = 0; i < n; i++)
        waiter_begin(wait, &wait->waiters[i], channels[i]);
    CHECK(wait->left > 0);
    return wait;
}

static bool all_known(struct channel **channels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!channels[i]->known)
            return false;
    return true;
}

void wait_begin(const struct channel_wait *as, struct channel **channels, size_t n)
{
    CHECK(as->client == NULL || as->client->wait == NULL);
    CHECK((as->client == NULL) != (as->request == NULL) && as->on_end != NULL);
    if (all_known(channels, n))
        as->on_end(as, channels);
    else
        (void)wait_new(as, channels, n);
}

/* ---- ends -------------------------------------------------------------------- */

static void wait_ends_well(struct channel_wait *wait)
{
    struct channel **channels = calloc(wait->n, sizeof(struct channel *));
    struct channel_wait of = *wait;

    CHECK(channels != NULL);
    for (size_t i = 0; i < of.n; i++)
        channels[i] = wait->waiters[i].channel;
    wait_end(wait);
    of.on_end(&of, channels);
    free(channels);
}

void channel_is_known(struct channel *channel)
{
    struct channel_waiter *waiter;

    CHECK(!channel->known);
    channel->known = true;
    while ((waiter = channel->waiters) != NULL) {
        struct channel_wait *wait = waiter->wait;

        waiter_end(waiter);
        if (--wait->left == 0)
            wait_ends_well(wait);
    }
}

static void wait_ends_badly(struct channel_wait *wait)
{
    struct channel_wait of = *wait;

    wait_end(wait);
    of.on_end(&of, NULL);
}

void waits_check(struct stream *stream)
{
    struct channel_wait *next;

    for (struct channel_wait *wait = stream->waits; wait != NULL; wait = next) {
        next = wait->next;
        if (hub_now(stream) >= wait->deadline_ms)
            wait_ends_badly(wait);
    }
}
