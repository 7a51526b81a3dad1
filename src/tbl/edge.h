/*
 * The operator's policy for the edge: the keys of deploy/edge/edge.yaml.  The
 * reader, struct edge_policy and deploy/edge/edge.schema.json come from this
 * table.
 *
 * EDGE_BEGIN(COUNT, type, key, least, most, "what it is")
 *     COUNT: ONE mapping; MANY, a list of least to most mappings; EACH, a mapping
 *     from every rate class at the edge (tbl/rates.h) to one.
 *     struct edge_<type> has its keys as members; struct edge_policy has <key>,
 *     and n_<key> of MANY.
 * EDGE(KIND, type, key, "default", least, most, "a|b", "what it is")
 *     KIND: see src/tbl/edge_kinds.h.  A key with default NULL is required.  least
 *     and most are the range of a number, the length of a word, the count of a
 *     list.  "a|b": the values of a CHOICE; its member is the index, from 0.
 */
#if !defined(EDGE_BEGIN) || !defined(EDGE) || !defined(EDGE_END)
#error "define EDGE_BEGIN, EDGE and EDGE_END before including tbl/edge.h"
#endif

EDGE_BEGIN(ONE, hostnames, hostnames, 1, 1, "Names that customers and operators use.")
EDGE(HOST, hostnames, public, NULL, 1, 253, "", "The name that customers type; the CDN serves it.")
EDGE(HOST, hostnames, direct, NULL, 1, 253, "", "The name that DNS gives customers when the CDN is gone: it leads to the edge nodes, or to the load balancer.")
EDGE(HOST, hostnames, operator, NULL, 1, 253, "", "The name of the operator listener. No edge serves it or leads to it.")
EDGE_END(hostnames)

EDGE_BEGIN(MANY, origin, origins, 1, 16, "The servers that the edge passes requests to: public listeners, or load balancers before them.")
EDGE(NAME, origin, name, NULL, 1, 32, "", "The origin's name in configurations and logs.")
EDGE(HOST, origin, host, NULL, 1, 253, "", "The origin's host name or address.")
EDGE(INT, origin, port, NULL, 1, 65535, "", "Its port.")
EDGE(FLAG, origin, tls, "true", 0, 0, "", "Whether the edge connects with TLS; it checks the certificate against host.")
EDGE(CHOICE, origin, release, "stable", 0, 0, "stable|canary", "The release that this origin serves; canary gets the share below.")
EDGE_END(origin)

EDGE_BEGIN(ONE, canary, canary, 0, 1, "The share of customers who get a release under trial.")
EDGE(INT, canary, percent, "0", 0, 100, "", "Customers in a hundred who get the canary; 0: nobody.")
EDGE(CHOICE, canary, sticky, "cookie", 0, 0, "cookie|address", "What keeps a customer on one release: a cookie, or a hash of the address.")
EDGE(NAME, canary, cookie, "release", 1, 32, "", "The cookie's name.")
EDGE_END(canary)

EDGE_BEGIN(ONE, countries, countries, 1, 1, "The rule for a country that no jurisdiction below names.")
EDGE(CHOICE, countries, elsewhere, NULL, 0, 0, "allowed|refused", "Any other country.")
EDGE(CHOICE, countries, unknown, NULL, 0, 0, "allowed|refused", "An address whose country is not known (XX).")
EDGE_END(countries)

EDGE_BEGIN(MANY, jurisdiction, jurisdictions, 0, 64, "Countries under one rule. Customers in a refused country get 451, except for the routes that are ABROAD in tbl/routes.h.")
EDGE(NAME, jurisdiction, name, NULL, 1, 32, "", "The jurisdiction's name.")
EDGE(CHOICE, jurisdiction, betting, NULL, 0, 0, "allowed|refused", "Whether the house takes bets from there.")
EDGE(COUNTRIES, jurisdiction, countries, NULL, 1, 250, "", "ISO 3166-1 alpha-2, in upper case, quoted where YAML would read something else (\"NO\").")
EDGE_END(jurisdiction)

EDGE_BEGIN(EACH, rate, rates, 0, 0, "How many requests of a class the edge passes; it answers 429 to more.")
EDGE(INT, rate, per_address, NULL, 1, 1000000, "", "Requests a minute from one address.")
EDGE(INT, rate, per_network, NULL, 1, 10000000, "", "Requests a minute from one network; `networks` below sets its size.")
EDGE(INT, rate, burst, NULL, 1, 100000, "", "Requests that one address may send at once; a network may send ten times as many.")
EDGE_END(rate)

EDGE_BEGIN(ONE, networks, networks, 0, 1, "The size of a network that is limited as a whole.")
EDGE(INT, networks, ipv4, "24", 8, 32, "", "Leading bits of an IPv4 address.")
EDGE(INT, networks, ipv6, "48", 16, 64, "", "Leading bits of an IPv6 address.")
EDGE_END(networks)

EDGE_BEGIN(ONE, connections, connections, 0, 1, "Limits for the connections of one address.")
EDGE(INT, connections, per_address, "200", 1, 100000, "", "Connections at a time.")
EDGE(INT, connections, header_s, "10", 1, 75, "", "Seconds within which a request's head must arrive.")
EDGE(INT, connections, body_s, "10", 1, 75, "", "Seconds between two pieces of a body.")
EDGE(INT, connections, idle_s, "60", 1, 600, "", "Seconds between two requests.")
EDGE_END(connections)

EDGE_BEGIN(ONE, bots, bots, 0, 1, "Programs that the edge refuses with 403, by their User-Agent.")
EDGE(CHOICE, bots, unnamed, "allowed", 0, 0, "allowed|refused", "Programs that send no User-Agent.")
EDGE(AGENTS, bots, agents, "", 0, 200, "", "Parts of a User-Agent to refuse; case does not matter.")
EDGE_END(bots)

EDGE_BEGIN(ONE, stuffing, stuffing, 0, 1, "Limits for failed log-ins (401), because somebody tries lists of passwords.")
EDGE(INT, stuffing, per_address, "20", 1, 100000, "", "Failed log-ins from one address within the window; then the edge bans it from logging in.")
EDGE(INT, stuffing, per_network, "200", 1, 1000000, "", "The same for one network.")
EDGE(INT, stuffing, window_s, "600", 10, 86400, "", "The window, in seconds.")
EDGE(INT, stuffing, ban_s, "1800", 10, 86400, "", "The length of the ban, in seconds; log-ins get 429.")
EDGE_END(stuffing)

EDGE_BEGIN(ONE, cdn, cdn, 0, 1, "The CDN before an edge node.")
EDGE(NETWORKS, cdn, networks, "", 0, 1000, "", "The CDN's addresses: the node trusts their X-Forwarded-For. None: customers connect to the node directly.")
EDGE_END(cdn)

EDGE_BEGIN(ONE, signing, signing, 0, 1, "How the edge signs the country (docs/EDGE.md).")
EDGE(NAME, signing, secret, "OVERROUND_EDGE_SECRET", 1, 64, "", "The name of the secret, not its value: an environment variable, or an entry in the CDN's store of secrets.")
EDGE_END(signing)

EDGE_BEGIN(ONE, tls, tls, 0, 1, "TLS with customers.")
EDGE(CHOICE, tls, minimum, "1.2", 0, 0, "1.2|1.3", "The oldest version.")
EDGE(INT, tls, hsts_s, "31536000", 0, 63072000, "", "How long browsers must use only HTTPS, in seconds; 0: the edge does not send the header.")
EDGE_END(tls)

EDGE_BEGIN(ONE, node, node, 0, 1, "An edge node of our own: nginx, Varnish, HAProxy.")
EDGE(HOST, node, listen, "0.0.0.0", 1, 253, "", "The address it listens on.")
EDGE(INT, node, port, "443", 1, 65535, "", "The port.")
EDGE(FILENAME, node, certificate, "", 0, 255, "", "The certificate chain and key in one PEM file. Empty: TLS ends before the node.")
EDGE(FILENAME, node, geoip, "", 0, 255, "", "A country database (.mmdb). Empty: the node does not know countries.")
EDGE(FILENAME, node, run, "/run/overround-edge", 1, 255, "", "A folder for the node's sockets and process ids.")
EDGE(FILENAME, node, cache, "/var/cache/overround-edge", 1, 255, "", "A folder for the cache.")
EDGE(INT, node, passed_s, "2000", 1, 1000000, "", "Requests a second that the node passes to the origins, from all addresses together; answers from the cache do not count.")
EDGE(INT, node, streams_s, "200", 1, 100000, "", "Streams a second that clients may open: when a CDN or another node fails, all clients reconnect at once.")
EDGE(FLAG, node, fanout, "true", 0, 0, "", "nginx only: streams go through the node's fan-out (overround fanout), which needs one subscription an event at the origin; if it does not answer, they go to the origin.")
EDGE(INT, node, cache_mb, "256", 8, 1000000, "", "The size of the cache, in MiB.")
EDGE_END(node)
