/*
 * The books afterwards, as a customer can see them: every bet that got a 201
 * is there, no two 201s are one bet, and every balance is what it was before
 * the run, less the stakes that were accepted (or more, for deposits).
 * A request whose answer never came may or may not count.
 */
#include <stdlib.h>

#include "cli/load.h"

static void differ(struct load *load, const char *what, const char *whose, struct str body)
{
    load->differences++;
    if (load->differences <= 10)
        (void)fprintf(stderr, "overround load: %s: %s: " STR_FMT "\n", whose, what,
                      STR_ARG(body));
}

static void write_wallet(struct load *load, uint32_t item, struct buf *request)
{
    load_request(load, request, "GET", "/v1/wallet", load->customers[item].token, NULL,
                 STR_NONE);
}

static enum load_taken take_wallet(struct load *load, uint32_t item, int status,
                                   struct str body)
{
    const struct load_customer *customer = &load->customers[item];
    int64_t sign = load->options.deposits ? 1 : -1, balance, debt = 0, sure, perhaps;

    load->checked_wallets++;
    if (status != 200 || !load_amount(load_member(body, "balance"), &balance)) {
        differ(load, "no wallet", customer->id, body);
        return LOAD_DONE;
    }
    sure = customer->balance_minor
        + sign * (int64_t)customer->accepted * load->options.stake_minor;
    perhaps = sure + sign * (int64_t)customer->unknown * load->options.stake_minor;
    if (balance < (sure < perhaps ? sure : perhaps)
        || balance > (sure < perhaps ? perhaps : sure)
        || (balance - sure) % load->options.stake_minor != 0) {
        (void)fprintf(stderr, "overround load: %s: %u accepted, %u unknown: expected %lld "
                      "minor units, found %lld\n", customer->id, customer->accepted,
                      customer->unknown, (long long)sure, (long long)balance);
        differ(load, "balance differs", customer->id, body);
    }
    if (load_member(body, "debt").n > 0
        && (!load_amount(load_member(body, "debt"), &debt) || debt != 0))
        differ(load, "has a debt", customer->id, body);
    return LOAD_DONE;
}

static const struct load_sweep wallets = { "check wallets", write_wallet, take_wallet };

static void write_bet(struct load *load, uint32_t item, struct buf *request)
{
    const struct load_bet *bet = &load->sample[item];
    char path[128];

    (void)snprintf(path, sizeof(path), "/v1/bets/%s", bet->id);
    load_request(load, request, "GET", path, load->customers[bet->customer].token, NULL,
                 STR_NONE);
}

static enum load_taken take_bet(struct load *load, uint32_t item, int status,
                                struct str body)
{
    const struct load_bet *bet = &load->sample[item];
    int64_t stake;

    load->checked_bets++;
    if (status != 200 || !str_eq(load_member(body, "id"), str_of(bet->id)))
        differ(load, "an accepted bet is not there", bet->id, body);
    else if (!load_amount(load_member(body, "stake"), &stake)
             || stake != load->options.stake_minor)
        differ(load, "its stake differs", bet->id, body);
    return LOAD_DONE;
}

static const struct load_sweep bets = { "check bets", write_bet, take_bet };

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static void check_unique(struct load *load)
{
    if (load->n_bet_ids == 0)
        return;
    qsort(load->bet_ids, load->n_bet_ids, sizeof(*load->bet_ids), compare);
    for (size_t i = 1; i < load->n_bet_ids; i++)
        if (load->bet_ids[i] == load->bet_ids[i - 1])
            differ(load, "two requests got one id", "ids", STR_NONE);
}

void load_check(struct load *load)
{
    check_unique(load);
    if (!load->options.deposits)
        load_sweep_run(load, &bets, NULL, load->n_sample);
    if (load->options.check)
        load_sweep_run(load, &wallets, NULL, load->n_customers);
}
