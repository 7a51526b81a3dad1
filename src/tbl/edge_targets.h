/*
 * The targets for which `overround edge --for` writes configurations.  Each
 * target's function is in src/edge/<name>.c (see edge/edge.h).
 *
 * EDGE_TARGET(name, function, "how it was tested", "what it writes")
 */
#ifndef EDGE_TARGET
#error "define EDGE_TARGET before including tbl/edge_targets.h"
#endif
EDGE_TARGET(varnish, edge_varnish, "run: tests/edge/varnish_test.js", "VCL 4.1 of Varnish 7.1")
EDGE_TARGET(nginx, edge_nginx, "run: tests/edge/*_test.js", "the nginx.conf of a node of our own: nginx 1.22, GeoIP2, ModSecurity")
EDGE_TARGET(cloudfront, edge_cloudfront, "function run in Node, JSON checked against the AWS SDK", "a distribution's configuration and a CloudFront Function")
EDGE_TARGET(cloudflare, edge_cloudflare, "Worker run in workerd, JSON checked against the cloudflare package", "rulesets and settings of a zone, and a Worker")
EDGE_TARGET(fastly, edge_fastly, "not run; carried out by a reader of ours: tests/edge/fastly_test.js", "VCL of a service")
EDGE_TARGET(akamai, edge_akamai, "not run; only checked for shape", "the rule tree of a property")
EDGE_TARGET(bunny, edge_bunny, "not run; names checked against bunny-sdk", "a pull zone and its edge rules")
EDGE_TARGET(haproxy, edge_haproxy, "run: tests/edge/haproxy_test.js", "haproxy.cfg of HAProxy 2.6, and its maps of routes")
EDGE_TARGET(server, edge_server, "run: tests/edge/server_test.js", "the server's own lists of countries, as environment and as values of the chart")
