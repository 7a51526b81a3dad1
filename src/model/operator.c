/* Operators' roles: the table tbl/roles.h, read and written. */
#include "model/operator.h"

static const struct {
    struct str name;
    unsigned own, includes;
} roles_table[] = {
#define ROLE(name, text, includes, doc) { { text, sizeof(text) - 1 }, ROLE_##name, includes },
#include "tbl/roles.h"
#undef ROLE
};

static bool role_parse(struct str text, unsigned *roles)
{
    for (unsigned i = 0; i < LENGTH(roles_table); i++) {
        if (!str_eq(text, roles_table[i].name))
            continue;
        *roles |= roles_table[i].own | roles_table[i].includes;
        return true;
    }
    return false;
}

bool operator_roles_parse(struct str text, unsigned *roles)
{
    size_t from = 0;

    *roles = 0;
    for (size_t i = 0; i <= text.n; i++) {
        if (i < text.n && text.p[i] != ',')
            continue;
        if (!role_parse((struct str){ text.p + from, i - from }, roles))
            return false;
        from = i + 1;
    }
    return *roles != 0;
}

struct str operator_roles_text(unsigned roles, struct arena *arena)
{
    struct str text = STR("");

    for (unsigned i = 0; i < LENGTH(roles_table); i++)
        if ((roles & roles_table[i].own) != 0)
            text = arena_printf(arena, STR_FMT "%s" STR_FMT, STR_ARG(text),
                                text.n > 0 ? "," : "", STR_ARG(roles_table[i].name));
    CHECK((roles == 0) == (text.n == 0)); /* no bit is without a name */
    return text;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '_' || c == '@' || c == '-';
}

bool operator_name_is_well(struct str name)
{
    if (name.n == 0 || name.n > OPERATOR_NAME_BYTES)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!is_name_char(name.p[i]))
            return false;
    return true;
}
