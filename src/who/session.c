/*
 * Sessions: who sends this request.
 *
 *   tokens: text -> seen      verified once, then found by its bytes
 *   epochs: account -> known  what the store said, and when
 *
 * A token is good while it is not expired and its epoch is the account's.
 * Placement leaves the epoch to its statement; reads compare it with what was
 * known at most 60 s ago (rule 15), or ask where other processes take requests,
 * too.  Epochs only grow, so a token older than the known epoch is over at once,
 * for everything.
 */
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/map.h"
#include "who/inside.h"

struct seen_token {
    int64_t expires_ms;
    struct session session;
    struct seen_token *next;   /* the next younger */
    size_t bytes;
    char text[TOKEN_BYTES_MAX];
};

struct known_epoch {
    int64_t account, epoch, at_us;
    struct known_epoch *next;  /* the next younger */
};

struct sessions {
    struct map tokens, epochs;
    struct seen_token *seen, **seen_last;    /* oldest first: who gives way */
    struct known_epoch *known, **known_last;
};

/* Those who give way are in a line, and there are not too many. */
static void sessions_check(const struct sessions *sessions)
{
    CHECK((sessions->seen == NULL) == (sessions->seen_last == &sessions->seen));
    CHECK((sessions->known == NULL) == (sessions->known_last == &sessions->known));
    CHECK(sessions->tokens.n <= LIMIT_SESSIONS);
    CHECK(sessions->epochs.n <= LIMIT_ACCOUNT_CACHE);
}

struct sessions *sessions_new(void)
{
    struct sessions *sessions = calloc(1, sizeof(*sessions));

    CHECK(sessions != NULL);
    map_init(&sessions->tokens, LIMIT_SESSIONS);
    map_init(&sessions->epochs, LIMIT_ACCOUNT_CACHE);
    sessions->seen_last = &sessions->seen;
    sessions->known_last = &sessions->known;
    return sessions;
}

void sessions_free(struct sessions *sessions)
{
    struct seen_token *seen;
    struct known_epoch *known;

    if (sessions == NULL)
        return;
    while ((seen = sessions->seen) != NULL) {
        sessions->seen = seen->next;
        free(seen);
    }
    while ((known = sessions->known) != NULL) {
        sessions->known = known->next;
        free(known);
    }
    map_fini(&sessions->tokens);
    map_fini(&sessions->epochs);
    free(sessions);
}

static struct str bearer(const struct http_request *request)
{
    static const char scheme[] = "Bearer ";
    struct str value = http_header(request, "Authorization");

    if (value.n < sizeof(scheme) || strncasecmp(value.p, scheme, sizeof(scheme) - 1) != 0)
        return STR_NONE;
    value.p += sizeof(scheme) - 1;
    value.n -= sizeof(scheme) - 1;
    while (value.n > 0 && *value.p == ' ') {
        value.p++;
        value.n--;
    }
    return value;
}

/* Room for one more: new, or the oldest one's. */
static struct seen_token *seen_take(struct sessions *sessions)
{
    struct seen_token *seen = sessions->seen;

    if (seen == NULL || sessions->tokens.n < LIMIT_SESSIONS) {
        seen = malloc(sizeof(*seen));
        CHECK(seen != NULL);
        return seen;
    }
    sessions->seen = seen->next;
    if (sessions->seen == NULL)
        sessions->seen_last = &sessions->seen;
    (void)map_del(&sessions->tokens, (struct str){ seen->text, seen->bytes });
    return seen;
}

static const struct seen_token *remember(struct sessions *sessions, struct str text,
                                   const struct token *token,
                                   const struct currency *currency)
{
    struct seen_token *seen = seen_take(sessions);

    CHECK(text.n <= sizeof(seen->text));
    memcpy(seen->text, text.p, text.n);
    seen->bytes = text.n;
    seen->expires_ms = token->expires_ms;
    seen->session = (struct session){ token->customer, token->epoch, currency };
    seen->next = NULL;
    *sessions->seen_last = seen;
    sessions->seen_last = &seen->next;
    CHECK(map_put(&sessions->tokens, (struct str){ seen->text, seen->bytes }, seen));
    sessions_check(sessions);
    return seen;
}

static const struct seen_token *verify(struct who *who, struct str text, int64_t now_ms)
{
    const struct currency *currency;
    struct token token;

    if (!token_verify(who->keys, text, now_ms, &token))
        return NULL;
    currency = currency_find(str_of(token.currency));
    if (currency == NULL)
        return NULL;
    return remember(who->sessions, text, &token, currency);
}

static const struct known_epoch *known_epoch(const struct who *who, int64_t account)
{
    return map_get(&who->sessions->epochs, MAP_KEY(&account));
}

bool session_known_epoch(const struct who *who, int64_t account, int64_t *epoch,
                         int64_t *at_us)
{
    const struct known_epoch *known = known_epoch(who, account);

    if (known == NULL)
        return false;
    *epoch = known->epoch;
    *at_us = known->at_us;
    return true;
}

bool session_of(struct who *who, struct http_request *request, int64_t now_ms,
                struct session *session)
{
    struct str text = bearer(request);
    const struct seen_token *seen;
    const struct known_epoch *known;

    if (text.n == 0 || text.n > TOKEN_BYTES_MAX)
        return false;
    seen = map_get(&who->sessions->tokens, text);
    if (seen == NULL)
        seen = verify(who, text, now_ms);
    if (seen == NULL || seen->expires_ms <= now_ms)
        return false;
    known = known_epoch(who, seen->session.account);
    if (known != NULL && known->epoch > seen->session.epoch)
        return false;
    *session = seen->session;
    return true;
}

struct str session_start(struct who *who, const struct session *session,
                         int64_t now_ms, struct arena *arena, int64_t *expires_ms)
{
    struct token token = {
        .customer = session->account,
        .epoch = session->epoch,
        .expires_ms = now_ms + who->options.config->session_s * 1000,
    };

    memcpy(token.currency, session->currency->code, 3);
    *expires_ms = token.expires_ms;
    return token_sign(who->keys, &token, arena);
}

static struct known_epoch *known_take(struct sessions *sessions)
{
    struct known_epoch *known = sessions->known;

    if (known == NULL || sessions->epochs.n < LIMIT_ACCOUNT_CACHE) {
        known = malloc(sizeof(*known));
        CHECK(known != NULL);
        return known;
    }
    sessions->known = known->next;
    if (sessions->known == NULL)
        sessions->known_last = &sessions->known;
    CHECK(map_del(&sessions->epochs, MAP_KEY(&known->account)) == known);
    return known;
}

void session_learn_epoch(struct who *who, int64_t account, int64_t epoch, int64_t now_us)
{
    struct sessions *sessions = who->sessions;
    struct known_epoch *known = map_get(&sessions->epochs, MAP_KEY(&account));

    if (known != NULL) {
        /* A read that began before a log-out may answer after it. */
        if (epoch >= known->epoch) {
            known->epoch = epoch;
            known->at_us = now_us;
        }
        return;
    }
    known = known_take(sessions);
    *known = (struct known_epoch){ account, epoch, now_us, NULL };
    *sessions->known_last = known;
    sessions->known_last = &known->next;
    CHECK(map_put(&sessions->epochs, MAP_KEY(&known->account), known));
    sessions_check(sessions);
}

void session_drop(struct who *who, const struct http_request *request)
{
    struct str text = bearer(request);
    struct seen_token *seen = text.n == 0 ? NULL : map_get(&who->sessions->tokens, text);

    /* It keeps its place in the line of those who give way. */
    if (seen != NULL)
        seen->expires_ms = 0;
}
