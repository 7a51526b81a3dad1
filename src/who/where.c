/* Where a request comes from: see where.h. */
#include "who/where.h"

#include <stdlib.h>

#include "base/metrics.h"
#include "who/inside.h"
#include "net/edge_country.h"
#include "net/forwarded.h"

#define MAGIC 0x636e7479 /* "cnty" */
#define ARENA_BYTES ((size_t)16 * 1024)

struct str where_client(const struct who *who, const struct http_request *request)
{
    struct str client = forwarded_client(http_header(request, "X-Forwarded-For"),
                                         who->options.config->proxies);

    return client.n > 0 ? client : str_of(request->peer);
}

struct where where_read(const struct who *who, const struct http_request *request,
                        int64_t now_ms)
{
    struct where where = { "", REFUSE_NOTHING, false };
    struct edge_country country;
    enum edge_country_result result;
    struct str header;

    if (who->edge_keys == NULL)
        return where;
    header = http_header(request, EDGE_COUNTRY_HEADER);
    if (header.p == NULL)
        header = http_header(request, EDGE_COUNTRY_HEADER_OTHER);
    result = edge_country_read(who->edge_keys, header,
                               where_client(who, request), now_ms / 1000,
                               who->options.config->edge_skew_s, &country);
    metric_add(METRIC_EDGE_COUNTRY, str_of(edge_country_result_name(result)), 1);
    if (result != EDGE_COUNTRY_SIGNED && result != EDGE_COUNTRY_FORMER) {
        where.refusal = REFUSE_COUNTRY_UNSIGNED;
        where.is_stale = result == EDGE_COUNTRY_STALE;
        return where;
    }
    memcpy(where.country, country.code, sizeof(where.country));
    if (!country_is_allowed(who->options.countries, str_of(where.country)))
        where.refusal = REFUSE_COUNTRY_REFUSED;
    return where;
}

void where_write_refused(struct buf *out, const struct where *where)
{
    struct jw w = jw_to(out);

    if (where->country[0] == '\0')
        return;
    jw_key(&w, "country");
    jw_str(&w, str_of(where->country));
}

void where_write_session(struct jw *w, const struct where *where)
{
    jw_key(w, "country");
    if (where->country[0] == '\0')
        jw_null(w);
    else
        jw_str(w, str_of(where->country));
    jw_key(w, "betting");
    jw_bool(w, where->refusal == REFUSE_NOTHING);
    if (where->refusal == REFUSE_NOTHING)
        return;
    jw_key(w, "reason");
    jw_str(w, str_of(refusal_info(where->refusal)->code));
}

/* ---- what is kept --------------------------------------------------------- */

struct country_note {
    uint32_t magic;
    struct who *who;
    struct where where;
    struct arena arena;
    struct store_exec exec;
};

static void on_written(struct store_exec *exec, enum store_result result)
{
    struct country_note *note = exec->ctx;

    CHECK(note->magic == MAGIC && exec == &note->exec);
    (void)result;
    note->magic = 0;
    who_end(note->who);
    arena_fini(&note->arena);
    free(note);
}

void where_note(struct who *who, int64_t customer, const struct where *where, int64_t now_ms)
{
    struct country_note *note;

    if (where->country[0] == '\0' || !store_is_up(who->options.store))
        return;
    note = calloc(1, sizeof(*note));
    CHECK(note != NULL && customer > 0);
    CHECK(!where->is_stale && where->country[2] == '\0');
    note->magic = MAGIC;
    note->who = who;
    note->where = *where;
    arena_init(&note->arena, ARENA_BYTES);
    note->exec = (struct store_exec){
        .calls = { { STATEMENT_COUNTRY_SEEN,
                     { VALUE_INT(customer), VALUE_STR(str_of(note->where.country)),
                       VALUE_INT(now_ms), VALUE_INT(0) } } },
        .n = 1, .arena = &note->arena, .on_done = on_written, .ctx = note,
    };
    who_begin(who);
    store_exec(who->options.store, &note->exec);
}
