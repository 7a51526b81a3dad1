// What lies in an archive class comes back: a database that starts and adds up, and an
// archive that is proven.  Against a stand-in for Amazon's answers (lib/dialect.js).
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test, before, after } = require('node:test');
const { World, market } = require('../api/lib/world');
const { makeFolder } = require('../api/lib/store');
const { run, runAsync } = require('../api/lib/server');
const { Dialect } = require('./lib/dialect');

describe('out of Glacier', () => {
  const deep = ['--storage-class', 'DEEP_ARCHIVE'];
  const bets = [];
  let store, folder, live, url;

  before(async () => {
    store = await new Dialect('amazon', { thawLooks: 3 }).start();
    folder = makeFolder('overround-glacier');
    live = `sqlite:${path.join(folder, 'live.db')}`;
    const world = new World({ kind: 'sqlite', url: live, remove() {} }, {});
    await world.start();
    await world.feed.up();
    for (const winner of [1, 0, 1]) {
      const customer = await world.customer();
      const event = await world.event(market.oneXTwo('3.00'));
      bets.push({ customer, ...await customer.placed(event.home('3.00'), { stake: '10.00' }) });
      await event.result(winner, 1 - winner, 0);
    }
    await world.quiet();
    await world.server.stop();
  });
  after(async () => {
    fs.rmSync(folder, { recursive: true, force: true });
    await store.stop();
  });

  const asked = (args) => runAsync(args, { env: store.env() }).done;
  async function well(...args) {
    const done = await asked(args);
    assert.equal(done.status, 0, `${args.join(' ')}: ${done.stdout}${done.stderr}`);
    return done.stdout.trim().split('\n').at(-1);
  }
  const thaw = (prefix) =>
    well('object', 'restore', store.url(prefix), '--tier', 'Bulk', '--wait', '--every-s', '1');

  test('the database: thawed, fetched, audited, with every bet', async (t) => {
    const backup = await well('backup', '--to', store.url('backup'), '--store', live, '--temp',
      folder, ...deep);
    fs.rmSync(path.join(folder, 'live.db')); // the disk is lost
    const back = path.join(folder, 'back.db');
    const frozen = await asked(['object', 'get', backup, back]);
    assert.equal(frozen.status, 126);
    assert.match(frozen.stderr, /DEEP_ARCHIVE and must be thawed/);
    assert.equal(fs.existsSync(back), false);
    const began = performance.now();
    assert.match(await thaw('backup/'), /^1 objects, 1 asked for, 0 to wait for: 0 faults$/);
    const thawed = performance.now();
    await well('object', 'get', backup, back);
    url = `sqlite:${back}`;
    const audit = run(['audit', '--store', url]);
    assert.equal(audit.status, 0, audit.stdout);
    assert.match(audit.stdout, / 4 bets, .* 0 differences/); // and quiet()'s own
    t.diagnostic(`thaw ${Math.round(thawed - began)} ms (the stand-in's; Amazon: Bulk 48 h), ` +
      `fetch and audit ${Math.round(performance.now() - thawed)} ms`);
    const world = new World({ kind: 'sqlite', url, remove() {} }, {});
    await world.start();
    for (const { customer, id } of bets) {
      customer.world = world;
      const answer = await customer.call('GET', `/v1/bets/${id}`);
      assert.equal(answer.status, 200, answer.text);
    }
    await world.server.stop();
  });

  test('the archive: verified when it is thawed', async () => {
    const today = new Date().toISOString().slice(0, 10);
    const to = ['--to', store.url('books')];
    await well('archive', ...to, '--store', url, '--through', today, ...deep);
    const frozen = await asked(['archive', ...to, '--verify']);
    assert.equal(frozen.status, 1);
    assert.match(frozen.stdout, /^days\/.*bets-.*DEEP_ARCHIVE and must be thawed/m);
    // The manifest is of no class: what a day has is known without waiting.
    const manifest = [...store.objects].find(([key]) => key.endsWith('manifest.json'));
    assert.equal(manifest[1].storage, 'STANDARD');
    assert.match(await thaw('books/days/'), /^4 objects, 3 asked for, 0 to wait for: 0 faults$/);
    assert.match(await well('archive', ...to, '--verify'), /^1 days, 3 objects, \d+ rows: 0 f/);
    assert.match(await well('archive', ...to, '--verify', '--store', url), /^0 checkpoints: 0 f/);
  });
});
