// An evening with something of each: accepted, refused, won, lost, cashed out,
// taken back; and what was told of it, as records of docs/EVENTS.md.
'use strict';

const assert = require('node:assert/strict');
const { makeStore } = require('../../api/lib/store');
const { market, openWorld } = require('../../api/lib/world');

const FANS = 12;
const REPORTS = [
  '/v1/reports/daily',
  '/v1/reports/series?minutes=60',
  '/v1/reports/experiments?experiment=slip',
];

async function report(server, route) {
  const { status, json, text } = await server.operate('GET', route);
  assert.equal(status, 200, `${route}: ${text}`);
  return json;
}

async function cash(fan, bet, more = {}) {
  const answer = await fan.call('POST', `/v1/bets/${bet.id}/cashout`, {
    json: { minimum: '0.00', ...more }, key: `cash-${bet.id}`,
  });
  assert.equal(answer.status, 200, answer.text);
}

// Returns { fans, events, takeBack }: the latter turns the results round.
async function playEvening(world) {
  const [first, second] = [await world.event(), await world.event()];
  for (const event of [first, second]) await event.odds([market.oneXTwo(), market.total()]);
  const over = second.leg(18, 12, '1.95', { specifiers: 'total=2.5' });
  const fans = [];
  for (let i = 0; i < FANS; i++)
    fans.push(await world.customer({ currency: i % 4 === 3 ? 'USD' : 'EUR' }));
  for (const [i, fan] of fans.entries()) {
    await fan.placed(first.home(), { stake: `${i + 1}.10` });
    await fan.placed([first.home(), over], { stake: '2.35' });
    if (i % 2) await fan.placed(second.away(), { stake: '5.00' });
    assert.equal((await fan.bet(first.home('9.00'))).code, 'odds_changed');
  }
  const [sold, part] = [
    await fans[0].placed(second.home(), { stake: '8.00' }),
    await fans[1].placed(second.home(), { stake: '8.00' }),
  ];
  await cash(fans[0], sold);
  await cash(fans[1], part, { stake: '3.00' });
  await first.result(1, 0, 0);
  await world.quiet();
  const takeBack = async () => {
    await first.rollbackSettle([{ id: 1 }]);
    await first.result(0, 1, 0);
    await world.quiet();
  };
  return { fans, events: [first, second], takeBack };
}

// An evening that is over, in one process on a store of its own, and somebody
// who did not bet: { world, fans, sport }.
async function openEvening(options) {
  const world = await openWorld(options, { store: makeStore({ kind: 'sqlite' }) });
  const { fans, takeBack } = await playEvening(world);
  await takeBack();
  fans.push(world.sentry, await world.customer());
  const { days } = await report(world.server, REPORTS[0]);
  return { world, fans, sport: days[0].sport };
}

const minor = (text) => Math.round(Number(text) * 100);
const ms = (text) => (text === null ? 0 : Date.parse(text));

function betRecord(fan, bet, { seq, sport, experiments }) {
  const column = (name) => bet.legs.map((leg) => leg[name]);
  return {
    v: 1, xid: 1, event: 'bet.settled', id: `${fan.id}-${seq}`, account: 'ACCOUNT', seq,
    at_ms: ms(bet.settled_at ?? bet.placed_at), currency: bet.currency, amount: 0,
    balance: 0, debt: 0, staked: 0, state: bet.state, bet: bet.id,
    placed_ms: ms(bet.placed_at), settled_ms: ms(bet.settled_at), stake: minor(bet.stake),
    potential: minor(bet.potential_payout), payout: minor(bet.payout),
    cashed_stake: minor(bet.stake) - minor(bet.remaining_stake),
    cashed_paid: minor(bet.cashed_out), past_posted: 0, sport, type: bet.type, sizes: [],
    leg_events: column('event'), leg_markets: column('market').map(Number),
    leg_specifiers: column('specifiers'), leg_outcomes: column('outcome'),
    leg_odds_e4: column('odds').map((odds) => Math.round(odds * 10000)),
    leg_bankers: bet.legs.map(() => 0), leg_states: column('state'), results: '',
    ...(experiments && { experiments: Object.keys(experiments), arms: Object.values(experiments) }),
    a_field_of_tomorrow: { nested: [1, { deep: 'x' }] },
  };
}

// The account's number has more digits than JavaScript's.
const line = (fan, record) => JSON.stringify(record).replace('"ACCOUNT"', fan.id);

// { bets, transfers, traffic }: lines of JSON of what the customers have now.
async function recordsOf(fans, sport, experiment) {
  const told = { bets: [], transfers: [], traffic: [] };
  for (const fan of fans) {
    const transfers = await fan.transfers('?limit=200');
    const { experiments } = await fan.read('/v1/sessions');
    const seqs = {};
    for (const { id, kind, amount, bet, at } of transfers) {
      const seq = Number(id.split('-')[1]);
      if (bet) seqs[bet] = Math.max(seqs[bet] ?? 0, seq);
      told.transfers.push(line(fan, {
        v: 1, id, account: 'ACCOUNT', seq, at_ms: ms(at), currency: fan.fields.currency,
        amount: Math.abs(minor(amount)), balance: 0, kind, debit: 0, credit: 0,
        bet: bet ?? '0', sport: bet ? sport : '',
      }));
    }
    for (const bet of await fan.bets('?limit=200')) {
      const now = betRecord(fan, bet, { seq: 1000 + seqs[bet.id], sport, experiments });
      const before = { ...now, seq: seqs[bet.id], state: 'accepted', payout: 0 };
      told.bets.push(line(fan, before), line(fan, now), line(fan, before));
    }
    // Told again, with another arm: the first counts.
    for (const [hours, arm] of [[1, 'another'], [2, experiments[experiment]]])
      told.traffic.push(line(fan, {
        v: 1, kind: 'exposure', at_ms: Date.now() - 3600000 * hours, account: 'ACCOUNT',
        currency: fan.fields.currency, experiment, arm,
      }));
  }
  return told;
}

module.exports = { REPORTS, minor, ms, openEvening, playEvening, recordsOf, report };
