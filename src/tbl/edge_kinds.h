/*
 * Kinds of values in edge.yaml.  A function of read.c checks each, and the
 * schema has its pattern for other programs; tests/edge/policy_test.js tries
 * both on the same values.  No value may contain a quote, a backslash, a brace,
 * a dollar sign or a line break, so writers copy values into configurations
 * unchanged.
 *
 * EDGE_KIND(KIND, "pattern of one value"); in a list it holds for each value.
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
