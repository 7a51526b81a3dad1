// overround smoke, which `helm test` runs: one bet from registration to payout.
'use strict';

const assert = require('node:assert/strict');
const { before, after, describe, test } = require('node:test');
const { SECRET } = require('./lib/edge');
const { runAsync, startServer } = require('./lib/server');
const { oneProcess } = require('./lib/shape');
const { makeStore } = require('./lib/store');

describe('smoke', () => {
  let store, server;

  before(async () => {
    store = makeStore();
    server = await startServer({ store: store.url });
  });
  after(async () => {
    await server.stop();
    store.remove();
  });

  const smoke = (token, ...more) => runAsync(['smoke', '--url', server.publicUrl,
    '--operator-url', server.operatorUrl, '--token', token, ...more]).done;

  test('says each step, twice in a row, and leaves no match behind', async () => {
    for (const time of ['first', 'second']) {
      const out = await smoke(server.token);
      assert.equal(out.status, 0, `${time}: ${out.stderr}`);
      assert.deepEqual(out.stdout.split('\n').map((line) => line.replace(/ +\d+ ms$/, '')), [
        'register', 'deposit 10.00', 'offer a match', 'bet 1.00 at 2.50', 'settle it',
        'be paid 2.50', 'a bet was placed, settled and paid', '',
      ]);
    }
    assert.deepEqual((await server.call('GET', '/v1/events')).json.events, []);
  });

  test('names the step that fails', async () => {
    const out = await smoke('nobody');
    assert.equal(out.status, 1);
    assert.match(out.stderr, /^overround smoke: cannot offer a match: 401 /);
    assert.match(out.stdout, /^register +\d+ ms\ndeposit 10\.00 +\d+ ms\n$/);
  });

  // What is made of a signature in a cluster: country_test.js.
  oneProcess(test)('signs as the edge where the server wants that', async () => {
    const settings = { 'edge-secret': SECRET, 'countries-allowed': 'MT' };
    for (const proxies of [0, 2]) {
      const place = makeStore();
      const home = await startServer({ store: place.url, options: { ...settings, proxies } });
      const ask = (env, ...more) => runAsync(['smoke', '--url', home.publicUrl,
        '--operator-url', home.operatorUrl, '--token', home.token, ...more], { env }).done;
      const env = { OVERROUND_EDGE_SECRET: SECRET };
      const signed = await ask(env, '--country', 'MT');
      assert.equal(signed.status, 0, signed.stderr);
      assert.match((await ask(env)).stderr, /cannot register: 451 /);
      assert.match((await ask({})).stderr, /cannot register: 403 /);
      await home.stop();
      place.remove();
    }
  });

  test('needs to know where', async () => {
    assert.equal((await runAsync(['smoke', '--url', server.publicUrl]).done).status, 2);
    assert.equal((await smoke(server.token, '--urll', 'x')).status, 2);
  });
});
