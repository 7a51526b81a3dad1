// A store is divided: its ledger goes to a database of its own, and everything
// goes on as before; a wrong address is refused before anything is written.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const { describe, test, before, after } = require('node:test');
const { run } = require('./lib/server');
const { isPostgres, makeStore, where, dropTables } = require('./lib/store');
const { openWorld, market } = require('./lib/world');

// Nobody is connected: as docs/OPERATE.md says, the database is copied whole.
function copyOf(store) {
  const copy = makeStore({ migrated: false, apart: false });
  if (!isPostgres) {
    fs.copyFileSync(store.file, copy.file);
    return copy;
  }
  const dump = execFileSync('pg_dump', ['-Fc', store.url], { maxBuffer: 256 << 20 });
  execFileSync('pg_restore', ['-d', copy.url, '--no-owner'], { input: dump });
  return copy;
}

describe('the ledger in a database of its own', () => {
  let world, ledger, customer, event, placed;

  before(async () => {
    world = await openWorld({}, { store: makeStore({ apart: false }) });
    event = await world.event(market.oneXTwo('3.00'));
    customer = await world.customer();
    placed = await customer.placed(event.home('3.00'), { stake: '10.00' });
    await world.server.stop();
    world.server = undefined;
  });
  after(async () => {
    await world.close();
  });

  const serve = (...options) => run(['serve', '--listen', '127.0.0.1:0', ...options]);

  test('an empty ledger beside a store that has customers is refused', () => {
    const empty = makeStore({ apart: false });
    const refused = run(['migrate', '--store', world.store.url, '--ledger', empty.url]);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /would be empty.*copy it first/);
    empty.remove();
  });

  test('copied, it is divided, and each half has its own tables', () => {
    ledger = copyOf(world.store);
    const done = run(['migrate', '--store', world.store.url, '--ledger', ledger.url]);
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /^journal: schema version .*\nledger: schema version /);
    const journal = world.store;
    world.store = {
      ...journal, ledger, sql: ledger.sql,
      remove: () => [journal, ledger].forEach((store) => store.remove()),
    };
    dropTables(journal, 'LEDGER');
    dropTables(ledger, 'JOURNAL');
  });

  test('one half alone, or the wrong way round, does not serve', () => {
    const [journal] = [world.store.url];
    for (const [options, words] of [
      [['--store', journal], /has the journal alone, and is asked for both halves/],
      [['--store', ledger.url], /has the ledger alone, and is asked for both halves/],
      [['--store', ledger.url, '--ledger', journal], /is asked for the journal/],
      [['--store', journal, '--ledger', journal], /leave --ledger away/],
    ]) {
      const refused = serve(...options);
      assert.notEqual(refused.status, 0, options.join(' '));
      assert.match(refused.stderr, words);
    }
    const audit = run(['audit', '--store', journal]);
    assert.equal(audit.status, 1);
    assert.match(audit.stderr, /has the journal alone/);
  });

  test('the bet of before is settled, the customer goes on', async () => {
    await world.start();
    await world.feed.up();
    await event.odds(market.oneXTwo('3.00'));
    assert.equal((await customer.betById(placed.id)).state, 'accepted');
    await event.result(1, 0, 0);
    await customer.becomes(placed, { state: 'settled', payout: '30.00' });
    await customer.holds('120.00');
    world.audit();
  });

  test('killed, it comes back with both halves', async () => {
    const next = await world.event(market.oneXTwo('2.00'));
    const bet = await customer.placed(next.home('2.00'), { stake: '5.00' });
    await world.restart({ kill: true });
    await world.feed.up();
    await next.odds(market.oneXTwo('2.00'));
    const sold = await customer.call('POST', `/v1/bets/${bet.id}/cashout`, {
      json: { minimum: '0.01' }, key: 'sold',
    });
    assert.equal(sold.status, 200, sold.text);
    assert.equal((await customer.betById(bet.id)).state, 'cashed_out');
    world.audit();
  });

  test('the audit tells the ledger of another store', () => {
    const other = makeStore({ apart: true });
    const wrong = run(['audit', '--store', world.store.url, '--ledger', other.ledger.url]);
    assert.equal(wrong.status, 1);
    assert.match(wrong.stderr, /follows another journal/);
    other.remove();
  });

  test('tools that need one half say which', () => {
    const erase = run(['erase', '--due', '--store', world.store.url]);
    assert.match(erase.stderr, /the ledger is needed, say where it is by --ledger/);
    assert.equal(run(['erase', '--due', ...where(world.store)]).status, 0);
    const operators = run(['operator', 'list', '--store', ledger.url]);
    assert.match(operators.stderr, /the journal is needed, say where it is by --store/);
  });
});
