/* The rows of tbl/edge.h: see inside.h. */
#include "edge/inside.h"

enum {
    SECTION_NONE = -1,
#define EDGE_BEGIN(count, type, key, least, most, doc) SECTION_##type,
#define EDGE(kind, type, key, fallback, least, most, among, doc)
#define EDGE_END(type)
#include "tbl/edge.h"
#undef EDGE_BEGIN
#undef EDGE
#undef EDGE_END
    SECTIONS
};

/* The number of a section's first field is known when the ones before are counted. */
enum {
#define EDGE_BEGIN(count, type, key, least, most, doc) BEGIN_##type, BACK_##type = BEGIN_##type - 1,
#define EDGE(kind, type, key, fallback, least, most, among, doc) FIELD_##type##_##key,
#define EDGE_END(type) END_##type, AGAIN_##type = END_##type - 1,
#include "tbl/edge.h"
#undef EDGE_BEGIN
#undef EDGE
#undef EDGE_END
    FIELDS
};

#define N_AT_ONE(key) 0
#define N_AT_MANY(key) offsetof(struct edge_policy, n_##key)
#define N_AT_EACH(key) 0

static const struct edge_section sections[SECTIONS] = {
#define EDGE_BEGIN(count_, type, key_, least_, most_, doc_) \
    { .count = EDGE_##count_, .key = #key_, .least = least_, .most = most_, \
      .at = offsetof(struct edge_policy, key_), .n_at = N_AT_##count_(key_), \
      .size = sizeof(struct edge_##type), .first = BEGIN_##type, \
      .n = END_##type - BEGIN_##type, .doc = doc_ },
#define EDGE(kind, type, key, fallback, least, most, among, doc)
#define EDGE_END(type)
#include "tbl/edge.h"
#undef EDGE_BEGIN
#undef EDGE
#undef EDGE_END
};

static const struct edge_field fields[FIELDS] = {
#define EDGE_BEGIN(count, type, key, least, most, doc)
#define EDGE(kind_, type, key_, fallback_, least_, most_, among_, doc_) \
    { .kind = EDGE_KIND_OF_##kind_, .key = #key_, .at = offsetof(struct edge_##type, key_), \
      .fallback = fallback_, .least = least_, .most = most_, .among = among_, .doc = doc_ },
#define EDGE_END(type)
#include "tbl/edge.h"
#undef EDGE_BEGIN
#undef EDGE
#undef EDGE_END
};

static const char *const patterns[] = {
#define EDGE_KIND(kind, pattern) pattern,
#include "tbl/edge_kinds.h"
#undef EDGE_KIND
};

const struct edge_section *edge_section_table(size_t *n)
{
    *n = SECTIONS;
    return sections;
}

const struct edge_field *edge_field_table(size_t *n)
{
    *n = FIELDS;
    return fields;
}

const char *edge_kind_pattern(enum edge_kind kind)
{
    return patterns[kind];
}

bool edge_kind_is_list(enum edge_kind kind)
{
    return kind == EDGE_KIND_OF_COUNTRIES || kind == EDGE_KIND_OF_NETWORKS ||
           kind == EDGE_KIND_OF_AGENTS;
}
