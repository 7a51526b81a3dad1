/*
 * The table of roles: each row whole, needs before needers, whatever roles are
 * played; then a real server started and stopped with every call written down,
 * and one that fails at each of its steps: all that was made is freed.
 *
 * With OVERROUND_TEST_ROLES_PG, a migrated database, the same on Kafka's rows:
 * nobody need listen there for a start and its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "serve/inside.h"

#define ARENA_BYTES (16 * 1024 * 1024)
#define CALLS 512

/* ---- the rows alone -------------------------------------------------------- */

static void each_row_is_whole(void **state)
{
    unsigned heard[HEARS_END] = { 0 };

    (void)state;
    for (unsigned i = 0; i < PARTS; i++) {
        const struct role *role = &serve_roles[i];

        assert_non_null(role->name);
        assert_int_equal(role->part, i * sizeof(void *)); /* each has a pointer of its own */
        assert_true(role->bus != 0 && role->played != 0);
        assert_true(role->make != NULL || role->open != NULL);
        assert_true(role->free != NULL || role->stop != NULL); /* which frees it then */
        assert_int_equal(role->order == HEARS_NOTHING, role->subscriber == NULL);
        assert_true(!role->divided || (role->open == NULL && role->start == NULL &&
                                       role->subscriber == NULL)); /* those were before */
        heard[role->order]++;
    }
    for (unsigned order = HEARS_NOTHING + 1; order < HEARS_END; order++)
        assert_int_equal(heard[order], 1);
}

static void needs_are_before_needers(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PARTS; i++) {
        uint64_t before = (UINT64_C(1) << i) - 1;

        assert_int_equal(serve_roles[i].uses & ~before, 0);
        for (unsigned j = 0; j < ROLE_NEEDS; j++)
            assert_int_equal(serve_roles[i].needs[j] & ~before, 0);
    }
}

/* Made at the same time or before: of each mask one. */
static void check_needs(const struct settings *settings)
{
    uint64_t made[2] = { 0, 0 }; /* at start; with what is divided */

    for (unsigned i = 0; i < PARTS; i++) {
        const struct role *role = &serve_roles[i];

        if (!role_is_played(role, settings))
            continue;
        for (unsigned j = 0; j < ROLE_NEEDS; j++)
            if (role->needs[j] != 0 && (role->needs[j] & made[role->divided]) == 0)
                fail_msg("%s misses need %u when roles %x are played", role->name, j,
                         settings->played.roles);
        made[1] |= UINT64_C(1) << i;
        if (!role->divided)
            made[0] |= UINT64_C(1) << i;
    }
}

static void whatever_is_played_has_its_needs(void **state)
{
    static const char *const names[] = { "feed", "odds", "bets", "settle", "web" };
    struct config config = { .store = "postgres://h/d", .amqp_url = "", .analytics = "",
                             .trace_otlp = "" };
    unsigned kinds = 0;

    (void)state;
    for (unsigned bits = 0; bits < 2 * (PLAYED_ALL + 1); bits++) {
        struct settings settings = { .config = config };
        bool kafka = bits > PLAYED_ALL;
        char role[64] = "";
        struct str error;

        for (unsigned i = 0; i < LENGTH(names); i++)
            if (bits & 1u << i)
                (void)snprintf(role + strlen(role), sizeof(role) - strlen(role), "%s%s",
                               role[0] == '\0' ? "" : ",", names[i]);
        if (!played_parse(&settings.played, str_of(role), STR("postgres://h/d"),
                          kafka ? STR("kafka://h:1") : STR("local"), &error))
            continue;
        check_needs(&settings);
        kinds++;
    }
    assert_int_equal(kinds, 3 + 31); /* local, and any on Kafka */
}

/* ---- a server whose calls are written down ---------------------------------- */

enum call { MAKE, OPEN, STOP, FREE };

static struct {
    enum call call;
    enum part_id part;
} calls[CALLS];
static unsigned n_calls;
static struct { bool on, behind; enum call call; enum part_id part; } failure;
static char store_url[300];
static const char *bus_url;

static void note(enum call call, enum part_id part)
{
    assert_true(n_calls < CALLS);
    calls[n_calls].call = call;
    calls[n_calls++].part = part;
}

static bool fails(enum call call, enum part_id part, bool behind)
{
    return failure.on && failure.call == call && failure.part == part &&
           failure.behind == behind;
}

static bool noted_make(struct serve *serve, struct str *error, enum part_id part)
{
    *error = STR("as the test says");
    if (fails(MAKE, part, false) || !serve_roles[part].make(serve, error))
        return false;
    note(MAKE, part);
    return !fails(MAKE, part, true);
}

static bool noted_open(struct serve *serve, const struct db_halves *db, struct str *error,
                       enum part_id part)
{
    *error = STR("as the test says");
    if (fails(OPEN, part, false) || !serve_roles[part].open(serve, db, error))
        return false;
    note(OPEN, part);
    return !fails(OPEN, part, true);
}

#define PART(bit, member, type) \
    static bool make_##member(struct serve *serve, struct str *error) \
    { \
        return noted_make(serve, error, PART_##bit); \
    } \
    static bool open_##member(struct serve *serve, const struct db_halves *db, \
                              struct str *error) \
    { \
        return noted_open(serve, db, error, PART_##bit); \
    } \
    static bool stop_##member(struct serve *serve, role_ended ended) \
    { \
        note(STOP, PART_##bit); \
        return serve_roles[PART_##bit].stop(serve, ended); \
    } \
    static void free_##member(struct serve *serve) \
    { \
        note(FREE, PART_##bit); \
        serve_roles[PART_##bit].free(serve); \
    }
PARTS_OF(PART)
#undef PART

static void wrap(struct role *roles)
{
    memcpy(roles, serve_roles, sizeof(serve_roles));
#define PART(bit, member, type) \
    if (serve_roles[PART_##bit].make != NULL) \
        roles[PART_##bit].make = make_##member; \
    if (serve_roles[PART_##bit].open != NULL) \
        roles[PART_##bit].open = open_##member; \
    if (serve_roles[PART_##bit].stop != NULL) \
        roles[PART_##bit].stop = stop_##member; \
    if (serve_roles[PART_##bit].free != NULL) \
        roles[PART_##bit].free = free_##member;
    PARTS_OF(PART)
#undef PART
}

/* Starts, and ends at once.  True: it started. */
static bool start_and_end(void)
{
    static struct serve serve;
    static struct role roles[PARTS];
    char *arguments[] = { "--store", store_url, "--bus", (char *)(uintptr_t)bus_url,
                          "--listen", "127.0.0.1:0", "--operator-listen", "127.0.0.1:0",
                          "--operator-token", "token", "--log-level", "error" };
    struct str error = STR_NONE;
    bool well;

    memset(&serve, 0, sizeof(serve));
    n_calls = 0;
    arena_init(&serve.arena, ARENA_BYTES);
    if (!settings_read(&serve.settings, LENGTH(arguments), arguments, &serve.arena, &error))
        fail_msg(STR_FMT, STR_ARG(error));
    wrap(roles);
    serve.roles = roles;
    well = serve_begin(&serve, &error);
    if (!well && !failure.on)
        fail_msg(STR_FMT, STR_ARG(error));
    ending_begin(&serve);
    serve_end(&serve);
    return well;
}

static unsigned count(enum call call, enum part_id part)
{
    unsigned n = 0;

    for (unsigned i = 0; i < n_calls; i++)
        n += calls[i].call == call && calls[i].part == part;
    return n;
}

/* Ascending if it is a step of the start, descending if of the end. */
static void check_order(enum call call)
{
    int last = call <= OPEN ? -1 : (int)PARTS;

    for (unsigned i = 0; i < n_calls; i++) {
        int part = (int)calls[i].part;

        if (calls[i].call != call)
            continue;
        assert_true(call <= OPEN ? part > last : part < last);
        last = part;
    }
}

/* What was there has ended once, what was not has not. */
static void check_ended(bool started)
{
    for (unsigned i = 0; i < PARTS; i++) {
        const struct role *role = &serve_roles[i];
        bool made = count(MAKE, i) > 0 || (role->make == NULL && count(OPEN, i) > 0);
        bool closed = started && i == PART_DB; /* by its start */

        if (role->stop != NULL)
            assert_int_equal(count(STOP, i), made);
        if (role->free != NULL)
            assert_int_equal(count(FREE, i), made && !closed);
    }
    check_order(STOP);
    check_order(FREE);
}

static void check_start(unsigned least)
{
    unsigned made = 0;

    assert_true(start_and_end());
    for (unsigned i = 0; i < PARTS; i++)
        made += count(MAKE, i) + count(OPEN, i) > 0;
    assert_true(made >= least);
    check_order(MAKE);
    check_order(OPEN);
    check_ended(true);
}

static void check_failure(enum call call, enum part_id part, bool behind)
{
    failure.on = true;
    failure.call = call;
    failure.part = part;
    failure.behind = behind;
    assert_false(start_and_end());
    failure.on = false;
    assert_int_equal(calls[n_calls - 1].call == MAKE || calls[n_calls - 1].call == OPEN, 0);
    check_ended(false);
}

/* At each step that a start of this shape has. */
static void check_failures(void)
{
    bool makes[PARTS], opens[PARTS];

    assert_true(start_and_end());
    for (unsigned i = 0; i < PARTS; i++) {
        makes[i] = count(MAKE, i) > 0;
        opens[i] = count(OPEN, i) > 0;
    }
    for (unsigned i = 0; i < PARTS; i++)
        for (unsigned behind = 0; behind < 2; behind++) {
            if (makes[i] && i > 0) /* without a first part there is nothing to end */
                check_failure(MAKE, i, behind);
            if (opens[i])
                check_failure(OPEN, i, behind);
        }
}

static void a_start_and_its_end(void **state)
{
    (void)state;
    check_start(20);
}

static void a_start_that_fails_frees_all(void **state)
{
    (void)state;
    check_failures();
}

/* ---- where ------------------------------------------------------------------- */

static char directory[] = "/tmp/overround-roles-XXXXXX";

static int on_sqlite(void **state)
{
    (void)state;
    if (sodium_init() < 0 || mkdtemp(directory) == NULL)
        return 1;
    (void)snprintf(store_url, sizeof(store_url), "sqlite:%s/db", directory);
    bus_url = "local";
    return 0;
}

static int clear_sqlite(void **state)
{
    static const char *const ends[] = { "db", "db-wal", "db-shm", "db-lock", "db.lock" };
    char path[300];

    (void)state;
    for (unsigned i = 0; i < LENGTH(ends); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", directory, ends[i]);
        (void)unlink(path);
    }
    return rmdir(directory);
}

static void on_kafka(void **state)
{
    (void)state;
    (void)snprintf(store_url, sizeof(store_url), "%s", getenv("OVERROUND_TEST_ROLES_PG"));
    bus_url = "kafka://127.0.0.1:1/roles";
    check_start(23);
    check_failures();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_whole),
        cmocka_unit_test(needs_are_before_needers),
        cmocka_unit_test(whatever_is_played_has_its_needs),
        cmocka_unit_test_setup(a_start_and_its_end, on_sqlite),
        cmocka_unit_test_teardown(a_start_that_fails_frees_all, clear_sqlite),
    };
    const struct CMUnitTest with_postgres[] = { cmocka_unit_test(on_kafka) };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    if (getenv("OVERROUND_TEST_ROLES_PG") != NULL)
        failed += cmocka_run_group_tests(with_postgres, NULL, NULL);
    return failed;
}
