/*
 * Any bytes as edge.yaml.  Whatever comes: no crash; it is a policy whose values
 * keep to their ranges and hold nothing that a configuration would take for its
 * own marks, or it is refused with file, line and a reason.
 */
#include "base/limits.h"
#include "edge/edge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define BYTES_MOST 65536

static void check_word(struct str word)
{
    for (size_t i = 0; i < word.n; i++)
        CHECK(word.p[i] >= ' ' && word.p[i] <= '~' && strchr("\"'\\{}$`<>", word.p[i]) == NULL);
}

static void check_words(const struct edge_words *words)
{
    for (size_t i = 0; i < words->n; i++)
        check_word(words->items[i]);
}

static void check(const struct edge_policy *policy)
{
    CHECK(!str_eq(policy->hostnames.public, policy->hostnames.operator));
    CHECK(policy->n_origins >= 1 && policy->n_origins <= 16 && policy->n_paths > 0);
    for (size_t i = 0; i < policy->n_origins; i++) {
        check_word(policy->origins[i].name);
        check_word(policy->origins[i].host);
        CHECK(policy->origins[i].port >= 1 && policy->origins[i].port <= 65535);
    }
    for (size_t i = 0; i < policy->refused.n; i++)
        CHECK(edge_refuses(policy, policy->refused.items[i]));
    for (size_t i = 0; i < policy->allowed.n; i++)
        CHECK(!edge_refuses(policy, policy->allowed.items[i]));
    CHECK(policy->rates[RATE_OF_LOGIN].burst >= 1);
    CHECK(policy->canary.percent >= 0 && policy->canary.percent <= 100);
    check_words(&policy->bots.agents);
    check_words(&policy->cdn.networks);
    check_word(policy->signing.secret);
    check_word(policy->node.certificate);
}

/* Every writer takes every policy, or says what it cannot do. */
static void write_all(const struct edge_policy *policy)
{
    size_t n;
    const struct edge_target *targets = edge_targets(&n);

    for (size_t i = 0; i < n; i++) {
        struct edge_out *out = edge_out_new();

        if (!targets[i].write(policy, out))
            CHECK(edge_out_fault(out).n > 0);
        edge_out_free(out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size }, error = STR_NONE;
    struct edge_policy policy;
    struct arena arena;

    if (size > BYTES_MOST)
        return 0;
    arena_init(&arena, ARENA_BYTES);
    if (edge_policy_read(&policy, text, "edge.yaml", &arena, &error)) {
        check(&policy);
        write_all(&policy);
    } else {
        CHECK(error.n > 10 && memcmp(error.p, "edge.yaml:", 10) == 0);
    }
    arena_fini(&arena);
    return 0;
}
