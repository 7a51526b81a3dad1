/* The table of roles, walked: see role.h. */
#include "serve/role.h"

#include "serve/inside.h"

static void *part_of(const struct serve *serve, const struct role *role)
{
    void *part;

    memcpy(&part, (const char *)&serve->parts + role->part, sizeof(part));
    return part;
}

bool role_is_played(const struct role *role, const struct settings *settings)
{
    enum role_bus bus = settings->played.bus ? ON_KAFKA : ON_LOCAL;

    return (role->bus & bus) != 0 && (role->played & settings->played.roles) != 0 &&
           (role->is_wanted == NULL || role->is_wanted(settings));
}

static bool role_is_made(const struct serve *serve, const struct role *role)
{
    return part_of(serve, role) != NULL;
}

/* ---- forward -------------------------------------------------------------- */

static bool has_needs(const struct serve *serve, const struct role *role)
{
    uint64_t made = 0;

    for (unsigned i = 0; i < PARTS; i++)
        if (role_is_made(serve, &serve->roles[i]))
            made |= UINT64_C(1) << i;
    for (unsigned i = 0; i < ROLE_NEEDS; i++)
        if (role->needs[i] != 0 && (role->needs[i] & made) == 0)
            return false;
    return true;
}

static bool make_some(struct serve *serve, bool divided, struct str *error)
{
    for (unsigned i = 0; i < PARTS; i++) {
        const struct role *role = &serve->roles[i];

        if (role->make == NULL || role->divided != divided ||
            !role_is_played(role, &serve->settings))
            continue;
        CHECK(!role_is_made(serve, role) && has_needs(serve, role));
        if (!role->make(serve, error))
            return false;
        CHECK(role_is_made(serve, role));
    }
    return true;
}

static void subscribe(struct serve *serve, enum role_order order)
{
    for (unsigned i = 0; i < PARTS; i++) {
        const struct role *role = &serve->roles[i];

        if (role->order == order && role_is_made(serve, role)) {
            struct bus_subscriber subscriber = role->subscriber(serve);

            bus_subscribe(serve->parts.bus, &subscriber);
        }
    }
}

bool roles_make(struct serve *serve, struct str *error)
{
    if (!make_some(serve, false, error))
        return false;
    for (enum role_order order = HEARS_NOTHING + 1; order < HEARS_END; order++)
        subscribe(serve, order);
    return true;
}

bool roles_make_divided(struct serve *serve, struct str *error)
{
    return make_some(serve, true, error);
}

bool roles_open(struct serve *serve, struct str *error)
{
    for (unsigned i = 0; i < PARTS; i++) {
        const struct role *role = &serve->roles[i];

        if (role->open == NULL || !role_is_played(role, &serve->settings))
            continue;
        CHECK(has_needs(serve, role));
        if (!role->open(serve, serve->parts.db, error))
            return false;
        CHECK(role_is_made(serve, role));
    }
    return true;
}

void roles_start(struct serve *serve)
{
    for (unsigned i = 0; i < PARTS; i++)
        if (serve->roles[i].start != NULL && role_is_made(serve, &serve->roles[i]))
            serve->roles[i].start(serve);
}

/* ---- asked ---------------------------------------------------------------- */

const char *roles_not_ready(const struct serve *serve)
{
    for (unsigned i = 0; i < PARTS; i++) {
        const struct role *role = &serve->roles[i];
        const char *why = NULL;

        if (role->not_ready != NULL && role_is_played(role, &serve->settings))
            why = role->not_ready(serve);
        if (why != NULL)
            return why;
    }
    return NULL;
}

void roles_metrics(struct serve *serve)
{
    for (unsigned i = 0; i < PARTS; i++)
        if (serve->roles[i].metrics != NULL && role_is_made(serve, &serve->roles[i]))
            serve->roles[i].metrics(serve);
}

/* ---- backward ------------------------------------------------------------- */

static void on_drained(void *ctx)
{
    struct serve *serve = ctx;

    CHECK(serve->ending.undrained > 0);
    serve->ending.undrained--;
}

void roles_drain(struct serve *serve)
{
    for (unsigned i = PARTS; i-- > 0;) {
        const struct role *role = &serve->roles[i];

        if (role->drain == NULL || !role_is_made(serve, role))
            continue;
        serve->ending.undrained++;
        if (role->drain(serve, on_drained))
            on_drained(serve);
    }
}

bool roles_are_idle(struct serve *serve)
{
    if (serve->ending.undrained > 0)
        return false;
    for (unsigned i = PARTS; i-- > 0;) {
        const struct role *role = &serve->roles[i];

        if (role->is_idle != NULL && role_is_made(serve, role) && !role->is_idle(serve))
            return false;
    }
    return true;
}

/* Goes on with the one before. */
static void on_stopped(void *ctx)
{
    struct serve *serve = ctx;

    while (serve->ending.to_stop > 0) {
        const struct role *role = &serve->roles[--serve->ending.to_stop];

        if (role->stop != NULL && role_is_made(serve, role) && !role->stop(serve, on_stopped))
            return;
    }
    serve->ending.on_all_stopped(serve);
}

void roles_stop(struct serve *serve, role_ended ended)
{
    CHECK(serve->ending.on_all_stopped == NULL);
    serve->ending.on_all_stopped = ended;
    serve->ending.to_stop = PARTS;
    on_stopped(serve);
}

void roles_free(struct serve *serve)
{
    CHECK(serve->ending.to_stop == 0);
    for (unsigned i = PARTS; i-- > 0;) {
        const struct role *role = &serve->roles[i];

        if (role_is_made(serve, role))
            role->free(serve);
    }
    memset(&serve->parts, 0, sizeof(serve->parts));
}
