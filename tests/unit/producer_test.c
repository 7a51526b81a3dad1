/*
 * feed/producer: every transition, driven by the scripts in producer/.
 *
 * A line of a script is a time in seconds by our clock and what happens then;
 * the indented lines below it are all that must come of it, in order.  Time
 * is told to the machine after each line and nowhere else.
 *
 *   # …                        at the start of a line: a comment
 *   producer P MINUTES         has an address and this recovery window
 *   T alive P [at TS]          TS: the producer's clock, by default T
 *   T unsubscribed P           an alive with subscribed=0
 *   T snapshot P #N            end of the Nth request; P #0: of nobody's
 *   T accepted|refused|lost #N the answer to it;  T limited #N SECONDS
 *   T tick                     only time
 *   T restart                  the log's restart
 *   T lost_session             messages may have been missed
 *   T hold                     what is decided from now on waits to be written
 *   T write                    it is written
 *   T fail                     it is not
 *   random low|high            the injected source's answers
 *
 *     up P | down P WHY        a turn to write
 *     ask P #N after TS|none   a request to send
 *     is P up|recovering|down  the state afterwards
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed/producer.h"

#define SCRIPTS "tests/unit/producer"
#define BASE_S 10000000 /* the producers' clock at our zero */
#define REQUESTS_MAX 64
#define LINES_MAX 64
#define LINE_BYTES 80

struct player {
    struct producers producers;
    const char *script;
    int line;
    int64_t now_ms;
    bool high, holding;
    int64_t ids[REQUESTS_MAX];
    int n_ids;
    struct { int32_t producer; bool up; } held[REQUESTS_MAX];
    int n_held;
    char came[LINES_MAX][LINE_BYTES]; /* and was not expected yet */
    int n_came, taken;
};

static uint32_t pick(void *ctx, uint32_t below)
{
    const struct player *player = ctx;

    return player->high ? below - 1 : 0;
}

static void wrong(const struct player *player, const char *what, const char *detail)
{
    fail_msg("%s:%d: %s: %s", player->script, player->line, what, detail);
}

/* A whole number, also "#5"; what is no number is wrong. */
static int64_t number(const struct player *player, const char *word)
{
    char *end = NULL;
    long long n;

    if (word == NULL)
        wrong(player, "not understood", "a number is missing");
    word += word[0] == '#';
    n = strtoll(word, &end, 10);
    if (end == word || *end != '\0')
        wrong(player, "not understood", word);
    return n;
}

/* Takes the next word off; NULL: there is none. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " ");
    size_t n = strcspn(word, " ");

    if (n == 0)
        return NULL;
    *rest = word + n + (word[n] != '\0');
    word[n] = '\0';
    return word;
}

static void write_turn(struct player *player, int32_t producer, bool up)
{
    if (!player->holding) {
        producer_logged_turn(&player->producers, producer, up);
        return;
    }
    assert_true(player->n_held < REQUESTS_MAX);
    player->held[player->n_held].producer = producer;
    player->held[player->n_held++].up = up;
}

static void note_ask(struct player *player, const struct producer_action *action, char *line)
{
    char after[32] = "none";

    assert_true(player->n_ids < REQUESTS_MAX);
    for (int i = 0; i < player->n_ids; i++)
        assert_true(player->ids[i] < action->request_id);
    player->ids[player->n_ids++] = action->request_id;
    if (action->after_ts != 0)
        snprintf(after, sizeof(after), "%lld",
                 (long long)(action->after_ts / 1000 - BASE_S));
    snprintf(line, LINE_BYTES, "ask %d #%d after %s", (int)action->producer, player->n_ids, after);
}

/* Acts as the caller of the machine does, and remembers. */
static bool act(struct player *player, struct producer_action action)
{
    char *line = player->came[player->n_came];

    if (action.act == PRODUCER_ACT_NONE)
        return false;
    assert_true(player->n_came + 1 < LINES_MAX);
    if (action.act == PRODUCER_ACT_ASK) {
        note_ask(player, &action, line);
    } else {
        bool up = action.act == PRODUCER_ACT_UP;

        snprintf(line, LINE_BYTES, up ? "up %d" : "down %d %s", (int)action.producer, action.why);
        write_turn(player, action.producer, up);
    }
    player->n_came++;
    return true;
}

static void tick(struct player *player)
{
    int64_t wall_ms = (BASE_S * 1000LL) + player->now_ms;

    while (act(player, producer_tick(&player->producers, player->now_ms, wall_ms)))
        ;
}

static void alive(struct player *player, bool subscribed, char *rest)
{
    int32_t id = (int32_t)number(player, next_word(&rest));
    struct producer_alive message = { .producer = id, .subscribed = subscribed };
    const char *at = next_word(&rest);
    int64_t ts = at == NULL ? player->now_ms / 1000 : number(player, next_word(&rest));

    message.timestamp_ts = (BASE_S + ts) * 1000;
    message.skew_ms = ts * 1000 - player->now_ms;
    (void)act(player, producer_alive(&player->producers, &message, player->now_ms));
    if (!player->holding)
        producer_logged_alive(&player->producers, id, subscribed, message.timestamp_ts,
                              player->now_ms);
}

static int64_t request(const struct player *player, int64_t n)
{
    if (n < 0 || n > player->n_ids)
        wrong(player, "no such request", "");
    return n == 0 ? 12345 : player->ids[n - 1];
}

static void answer(struct player *player, enum producer_answer answer, char *rest)
{
    int64_t id = request(player, number(player, next_word(&rest)));
    int64_t retry_after_s = answer == PRODUCER_LIMITED ? number(player, next_word(&rest)) : 0;

    producer_answered(&player->producers, id, answer, retry_after_s * 1000, player->now_ms);
}

static void snapshot(struct player *player, char *rest)
{
    int32_t id = (int32_t)number(player, next_word(&rest));

    (void)act(player, producer_snapshot(&player->producers, id,
                                        request(player, number(player, next_word(&rest)))));
}

static void write_held(struct player *player)
{
    for (int i = 0; i < player->n_held; i++)
        producer_logged_turn(&player->producers, player->held[i].producer, player->held[i].up);
    player->n_held = 0;
    player->holding = false;
}

static void lose_held(struct player *player)
{
    player->n_held = 0;
    player->holding = false;
    producer_unwritten(&player->producers);
    while (act(player, producer_owed(&player->producers, "not written")))
        ;
}

static void lose_session(struct player *player)
{
    producer_lost(&player->producers);
    while (act(player, producer_owed(&player->producers, "session lost")))
        ;
}

enum verb {
    ALIVE, UNSUBSCRIBED, SNAPSHOT, ACCEPTED, REFUSED, LIMITED, LOST, TICK, RESTART, LOST_SESSION,
    HOLD, WRITE, FAIL, VERBS
};

static enum verb verb_of(const struct player *player, const char *word)
{
    static const char *const words[VERBS] = {
        "alive", "unsubscribed", "snapshot", "accepted", "refused", "limited", "lost", "tick",
        "restart", "lost_session", "hold", "write", "fail",
    };

    for (unsigned i = 0; i < VERBS; i++)
        if (strcmp(word, words[i]) == 0)
            return (enum verb)i;
    wrong(player, "not understood", word);
    return VERBS;
}

static void play_event(struct player *player, enum verb verb, char *rest)
{
    switch (verb) {
    case ALIVE: alive(player, true, rest); break;
    case UNSUBSCRIBED: alive(player, false, rest); break;
    case SNAPSHOT: snapshot(player, rest); break;
    case ACCEPTED: answer(player, PRODUCER_ACCEPTED, rest); break;
    case REFUSED: answer(player, PRODUCER_REFUSED, rest); break;
    case LIMITED: answer(player, PRODUCER_LIMITED, rest); break;
    case LOST: answer(player, PRODUCER_LOST, rest); break;
    case RESTART: producer_logged_restart(&player->producers); break;
    case LOST_SESSION: lose_session(player); break;
    case HOLD: player->holding = true; break;
    case WRITE: write_held(player); break;
    case FAIL: lose_held(player); break;
    case TICK:
    case VERBS: break;
    }
    tick(player);
}

static void play_set_up(struct player *player, const char *what, char *rest)
{
    if (strcmp(what, "random") == 0) {
        player->high = strcmp(next_word(&rest), "high") == 0;
    } else if (strcmp(what, "producer") == 0) {
        int32_t id = (int32_t)number(player, next_word(&rest));

        producer_add_address(&player->producers, id, number(player, next_word(&rest)) * 60000);
    } else {
        wrong(player, "not understood", what);
    }
}

static void expect_state(struct player *player, int id, const char *want)
{
    static const char *const names[] = { "down", "recovering", "up" };
    const char *is = "unknown";

    for (unsigned i = 0; i < player->producers.n; i++)
        if (player->producers.list[i].id == id)
            is = names[player->producers.list[i].state];
    if (strcmp(is, want) != 0)
        wrong(player, "the state is", is);
}

static void expect(struct player *player, char *what)
{
    if (strncmp(what, "is ", 3) == 0) {
        char *rest = what + 3;
        int id = (int)number(player, next_word(&rest));

        expect_state(player, id, rest);
        return;
    }
    if (player->taken == player->n_came)
        wrong(player, "did not come", what);
    if (strcmp(player->came[player->taken], what) != 0)
        wrong(player, "came instead", player->came[player->taken]);
    player->taken++;
}

static void expect_no_more(struct player *player)
{
    if (player->taken < player->n_came)
        wrong(player, "came unexpectedly, before this line", player->came[player->taken]);
    player->n_came = player->taken = 0;
}

static void play_line(struct player *player, char *line)
{
    char *rest = line, *first;

    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#')
        return;
    if (line[0] == ' ') {
        expect(player, line + strspn(line, " "));
        return;
    }
    expect_no_more(player);
    first = next_word(&rest);
    if (strspn(first, "0123456789") != strlen(first)) {
        play_set_up(player, first, rest);
        return;
    }
    assert_true(number(player, first) * 1000 >= player->now_ms);
    player->now_ms = number(player, first) * 1000;
    first = next_word(&rest);
    play_event(player, verb_of(player, first == NULL ? "" : first), rest);
}

static void play(const char *path)
{
    static struct player player;
    FILE *file = fopen(path, "r");
    char line[200];

    assert_non_null(file);
    memset(&player, 0, sizeof(player));
    player.script = path;
    player.producers = (struct producers){ .silence_ms = 20000, .timeout_ms = 900000,
                                           .pause_ms = 5000, .random = pick, .ctx = &player };
    for (player.line = 1; fgets(line, sizeof(line), file) != NULL; player.line++)
        play_line(&player, line);
    expect_no_more(&player);
    fclose(file);
}

static void run_script(void **state)
{
    play(*state);
}

static int is_script(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');

    return dot != NULL && strcmp(dot, ".script") == 0;
}

int main(void)
{
    static struct CMUnitTest tests[128];
    static char paths[128][600];
    struct dirent **entries;
    int n = scandir(SCRIPTS, &entries, is_script, alphasort);

    assert_true(n >= 15 && n <= 128);
    for (int i = 0; i < n; i++) {
        snprintf(paths[i], sizeof(paths[i]), SCRIPTS "/%s", entries[i]->d_name);
        tests[i] = (struct CMUnitTest){ strrchr(paths[i], '/') + 1, run_script, NULL, NULL,
                                        paths[i] };
        free(entries[i]);
    }
    free(entries);
    return _cmocka_run_group_tests("producer", tests, (size_t)n, NULL, NULL);
}
