/*
 * Every route of both listeners.  The dispatcher, docs/openapi.yaml's test
 * and the metrics' labels come from it.
 *
 * ROUTE(WHO, "METHOD", "/path/{part}", context, handler, "what it does")
 * WHO: PUBLIC are customers, on the public listener; all others are on the
 * operator listener: a role of tbl/roles.h is the least one, ANY is every
 * operator, PROBE needs no token.  The context is what the handler gets
 * (src/routes.h); request->operator says who asks.
 */
#ifndef ROUTE
#error "define ROUTE before including tbl/routes.h"
#endif
ROUTE(PUBLIC, "POST", "/v1/accounts", bets, bets_post_account, "Registers a customer.")
ROUTE(PUBLIC, "POST", "/v1/sessions", bets, bets_post_session, "Logs in.")
ROUTE(PUBLIC, "DELETE", "/v1/sessions", bets, bets_delete_session, "Logs out everywhere.")
ROUTE(PUBLIC, "GET", "/v1/wallet", bets, bets_get_wallet, "Balance, debt and open stakes.")
ROUTE(PUBLIC, "POST", "/v1/wallet/deposits", bets, bets_post_deposit, "Deposits play money.")
ROUTE(PUBLIC, "POST", "/v1/wallet/withdrawals", bets, bets_post_withdrawal, "Withdraws.")
ROUTE(PUBLIC, "GET", "/v1/wallet/transfers", bets, bets_get_transfers, "Movements, newest first.")
ROUTE(PUBLIC, "POST", "/v1/bets", bets, bets_post_bet, "Places a bet.")
ROUTE(PUBLIC, "GET", "/v1/bets", bets, bets_list, "Bets, newest first.")
ROUTE(PUBLIC, "POST", "/v1/bets/{id}/cashout", bets, bets_post_cashout, "Cashes a bet out, or a part of it.")
ROUTE(PUBLIC, "GET", "/v1/bets/{id}", bets, bets_get_one, "One bet.")
ROUTE(PUBLIC, "GET", "/v1/sports", web, web_get_sports, "Sports with events.")
ROUTE(PUBLIC, "GET", "/v1/events", web, web_get_events, "Events, live ones first.")
ROUTE(PUBLIC, "GET", "/v1/events/{event}", web, web_get_event, "One event with its markets and odds.")
ROUTE(PUBLIC, "GET", "/", web, pages_get_board, "The customers' page: the board.")
ROUTE(PUBLIC, "GET", "/event/{event}", web, pages_get_board, "The customers' page: an event.")
ROUTE(PUBLIC, "GET", "/bets", web, pages_get_board, "The customers' page: their bets.")
ROUTE(PUBLIC, "GET", "/wallet", web, pages_get_board, "The customers' page: their money.")
ROUTE(PUBLIC, "GET", "/account", web, pages_get_board, "The customers' page: account and limits.")
ROUTE(PUBLIC, "GET", "/assets/{file}", web, pages_get_asset, "A script, style or icon of the pages.")
ROUTE(PROBE, "GET", "/desk", web, pages_get_desk, "The traders' page.")
ROUTE(PROBE, "GET", "/ops", web, pages_get_ops, "The operators' page.")
ROUTE(PROBE, "GET", "/static/{file}", web, pages_get_asset, "A script, style or icon of the operators' pages.")
ROUTE(FEED, "POST", "/v1/feed", feed, feed_post, "Takes one feed message into the log.")
ROUTE(READER, "GET", "/v1/desk/feed", feed, feed_get_health, "Producers: state, last alive, recovery.")
ROUTE(READER, "GET", "/v1/desk/holds", bets, bets_get_holds, "Bets that wait for a trader.")
ROUTE(TRADER, "POST", "/v1/desk/holds/{id}", bets, bets_post_hold, "Accepts or declines a held bet, or offers a smaller stake.")
ROUTE(READER, "GET", "/v1/desk/exposure", risk, risk_get_exposure, "What open bets may cost, by sport, event, market and outcome.")
ROUTE(READER, "GET", "/v1/desk/bets", risk, risk_get_bets, "Large bets, newest first.")
ROUTE(READER, "GET", "/v1/desk/customers/{id}", risk, risk_get_customer, "One customer: balance, open stakes, factor, GGR.")
ROUTE(FINANCE, "GET", "/v1/reports/daily", reports, reports_get_daily, "Turnover, payouts, GGR, hold, liability.")
ROUTE(TRADER, "POST", "/v1/desk/suspend", desk, desk_post_suspend, "Suspends at a level.")
ROUTE(TRADER, "POST", "/v1/desk/resume", desk, desk_post_resume, "Lifts a level's suspension.")
ROUTE(TRADER, "POST", "/v1/desk/margin", desk, desk_post_margin, "Sets the margin of a scope.")
ROUTE(TRADER, "POST", "/v1/desk/price", desk, desk_post_price, "Sets the price of an outcome.")
ROUTE(SENIOR, "POST", "/v1/desk/limits", desk, desk_post_limits, "Sets the limits of a scope.")
ROUTE(SENIOR, "POST", "/v1/desk/factors", desk, desk_post_factor, "Sets a customer's stake factor.")
ROUTE(TRADER, "POST", "/v1/desk/results", desk, desk_post_result, "Proposes a result.")
ROUTE(TRADER, "POST", "/v1/desk/voids", desk, desk_post_void, "Proposes a void.")
ROUTE(TRADER, "POST", "/v1/desk/withdrawals", desk, desk_post_withdrawal, "Proposes to withdraw a result or void.")
ROUTE(SENIOR, "POST", "/v1/desk/proposals/{id}/confirm", desk, desk_post_confirm, "Confirms what another proposed.")
ROUTE(TRADER, "POST", "/v1/desk/proposals/{id}/reject", desk, desk_post_reject, "Rejects a proposal.")
ROUTE(ANY, "GET", "/v1/desk/me", desk, desk_get_me, "Who asks, and the roles.")
ROUTE(READER, "GET", "/v1/desk/events", desk, desk_get_events, "Events as the desk sees them.")
ROUTE(READER, "GET", "/v1/desk/events/{event}", desk, desk_get_event, "One event with fed and sold odds.")
ROUTE(READER, "GET", "/v1/desk/proposals", desk, desk_get_proposals, "Proposals that wait.")
ROUTE(READER, "GET", "/v1/desk/audit", desk, desk_get_audit, "Who did what, newest first.")
ROUTE(PROBE, "GET", "/healthz", serve, serve_get_health, "The process lives.")
ROUTE(PROBE, "GET", "/readyz", serve, serve_get_ready, "Ready to take bets.")
ROUTE(PROBE, "GET", "/metrics", serve, serve_get_metrics, "Prometheus text.")
