/*
 * The operator of a request on the operator listener: a name and its roles (tbl/roles.h).
 */
#ifndef MODEL_OPERATOR_H
#define MODEL_OPERATOR_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/str.h"

enum operator_role_bit {
#define ROLE(name, text, includes, doc) ROLE_BIT_##name,
#include "tbl/roles.h"
#undef ROLE
    ROLE_BITS
};

enum operator_role {
#define ROLE(name, text, includes, doc) ROLE_##name = 1 << ROLE_BIT_##name,
#include "tbl/roles.h"
#undef ROLE
};
#define ROLES_ALL ((1U << ROLE_BITS) - 1)

#define OPERATOR_NAME_BYTES 64

struct operator {
    struct str name;
    unsigned roles; /* of enum operator_role, with all they include */
};

/* "trader,finance" into bits, included ones as well.  False: no such role, or
 * none at all. */
bool operator_roles_parse(struct str text, unsigned *roles) MUST_USE;
/* The names of all bits, in the table's order: "reader,trader". */
struct str operator_roles_text(unsigned roles, struct arena *arena);
/* 1 to 64 letters, digits and "._@-": it stands in logs and in XML. */
bool operator_name_is_well(struct str name);
static inline bool operator_may(const struct operator *operator, unsigned role)
{
    return (operator->roles & role) == role;
}

#endif
