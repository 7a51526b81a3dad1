// Rule 14 by two processes that take bets: a market's limit holds whichever is
// asked; what one had leased and not bet is the other's when it hangs or dies.
// And bets that wait for a trader: either process shows and decides them.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const { market, newKey, eventually, sleep } = require('../api/lib/world');
const { openCluster } = require('./lib/story');

const COUNTS = { feed: 1, odds: 1, bets: 2, settle: 1, web: 1 };
const LEASE_MS = 1500;

function clusterFor(options) {
  const holder = {};
  before(async () => {
    holder.world = await openCluster({ counts: COUNTS, options });
    await holder.world.feed.up();
  });
  after(async () => {
    const { world } = holder;
    if (!world) return;
    try {
      await world.server.stop();
      world.audit();
    } finally {
      await world.server.kill();
      world.store.remove();
    }
  });
  return holder;
}

// A single at evens: what it costs the house is its stake.
const single = (customer, event, stake) => ({
  token: customer.token,
  key: newKey('limit'),
  json: { stake, type: 'single', accept: 'none', legs: [event.home()] },
});
const place = (member, customer, event, stake) =>
  member.server.call('POST', '/v1/bets', single(customer, event, stake));

describe('a limit of several processes', () => {
  const holder = clusterFor({ 'liability-max': '1000.00', 'liability-lease-ms': `${LEASE_MS}` });
  const fans = (n) =>
    Promise.all(Array.from({ length: n }, () => holder.world.customer({ balance: '5000.00' })));
  const bets = () => holder.world.server.of('bets');

  // The largest stake that still fits, as one process sees it; room is given
  // back by the others some seconds after they needed it last.
  async function fill(member, customer, event, want) {
    await eventually(
      async () => {
        const answer = await place(member, customer, event, want);
        assert.equal(answer.status, 201, answer.text);
      },
      { timeout: 15000, every: 200 },
    );
    const more = await place(member, customer, event, '0.10');
    assert.equal(more.status, 422, more.text);
  }

  async function cashOut(member, customer, bet) {
    const answer = await member.server.call('POST', `/v1/bets/${bet.id}/cashout`, {
      token: customer.token,
      key: newKey('cashout'),
      json: { minimum: '1.00' },
    });
    assert.equal(answer.status, 200, answer.text);
  }

  test('both fill it, and neither passes it', async () => {
    const event = await holder.world.event(market.oneXTwo());
    const all = await fans(12);
    let accepted = 0;
    const answers = await Promise.all(
      all.flatMap((customer, i) =>
        Array.from({ length: 4 }, (_, n) =>
          place(bets()[(i + n) % 2], customer, event, '40.00').then((answer) => {
            if (answer.status === 201) accepted += 40;
            return answer;
          }),
        ),
      ),
    );
    for (const answer of answers) assert.ok([201, 422].includes(answer.status), answer.text);
    assert.ok(accepted <= 1000 && accepted >= 700, `${accepted} accepted`);
    await fill(bets()[0], all[0], event, `${1000 - accepted}.00`);
  });

  test('a bet that ends by the other one gives its room back', async () => {
    const event = await holder.world.event(market.oneXTwo());
    const [a] = await fans(1);
    const [here, there] = bets();
    const placed = await place(here, a, event, '1000.00');
    assert.equal(placed.status, 201, placed.text);
    await cashOut(there, a, placed.json);
    await fill(here, a, event, '1000.00');
  });

  test('one that hangs loses its leases, and goes on afterwards', async () => {
    const event = await holder.world.event(market.oneXTwo());
    const [a, b] = await fans(2);
    const [hangs, other] = bets();
    const fenced = (member) =>
      holder.world.server.number(member, 'overround_liability_fenced_total');
    const before = await fenced(hangs);
    assert.equal((await place(hangs, a, event, '300.00')).status, 201);
    hangs.server.child.kill('SIGSTOP');
    try {
      await sleep(LEASE_MS);
      await fill(other, b, event, '700.00');
    } finally {
      hangs.server.child.kill('SIGCONT');
    }
    const late = await eventually(async () => {
      const answer = await place(hangs, a, event, '1.00');
      assert.notEqual(answer.status, 503, answer.text);
      return answer;
    });
    assert.equal(late.status, 422, late.text);
    assert.ok((await fenced(hangs)) > before, 'it says that it was not seen in time');
    const elsewhere = await holder.world.event(market.oneXTwo());
    assert.equal((await place(hangs, a, elsewhere, '10.00')).status, 201);
  });

  test('one that dies leaves its room, also of bets that end later', async () => {
    const event = await holder.world.event(market.oneXTwo());
    const [a, b] = await fans(2);
    const [dies, other] = bets();
    const placed = await place(dies, a, event, '400.00');
    assert.equal(placed.status, 201, placed.text);
    await dies.server.kill();
    await fill(other, b, event, '600.00');
    await cashOut(other, a, placed.json);
    await fill(other, b, event, '400.00');
    await holder.world.server.relaunch(dies);
  });
});

describe('held bets of several processes', () => {
  const holder = clusterFor({ 'hold-above': '100.00', 'hold-s': '20' });
  const held = (member, customer) =>
    eventually(async () => {
      const { json } = await member.server.operate('GET', '/v1/desk/holds');
      const [one] = json.holds.filter((h) => h.customer === customer.id);
      assert.ok(one, 'held');
      return one;
    });
  const say = (member, one, json) =>
    member.server.operate('POST', `/v1/desk/holds/${one.id}`, { json });

  test('the other process shows it, and takes the word', async () => {
    const { world } = holder;
    const [here, there] = world.server.of('bets');
    const customer = await world.customer({ balance: '5000.00' });
    const event = await world.event(market.oneXTwo());
    const answer = place(here, customer, event, '250.00');
    const one = await held(there, customer);
    assert.equal(one.stake, '250.00');
    const said = await say(there, one, { decision: 'accept', reason: 'known' });
    assert.equal(said.status, 200, said.text);
    assert.equal((await answer).status, 201);
    assert.equal((await say(here, one, { decision: 'decline' })).status, 404);
  });

  test('an offer is good on the other one, once', async () => {
    const { world } = holder;
    const [here, there] = world.server.of('bets');
    const customer = await world.customer({ balance: '5000.00' });
    const event = await world.event(market.oneXTwo());
    const answer = place(here, customer, event, '250.00');
    await say(there, await held(there, customer), { decision: 'offer', stake: '150.00' });
    const offered = await answer;
    assert.equal(offered.json.maximum, '150.00', offered.text);
    assert.equal((await place(there, customer, event, '150.00')).status, 201);
    const again = place(here, customer, event, '150.00');
    await say(here, await held(here, customer), { decision: 'decline' });
    assert.equal((await again).code ?? (await again).json.code, 'declined');
  });
});
