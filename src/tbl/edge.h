/*
 * What the operator decides about the edge: the keys of deploy/edge/edge.yaml.
 * The reader, struct edge_policy and deploy/edge/edge.schema.json come from it.
 *
 * EDGE_BEGIN(COUNT, type, key, least, most, "what it is")
 *     COUNT: ONE mapping; MANY, a list of so many mappings; EACH, a mapping from
 *     every rate class that is at the edge (tbl/rates.h) to one.
 *     struct edge_<type> has its keys as members; struct edge_policy has <key>,
 *     and n_<key> of MANY.
 * EDGE(KIND, type, key, "default", least, most, "a|b", "what it is")
 *     KIND: see src/tbl/edge_kinds.h.  The default NULL: it must be there.  Of numbers
 *     least and most are the range, of words the length, of lists the count.
 *     "a|b": what a CHOICE may be; its member is the place, counted from 0.
 */
#if !defined(EDGE_BEGIN) || !defined(EDGE) || !defined(EDGE_END)
#error "define EDGE_BEGIN, EDGE and EDGE_END before including tbl/edge.h"
#endif

EDGE_BEGIN(ONE, hostnames, hostnames, 1, 1, "Names that customers and operators use.")
EDGE(HOST, hostnames, public, NULL, 1, 253, "", "What customers type; the CDN answers it.")
EDGE(HOST, hostnames, direct, NULL, 1, 253, "", "Where DNS sends customers when the CDN is gone: the edge nodes, or the load balancer, itself.")
EDGE(HOST, hostnames, operator, NULL, 1, 253, "", "The operator listener's. No edge answers it, nor leads to it.")
EDGE_END(hostnames)

EDGE_BEGIN(MANY, origin, origins, 1, 16, "Where requests go from the edge: public listeners, or load balancers before them.")
EDGE(NAME, origin, name, NULL, 1, 32, "", "What configurations and logs call it.")
EDGE(HOST, origin, host, NULL, 1, 253, "", "Its name or address.")
EDGE(INT, origin, port, NULL, 1, 65535, "", "Its port.")
EDGE(FLAG, origin, tls, "true", 0, 0, "", "Whether it is spoken to with TLS; its certificate is checked against host.")
EDGE(CHOICE, origin, release, "stable", 0, 0, "stable|canary", "Which of two releases it serves; canary gets the share below.")
EDGE_END(origin)

EDGE_BEGIN(ONE, canary, canary, 0, 1, "Who gets a release under trial.")
EDGE(INT, canary, percent, "0", 0, 100, "", "How many of a hundred customers; 0: nobody.")
EDGE(CHOICE, canary, sticky, "cookie", 0, 0, "cookie|address", "By what a customer stays with a release: a cookie, or a hash of the address.")
EDGE(NAME, canary, cookie, "release", 1, 32, "", "The cookie's name.")
EDGE_END(canary)

EDGE_BEGIN(ONE, countries, countries, 1, 1, "What becomes of a country that no jurisdiction below names.")
EDGE(CHOICE, countries, elsewhere, NULL, 0, 0, "allowed|refused", "Any other country.")
EDGE(CHOICE, countries, unknown, NULL, 0, 0, "allowed|refused", "An address whose country nobody knows (XX).")
EDGE_END(countries)

EDGE_BEGIN(MANY, jurisdiction, jurisdictions, 0, 64, "Countries under one rule. Who is refused gets 451, but for the routes that are ABROAD in tbl/routes.h.")
EDGE(NAME, jurisdiction, name, NULL, 1, 32, "", "What it is called.")
EDGE(CHOICE, jurisdiction, betting, NULL, 0, 0, "allowed|refused", "Whether the house takes bets from there.")
EDGE(COUNTRIES, jurisdiction, countries, NULL, 1, 250, "", "ISO 3166-1 alpha-2, in upper case, quoted where YAML would read something else (\"NO\").")
EDGE_END(jurisdiction)

EDGE_BEGIN(EACH, rate, rates, 0, 0, "How many requests of a class pass; more are answered 429.")
EDGE(INT, rate, per_address, NULL, 1, 1000000, "", "Requests a minute of one address.")
EDGE(INT, rate, per_network, NULL, 1, 10000000, "", "Requests a minute of one network, whose size is below.")
EDGE(INT, rate, burst, NULL, 1, 100000, "", "Requests of one address that may come at once; of a network, ten times as many.")
EDGE_END(rate)

EDGE_BEGIN(ONE, networks, networks, 0, 1, "What a network is, to be limited as a whole.")
EDGE(INT, networks, ipv4, "24", 8, 32, "", "Bits of an IPv4 address.")
EDGE(INT, networks, ipv6, "48", 16, 64, "", "Bits of an IPv6 address.")
EDGE_END(networks)

EDGE_BEGIN(ONE, connections, connections, 0, 1, "Of one address, before a request is whole.")
EDGE(INT, connections, per_address, "200", 1, 100000, "", "Connections at a time.")
EDGE(INT, connections, header_s, "10", 1, 75, "", "Seconds for a request's head to arrive.")
EDGE(INT, connections, body_s, "10", 1, 75, "", "Seconds between two pieces of a body.")
EDGE(INT, connections, idle_s, "60", 1, 600, "", "Seconds between two requests.")
EDGE_END(connections)

EDGE_BEGIN(ONE, bots, bots, 0, 1, "Programs that are refused with 403 by their User-Agent.")
EDGE(CHOICE, bots, unnamed, "allowed", 0, 0, "allowed|refused", "What sends no User-Agent.")
EDGE(AGENTS, bots, agents, "", 0, 200, "", "Pieces of a User-Agent, without regard to case.")
EDGE_END(bots)

EDGE_BEGIN(ONE, stuffing, stuffing, 0, 1, "Log-ins that fail (401): somebody tries lists of passwords.")
EDGE(INT, stuffing, per_address, "20", 1, 100000, "", "So many of one address within the window, and it may not log in any more.")
EDGE(INT, stuffing, per_network, "200", 1, 1000000, "", "So many of one network.")
EDGE(INT, stuffing, window_s, "600", 10, 86400, "", "The window, in seconds.")
EDGE(INT, stuffing, ban_s, "1800", 10, 86400, "", "How long log-ins are answered 429 then, in seconds.")
EDGE_END(stuffing)

EDGE_BEGIN(ONE, cdn, cdn, 0, 1, "The CDN before an edge node.")
EDGE(NETWORKS, cdn, networks, "", 0, 1000, "", "Its addresses: whose X-Forwarded-For is believed. None: customers come to the node themselves.")
EDGE_END(cdn)

EDGE_BEGIN(ONE, signing, signing, 0, 1, "How the edge vouches for the country (docs/EDGE.md).")
EDGE(NAME, signing, secret, "OVERROUND_EDGE_SECRET", 1, 64, "", "The name, not the value, of the secret: an environment variable, or an entry of the CDN's store of secrets.")
EDGE_END(signing)

EDGE_BEGIN(ONE, tls, tls, 0, 1, "TLS with customers.")
EDGE(CHOICE, tls, minimum, "1.2", 0, 0, "1.2|1.3", "The oldest version.")
EDGE(INT, tls, hsts_s, "31536000", 0, 63072000, "", "How long browsers keep to HTTPS, in seconds; 0: the header is not sent.")
EDGE_END(tls)

EDGE_BEGIN(ONE, node, node, 0, 1, "An edge node of our own: nginx, Varnish, HAProxy.")
EDGE(HOST, node, listen, "0.0.0.0", 1, 253, "", "The address it listens on.")
EDGE(INT, node, port, "443", 1, 65535, "", "The port.")
EDGE(FILENAME, node, certificate, "", 0, 255, "", "Its chain and key in one PEM file. Empty: TLS has ended before it.")
EDGE(FILENAME, node, geoip, "", 0, 255, "", "A country database (.mmdb). Empty: the country is not known.")
EDGE(FILENAME, node, run, "/run/overround-edge", 1, 255, "", "A folder for its sockets and process ids.")
EDGE(FILENAME, node, cache, "/var/cache/overround-edge", 1, 255, "", "A folder for what is cached.")
EDGE(INT, node, passed_s, "2000", 1, 1000000, "", "Requests a second that it passes on to the origins, of all addresses together; what is kept does not count.")
EDGE(INT, node, streams_s, "200", 1, 100000, "", "Streams a second that may be opened: when a CDN or another node goes, everybody comes again at once.")
EDGE(FLAG, node, fanout, "true", 0, 0, "", "nginx: streams go by the node's fan-out (overround fanout), whose origin has one subscription an event; past it where it does not answer.")
EDGE(INT, node, cache_mb, "256", 8, 1000000, "", "How much is cached, in MiB.")
EDGE_END(node)
