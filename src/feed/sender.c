/*
 * Sender: see sender.h.
 */
#include "feed/sender.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "feed/compose.h"
#include "feed/sender_amqp.h"

#define ALIVE_EVERY_US 5000000
#define RETRY_MS 250
#define SLICE_US 500000

bool sender_is_amqp(const char *url)
{
    return strncmp(url, "amqp://", 7) == 0 || strncmp(url, "amqps://", 8) == 0;
}

static bool open_client(struct sender *sender)
{
    const char *error = "the HTTP client cannot start";

    if (sender_is_amqp(sender->options.url))
        sender->amqp = sender_amqp_new(sender->options.url, &error);
    else
        sender->client = http_client_new(sender->options.url);
    if (sender->amqp != NULL || sender->client != NULL)
        return true;
    fprintf(stderr, "%s: %s\n", sender->options.name, error);
    return false;
}

bool sender_init(struct sender *sender, const struct sender_options *options)
{
    *sender = (struct sender){ .options = *options };
    if (!open_client(sender))
        return false;
    buf_init(&sender->authorization, 4096);
    buf_init(&sender->answer, 64 * 1024);
    buf_init(&sender->alive, 4096);
    buf_printf(&sender->authorization, "Authorization: Bearer %s",
               options->token == NULL ? "" : options->token);
    buf_char(&sender->authorization, '\0');
    return true;
}

void sender_fini(struct sender *sender)
{
    if (sender->client != NULL)
        http_client_free(sender->client);
    sender_amqp_free(sender->amqp);
    buf_fini(&sender->authorization);
    buf_fini(&sender->answer);
    buf_fini(&sender->alive);
}

static void sleep_us(int64_t us)
{
    struct timespec time = { us / 1000000, us % 1000000 * 1000 };

    (void)nanosleep(&time, NULL);
}

/* ---- one request ------------------------------------------------------- */

static void print_refusal(struct sender *sender, int status)
{
    sender->refused = true;
    if (status == 401 || status == 403)
        fprintf(stderr, "%s: the server refuses the token (%d);"
                " give the operator's with --token or OVERROUND_OPERATOR_TOKEN\n",
                sender->options.name, status);
    else
        fprintf(stderr, "%s: the server refuses a message (%d): " STR_FMT "\n",
                sender->options.name, status, STR_ARG(buf_view(&sender->answer)));
}

/* Busy, draining, or an error of its own: worth another try. */
static bool is_passing(int status)
{
    return status == 408 || status == 429 || status >= 500;
}

static void print_away(struct sender *sender, const char *why)
{
    if (!sender->lost)
        fprintf(stderr, "%s: waiting for the receiver: %s\n", sender->options.name, why);
    sender->lost = true;
}

static void print_back(struct sender *sender)
{
    if (!sender->lost)
        return;
    fprintf(stderr, "%s: the receiver is there\n", sender->options.name);
    sender->lost = false;
    sender->returned = true;
}

static enum delivery deliver_amqp(struct sender *sender, enum delivery delivery)
{
    if (delivery == AWAY)
        print_away(sender, sender_amqp_error(sender->amqp));
    else if (sender->lost)
        fprintf(stderr, "%s: the receiver is there\n", sender->options.name);
    sender->lost = delivery == AWAY; /* what it missed is sent again: no tell_back() */
    return delivery;
}

static enum delivery deliver_http(struct sender *sender, struct str message)
{
    const char *headers[] = { sender->authorization.p };
    int status;

    if (!http_client_request(sender->client, "POST", "/v1/feed", "application/xml", message,
                             headers, LENGTH(headers), &status, &sender->answer)) {
        print_away(sender, http_client_error(sender->client));
        return AWAY;
    }
    if (status == 202)
        return DELIVERED;
    if (is_passing(status))
        return AWAY;
    print_refusal(sender, status);
    return REFUSED;
}

static enum delivery deliver(struct sender *sender, struct str message)
{
    if (sender->amqp != NULL)
        return deliver_amqp(sender, sender_amqp_publish(sender->amqp, message));
    return deliver_http(sender, message);
}

static enum delivery deliver_alives(struct sender *sender)
{
    for (size_t i = 0; i < SENDER_PRODUCERS; i++) {
        enum delivery delivery;

        if (sender->options.producers[i] == 0)
            continue;
        buf_reset(&sender->alive);
        compose_alive(&sender->alive, sender->options.producers[i], clock_wall_ms(),
                      true);
        delivery = deliver(sender, buf_view(&sender->alive));
        if (delivery != DELIVERED)
            return delivery;
    }
    sender->alive_us = clock_mono_us();
    return DELIVERED;
}

/* ---- until it is delivered --------------------------------------------- */

/* After an absence the alives go first: a server that began anew believes
 * only what follows them. */
static enum delivery try_once(struct sender *sender, const struct str *message)
{
    enum delivery delivery;

    if (sender->lost || sender->alive_us == 0 || message == NULL) {
        delivery = deliver_alives(sender);
        if (delivery != DELIVERED)
            return delivery;
        if (sender->options.producers[0] != 0)
            print_back(sender);
    }
    delivery = message == NULL ? DELIVERED : deliver(sender, *message);
    if (message != NULL && delivery == DELIVERED)
        print_back(sender);
    return delivery;
}

static bool insist(struct sender *sender, const struct str *message)
{
    int64_t began_us = clock_mono_us();

    for (;;) {
        enum delivery delivery = try_once(sender, message);
        int64_t waited_ms = (clock_mono_us() - began_us) / 1000;

        if (delivery != AWAY)
            return delivery == DELIVERED;
        if (sender->options.patience_ms > 0 && waited_ms > sender->options.patience_ms) {
            fprintf(stderr, "%s: no answer for %lld s; is anyone there, at %s?\n",
                    sender->options.name, (long long)waited_ms / 1000, sender->options.url);
            return false;
        }
        sleep_us(RETRY_MS * 1000);
    }
}

bool sender_alive(struct sender *sender)
{
    if (sender->alive_us != 0 && clock_mono_us() - sender->alive_us < ALIVE_EVERY_US)
        return true;
    return insist(sender, NULL);
}

bool sender_post(struct sender *sender, struct str message)
{
    if (!sender_alive(sender) || !insist(sender, &message))
        return false;
    sender->sent++;
    return true;
}

bool sender_flush(struct sender *sender)
{
    if (sender->amqp == NULL)
        return true;
    while (deliver_amqp(sender, sender_amqp_flush(sender->amqp)) != DELIVERED)
        sleep_us(RETRY_MS * 1000);
    return true;
}

bool sender_sleep_until(struct sender *sender, int64_t mono_us)
{
    for (;;) {
        int64_t left_us = mono_us - clock_mono_us();

        if (!sender_alive(sender))
            return false;
        if (left_us <= 0)
            return true;
        sleep_us(left_us < SLICE_US ? left_us : SLICE_US);
    }
}
