/* The rows of tbl/edge_targets.h, each with its writer: see edge.h. */
#include "edge/edge.h"

static const struct edge_target targets[] = {
#define EDGE_TARGET(name, function, proven, doc) { #name, proven, doc, function },
#include "tbl/edge_targets.h"
#undef EDGE_TARGET
    { NULL, NULL, NULL, NULL },
};

const struct edge_target *edge_targets(size_t *n)
{
    *n = LENGTH(targets) - 1;
    return targets;
}
