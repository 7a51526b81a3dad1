/*
 * Own bets and balance: what the bus tells of an account goes, at the next
 * tick, to the clients that proved to be its owner's.
 *
 *   token --identify--> own ---- purse (the account) <-- bus_money
 *
 * A session is asked about again every few seconds, and ends when it expires
 * or its epoch was raised (RULES.md 15).  A client whose socket is full keeps
 * no list: it gets the balance as it is then, and is told to read its bets.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "model/money.h"
#include "web/stream_inside.h"

#define CHECK_MS 5000
#define WRITE 64 /* frames at once */

struct stream_question {
    struct client *client; /* NULL: it is gone */
    int64_t id;            /* of the message; only for authentication */
    bool authenticates;
};

/* ---- purses -------------------------------------------------------------------- */

static struct own_account *own_account_of(struct stream *stream, int64_t account)
{
    struct own_account *purse = map_get(&stream->purses, MAP_KEY(&account));

    if (purse != NULL)
        return purse;
    purse = calloc(1, sizeof(*purse));
    CHECK(purse != NULL);
    purse->account = account;
    if (map_put(&stream->purses, MAP_KEY(&purse->account), purse))
        return purse;
    free(purse);
    return NULL;
}

static void drop_bets(struct own_account *purse)
{
    while (purse->n_bets > 0)
        frame_unref(purse->bets[--purse->n_bets]);
    purse->lost_bets = false;
}

static void own_account_undirty(struct stream *stream, struct own_account *purse)
{
    struct own_account **at = &stream->dirty_purses;

    while (*at != purse)
        at = &(*at)->next_dirty;
    *at = purse->next_dirty;
}

static void own_account_free(struct stream *stream, struct own_account *purse)
{
    if (purse->dirty)
        own_account_undirty(stream, purse);
    drop_bets(purse);
    (void)map_del(&stream->purses, MAP_KEY(&purse->account));
    free(purse);
}

static struct frame *bet_frame(struct stream *stream, const struct bet_view *bet)
{
    struct jw w = jw_to(&stream->scratch);

    buf_reset(&stream->scratch);
    jw_object(&w);
    jw_key(&w, "op");
    jw_str(&w, STR("bet"));
    jw_key(&w, "bet");
    bet_write(&w, bet);
    jw_object_end(&w);
    stream->frames++;
    return frame_of_text(buf_view(&stream->scratch));
}

static struct frame *account_frame(struct stream *stream, const struct own_account *purse)
{
    const struct currency *currency = currency_find(str_of(purse->currency));
    struct jw w = jw_to(&stream->scratch);
    int exponent = currency == NULL ? 2 : currency->exponent;

    buf_reset(&stream->scratch);
    jw_object(&w);
    jw_key(&w, "op");
    jw_str(&w, STR("account"));
    jw_key(&w, "balance");
    jw_money(&w, purse->balance_minor, exponent);
    jw_key(&w, "debt");
    jw_money(&w, purse->debt_minor, exponent);
    jw_key(&w, "staked");
    jw_money(&w, purse->staked_minor, exponent);
    jw_key(&w, "currency");
    jw_str(&w, str_of(purse->currency));
    jw_object_end(&w);
    stream->frames++;
    return frame_of_text(buf_view(&stream->scratch));
}

static void own_account_update(struct own_account *purse, const struct bus_money *money)
{
    if (purse->known && money->seq < purse->seq)
        return; /* of two transactions the later one was heard first */
    purse->told = purse->told && purse->balance_minor == money->balance_minor &&
                  purse->debt_minor == money->debt_minor &&
                  purse->staked_minor == money->staked_minor;
    purse->known = true;
    purse->seq = money->seq;
    purse->balance_minor = money->balance_minor;
    purse->debt_minor = money->debt_minor;
    purse->staked_minor = money->staked_minor;
    snprintf(purse->currency, sizeof(purse->currency), STR_FMT, STR_ARG(money->currency));
}

void stream_on_money(void *ctx, const struct bus_money *money)
{
    struct stream *stream = ctx;
    struct own_account *purse = map_get(&stream->purses, MAP_KEY(&money->account));

    if (purse == NULL)
        return;
    own_account_update(purse, money);
    if (money->bet != NULL && purse->n_bets < LENGTH(purse->bets))
        purse->bets[purse->n_bets++] = bet_frame(stream, money->bet);
    else if (money->bet != NULL)
        purse->lost_bets = true;
    if (purse->dirty)
        return;
    purse->dirty = true;
    purse->next_dirty = stream->dirty_purses;
    stream->dirty_purses = purse;
    hub_arm(stream);
}

static void send_lost(struct client *client)
{
    client_status(client, client->own->id, "bets_missed",
                  STR("bets have changed: read GET /v1/bets"));
}

/* False: its socket is full. */
static bool send_bets(struct client *client, const struct own_account *purse)
{
    for (size_t i = 0; i < purse->n_bets; i++) {
        if (client->state != CLIENT_OPEN || client->full_ms != 0)
            return false;
        client_send(client, frame_ref(purse->bets[i]));
        client->stream->deliveries++;
    }
    return true;
}

static void send_to_owner(struct own *own, struct own_account *purse, struct frame *account)
{
    struct client *client = own->client;

    if (client->full_ms != 0) {
        own->missed = true;
        return;
    }
    if (account != NULL)
        client_send(client, frame_ref(account));
    if (!send_bets(client, purse) && client->state == CLIENT_OPEN)
        own->missed = true;
    else if (purse->lost_bets && client->state == CLIENT_OPEN)
        send_lost(client);
}

/* An owner may go meanwhile, and the purse after the last one. */
static void own_account_flush(struct stream *stream, struct own_account *purse)
{
    struct frame *account = purse->told ? NULL : account_frame(stream, purse);
    struct own *next;

    purse->told = purse->held = true;
    for (struct own *own = purse->owns; own != NULL; own = next) {
        next = own->next;
        send_to_owner(own, purse, account);
    }
    frame_unref(account);
    drop_bets(purse);
    purse->held = false;
    if (purse->owns == NULL)
        own_account_free(stream, purse);
}

void own_accounts_flush(struct stream *stream)
{
    struct own_account *purse;

    while ((purse = stream->dirty_purses) != NULL) {
        stream->dirty_purses = purse->next_dirty;
        purse->dirty = false;
        own_account_flush(stream, purse);
    }
}

void own_drained(struct client *client)
{
    struct own *own = client->own;

    if (own == NULL || !own->missed)
        return;
    own->missed = false;
    client_send(client, account_frame(client->stream, own->purse));
    if (client->state == CLIENT_OPEN)
        send_lost(client);
}

/* ---- sessions ------------------------------------------------------------------ */

static void own_begin(struct client *client, int64_t id, const struct stream_identity *identity)
{
    struct own_account *purse = own_account_of(client->stream, identity->account);
    struct own *own;

    if (purse == NULL)
        return;
    own = calloc(1, sizeof(*own));
    CHECK(own != NULL);
    *own = (struct own){ .client = client, .purse = purse, .identity = *identity, .id = id,
                         .next = purse->owns, .checked_ms = hub_now(client->stream) };
    if (own->next != NULL)
        own->next->prev = own;
    purse->owns = own;
    client->own = own;
}

/* Ends the session; the client goes on without. */
static void end_own(struct client *client)
{
    struct own *own = client->own;
    struct own_account *purse = own == NULL ? NULL : own->purse;

    if (own == NULL)
        return;
    if (own->question != NULL)
        own->question->client = NULL;
    *(own->prev != NULL ? &own->prev->next : &purse->owns) = own->next;
    if (own->next != NULL)
        own->next->prev = own->prev;
    if (purse->owns == NULL && !purse->held)
        own_account_free(client->stream, purse);
    client->own = NULL;
    free(own);
}

void own_forget(struct client *client)
{
    end_own(client);
    if (client->asking != NULL)
        client->asking->client = NULL;
    client->asking = NULL;
}

static struct stream_question *question_new(struct client *client, int64_t id, bool authenticates)
{
    struct stream_question *question = calloc(1, sizeof(*question));

    CHECK(question != NULL);
    *question = (struct stream_question){ client, id, authenticates };
    return question;
}

/* The last word counts: a former question's answer is of no interest. */
void own_authenticate(struct client *client, struct str token, int64_t id)
{
    const struct stream_options *options = &client->stream->options;

    own_forget(client);
    client->asking = question_new(client, id, true);
    options->identify(options->ctx, token, client->asking);
}

/* The client knows by the id that it is about its authentication. */
static void end_session(struct client *client, enum stream_session session)
{
    int64_t id = client->own->id;

    end_own(client);
    if (session == STREAM_SESSION_BUSY)
        client_status(client, id, "busy", STR("the session cannot be checked now"));
    else
        client_status(client, id, "unauthorized", STR("the session is over"));
}

void own_check(struct client *client, uint64_t now_ms)
{
    const struct stream_options *options = &client->stream->options;
    struct own *own = client->own;

    if (own == NULL)
        return;
    if (own->identity.expires_ms <= clock_wall_ms()) {
        end_session(client, STREAM_SESSION_OVER);
        return;
    }
    if (own->question != NULL || now_ms < own->checked_ms + CHECK_MS)
        return;
    own->checked_ms = now_ms;
    own->question = question_new(client, NO_ID, false);
    options->confirm(options->ctx, &own->identity, own->question);
}

static void on_identified(struct client *client, int64_t id, enum stream_session session,
                          const struct stream_identity *identity)
{
    client->asking = NULL;
    if (session == STREAM_SESSION_GOOD)
        own_begin(client, id, identity);
    if (client->own != NULL)
        client_status(client, id, NULL, STR_NONE);
    else if (session == STREAM_SESSION_OVER)
        client_status(client, id, "unauthorized", STR("the token is not of a session"));
    else
        client_status(client, id, "busy", STR("the session cannot be checked now"));
}

void stream_answer(struct stream_question *question, enum stream_session session,
                   const struct stream_identity *identity)
{
    struct client *client = question->client;

    if (client != NULL && question->authenticates) {
        on_identified(client, question->id, session, identity);
    } else if (client != NULL) {
        client->own->question = NULL;
        if (session != STREAM_SESSION_GOOD)
            end_session(client, session);
    }
    free(question);
}
