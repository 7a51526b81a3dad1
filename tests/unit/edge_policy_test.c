/* The policy of the edge: paths of the routes, countries, and the pieces of writers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "edge/edge.h"

#define BEGIN \
    "hostnames: {public: WWW.example.com, direct: b, operator: c}\n" \
    "origins:\n" \
    "- {name: one, host: 192.0.2.1, port: 80, tls: false}\n" \
    "- {name: two, host: 192.0.2.2, port: 80, release: canary}\n"
#define RATES \
    "rates:\n" \
    "  login: {per_address: 1, per_network: 2, burst: 3}\n" \
    "  money: {per_address: 4, per_network: 5, burst: 6}\n" \
    "  read: {per_address: 7, per_network: 8, burst: 9}\n" \
    "  stream: {per_address: 10, per_network: 11, burst: 12}\n"
#define COUNTRIES(elsewhere, unknown) \
    "countries: {elsewhere: " elsewhere ", unknown: " unknown "}\n" \
    "jurisdictions:\n" \
    "- {name: a, betting: allowed, countries: [MT, GB]}\n" \
    "- {name: b, betting: refused, countries: [US, \"NO\"]}\n"

struct fixture {
    struct arena arena;
    struct edge_policy policy;
    struct str error;
};

static bool read_text(struct fixture *f, const char *text)
{
    arena_init(&f->arena, 1024 * 1024);
    return edge_policy_read(&f->policy, str_of(text), "F", &f->arena, &f->error);
}

static const struct edge_path *path_named(const struct edge_policy *policy, const char *pattern)
{
    for (size_t i = 0; i < policy->n_paths; i++)
        if (str_eq(policy->paths[i].pattern, str_of(pattern)))
            return &policy->paths[i];
    return NULL;
}

static void assert_text(struct buf *out, const char *want)
{
    assert_int_equal(out->n, strlen(want));
    assert_memory_equal(out->p, want, out->n);
    buf_reset(out);
}

static void what_is_written_is_read(void **state)
{
    struct fixture f;
    size_t at = 0;

    (void)state;
    assert_true(read_text(&f, BEGIN COUNTRIES("allowed", "refused") RATES));
    assert_true(str_eq(f.policy.hostnames.public, STR("www.example.com")));
    assert_int_equal(f.policy.n_origins, 2);
    assert_false(f.policy.origins[0].tls);
    assert_true(f.policy.origins[1].tls);
    assert_int_equal(f.policy.rates[RATE_OF_MONEY].per_network, 5);
    assert_int_equal(f.policy.rates[RATE_OF_STREAM].burst, 12);
    assert_int_equal(f.policy.networks.ipv4, 24);
    assert_true(str_eq(f.policy.signing.secret, STR("OVERROUND_EDGE_SECRET")));
    assert_ptr_equal(edge_next_origin(&f.policy, EDGE_CANARY, &at), &f.policy.origins[1]);
    assert_null(edge_next_origin(&f.policy, EDGE_CANARY, &at));
    arena_fini(&f.arena);
}

static void countries_are_as_their_jurisdiction(void **state)
{
    struct fixture f;

    (void)state;
    assert_true(read_text(&f, BEGIN COUNTRIES("allowed", "refused") RATES));
    assert_false(edge_refuses(&f.policy, STR("MT")));
    assert_true(edge_refuses(&f.policy, STR("NO")));
    assert_false(edge_refuses(&f.policy, STR("JP")));
    assert_true(edge_refuses(&f.policy, STR("XX")));
    arena_fini(&f.arena);
    assert_true(read_text(&f, BEGIN COUNTRIES("refused", "allowed") RATES));
    assert_false(edge_refuses(&f.policy, STR("GB")));
    assert_true(edge_refuses(&f.policy, STR("US")));
    assert_true(edge_refuses(&f.policy, STR("JP")));
    assert_false(edge_refuses(&f.policy, STR("XX")));
    arena_fini(&f.arena);
}

static void paths_are_the_public_listeners(void **state)
{
    const struct edge_path *path;
    struct fixture f;
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_true(read_text(&f, BEGIN COUNTRIES("allowed", "refused") RATES));
    assert_null(path_named(&f.policy, "/metrics"));
    assert_null(path_named(&f.policy, "/v1/desk/me"));
    path = path_named(&f.policy, "/v1/bets/{id}/cashout");
    assert_non_null(path);
    assert_true(path->has_part);
    edge_regex(&out, path);
    assert_text(&out, "^/v1/bets/[^/]+/cashout$");
    path = path_named(&f.policy, "/v1/sessions");
    assert_int_equal(path->n_routes, 3);
    assert_true(str_eq(path->allow, STR("POST, GET, DELETE")));
    assert_int_equal(path->body_max, LIMIT_BODY_BYTES);
    edge_methods(&out, path, "|");
    assert_text(&out, "POST|GET|HEAD|DELETE");
    arena_fini(&f.arena);
    buf_fini(&out);
}

static void a_fault_names_line_and_key(void **state)
{
    struct fixture f;

    (void)state;
    assert_false(read_text(&f, BEGIN COUNTRIES("allowed", "maybe") RATES));
    assert_true(str_eq(f.error, STR("F:5: countries.unknown: must be one of allowed|refused")));
    arena_fini(&f.arena);
    assert_false(read_text(&f, BEGIN RATES));
    assert_true(str_eq(f.error, STR("F:10: countries: is missing")));
    arena_fini(&f.arena);
}

static void bodies_and_caching_are_the_rows(void **state)
{
    (void)state;
    assert_int_equal(route_body_max(LISTENER_PUBLIC, STR("POST"), STR("/v1/bets")),
                     LIMIT_BODY_BYTES);
    assert_int_equal(route_body_max(LISTENER_PUBLIC, STR("GET"), STR("/v1/bets/1")), 0);
    assert_int_equal(route_body_max(LISTENER_PUBLIC, STR("HEAD"), STR("/v1/sports")), 0);
    assert_int_equal(route_body_max(LISTENER_PUBLIC, STR("POST"), STR("/v1/feed")),
                     LIMIT_BODY_BYTES); /* not there: told so, whatever comes */
    assert_int_equal(route_body_max(LISTENER_OPERATOR, STR("POST"), STR("/v1/feed")),
                     LIMIT_FEED_BODY_BYTES);
    assert_true(str_eq(caching_info(CACHING_OF_NEVER)->cache_control, STR("no-store")));
    assert_true(str_eq(caching_info(CACHING_OF_SNAPSHOT)->cache_control,
                       STR("public, max-age=0, s-maxage=1, stale-while-revalidate=1, "
                           "stale-if-error=30")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(countries_are_as_their_jurisdiction),
        cmocka_unit_test(paths_are_the_public_listeners),
        cmocka_unit_test(a_fault_names_line_and_key),
        cmocka_unit_test(bodies_and_caching_are_the_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
