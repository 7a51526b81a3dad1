/* Who asks: the part's own memory, made at start with every limit. */
#include <stdlib.h>

#include "net/edge_country.h"
#include "who/inside.h"

/* The setting that a class's row of tbl/rates.h names; 0: not limited here. */
static int64_t rate_of(const struct config *config, enum rate_class rate)
{
    struct str setting = str_of(rate_info(rate)->setting);

    if (str_eq(setting, STR("login-rate")))
        return config->login_rate;
    if (str_eq(setting, STR("bet-rate")))
        return config->bet_rate;
    CHECK(setting.n == 0);
    return 0;
}

static void make_edge_keys(struct who *who)
{
    const struct config *config = who->options.config;

    if (config->edge_secret[0] == '\0')
        return;
    CHECK(who->options.countries != NULL);
    who->edge_keys = edge_keys_new(str_of(config->edge_secret),
                                   str_of(config->edge_secret_former));
}

struct who *who_new(const struct who_options *options)
{
    struct who *who = calloc(1, sizeof(*who));

    CHECK(who != NULL && options->loop != NULL && options->store != NULL);
    CHECK(options->config != NULL && options->n_keys > 0 && options->node < 1024);
    who->options = *options;
    who->keys = token_keys_new(options->keys, options->n_keys);
    who->options.keys = NULL; /* copied */
    who->ids.node = options->node;
    make_edge_keys(who);
    who->sessions = sessions_new();
    for (enum rate_class rate = 0; rate < RATE_CLASSES; rate++)
        who->rates[rate] = rates_new(rate_of(options->config, rate), LIMIT_RATES);
    buf_init(&who->scratch, LIMIT_RESPONSE_BYTES);
    account_prepare(who);
    return who;
}

void who_free(struct who *who)
{
    if (who == NULL)
        return;
    CHECK(who_is_idle(who) && who->hashing == 0);
    buf_fini(&who->scratch);
    for (enum rate_class rate = 0; rate < RATE_CLASSES; rate++)
        rates_free(who->rates[rate]);
    sessions_free(who->sessions);
    edge_keys_free(who->edge_keys);
    token_keys_free(who->keys);
    free(who);
}

struct ids *who_ids(struct who *who)
{
    CHECK(who->ids.node == who->options.node);
    return &who->ids;
}
