/*
 * Who waits until the source knows a channel: a subscription is answered, and a
 * request for Server-Sent Events becomes a stream, when all of its channels are
 * known; so what is promised to a client is true of all that it subscribed to.
 *
 * The book knows every channel at once: there nothing waits.
 */
#include <stdlib.h>

#include "api/answer.h"
#include "web/stream_inside.h"

#define WAIT_MS 5000

static void waiter_end(struct waiter *waiter)
{
    if (waiter->wait == NULL)
        return;
    *(waiter->prev != NULL ? &waiter->prev->next : &waiter->channel->waiters) = waiter->next;
    if (waiter->next != NULL)
        waiter->next->prev = waiter->prev;
    waiter->wait = NULL;
}

static void wait_free(struct wait *wait)
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

static void waiter_begin(struct wait *wait, struct waiter *waiter, struct channel *channel)
{
    *waiter = (struct waiter){ .channel = channel };
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

static struct wait *wait_new(struct stream *stream, struct channel **channels, size_t n,
                             int64_t since)
{
    struct wait *wait = calloc(1, sizeof(*wait) + n * sizeof(wait->waiters[0]));

    CHECK(wait != NULL);
    wait->stream = stream;
    wait->since = since;
    wait->n = n;
    wait->deadline_ms = stream_now(stream) + WAIT_MS;
    wait->next = stream->waits;
    if (wait->next != NULL)
        wait->next->prev = wait;
    stream->waits = wait;
    for (size_t i = 0; i < n; i++)
        waiter_begin(wait, &wait->waiters[i], channels[i]);
    return wait;
}

static bool all_known(struct channel **channels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!channels[i]->known)
            return false;
    return true;
}

/* ---- subscriptions ----------------------------------------------------------- */

static void subscribe_now(struct client *client, struct channel **channels, uint32_t n,
                          int64_t since, int64_t id)
{
    client_status(client, id, NULL, STR_NONE);
    if (client->state == CLIENT_OPEN)
        client_subscribe(client, channels, n, since);
}

/* The later one takes the place of one that waits, which is as good as done. */
void wait_subscribe(struct client *client, struct channel **channels, uint32_t n, int64_t since,
                    int64_t id)
{
    if (client->wait != NULL) {
        int64_t former = client->wait->id;

        wait_free(client->wait);
        client_status(client, former, NULL, STR_NONE);
        if (client->state != CLIENT_OPEN)
            return;
    }
    if (all_known(channels, n)) {
        subscribe_now(client, channels, n, since, id);
        return;
    }
    client->wait = wait_new(client->stream, channels, n, since);
    client->wait->client = client;
    client->wait->id = id;
}

void wait_forget(struct client *client)
{
    if (client->wait != NULL)
        wait_free(client->wait);
}

void wait_event(struct stream *stream, struct http_request *request, struct channel *channel,
                int64_t since)
{
    if (channel->known)
        client_begin_event(stream, request, channel, since);
    else
        wait_new(stream, &channel, 1, since)->request = request;
}

/* ---- ends -------------------------------------------------------------------- */

static void wait_ends_well(struct wait *wait)
{
    struct channel **channels = calloc(wait->n, sizeof(struct channel *));
    struct wait of = *wait;

    CHECK(channels != NULL);
    for (size_t i = 0; i < of.n; i++)
        channels[i] = wait->waiters[i].channel;
    wait_free(wait);
    if (of.client != NULL)
        subscribe_now(of.client, channels, (uint32_t)of.n, of.since, of.id);
    else
        client_begin_event(of.stream, of.request, channels[0], of.since);
    free(channels);
}

void channel_is_known(struct channel *channel)
{
    struct waiter *waiter;

    CHECK(!channel->known);
    channel->known = true;
    while ((waiter = channel->waiters) != NULL) {
        struct wait *wait = waiter->wait;

        waiter_end(waiter);
        if (--wait->left == 0)
            wait_ends_well(wait);
    }
}

static void wait_ends_badly(struct wait *wait)
{
    struct client *client = wait->client;
    struct http_request *request = wait->request;
    int64_t id = wait->id;

    wait_free(wait);
    if (client != NULL)
        client_status(client, id, "busy", STR("the prices cannot be had now"));
    else
        answer_refusal(request, REFUSE_BUSY, STR("the prices cannot be had now"), STR_NONE);
}

void waits_check(struct stream *stream)
{
    struct wait *next;

    for (struct wait *wait = stream->waits; wait != NULL; wait = next) {
        next = wait->next;
        if (stream_now(stream) >= wait->deadline_ms)
            wait_ends_badly(wait);
    }
}
