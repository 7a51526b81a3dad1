/*
 * Every route of both listeners, and its policy.  These come from the table: the
 * dispatcher, the server's Cache-Control, body limits and 405s, the
 * configuration of every edge (`overround edge`), the test of docs/openapi.yaml
 * and the metrics' labels.
 *
 * ROUTE(WHO, "METHOD", "/path/{part}", CACHING, "query", body, RATE, WHERE, context,
 *       handler, "what it does")
 * WHO: PUBLIC is for customers, on the public listener.  All others are on the
 * operator listener: a role of tbl/roles.h is required, ANY admits every
 * operator, PROBE needs no token.
 * CACHING: how long caches may keep its answers, a row of tbl/caching.h.
 * query: the parameters that the handler of a customer's request reads, in
 * alphabetical order.  An edge drops all others, so that nobody can bypass a
 * cache by inventing parameters.
 * body: the largest body in bytes, from base/limits.h; 0: no body.
 * RATE: the class that limits it, a row of tbl/rates.h.
 * WHERE: HOME routes serve only countries in which the house takes bets.  ABROAD
 * routes also serve customers in other countries: to log in and out, see their
 * money, take it out, and limit or exclude themselves.
 * The handler gets the context (src/serve/routes.h); request_operator() returns
 * the operator who asks.
 */
#ifndef ROUTE
#error "define ROUTE before including tbl/routes.h"
#endif
ROUTE(PUBLIC, "POST", "/v1/accounts", NEVER, "", LIMIT_BODY_BYTES, LOGIN, HOME, who, who_post_account, "Registers a customer.")
ROUTE(PUBLIC, "POST", "/v1/sessions", NEVER, "", LIMIT_BODY_BYTES, LOGIN, ABROAD, who, who_post_session, "Logs in.")
ROUTE(PUBLIC, "GET", "/v1/sessions", NEVER, "", 0, READ, ABROAD, who, who_get_session, "The customer of this session, and the arms of experiments.")
ROUTE(PUBLIC, "DELETE", "/v1/sessions", NEVER, "", 0, MONEY, ABROAD, who, who_delete_session, "Logs out everywhere.")
ROUTE(PUBLIC, "GET", "/v1/limits", NEVER, "", 0, READ, ABROAD, bets, bets_get_limits, "The customer's own limits, and the end of an exclusion.")
ROUTE(PUBLIC, "PUT", "/v1/limits", NEVER, "", LIMIT_BODY_BYTES, MONEY, ABROAD, bets, bets_put_limit, "Sets a limit: lower at once, higher a day later.")
ROUTE(PUBLIC, "PUT", "/v1/exclusion", NEVER, "", LIMIT_BODY_BYTES, MONEY, ABROAD, bets, bets_put_exclusion, "Excludes the customer until a time.")
ROUTE(PUBLIC, "GET", "/v1/wallet", NEVER, "", 0, READ, ABROAD, bets, bets_get_wallet, "Balance, debt and open stakes.")
ROUTE(PUBLIC, "POST", "/v1/wallet/deposits", NEVER, "", LIMIT_BODY_BYTES, MONEY, HOME, bets, bets_post_deposit, "Deposits play money.")
ROUTE(PUBLIC, "POST", "/v1/wallet/withdrawals", NEVER, "", LIMIT_BODY_BYTES, MONEY, ABROAD, bets, bets_post_withdrawal, "Withdraws money.")
ROUTE(PUBLIC, "GET", "/v1/wallet/transfers", NEVER, "after limit", 0, READ, ABROAD, bets, bets_get_transfers, "Transfers, newest first.")
ROUTE(PUBLIC, "POST", "/v1/bets", NEVER, "", LIMIT_BODY_BYTES, MONEY, HOME, bets, bets_post_bet, "Places a bet.")
ROUTE(PUBLIC, "GET", "/v1/bets", NEVER, "after limit state", 0, READ, ABROAD, bets, bets_list, "Bets, newest first.")
ROUTE(PUBLIC, "POST", "/v1/bets/{id}/cashout", NEVER, "", LIMIT_BODY_BYTES, MONEY, ABROAD, bets, bets_post_cashout, "Cashes out a bet, or a part of it.")
ROUTE(PUBLIC, "GET", "/v1/bets/{id}", NEVER, "", 0, READ, ABROAD, bets, bets_get_one, "One bet.")
ROUTE(PUBLIC, "GET", "/v1/sports", SNAPSHOT, "", 0, READ, HOME, web, web_get_sports, "Sports with events.")
ROUTE(PUBLIC, "GET", "/v1/events", SNAPSHOT, "after limit sport state", 0, READ, HOME, web, web_get_events, "Events, live ones first.")
ROUTE(PUBLIC, "GET", "/v1/events/{event}", SNAPSHOT, "", 0, READ, HOME, web, web_get_event, "One event with its markets and odds.")
ROUTE(PUBLIC, "GET", "/v1/stream", STREAM, "", 0, STREAM, HOME, stream, stream_get, "Prices as they change, and the customer's own bets: a WebSocket.")
ROUTE(PUBLIC, "GET", "/v1/events/{event}/stream", STREAM, "", 0, STREAM, HOME, stream, stream_get_event, "One event's changes as Server-Sent Events.")
ROUTE(PUBLIC, "GET", "/", PAGE, "", 0, READ, HOME, web, pages_get_board, "The customers' page: the board.")
ROUTE(PUBLIC, "GET", "/event/{event}", PAGE, "", 0, READ, HOME, web, pages_get_board, "The customers' page: an event.")
ROUTE(PUBLIC, "GET", "/bets", PAGE, "", 0, READ, ABROAD, web, pages_get_board, "The customers' page: their bets.")
ROUTE(PUBLIC, "GET", "/wallet", PAGE, "", 0, READ, ABROAD, web, pages_get_board, "The customers' page: their money.")
ROUTE(PUBLIC, "GET", "/account", PAGE, "", 0, READ, ABROAD, web, pages_get_board, "The customers' page: account and limits.")
ROUTE(PUBLIC, "GET", "/assets/{file}", ASSET, "", 0, READ, ABROAD, web, pages_get_asset, "A script, style or icon of the pages.")
ROUTE(PROBE, "GET", "/desk", PAGE, "", 0, OPERATOR, HOME, web, pages_get_desk, "The traders' page.")
ROUTE(PROBE, "GET", "/ops", PAGE, "", 0, OPERATOR, HOME, web, pages_get_ops, "The operators' page.")
ROUTE(PROBE, "GET", "/static/{file}", ASSET, "", 0, OPERATOR, HOME, web, pages_get_asset, "A script, style or icon of the operators' pages.")
ROUTE(FEED, "POST", "/v1/feed", NEVER, "", LIMIT_FEED_BODY_BYTES, OPERATOR, HOME, feed, feed_post, "Appends one feed message to the log.")
ROUTE(READER, "GET", "/v1/desk/feed", NEVER, "", 0, OPERATOR, HOME, feed, feed_get_health, "Producers: state, last alive, recovery.")
ROUTE(READER, "GET", "/v1/desk/holds", NEVER, "", 0, OPERATOR, HOME, bets, bets_get_holds, "Bets that wait for a trader.")
ROUTE(TRADER, "POST", "/v1/desk/holds/{id}", NEVER, "", LIMIT_BODY_BYTES, OPERATOR, HOME, bets, bets_post_hold, "Accepts or declines a held bet, or offers a smaller stake.")
ROUTE(READER, "GET", "/v1/desk/exposure", NEVER, "", 0, OPERATOR, HOME, risk, risk_get_exposure, "What open bets may cost, by sport, event, market and outcome.")
ROUTE(READER, "GET", "/v1/desk/bets", NEVER, "", 0, OPERATOR, HOME, risk, risk_get_bets, "Large bets, newest first.")
ROUTE(READER, "GET", "/v1/desk/customers/{id}", NEVER, "", 0, OPERATOR, HOME, risk, risk_get_customer, "One customer: balance, open stakes, factor, GGR.")
ROUTE(FINANCE, "GET", "/v1/reports/daily", NEVER, "", 0, OPERATOR, HOME, reports, reports_get_daily, "Turnover, payouts, GGR, hold, liability.")
ROUTE(FINANCE, "GET", "/v1/reports/series", NEVER, "", 0, OPERATOR, HOME, reports, reports_get_series, "Turnover, payouts, GGR and hold by the minute.")
ROUTE(FINANCE, "GET", "/v1/reports/experiments", NEVER, "", 0, OPERATOR, HOME, cohorts, cohorts_get, "Conversion and GGR of an experiment's arms.")
ROUTE(TRADER, "POST", "/v1/desk/suspend", NEVER, "", LIMIT_BODY_BYTES, OPERATOR, HOME, desk, desk_post_suspend, "Suspends everything, a sport, an event or a market.")
ROUTE(TRADER, "POST", "/v1/desk/resume", NEVER, "", LIMIT_BODY_BYTES, OPERATOR, HOME, desk, desk_post_resume, "Lifts a suspension of the desk.")
ROUTE(TRADER, "POST", "/v1/desk/margin", NEVER, "", LIMIT_BODY_BYTES, OPERATOR, HOME, desk, desk_post_margin, "Sets the margin of a scope.")
ROUTE(TRADER, "POST", "/v1/desk/price", NEVER, "", LIMIT_BODY_BYTES, OPERATOR, HOME, desk, desk_post_price, "Sets the price of an outcome.")
ROUTE(SENIOR, "POST", "/v1/desk/limits", NEVER, "", LIMIT_BODY_BYTES, OPERATOR, HOME, desk, desk_post_limits, "Sets the limits of a scope.")
ROUTE(SENIOR, "POST", "/v1/desk/factors", NEVER, "", LIMIT_BODY_BYTES, OPERATOR, HOME, desk, desk_post_factor, "Sets a customer's stake factor.")
ROUTE(TRADER, "POST", "/v1/desk/results", NEVER, "", LIMIT_BODY_BYTES, OPERATOR, HOME, desk, desk_post_result, "Proposes a result.")
ROUTE(TRADER, "POST", "/v1/desk/voids", NEVER, "", LIMIT_BODY_BYTES, OPERATOR, HOME, desk, desk_post_void, "Proposes a void.")
ROUTE(TRADER, "POST", "/v1/desk/withdrawals", NEVER, "", LIMIT_BODY_BYTES, OPERATOR, HOME, desk, desk_post_withdrawal, "Proposes to withdraw a result or void.")
ROUTE(SENIOR, "POST", "/v1/desk/proposals/{id}/confirm", NEVER, "", LIMIT_BODY_BYTES, OPERATOR, HOME, desk, desk_post_confirm, "Confirms another operator's proposal.")
ROUTE(TRADER, "POST", "/v1/desk/proposals/{id}/reject", NEVER, "", LIMIT_BODY_BYTES, OPERATOR, HOME, desk, desk_post_reject, "Rejects a proposal.")
ROUTE(ANY, "GET", "/v1/desk/me", NEVER, "", 0, OPERATOR, HOME, desk, desk_get_me, "The operator who asks, and the roles.")
ROUTE(READER, "GET", "/v1/desk/events", NEVER, "", 0, OPERATOR, HOME, desk, desk_get_events, "Events as the desk sees them.")
ROUTE(READER, "GET", "/v1/desk/events/{event}", NEVER, "", 0, OPERATOR, HOME, desk, desk_get_event, "One event with fed and sold odds.")
ROUTE(READER, "GET", "/v1/desk/proposals", NEVER, "", 0, OPERATOR, HOME, desk, desk_get_proposals, "Proposals that wait.")
ROUTE(READER, "GET", "/v1/desk/audit", NEVER, "", 0, OPERATOR, HOME, desk, desk_get_audit, "What operators did, newest first.")
ROUTE(PROBE, "GET", "/healthz", NEVER, "", 0, OPERATOR, HOME, serve, serve_get_health, "The process is alive.")
ROUTE(PROBE, "GET", "/readyz", NEVER, "", 0, OPERATOR, HOME, serve, serve_get_ready, "Ready to take bets.")
ROUTE(PROBE, "GET", "/metrics", NEVER, "", 0, OPERATOR, HOME, serve, serve_get_metrics, "Prometheus text.")
