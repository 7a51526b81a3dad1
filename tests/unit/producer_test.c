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

static void alive(struct player *player, int32_t id, bool subscribed, const char *rest)
{
    struct producer_alive message = { .producer = id, .subscribed = subscribed };
    long long ts = player->now_ms / 1000;

    if (*rest != '\0' && sscanf(rest, " at %lld", &ts) != 1)
        wrong(player, "not understood", rest);
    message.timestamp_ts = (BASE_S + ts) * 1000;
    message.skew_ms = ts * 1000 - player->now_ms;
    (void)act(player, producer_alive(&player->producers, &message, player->now_ms));
    if (!player->holding)
        producer_logged_alive(&player->producers, id, subscribed, message.timestamp_ts);
}

static int64_t request(struct player *player, int n)
{
    if (n < 0 || n > player->n_ids)
        wrong(player, "no such request", "");
    return n == 0 ? 12345 : player->ids[n - 1];
}

static void answer(struct player *player, enum producer_answer answer, int n, int retry_after_s)
{
    producer_answered(&player->producers, request(player, n), answer, retry_after_s * 1000LL,
                      player->now_ms);
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

/* What concerns a request; false: it is something else. */
static bool play_request(struct player *player, const char *what)
{
    int a = 0, b = 0;

    if (sscanf(what, "snapshot %d #%d", &a, &b) == 2)
        (void)act(player, producer_snapshot(&player->producers, a, request(player, b)));
    else if (sscanf(what, "accepted #%d", &a) == 1)
        answer(player, PRODUCER_ACCEPTED, a, 0);
    else if (sscanf(what, "refused #%d", &a) == 1)
        answer(player, PRODUCER_REFUSED, a, 0);
    else if (sscanf(what, "limited #%d %d", &a, &b) == 2)
        answer(player, PRODUCER_LIMITED, a, b);
    else if (sscanf(what, "lost #%d", &a) == 1)
        answer(player, PRODUCER_LOST, a, 0);
    else
        return false;
    return true;
}

static void play_event(struct player *player, const char *what)
{
    int a = 0, n = 0;

    if (sscanf(what, "alive %d%n", &a, &n) == 1)
        alive(player, a, true, what + n);
    else if (sscanf(what, "unsubscribed %d%n", &a, &n) == 1)
        alive(player, a, false, what + n);
    else if (strcmp(what, "restart") == 0)
        producer_logged_restart(&player->producers);
    else if (strcmp(what, "hold") == 0)
        player->holding = true;
    else if (strcmp(what, "write") == 0)
        write_held(player);
    else if (strcmp(what, "fail") == 0)
        lose_held(player);
    else if (strcmp(what, "lost_session") == 0)
        lose_session(player);
    else if (strcmp(what, "tick") != 0 && !play_request(player, what))
        wrong(player, "not understood", what);
    tick(player);
}

static void play_set_up(struct player *player, const char *what)
{
    int id, minutes;

    if (sscanf(what, "producer %d %d", &id, &minutes) == 2)
        producer_add_address(&player->producers, id, minutes * 60000LL);
    else if (strcmp(what, "random low") == 0 || strcmp(what, "random high") == 0)
        player->high = strcmp(what, "random high") == 0;
    else
        wrong(player, "not understood", what);
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

static void expect(struct player *player, const char *what)
{
    char want[LINE_BYTES];
    int id;

    if (sscanf(what, "is %d %79s", &id, want) == 2) {
        expect_state(player, id, want);
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
    long long at;
    int n;

    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#')
        return;
    if (line[0] == ' ') {
        expect(player, line + strspn(line, " "));
        return;
    }
    expect_no_more(player);
    if (sscanf(line, "%lld %n", &at, &n) != 1) {
        play_set_up(player, line);
        return;
    }
    assert_true(at * 1000 >= player->now_ms);
    player->now_ms = at * 1000;
    play_event(player, line + n);
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
