/*
 * The server: what it must be told so that the second lock is that of the edge - from
 * which countries it takes bets, and that somebody it believes says for whom he asks.
 * Twice: as the environment of a process right behind the edge, and as values of the chart.
 *
 * The server has one list of two (docs/EDGE.md, "Which countries"): of those it takes
 * bets from, or of those it does not.
 */
#include "edge/edge.h"

#define LIST_BYTES ((size_t)4096)
#define PROXIES "1" /* a node, or a CDN before the server itself, writes one entry */
#define UNKNOWN STR("XX")

struct lists { struct buf allowed, refused; };

static void put_list(struct buf *out, const struct edge_words *words, bool unknown)
{
    for (size_t i = 0; i < words->n; i++) {
        if (out->n > 0)
            buf_char(out, ',');
        buf_str(out, words->items[i]);
    }
    if (unknown && out->n > 0)
        buf_char(out, ',');
    if (unknown)
        buf_str(out, UNKNOWN);
    CHECK(!out->overflow);
}

static void make_lists(struct lists *lists, const struct edge_policy *policy)
{
    bool is_unknown_refused = edge_refuses(policy, UNKNOWN);

    buf_init(&lists->allowed, LIST_BYTES);
    buf_init(&lists->refused, LIST_BYTES);
    if (policy->countries.elsewhere == EDGE_REFUSED)
        put_list(&lists->allowed, &policy->allowed, !is_unknown_refused);
    else
        put_list(&lists->refused, &policy->refused, is_unknown_refused);
}

static void write_environment(const struct lists *lists, struct edge_out *out)
{
    struct buf *env = edge_open(out, "server.env");

    edge_head(env, "#", "server", "taken by a server: tests/edge/server_test.js");
    buf_str(env, STR("# For `podman run --env-file` and systemd's EnvironmentFile.\n"));
    buf_printf(env, "OVERROUND_COUNTRIES_ALLOWED=" STR_FMT "\n",
               STR_ARG(buf_view(&lists->allowed)));
    buf_printf(env, "OVERROUND_COUNTRIES_REFUSED=" STR_FMT "\n",
               STR_ARG(buf_view(&lists->refused)));
    buf_str(env, STR("# One more for each load balancer between the edge and the server that\n"
                     "# adds an entry of its own.\n"
                     "OVERROUND_PROXIES=" PROXIES "\n"));
}

static void write_values(const struct lists *lists, struct edge_out *out)
{
    struct buf *values = edge_open(out, "values.yaml");

    edge_head(values, "#", "server", "rendered by the chart: tests/edge/server_test.js");
    buf_str(values, STR("# For deploy/helm/overround: helm upgrade … --values values.yaml.\n"
                        "config:\n"));
    buf_printf(values, "  countries-allowed: \"" STR_FMT "\"\n",
               STR_ARG(buf_view(&lists->allowed)));
    buf_printf(values, "  countries-refused: \"" STR_FMT "\"\n",
               STR_ARG(buf_view(&lists->refused)));
    buf_str(values, STR("  # The chart counts its gateway or ingress alone; the edge is one more.\n"
                        "  # proxies: 2\n"));
}

bool edge_server(const struct edge_policy *policy, struct edge_out *out)
{
    struct lists lists;
    bool is_none;

    make_lists(&lists, policy);
    is_none = policy->countries.elsewhere == EDGE_REFUSED && lists.allowed.n == 0;
    if (!is_none) {
        write_environment(&lists, out);
        write_values(&lists, out);
    }
    buf_fini(&lists.allowed);
    buf_fini(&lists.refused);
    return !is_none
           || edge_fault(out, "no country is allowed: the server takes an empty list for all");
}
