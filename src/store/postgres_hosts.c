/*
 * Several hosts in one URL: a primary and its standbys, of which libpq takes
 * the first that is as target_session_attrs asks.  libpq goes on to the next
 * host when one refuses, but a host that says nothing (its machine is gone, or
 * stopped) would use up every attempt's time: the attempt after it therefore
 * begins with the next one.
 */
#include "store/postgres_internal.h"

static unsigned count_of(const char *list)
{
    unsigned n = 1;

    for (; *list != '\0'; list++)
        n += *list == ',';
    return n;
}

/* "a,b,c" from its element number `first`: "b,c,a". */
static void rotate(const char *list, unsigned first, char *rotated)
{
    const char *from = list;

    CHECK(first < count_of(list));
    for (; first > 0; first--)
        from = strchr(from, ',') + 1;
    snprintf(rotated, PG_HOSTS_BYTES, "%s%s%.*s", from, from == list ? "" : ",",
             from == list ? 0 : (int)(from - list - 1), list);
}

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword != NULL; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val == NULL ? "" : options->val;
    return "";
}

void pg_hosts_read(struct pg_hosts *hosts, const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    const char *names, *ports;

    *hosts = (struct pg_hosts){ .n = 1 };
    if (options == NULL)
        return; /* connecting says why */
    names = value_of(options, "host");
    ports = value_of(options, "port");
    if (value_of(options, "hostaddr")[0] == '\0' && strlen(names) < sizeof(hosts->names) &&
        strlen(ports) < sizeof(hosts->ports)) {
        hosts->n = count_of(names);
        CHECK(hosts->n >= 1);
        memcpy(hosts->names, names, strlen(names) + 1);
        memcpy(hosts->ports, ports, strlen(ports) + 1);
    }
    PQconninfoFree(options);
}

void pg_hosts_rotate(const struct pg_hosts *hosts, unsigned first, struct pg_hosts *rotated)
{
    CHECK(hosts->n > 1);
    *rotated = *hosts;
    rotate(hosts->names, first % hosts->n, rotated->names);
    if (count_of(hosts->ports) == hosts->n) /* else one port serves all */
        rotate(hosts->ports, first % hosts->n, rotated->ports);
}
