// RULES.md 23: of the feed's processes one leads, the others can take over,
// and who was overtaken writes nothing any more.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { market, uof, eventually } = require('../api/lib/world');
const { run } = require('../api/lib/server');
const { makeStore } = require('../api/lib/store');
const { Cluster } = require('./lib/cluster');

const RESTART = 13;

test('a book without a leader sells nothing', async () => {
  const cluster = new Cluster();
  const book = await cluster.startBook({ ready: false });
  assert.equal((await book.operate('GET', '/readyz')).status, 503);
  const fan = await cluster.world.customer();
  const event = await cluster.world.event();
  assert.equal((await fan.bet(event.home())).status, 503);
  const feed = await cluster.startFeed();
  await cluster.becomes(book, 'follower');
  await feed.kill();
  await eventually(async () =>
    assert.match((await book.operate('GET', '/readyz')).text, /no process leads/),
  );
  await cluster.close();
});

test('one leads, and a standby takes nothing', async () => {
  const cluster = new Cluster();
  const leader = await cluster.startFeed();
  const standby = await cluster.startFeed();
  await cluster.startBook();
  await cluster.becomes(leader, 'leader');
  await cluster.becomes(standby, 'standby');
  const refused = await standby.operate('POST', '/v1/feed', {
    body: uof.alive(),
    type: 'application/xml',
  });
  assert.equal(refused.code, 'busy');
  assert.match(refused.json.detail, /standby/);
  cluster.feedBy(leader);
  await cluster.world.feed.up();
  const event = await cluster.world.event(market.oneXTwo());
  const fan = await cluster.world.customer();
  const bet = await eventually(() => fan.placed(event.home()));
  await event.result(1, 0, 0);
  await fan.becomes(bet, { state: 'settled', payout: '20.00' });
  await leader.stop(); // gives the lease back
  await cluster.becomes(standby, 'leader');
  await cluster.close();
});

test('a paused leader that was overtaken cannot append', async () => {
  const cluster = new Cluster();
  const first = await cluster.startFeed();
  await cluster.becomes(first, 'leader');
  const second = await cluster.startFeed();
  await cluster.startBook();
  cluster.feedBy(first);
  await cluster.world.feed.up();
  const event = await cluster.world.event(market.oneXTwo());
  await eventually(async () => assert.equal((await event.market(1)).status, 'active'));

  first.child.kill('SIGSTOP');
  const late = first.operate('POST', '/v1/feed', {
    body: uof.oddsChange(event.id, [market.oneXTwo('66.00')]),
    type: 'application/xml',
  });
  await cluster.becomes(second, 'leader');
  await eventually(async () => assert.equal((await event.market(1)).status, 'suspended'));
  first.child.kill('SIGCONT');
  assert.equal((await late).status, 503);
  await cluster.becomes(first, 'standby');

  cluster.feedBy(second);
  await cluster.world.feed.up();
  await event.odds(market.oneXTwo('3.00'));
  const fan = await cluster.world.customer();
  await eventually(() => fan.placed(event.home('3.00')));
  const log = cluster.log();
  assert.equal(log.filter((entry) => entry.type === RESTART).length, 2);
  assert.ok(!log.some((entry) => entry.body.includes('66.00')));
  await cluster.close();
});

test('a leader that is killed is followed, again and again', async () => {
  const cluster = new Cluster();
  let leader = await cluster.startFeed();
  await cluster.becomes(leader, 'leader');
  await cluster.startBook();
  const event = await cluster.world.event();
  const fan = await cluster.world.customer({ balance: '1000.00' });
  const bets = [];
  for (let round = 0; round < 3; round++) {
    cluster.feedBy(leader);
    await cluster.world.feed.up();
    await event.odds(market.oneXTwo());
    await eventually(async () => assert.equal((await event.market(1)).status, 'active'));
    bets.push(await eventually(() => fan.placed(event.home())));
    const standby = await cluster.startFeed();
    await leader.kill();
    await cluster.becomes(standby, 'leader');
    leader = standby;
  }
  cluster.feedBy(leader);
  await cluster.world.feed.up();
  await event.result(1, 0, 0);
  for (const bet of bets) await fan.becomes(bet, { state: 'settled', payout: '20.00' });
  const restarts = cluster.log().filter((entry) => entry.type === RESTART);
  assert.equal(restarts.length, 4);
  await cluster.close();
});

test('roles that do not go together are refused', () => {
  const store = makeStore({ kind: 'sqlite' });
  const alone = run(['serve', '--store', store.url, '--role', 'feed', '--check']);
  assert.equal(alone.status, 2);
  assert.match(alone.stderr, /SQLite/);
  const odd = run(['serve', '--store', 'postgres://x@127.0.0.1/y', '--role', 'bets', '--check']);
  assert.equal(odd.status, 2);
  assert.match(odd.stderr, /role must be/);
  store.remove();
});
