// Written by `overround edge --for cloudflare` from edge.yaml and src/tbl/routes.h;
// change those, not this.  Proven: run in workerd: tests/edge/cloudflare_test.js.
const PROBLEMS = {
  403: '{"type":"https://overround.dev/problems/client_refused","title":"This program is refused","status":403,"code":"client_refused"}',
  404: '{"type":"https://overround.dev/problems/not_found","title":"There is no such thing","status":404,"code":"not_found"}',
  405: '{"type":"https://overround.dev/problems/method_not_allowed","title":"The method is not allowed here","status":405,"code":"method_not_allowed"}',
  413: '{"type":"https://overround.dev/problems/too_large","title":"The body is too large","status":413,"detail":"the request has a larger body than this call takes","code":"too_large"}',
  451: '{"type":"https://overround.dev/problems/country_refused","title":"Not from this country","status":451,"code":"country_refused"}',
  503: '{"type":"https://overround.dev/problems/busy","title":"Not now; try again with the same key","status":503,"detail":"no process could answer; what became of it is told to the same key","code":"busy"}',
};
const EXACT = {
  '/v1/accounts': { allow: 'POST', POST: { abroad: false, body: 65536 } },
  '/v1/sessions': { allow: 'POST, GET, DELETE', POST: { abroad: true, body: 65536 }, GET: { abroad: true, body: 0 }, DELETE: { abroad: true, body: 0 } },
  '/v1/limits': { allow: 'GET, PUT', GET: { abroad: true, body: 0 }, PUT: { abroad: true, body: 65536 } },
  '/v1/exclusion': { allow: 'PUT', PUT: { abroad: true, body: 65536 } },
  '/v1/wallet': { allow: 'GET', GET: { abroad: true, body: 0 } },
  '/v1/wallet/deposits': { allow: 'POST', POST: { abroad: false, body: 65536 } },
  '/v1/wallet/withdrawals': { allow: 'POST', POST: { abroad: true, body: 65536 } },
  '/v1/wallet/transfers': { allow: 'GET', GET: { abroad: true, body: 0 } },
  '/v1/bets': { allow: 'POST, GET', POST: { abroad: false, body: 65536 }, GET: { abroad: true, body: 0 } },
  '/v1/sports': { allow: 'GET', GET: { abroad: false, body: 0, fresh: 1, revalidate: 1, error: 30 } },
  '/v1/events': { allow: 'GET', GET: { abroad: false, body: 0, fresh: 1, revalidate: 1, error: 30, query: ['after', 'limit', 'sport', 'state'] } },
  '/v1/stream': { allow: 'GET', GET: { abroad: false, body: 0 } },
  '/': { allow: 'GET', GET: { abroad: false, body: 0, fresh: 10, revalidate: 60, error: 3600 } },
  '/bets': { allow: 'GET', GET: { abroad: true, body: 0, fresh: 10, revalidate: 60, error: 3600 } },
  '/wallet': { allow: 'GET', GET: { abroad: true, body: 0, fresh: 10, revalidate: 60, error: 3600 } },
  '/account': { allow: 'GET', GET: { abroad: true, body: 0, fresh: 10, revalidate: 60, error: 3600 } },
};
const PARTS = [
  [/^\/v1\/bets\/[^\/]+\/cashout$/, { allow: 'POST', POST: { abroad: true, body: 65536 } }],
  [/^\/v1\/bets\/[^\/]+$/, { allow: 'GET', GET: { abroad: true, body: 0 } }],
  [/^\/v1\/events\/[^\/]+$/, { allow: 'GET', GET: { abroad: false, body: 0, fresh: 1, revalidate: 1, error: 30 } }],
  [/^\/v1\/events\/[^\/]+\/stream$/, { allow: 'GET', GET: { abroad: false, body: 0 } }],
  [/^\/event\/[^\/]+$/, { allow: 'GET', GET: { abroad: false, body: 0, fresh: 10, revalidate: 60, error: 3600 } }],
  [/^\/assets\/[^\/]+$/, { allow: 'GET', GET: { abroad: true, body: 0, fresh: 31536000, revalidate: 0, error: 0 } }],
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
const ORIGINS = {
  stable: [
    'https://origin.example.com:443',
  ],
  canary: [
    'https://trial.example.com:443',
  ],
};
const HOSTNAME = 'www.example.com';
const HSTS = 'max-age=31536000';

// Headers by which a request tells another path, method or host than its own, or
// claims what only an edge may say.
const FORGED = ['x-http-method-override', 'x-http-method', 'x-method-override',
  'x-original-url', 'x-rewrite-url', 'x-forwarded-host', 'x-forwarded-port',
  'x-forwarded-prefix', 'x-forwarded-for', 'forwarded', 'x-host', 'x-edge-country',
  'x-overround-country', 'x-overround-release'];
// A dot, slash, backslash, percent, question mark, hash, semicolon or control
// character in disguise; two slashes; a segment of dots.
const TRICK = /[^!-~]|\\|;|\/\/|\/\.{1,2}(\/|$)|%(?![0-9a-f]{2})|%(2e|2f|5c|25|3f|23|3b|7f|[01])/i;
// What the cache keeps beside an answer, and customers do not see.
const OWN = ['x-kept-at', 'cache-tag', 'surrogate-key'];
const WAIT_MS = 25; // between two looks for what another request fetches
const WAITS = 80;

const encoder = new TextEncoder();
// By key: until when a request of this process is fetching it.  Numbers only: what
// belongs to one request (a promise, a body) may not be used by another.
const fetching = new Map();

function problem(status, headers = {}) {
  return new Response(PROBLEMS[status], { status, headers: {
    'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers } });
}

// URL has resolved segments of dots, in disguise too; the origin gets what is left.
function pathOf(url) {
  return url.pathname.replace(/%3a/gi, ':'); // as ids have it: one key for both
}

function methodsOf(path) {
  if (Object.hasOwn(EXACT, path)) return EXACT[path];
  return PARTS.find(([pattern]) => pattern.test(path))?.[1];
}

// T1 is Tor: nobody knows whence.
function countryOf(request) {
  const country = request.cf?.country ?? 'XX';
  return /^[A-Z]{2}$/.test(country) ? country : 'XX';
}

function isRefused(country) {
  if (country === 'XX') return UNKNOWN_REFUSED;
  return Object.hasOwn(REFUSED, country) ? REFUSED[country] : ELSEWHERE_REFUSED;
}

function isBot(headers) {
  const agent = (headers.get('user-agent') ?? '').toLowerCase();
  return agent === '' ? UNNAMED_REFUSED : AGENTS.some((piece) => agent.includes(piece));
}

const hexOf = (bytes) => [...new Uint8Array(bytes)]
  .map((byte) => byte.toString(16).padStart(2, '0')).join('');

// ---- who gets which release ------------------------------------------------------

function cookieOf(headers) {
  for (const pair of (headers.get('cookie') ?? '').split(';')) {
    const [name, value] = pair.trim().split('=');
    if (name === COOKIE && (value === 'stable' || value === 'canary')) return value;
  }
  return undefined;
}

// The same customer, the same release: by the cookie, else by the address.
async function releaseOf(headers, ip) {
  if (CANARY_PERCENT === 0) return { release: 'stable', isNew: false };
  const cookie = STICKY_COOKIE ? cookieOf(headers) : undefined;
  if (cookie) return { release: cookie, isNew: false };
  const hash = new DataView(await crypto.subtle.digest('SHA-256', encoder.encode(ip)));
  const release = hash.getUint32(0) % 100 < CANARY_PERCENT ? 'canary' : 'stable';
  return { release, isNew: STICKY_COOKIE };
}

// ---- to the origin -----------------------------------------------------------------

// docs/EDGE.md, "The country".  Without its secret the request goes unsigned: then
// the server takes no bets and no registrations, and all else goes on.
async function signature(env, country, ip) {
  if (!env[SECRET]) return undefined;
  const key = await crypto.subtle.importKey('raw', encoder.encode(env[SECRET]),
    { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const at = Math.floor(Date.now() / 1000);
  const sig = await crypto.subtle.sign('HMAC', key, encoder.encode(`${country}|${ip}|${at}`));
  return `${country};t=${at};sig=${hexOf(sig)}`;
}

function headersTo(asked, ask) {
  const headers = new Headers(asked);
  for (const name of FORGED) headers.delete(name);
  if (ask.keep) for (const name of ['cookie', 'authorization', 'range']) headers.delete(name);
  headers.set('x-forwarded-for', ask.ip);
  headers.set('x-forwarded-proto', 'https');
  if (ask.signed && !ask.keep) headers.set('x-edge-country', ask.signed);
  return headers;
}

// One origin after the other, while that cannot do a thing twice: reading, and what
// carries an Idempotency-Key.
async function fetchOrigin(ask) {
  const origins = ORIGINS[ask.release];
  const again = ask.method === 'GET' || ask.headers.has('idempotency-key');
  const first = Math.floor(Math.random() * origins.length);
  let last;
  for (let i = 0; i < origins.length; i++) {
    try {
      const answer = await fetch(origins[(first + i) % origins.length] + ask.path + ask.query, {
        method: ask.method, headers: ask.headers, body: ask.body, redirect: 'manual' });
      if (answer.status !== 502 && answer.status !== 503) return answer;
      last = answer;
    } catch (error) {
      last = undefined;
    }
    if (!again) break;
  }
  return last ?? problem(503, { 'retry-after': '1' });
}

// ---- the cache ------------------------------------------------------------------------

const ageOf = (kept) => (Date.now() - Number(kept.headers.get('x-kept-at'))) / 1000;

// What may be kept: 200, and not what the server itself takes back (no-store, or a
// cookie for one customer).
function mayKeep(answer) {
  return answer.status === 200 && !answer.headers.has('set-cookie') &&
    /(^|[ ,])public([ ,]|$)/.test(answer.headers.get('cache-control') ?? '');
}

// Asks the origin; keeps and gives what came.  The cache itself would forget an
// answer when it is no longer fresh, so its Cache-Control there is how long it may be
// given when the origin is away; the server's own goes with it.
async function refresh(key, ask) {
  fetching.set(key.url, Date.now() + WAIT_MS * WAITS);
  try {
    const answer = await fetchOrigin(ask);
    if (!mayKeep(answer)) return answer;
    const body = await answer.arrayBuffer();
    const headers = new Headers(answer.headers);
    headers.set('x-kept-at', String(Date.now()));
    headers.set('x-cache-control', headers.get('cache-control'));
    headers.set('cache-control', `max-age=${ask.row.fresh + ask.row.error}`);
    headers.delete('vary');
    headers.delete('content-encoding');
    headers.delete('content-length');
    const kept = new Response(body, { status: 200, headers });
    await caches.default.put(key, kept.clone());
    return kept;
  } finally {
    fetching.delete(key.url);
  }
}

// Nothing is kept, and another request of this process is already asking: its answer
// is in the cache in a moment.
async function waitFor(key) {
  for (let i = 0; i < WAITS && (fetching.get(key.url) ?? 0) > Date.now(); i++) {
    await scheduler.wait(WAIT_MS);
    const kept = await caches.default.match(key);
    if (kept && ageOf(kept) <= 1) return kept;
  }
  return undefined;
}

async function fromCache(ask, ctx) {
  const key = new Request(`https://${HOSTNAME}/${ask.release}${ask.path}${ask.query}`);
  const kept = await caches.default.match(key);
  const { fresh, revalidate, error } = ask.row;
  const age = kept ? ageOf(kept) : Infinity;
  if (age <= fresh) return kept;
  const isAsked = (fetching.get(key.url) ?? 0) > Date.now();
  if (age <= fresh + revalidate) {
    if (!isAsked) ctx.waitUntil(refresh(key, ask));
    return kept;
  }
  if (isAsked) {
    const theirs = await waitFor(key);
    if (theirs) return theirs;
  }
  const answer = await refresh(key, ask);
  return answer.status >= 500 && age <= fresh + error ? kept : answer;
}

// ---- in and out --------------------------------------------------------------------------

// Only these make different lists; any other would be a key of its own.
function queryOf(url, names) {
  const pairs = names.filter((name) => url.searchParams.has(name))
    .map((name) => `${name}=${encodeURIComponent(url.searchParams.get(name))}`);
  return pairs.length ? `?${pairs.join('&')}` : '';
}

function etagMatches(asked, etag) {
  return etag && asked && (asked === '*' || asked.includes(etag.replace(/^W\//, '')));
}

function finish(answer, ask, asked) {
  if (answer.webSocket) return answer;
  const etag = answer.headers.get('etag');
  const same = ask.keep && answer.status === 200 && etagMatches(asked.get('if-none-match'), etag);
  const body = same || ask.isHead || answer.status === 304 ? null : answer.body;
  const out = new Response(body, { status: same ? 304 : answer.status, headers: answer.headers });
  if (out.headers.has('x-cache-control')) {
    out.headers.set('cache-control', out.headers.get('x-cache-control'));
    out.headers.set('age', String(Math.floor(ageOf(answer))));
  }
  for (const name of ['x-cache-control', ...OWN]) out.headers.delete(name);
  if (HSTS) out.headers.set('strict-transport-security', HSTS);
  if (ask.isNew) {
    out.headers.append('set-cookie',
      `${COOKIE}=${ask.release}; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax`);
  }
  return out;
}

// null: it is larger than this call takes, whatever it says of itself.
async function bodyOf(request, most) {
  if (!request.body) return undefined;
  const parts = [];
  let size = 0;
  for await (const part of request.body) {
    size += part.byteLength;
    if (size > most) return null;
    parts.push(part);
  }
  return size === 0 ? undefined : new Blob(parts).arrayBuffer();
}

async function answer(request, env, ctx) {
  const url = new URL(request.url);
  const path = pathOf(url);
  if (isBot(request.headers)) return problem(403);
  if (path.length > 1024 || TRICK.test(path)) return problem(404);
  const methods = methodsOf(path);
  if (!methods) return problem(404);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const row = methods[method];
  if (!row) return problem(405, { allow: methods.allow });
  const country = countryOf(request);
  if (!row.abroad && isRefused(country)) return problem(451);
  const body = await bodyOf(request, row.body);
  if (body === null) return problem(413);
  const ip = request.headers.get('cf-connecting-ip') ?? '';
  const ask = { path, method, row, ip, body, keep: (row.fresh ?? 0) > 0,
    isHead: request.method === 'HEAD', signed: await signature(env, country, ip),
    ...await releaseOf(request.headers, ip) };
  ask.query = ask.keep ? queryOf(url, row.query ?? []) : url.search;
  ask.headers = headersTo(request.headers, ask);
  if (ask.keep) ask.headers.delete('if-none-match');
  const given = ask.keep ? await fromCache(ask, ctx) : await fetchOrigin(ask);
  return finish(given, ask, request.headers);
}

export default { fetch: answer };
