import cf from 'cloudfront';
// Written by `overround edge --for cloudfront` from edge.yaml and src/tbl/routes.h;
// change those, not this.  Proven: run in Node: tests/edge/cloudfront_test.js.
const crypto = require('crypto');
const PROBLEMS = {
  403: '{"type":"https://overround.dev/problems/client_refused","title":"This program is refused","status":403,"code":"client_refused"}',
  404: '{"type":"https://overround.dev/problems/not_found","title":"There is no such thing","status":404,"code":"not_found"}',
  405: '{"type":"https://overround.dev/problems/method_not_allowed","title":"The method is not allowed here","status":405,"code":"method_not_allowed"}',
  413: '{"type":"https://overround.dev/problems/too_large","title":"The body is too large","status":413,"detail":"the request has a larger body than this call takes","code":"too_large"}',
  451: '{"type":"https://overround.dev/problems/country_refused","title":"Not from this country","status":451,"code":"country_refused"}',
  503: '{"type":"https://overround.dev/problems/busy","title":"Not now; try again with the same key","status":503,"detail":"no process could answer; what became of it is told to the same key","code":"busy"}',
};
const EXACT = {
  '/v1/accounts': { allow: 'POST', POST: [0, 65536] },
  '/v1/sessions': { allow: 'POST, GET, DELETE', POST: [1, 65536], GET: [1, 0], DELETE: [1, 0] },
  '/v1/limits': { allow: 'GET, PUT', GET: [1, 0], PUT: [1, 65536] },
  '/v1/exclusion': { allow: 'PUT', PUT: [1, 65536] },
  '/v1/wallet': { allow: 'GET', GET: [1, 0] },
  '/v1/wallet/deposits': { allow: 'POST', POST: [0, 65536] },
  '/v1/wallet/withdrawals': { allow: 'POST', POST: [1, 65536] },
  '/v1/wallet/transfers': { allow: 'GET', GET: [1, 0] },
  '/v1/bets': { allow: 'POST, GET', POST: [0, 65536], GET: [1, 0] },
  '/v1/sports': { allow: 'GET', GET: [0, 0] },
  '/v1/events': { allow: 'GET', GET: [0, 0] },
  '/v1/stream': { allow: 'GET', GET: [0, 0] },
  '/': { allow: 'GET', GET: [0, 0] },
  '/bets': { allow: 'GET', GET: [1, 0] },
  '/wallet': { allow: 'GET', GET: [1, 0] },
  '/account': { allow: 'GET', GET: [1, 0] },
};
const PARTS = [
  [/^\/v1\/bets\/[^\/]+\/cashout$/, { allow: 'POST', POST: [1, 65536] }],
  [/^\/v1\/bets\/[^\/]+$/, { allow: 'GET', GET: [1, 0] }],
  [/^\/v1\/events\/[^\/]+$/, { allow: 'GET', GET: [0, 0] }],
  [/^\/v1\/events\/[^\/]+\/stream$/, { allow: 'GET', GET: [0, 0] }],
  [/^\/event\/[^\/]+$/, { allow: 'GET', GET: [0, 0] }],
  [/^\/assets\/[^\/]+$/, { allow: 'GET', GET: [1, 0] }],
];
const REFUSED = {
  US: true, PR: true, GU: true, VI: true, AS: true, MP: true, FR: true, IT: true,
  ES: true, DE: true, NL: true, BE: true, DK: true, SE: true, NO: true, PL: true,
  PT: true, RO: true, GR: true, CZ: true, CH: true, AU: true, SG: true, CU: true,
  IR: true, KP: true, SY: true,
  MT: false, IE: false, AT: false, FI: false, IS: false, LU: false, LV: false, NZ: false,
  GB: false, GI: false, IM: false, JE: false, GG: false,
};
const UNKNOWN_REFUSED = true;
const ELSEWHERE_REFUSED = true;
const AGENTS = [
  'sqlmap', 'nikto', 'nmap', 'masscan',
  'zgrab', 'nuclei', 'dirbuster', 'gobuster',
  'hydra', 'scrapy', 'python-requests', 'libwww-perl',
  'ahrefsbot', 'semrushbot', 'mj12bot', 'dotbot',
  'petalbot', 'bytespider', 'gptbot', 'ccbot',
];
const UNNAMED_REFUSED = true;
const CANARY_PERCENT = 0;
const STICKY_COOKIE = true;
const COOKIE = 'release';
const SECRET = 'OVERROUND_EDGE_SECRET'; // its name
const CANARY_ORIGIN = 'trial';

// What the house answers by itself; the codes are tbl/refusals.h's, and the edge's own.
const REASONS = { 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed',
  413: 'Content Too Large', 451: 'Unavailable For Legal Reasons' };
// Headers by which a request tells another path, method or host than its own, or
// claims what only an edge may say.
const FORGED = ['x-http-method-override', 'x-http-method', 'x-method-override',
  'x-original-url', 'x-rewrite-url', 'x-forwarded-host', 'x-forwarded-port',
  'x-forwarded-prefix', 'forwarded', 'x-host', 'x-overround-country', 'x-overround-release'];
// A dot, slash, backslash, percent, question mark, hash, semicolon or control
// character in disguise; two slashes; a segment of dots.
const TRICK = /[^!-~]|\\|;|\/\/|\/\.{1,2}(\/|$)|%(?![0-9a-f]{2})|%(2e|2f|5c|25|3f|23|3b|7f|[01])/i;

function answer(status, more) {
  const headers = { 'content-type': { value: 'application/problem+json' },
    'cache-control': { value: 'no-store' } };
  for (const name in more) headers[name] = { value: more[name] };
  return { statusCode: status, statusDescription: REASONS[status], headers: headers,
    body: { encoding: 'text', data: PROBLEMS[status] } };
}

function valueOf(headers, name) {
  return headers[name] ? headers[name].value : '';
}

// The methods of a path; undefined: there is no such path.
function methodsOf(uri) {
  if (EXACT[uri]) return EXACT[uri];
  for (let i = 0; i < PARTS.length; i++) if (PARTS[i][0].test(uri)) return PARTS[i][1];
  return undefined;
}

function countryOf(headers) {
  const country = valueOf(headers, 'cloudfront-viewer-country');
  return /^[A-Z]{2}$/.test(country) ? country : 'XX';
}

function isRefused(country) {
  if (country === 'XX') return UNKNOWN_REFUSED;
  return country in REFUSED ? REFUSED[country] : ELSEWHERE_REFUSED;
}

function isBot(headers) {
  const agent = valueOf(headers, 'user-agent').toLowerCase();
  if (agent === '') return UNNAMED_REFUSED;
  return AGENTS.some(function (piece) {
    return agent.indexOf(piece) >= 0;
  });
}

// The same customer, the same release: by the cookie, else by the address.
function releaseOf(event) {
  const cookie = STICKY_COOKIE && event.request.cookies[COOKIE];
  if (CANARY_PERCENT === 0) return 'stable';
  if (cookie && (cookie.value === 'stable' || cookie.value === 'canary')) return cookie.value;
  const hash = crypto.createHash('sha256').update(event.viewer.ip).digest('hex');
  return parseInt(hash.slice(0, 8), 16) % 100 < CANARY_PERCENT ? 'canary' : 'stable';
}

// docs/EDGE.md, "The country".  Without its secret the request goes unsigned: then
// the server takes no bets and no registrations, and all else goes on.
async function sign(request, country, ip) {
  let secret;
  try {
    secret = await cf.kvs().get(SECRET);
  } catch (error) {
    return;
  }
  const at = Math.floor(Date.now() / 1000);
  const sig = crypto.createHmac('sha256', secret).update(country + '|' + ip + '|' + at)
    .digest('hex');
  request.headers['x-overround-country'] = { value: country + ';t=' + at + ';sig=' + sig };
}

async function onRequest(event) {
  const request = event.request;
  const headers = request.headers;
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  if (isBot(headers)) return answer(403);
  if (request.uri.length > 1024 || TRICK.test(request.uri)) return answer(404);
  request.uri = request.uri.replace(/%3a/gi, ':'); // as ids have it: one key for both
  const methods = methodsOf(request.uri);
  if (!methods) return answer(404);
  const row = methods[method];
  if (!row) return answer(405, { allow: methods.allow });
  if (Number(valueOf(headers, 'content-length') || 0) > row[1]) return answer(413);
  const country = countryOf(headers);
  if (!row[0] && isRefused(country)) return answer(451);
  FORGED.forEach(function (name) {
    delete headers[name];
  });
  const release = releaseOf(event);
  headers['x-overround-release'] = { value: release };
  if (release === 'canary') cf.selectRequestOriginById(CANARY_ORIGIN);
  await sign(request, country, event.viewer.ip);
  return request;
}

function onResponse(event) {
  const response = event.response;
  const cookies = event.request.cookies || {};
  if (STICKY_COOKIE && CANARY_PERCENT > 0 && !cookies[COOKIE]) {
    response.cookies = response.cookies || {};
    response.cookies[COOKIE] = { value: releaseOf(event),
      attributes: 'Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax' };
  }
  return response;
}

async function handler(event) {
  return event.context.eventType === 'viewer-response' ? onResponse(event) : onRequest(event);
}
