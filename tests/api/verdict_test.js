// overround verdict: usage, and what stands where Prometheus should be.  With a
// real one: tests/release.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { describe, test } = require('node:test');
const { run, runAsync } = require('./lib/server');
const { makeFolder } = require('./lib/store');

const TRACKS = ['--stable', 'track="stable"', '--canary', 'track="canary"'];

// Somebody answers, whatever is asked; { status, stdout, stderr } of the verdict.
async function against(answer, more = [], seen = {}) {
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (text) => (body += text));
    request.on('end', () => {
      Object.assign(seen, { url: request.url, headers: request.headers, body });
      response.writeHead(answer.status ?? 200, answer.headers).end(answer.body);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/prometheus/`;
  const env = { OVERROUND_PROMETHEUS_TOKEN: 'the-token' };
  try {
    return await runAsync(['verdict', '--prometheus', url, ...TRACKS, ...more], { env }).done;
  } finally {
    server.close();
  }
}

const json = (value) => ({ body: JSON.stringify(value) });
const matrix = (result) => json({ status: 'success', data: { resultType: 'matrix', result } });

describe('overround verdict', () => {
  test('usage: 2', () => {
    const all = ['--prometheus', 'http://127.0.0.1:1', ...TRACKS];
    for (const args of [[], TRACKS, [...all, '--window', '5'], [...all, '--min-bets', 'many'],
      [...all, '--nonsense'], [...all, '--store']]) {
      const { status, stderr } = run(['verdict', ...args]);
      assert.equal(status, 2, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, /see overround verdict --help/);
    }
    assert.match(run(['verdict', '--help']).stdout, /exit: 0 promote, 10 wait, 20 roll back/);
  });

  test('nobody answers, or not Prometheus: 1, and why', async () => {
    const none = run(['verdict', '--prometheus', 'http://127.0.0.1:1', ...TRACKS]);
    assert.equal(none.status, 1);
    assert.match(none.stderr, /Failed to connect/);
    const wrong = [
      [{ body: '<html>' }, /this is no answer of Prometheus's API/],
      [json({ status: 'success', data: { resultType: 'vector', result: [] } }), /no answer/],
      [json({ status: 'error', error: 'it is too much' }), /refuses the query: it is too much/],
      [{ status: 401, body: '' }, /Prometheus answers with status 401/],
      [{ body: Buffer.alloc(65 << 20, ' ') }, /the answer is too large: take a shorter window/],
    ];
    for (const [answer, why] of wrong) {
      const done = await against(answer);
      assert.equal(done.status, 1, done.stdout);
      assert.match(done.stderr, why);
    }
  });

  test('nothing is known: wait, and what is missing; the query and its token', async () => {
    const seen = {};
    const done = await against(matrix([]), ['--json', '--window', '90s'], seen);
    assert.equal(done.status, 10, done.stderr);
    const { verdict, checks } = JSON.parse(done.stdout);
    assert.equal(verdict, 'wait');
    const why = checks.map((check) => check.why).join('\n');
    assert.match(why, /Prometheus has no process of the canary in the window/);
    assert.match(why, /the canary has 0 of 500, 500 are missing/);
    assert.equal(seen.url, '/prometheus/api/v1/query');
    assert.equal(seen.headers.authorization, 'Bearer the-token');
    const query = new URLSearchParams(seen.body).get('query');
    assert.match(query, /^\{track="canary",__name__=~"up\|[a-z_|]+"\}\[90000ms\]$/);
  });

  test('what cannot be a number is left out', async () => {
    const series = (name, values, more) =>
      ({ metric: { __name__: name, instance: 'a', ...more }, values });
    const done = await against(matrix([
      series('up', [[1, '1'], [2, 'NaN'], [3, '1']]),
      series('overround_bets_total', [[1, '+Inf']], { result: 'accepted' }),
      series('overround_bets_total', [[1, '5'], [2, 'x'], [3, '1e3']], { result: 'accepted' }),
      { metric: {}, values: [] }, { values: 7 }, 7,
    ]), ['--json']);
    assert.equal(done.status, 0, done.stderr);
    const bets = JSON.parse(done.stdout).checks.find((check) => check.check === 'bets');
    assert.deepEqual([bets.stable, bets.canary], ['995', '995']);
  });

  test('a difference that shadow grading found is the end', async () => {
    const file = path.join(makeFolder(), 'shadow.json');
    const report = { rules: '1-a', settled: 9, open: 2, passed: 0, differences: 1,
      first: ['bet 1/2: was paid 649, this program pays 650'] };
    fs.writeFileSync(file, JSON.stringify(report));
    const done = await against(matrix([]), ['--shadow', file]);
    assert.equal(done.status, 20, done.stderr);
    assert.match(done.stdout, /^shadow grading +1 of 11 +roll back$/m);
    assert.match(done.stdout, /^roll back: .* was paid 649, this program pays 650$/m);
    assert.match(done.stdout, /^verdict: roll back\n$/m);
    fs.writeFileSync(file, '{}');
    assert.match((await against(matrix([]), ['--shadow', file])).stderr, /shadow\.json: .*rules/);
  });
});
