/*
 * Kinds of values in edge.yaml.  Each is checked by a function of read.c and
 * told to others as a pattern in the schema; both are tried on the same values
 * (tests/edge/policy_test.js).  None may hold a quote, a backslash, a brace, a
 * dollar sign or a line break, so writers put values into configurations as
 * they are.
 *
 * EDGE_KIND(KIND, "pattern of one value"); lists have it for each.
 * The C types are in policy.h.
 */
#ifndef EDGE_KIND
#error "define EDGE_KIND before including tbl/edge_kinds.h"
#endif
EDGE_KIND(HOST, "^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$|^[0-9a-f]*:[0-9a-f:.]+$")
EDGE_KIND(NAME, "^[A-Za-z][A-Za-z0-9_-]*$")
EDGE_KIND(FILENAME, "^$|^(/[A-Za-z0-9._-]+)+$")
EDGE_KIND(INT, "")
EDGE_KIND(FLAG, "")
EDGE_KIND(CHOICE, "")
EDGE_KIND(COUNTRIES, "^[A-Z][A-Z]$")
EDGE_KIND(NETWORKS, "^[0-9]+(\\.[0-9]+){3}/[0-9]+$|^[0-9a-f]*:[0-9a-f:.]+/[0-9]+$")
EDGE_KIND(AGENTS, "^[A-Za-z0-9._/;+-]+( [A-Za-z0-9._/;+-]+)*$")
