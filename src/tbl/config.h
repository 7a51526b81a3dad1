/*
 * Settings.  Each is `--name value`, OVERROUND_NAME in the environment, and
 * `name = value` in the file of --config; in this order of precedence.
 *
 * CONFIG(kind, field, "name", "default", "unit", "the manual's sentence")
 * kinds: TEXT, INT (>= 0), E2 (a decimal with two places: an amount in major
 * units or a factor)
 */
#ifndef CONFIG
#error "define CONFIG before including tbl/config.h"
#endif
CONFIG(TEXT, store, "store", "sqlite:./data/overround.db", "url", "Where money lives: sqlite:PATH or postgres://USER@HOST/DATABASE.")
CONFIG(TEXT, listen, "listen", "127.0.0.1:8080", "address", "The public listener: customers.")
CONFIG(TEXT, operator_listen, "operator-listen", "127.0.0.1:8081", "address", "The operator listener: feed, reports, metrics. Never exposed.")
CONFIG(TEXT, operator_token, "operator-token", "", "token", "The first operator's token, with every role. Empty: a fresh one is made and printed.")
CONFIG(TEXT, log_level, "log-level", "info", "level", "debug, info, warn or error.")
CONFIG(INT, lanes, "lanes", "2", "connections", "Money lanes: transactions in flight on PostgreSQL. SQLite has one.")
CONFIG(INT, readers, "readers", "2", "connections", "Connections (threads on SQLite) for reads and reports.")
CONFIG(INT, queue_delay_ms, "queue-delay-ms", "1000", "ms", "Bets that would wait longer than this for their batch get 503 at once.")
CONFIG(INT, pace_us, "pace-us", "2000", "us", "Under load a lane commits at most this often, unless 64 commands wait: more share one commit. 0: at once.")
CONFIG(E2, stake_min, "stake-min", "0.10", "major units", "The smallest stake, in the wallet's currency.")
CONFIG(E2, stake_max, "stake-max", "10000.00", "major units", "The largest stake.")
CONFIG(E2, payout_max, "payout-max", "1000000.00", "major units", "The payout cap of a bet, written on it.")
CONFIG(E2, deposit_max, "deposit-max", "100000.00", "major units", "The largest deposit or withdrawal in one request.")
CONFIG(TEXT, house_currency, "house-currency", "EUR", "code", "The house's currency: limits of markets, liability and exposure are in it.")
CONFIG(TEXT, rates, "rates", "", "list", "What one major unit of other currencies is in the house's: USD=0.92,GBP=1.17. A wallet whose currency has no rate may not bet where a limit in the house's currency holds.")
CONFIG(E2, market_stake_max, "market-stake-max", "0", "major units", "The largest stake on a market in the house's currency, where the desk has set none; 0 = none.")
CONFIG(E2, liability_max, "liability-max", "0", "major units", "The largest liability of an outcome in the house's currency, where the desk has set none; 0 = none.")
CONFIG(E2, hold_above, "hold-above", "0", "major units", "Bets with a larger stake in the house's currency wait for a trader, where the desk has set no threshold; 0 = none.")
CONFIG(INT, hold_s, "hold-s", "30", "s", "How long a bet waits for a trader before it is declined.")
CONFIG(INT, offer_s, "offer-s", "120", "s", "How long a customer may take the stake a trader has offered without being held again.")
CONFIG(E2, large_bet, "large-bet", "1000.00", "major units", "Bets from this stake in the house's currency are shown to the desk as large; 0 = all.")
CONFIG(INT, session_s, "session-s", "86400", "s", "How long a session token is valid.")
CONFIG(INT, password_kib, "password-kib", "19456", "KiB", "Memory of Argon2id for each password.")
CONFIG(INT, password_passes, "password-passes", "2", "passes", "Passes of Argon2id for each password.")
CONFIG(INT, bet_rate, "bet-rate", "50", "requests/s", "Money requests a customer may make each second, with a burst of ten seconds' worth; 0 = no limit.")
CONFIG(INT, login_rate, "login-rate", "10", "requests/s", "Registrations and log-ins an address may make each second, with a burst of ten seconds' worth; 0 = no limit.")
CONFIG(TEXT, role, "role", "feed,odds,bets,settle,web", "roles", "What this process does: all, or on PostgreSQL feed alone (several: one leads) or all but feed.")
CONFIG(INT, lease_ms, "lease-ms", "5000", "ms", "Of several feed processes another one leads when the leader has not renewed its lease for this long.")
CONFIG(INT, producer_silence_s, "producer-silence-s", "20", "s", "A producer silent for this long is down.")
CONFIG(INT, feed_log_hours, "feed-log-hours", "72", "h", "How long feed messages are kept in the log.")
CONFIG(INT, replay_hours, "replay-hours", "6", "h", "How far back the book is rebuilt from the log at start.")
CONFIG(INT, drain_s, "drain-s", "30", "s", "SIGTERM waits this long for requests in flight.")
