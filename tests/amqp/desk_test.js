// The desk of a split deployment: its commands come in where the book is, and
// go into the log where the feed's leader is, exactly once.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { market, eventually } = require('../api/lib/world');
const { run } = require('../api/lib/server');
const { Cluster } = require('./lib/cluster');

const DESK = 14;

// Operators of the follower's listener.
class Desk {
  constructor(cluster) {
    this.cluster = cluster;
    this.tokens = {};
    for (const [name, role] of [
      ['tom', 'trader'],
      ['sue', 'senior'],
    ]) {
      const add = ['operator', 'add', name, '--role', role, '--store', cluster.store.url];
      this.tokens[name] = /token (\S+)$/m.exec(run(add).stdout)[1];
    }
  }

  call(method, who, route, json) {
    const token = this.tokens[who];
    return this.cluster.world.server.operate(method, `/v1/desk/${route}`, {
      token,
      json,
      timeout: 30000,
    });
  }

  send(who, route, json) {
    return this.call('POST', who, route, { reason: 'as agreed', ...json });
  }

  async does(who, route, json, want = 200) {
    const answer = await this.send(who, route, json);
    assert.equal(answer.status, want, `${route}: ${answer.text}`);
    return answer.json;
  }
}

async function split(options) {
  const cluster = new Cluster(options);
  const leader = await cluster.startFeed();
  await cluster.becomes(leader, 'leader');
  const desk = new Desk(cluster);
  await cluster.startBook();
  cluster.feedBy(leader);
  await cluster.world.feed.up();
  const event = await cluster.world.event(market.oneXTwo());
  const status = (want) =>
    eventually(async () => assert.equal((await event.market(1)).status, want));
  await status('active');
  return { cluster, leader, desk, event, status };
}

const waiting = (cluster) => cluster.store.sql('select count(*) from feed_inbox');
const entries = (cluster) => cluster.log().filter((entry) => entry.type === DESK);

test('a desk beside the book: suspend, price and result', async () => {
  const { cluster, desk, event } = await split();
  const fan = await cluster.world.customer();
  const scope = { event: event.id };

  // Answered when it is in this process's own book.
  const { position } = await desk.does('tom', 'suspend', { scope });
  assert.equal((await event.market(1)).status, 'suspended');
  assert.equal((await fan.bet(event.home())).code, 'market_suspended');
  assert.equal(entries(cluster)[0].pos, Number(position));
  await desk.does('tom', 'resume', { scope });
  assert.equal((await event.market(1)).status, 'active');

  const one = { event: event.id, market: '1', specifiers: '' };
  await desk.does('tom', 'price', { ...one, outcome: '1', odds: '2.50' });
  assert.equal((await event.market(1)).outcomes[0].odds, '2.50');
  const bet = await fan.placed(event.home('2.50'));

  const outcomes = [
    { outcome: '1', result: 'won' },
    { outcome: '2', result: 'lost' },
    { outcome: '3', result: 'lost' },
  ];
  const { proposal } = await desk.does('sue', 'results', { ...one, outcomes }, 202);
  const confirm = `proposals/${proposal}/confirm`;
  assert.equal((await desk.send('sue', confirm, {})).code, 'forbidden');
  const second = await desk.does('tom', 'results', { ...one, outcomes }, 202);
  await desk.does('sue', `proposals/${second.proposal}/confirm`, {});
  await fan.becomes(bet, { state: 'settled', payout: '25.00' });

  const audit = (await desk.call('GET', 'tom', 'audit?limit=20')).json.entries;
  assert.equal(audit.length, 6);
  assert.equal(waiting(cluster), '0');
  await cluster.close();
});

test('commands at once from many hands are all carried out, once each', async () => {
  const { cluster, desk, event } = await split();
  const scope = { event: event.id };
  const all = Array.from({ length: 40 }, (_, i) =>
    desk.does(i % 2 ? 'tom' : 'sue', i % 3 ? 'suspend' : 'resume', { scope, reason: `n${i}` }),
  );
  const positions = (await Promise.all(all)).map((answer) => answer.position);
  assert.equal(new Set(positions).size, 40);
  const reasons = entries(cluster).map((entry) => /reason="(\w+)"/.exec(entry.body)[1]);
  assert.equal(reasons.length, 40);
  assert.equal(new Set(reasons).size, 40);
  await cluster.close();
});

test('a leader that is killed loses no command and doubles none', async () => {
  const { cluster, leader, desk, event } = await split();
  const scope = { event: event.id };
  const standby = await cluster.startFeed();
  await cluster.becomes(standby, 'standby');

  const before = Array.from({ length: 5 }, (_, i) =>
    desk.send('tom', 'suspend', { scope, reason: `early${i}` }),
  );
  await leader.kill();
  const late = desk.send('sue', 'suspend', { scope, reason: 'late' });
  await cluster.becomes(standby, 'leader');
  for (const answer of await Promise.all([...before, late]))
    assert.equal(answer.status, 200, answer.text);
  const reasons = entries(cluster).map((entry) => /reason="(\w+)"/.exec(entry.body)[1]);
  assert.deepEqual(reasons.sort(), ['early0', 'early1', 'early2', 'early3', 'early4', 'late']);
  assert.equal(waiting(cluster), '0');
  cluster.feedBy(standby);
  await cluster.world.feed.up();
  await event.odds(market.oneXTwo());
  const fan = await cluster.world.customer();
  assert.equal((await fan.bet(event.home())).code, 'market_suspended');
  await cluster.close();
});

test('nobody leads: the answer says so, and the command is not lost', async () => {
  const { cluster, leader, desk, event, status } = await split();
  await leader.kill();
  const answer = await desk.send('tom', 'suspend', { scope: { event: event.id } });
  assert.equal(answer.code, 'busy');
  assert.match(answer.json.detail, /may still be/);
  assert.equal(waiting(cluster), '1');
  const next = await cluster.startFeed();
  await cluster.becomes(next, 'leader');
  await eventually(async () => assert.equal(waiting(cluster), '0'));
  assert.equal(entries(cluster).length, 1);
  await status('suspended');
  await cluster.close();
});

test('what is no command in the inbox is thrown away, and blocks nothing', async () => {
  const { cluster, leader, desk, event } = await split();
  cluster.store.sql(
    "insert into feed_inbox (body, at_ms) values ('<rubbish', 1)," +
      ` ('<overround_restart timestamp="1"/>', 1)`,
  );
  await desk.does('tom', 'suspend', { scope: { event: event.id } });
  await eventually(async () => assert.equal(waiting(cluster), '0'));
  assert.equal(entries(cluster).length, 1);
  assert.match(leader.log, /is no command, and was dropped/);
  assert.equal(cluster.log().filter((entry) => entry.type === 13).length, 1);
  await cluster.close();
});

test("a trader's word on a held bet is in the audit log", async () => {
  const { cluster, desk, event } = await split({ 'hold-above': '100.00' });
  const fan = await cluster.world.customer({ balance: '1000.00' });
  const answer = fan.bet(event.home(), { stake: '250.00' });
  const held = await eventually(async () => {
    const { holds } = (await desk.call('GET', 'tom', 'holds')).json;
    assert.equal(holds.length, 1);
    return holds[0];
  });
  await desk.does('tom', `holds/${held.id}`, { decision: 'accept' });
  assert.equal((await answer).status, 201);
  await eventually(async () => assert.match(entries(cluster)[0]?.body ?? '', /act="note"/));
  assert.equal(waiting(cluster), '0');
  await cluster.close();
});
