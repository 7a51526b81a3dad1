// A real season: bets on every home win, over 2.5 and the home side of the
// Asian handicap end in the balances that the CSV says.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { describe, test } = require('node:test');
const { openWorld, eventually } = require('./lib/world');
const { runAsync } = require('./lib/server');
const { startProxy } = require('./lib/proxy');
const { readSeason, seasonFile, returns } = require('./lib/season');

const SEASON = 'england_premier_2018-2019.csv';
const STAKE = 1000n; // minor units, on each
const money = (minor) => `${minor / 100n}.${String(minor % 100n).padStart(2, '0')}`;

describe('replay', () => {
  // Plays the season; bets on each selection the first time it is priced.
  async function playSeason(world, fans) {
    const placed = new Map();
    const bet = async (name, leg) => {
      const at = `${name} ${leg.event}`;
      if (placed.has(at)) return;
      placed.set(at, leg);
      await fans[name].placed(leg, { stake: money(STAKE), accept: 'none' });
    };
    const onMessage = async (xml) => {
      if (!xml.includes('<odds_change')) return;
      const event = /event_id="([^"]+)"/.exec(xml)[1];
      const { markets } = (await world.server.call('GET', `/v1/events/${event}`)).json;
      for (const market of markets.filter((m) => m.status === 'active')) {
        const want = { 1: ['home', '1'], 18: ['over', '12'], 16: ['handicap', '1714'] }[
          market.market
        ];
        const outcome = want && market.outcomes.find((o) => o.outcome === want[1]);
        if (!outcome?.active) continue;
        await bet(want[0], {
          event,
          market: market.market,
          specifiers: market.specifiers,
          outcome: outcome.outcome,
          odds: outcome.odds,
        });
      }
    };
    const proxy = await startProxy(world.server, onMessage);
    const { status, stderr } = await runAsync(
      ['replay', seasonFile(SEASON), '--speed', '1000000000', '--to', proxy.url],
      { env: { OVERROUND_OPERATOR_TOKEN: world.server.token } },
    ).done;
    proxy.close();
    assert.deepEqual(proxy.failures, []);
    assert.equal(status, 0, stderr);
    return placed;
  }

  const lineOf = (leg) => /hcp=([^|]+)/.exec(leg.specifiers)[1];

  test("a season's final balances equal the sum over its CSV", async (t) => {
    if (!fs.existsSync(seasonFile(SEASON))) {
      assert.ok(!process.env.CI, `no data at ${seasonFile(SEASON)}`);
      return t.skip('no data');
    }
    const season = readSeason(SEASON);
    const world = await openWorld();
    const start = 1000000n;
    const fans = {};
    for (const name of ['home', 'over', 'handicap']) {
      fans[name] = await world.customer({ balance: money(start) });
    }
    const placed = await playSeason(world, fans);
    const of = (name) => [...placed].filter(([at]) => at.startsWith(name)).map(([, leg]) => leg);
    const want = {
      home: season.map((m) => returns.home(m, STAKE)),
      over: season.map((m) => returns.over(m, STAKE, m['BbAv>2.5'])),
      handicap: season.map((m) => returns.handicap(m, STAKE, m.BbAvAHH, m.BbAHh)),
    };
    for (const name of Object.keys(fans)) {
      assert.equal(of(name).length, season.length, `a bet on every match: ${name}`);
      const sum = want[name].reduce((total, paid) => total + paid, 0n);
      const balance = start - STAKE * BigInt(season.length) + sum;
      const end = { balance: money(balance), debt: '0.00', currency: 'EUR', staked: '0.00' };
      await eventually(async () => assert.deepEqual(await fans[name].wallet(), end), {
        timeout: 60000,
      });
    }
    const lines = of('handicap')
      .map((leg) => Number(lineOf(leg)))
      .sort((a, b) => a - b);
    assert.deepEqual(
      lines,
      season.map((m) => Number(m.BbAHh)).sort((a, b) => a - b),
    );
    await world.close();
  });
});
