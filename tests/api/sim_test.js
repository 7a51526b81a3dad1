// The simulator into a real server: what it opens can be bet on, stops when
// it says so, and is paid as its results say.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { describe, test } = require('node:test');
const { openWorld, World, eventually, run } = require('./lib/world');
const { makeStore, root } = require('./lib/store');
const { runAsync } = require('./lib/server');
const { startProxy } = require('./lib/proxy');

const STAKE = 1000n; // minor units

function simulate(world, args) {
  return runAsync(['sim', '--to', world.server.operatorUrl, ...args], {
    env: { OVERROUND_OPERATOR_TOKEN: world.server.token },
  });
}

const attribute = (xml, name) => new RegExp(` ${name}="([^"]*)"`).exec(xml)?.[1];
const keyOf = (event, market, specifiers) => `${event} ${market} ${specifiers ?? ''}`;

// What a bet_settlement says, outcome by outcome.
function* resultsOf(xml) {
  const event = attribute(xml, 'event_id');
  for (const [, head, body] of xml.matchAll(/<market( [^>]*)>(.*?)<\/market>/gs)) {
    const market = keyOf(event, attribute(head, 'id'), attribute(head, 'specifiers'));
    for (const [outcome] of body.matchAll(/<outcome[^>]*>/g)) {
      yield {
        key: `${market} ${attribute(outcome, 'id')}`,
        result: Number(attribute(outcome, 'result')),
        half: attribute(outcome, 'void_factor') === '0.5',
        refund: attribute(outcome, 'void_factor') === '1',
      };
    }
  }
}

// Minor units that a stake of STAKE brings, floored.
function payoutOf({ result, half, refund }, odds) {
  const [whole, part = ''] = odds.split('.');
  const e4 = BigInt(whole + part.padEnd(4, '0'));
  if (refund) return STAKE;
  if (half) return result === 1 ? (STAKE * (10000n + e4)) / 20000n : STAKE / 2n;
  return result === 1 ? (STAKE * e4) / 10000n : 0n;
}

describe('sim', () => {
  test('markets open, stop, and pay what the results say', async () => {
    const world = await openWorld({ 'stake-max': '100.00' });
    const fan = await world.customer({ balance: '90000.00' });
    const bets = new Map(); // "event market specifiers outcome" -> bet
    const results = new Map();
    const seen = { stops: 0, goals: 0, decided: 0, cancels: 0 };
    const scores = new Map();
    const read = async (event) =>
      (await world.server.call('GET', `/v1/events/${event}`)).json.markets;

    const betOnAll = async (event) => {
      for (const m of (await read(event)).filter((one) => one.status === 'active')) {
        for (const o of m.outcomes.filter((one) => one.active)) {
          const { outcome, odds } = o;
          const leg = { event, market: m.market, specifiers: m.specifiers, outcome, odds };
          bets.set(`${keyOf(event, m.market, m.specifiers)} ${outcome}`, await fan.placed(leg));
        }
      }
    };
    // A bet on the draw once betting goes on after a goal: void if it is
    // disallowed.
    const afterGoal = new Map(); // event -> what was bet since the last goal
    const voids = [];
    const betOnDraw = async (event) => {
      const market = (await read(event)).find((m) => m.market === '1');
      const draw = market.outcomes.find((o) => o.outcome === '2');
      if (market.status !== 'active' || !draw.active) return;
      const leg = { event, market: '1', specifiers: '', outcome: '2', odds: draw.odds };
      const bet = await fan.placed(leg);
      afterGoal.get(event).push(bet);
      bets.set(`${keyOf(event, '1', '')} 2#${bet.id}`, bet);
    };
    const onMessage = async (xml) => {
      const event = attribute(xml, 'event_id');
      if (xml.includes('<bet_cancel')) {
        seen.cancels++;
        voids.push(...afterGoal.get(event).map((bet) => bet.id));
      } else if (xml.includes('<odds_change')) {
        const score = `${attribute(xml, 'home_score')}:${attribute(xml, 'away_score')}`;
        const isLive = attribute(xml, 'product') === '1';
        if (isLive && !scores.has(event)) await betOnAll(event);
        if (isLive && scores.has(event) && scores.get(event) !== score) {
          seen.goals++;
          assert.ok((await read(event)).every((m) => m.status !== 'active'), 'open at a goal');
          afterGoal.set(event, []);
        } else if (isLive && afterGoal.get(event)?.length === 0) {
          await betOnDraw(event);
        }
        if (isLive) scores.set(event, score);
      } else if (xml.includes('<bet_stop')) {
        seen.stops++;
        assert.ok((await read(event)).every((m) => m.status !== 'active'), 'open after a stop');
      } else if (xml.includes('<bet_settlement')) {
        const certainty = attribute(xml, 'certainty');
        if (certainty === '1' && attribute(xml, 'product') === '1') seen.decided++;
        for (const one of resultsOf(xml)) results.set(one.key, one);
      }
    };
    const proxy = await startProxy(world.server, onMessage);
    const args = ['--once', '--matches', '3', '--seed', '7', '--speed', '4000'];
    const { status, stderr } = await runAsync(['sim', ...args, '--to', proxy.url], {
      env: { OVERROUND_OPERATOR_TOKEN: world.server.token },
    }).done;
    proxy.close();
    assert.deepEqual(proxy.failures, []);
    assert.equal(status, 0, stderr);
    assert.ok(seen.stops > 10 && seen.goals > 3 && seen.decided > 5, JSON.stringify(seen));
    assert.ok(seen.cancels > 0 && voids.length > 0, 'a goal is disallowed');
    assert.equal(scores.size, 3);
    assert.ok(bets.size > 150, `${bets.size} bets`);

    let paid = 0n;
    for (const [key, bet] of bets) {
      const selection = key.replace(/#.*/, '');
      assert.ok(results.has(selection), `no result: ${selection}`);
      paid += voids.includes(bet.id)
        ? STAKE
        : payoutOf(results.get(selection), bet.legs?.[0]?.odds ?? bet.odds);
    }
    const balance = 9000000n - STAKE * BigInt(bets.size) + paid;
    const want = `${balance / 100n}.${String(balance % 100n).padStart(2, '0')}`;
    await eventually(async () => assert.equal((await fan.wallet()).balance, want), {
      timeout: 30000,
    });
    assert.equal((await fan.wallet()).staked, '0.00');
    await world.close(); // audits
  });

  const freePort = () =>
    new Promise((resolve) => {
      const server = net.createServer().listen(0, '127.0.0.1', () => {
        const { port } = server.address();
        server.close(() => resolve(port));
      });
    });

  test('a server asks the simulator for recovery, and again after a restart', async () => {
    const port = await freePort();
    const world = new World(makeStore(), {
      'recovery-url': `http://127.0.0.1:${port}/v1`,
      'recovery-pause-ms': '200',
    });
    await world.start();
    const args = ['--matches', '3', '--speed', '30', '--seed', '5', '--restart', '6'];
    const sim = simulate(world, [...args, '--recovery-listen', `127.0.0.1:${port}`]);
    const state = async (id) => {
      const { json } = await world.server.operate('GET', '/v1/desk/feed');
      return json.producers.find((one) => one.id === String(id))?.state;
    };
    const active = async () => {
      const { json } = await world.server.call('GET', '/v1/events?state=live');
      const markets = (await world.server.call('GET', `/v1/events/${json.events[0].id}`)).json;
      return markets.markets.filter((m) => m.status === 'active').length;
    };
    const isUp = () =>
      eventually(async () => {
        assert.equal(await state(1), 'up');
        assert.equal(await state(3), 'up');
        assert.ok((await active()) > 5);
      });
    await isUp();
    await eventually(async () => assert.notEqual(await state(1), 'up')); // it restarts
    await isUp();
    const asked = await world.metric('overround_producer_recoveries_total', 'producer="1"');
    assert.ok(asked >= 2, `${asked} recoveries`);
    await world.restart({ kill: true }); // another address: the simulator loses it
    sim.child.kill('SIGTERM');
    await sim.done;
    await world.close();
  });

  test('the final of 2022 is a draw after 90 minutes', async (t) => {
    const data = process.env.OVERROUND_DATA ?? path.join(root, '../shared/data');
    const folder = path.join(data, 'worldcup');
    if (!fs.existsSync(folder)) {
      assert.ok(!process.env.CI, `no data at ${folder}`);
      return t.skip('no data');
    }
    const world = await openWorld();
    const fan = await world.customer({ balance: '100.00' });
    let event, bet;
    const onMessage = async (xml) => {
      if (bet || !xml.includes('<odds_change')) return;
      event = attribute(xml, 'event_id');
      const { markets } = (await world.server.call('GET', `/v1/events/${event}`)).json;
      const draw = markets.find((m) => m.market === '1').outcomes.find((o) => o.outcome === '2');
      const leg = { event, market: '1', specifiers: '', outcome: '2', odds: draw.odds };
      bet = { odds: draw.odds, ...(await fan.placed(leg)) };
    };
    const proxy = await startProxy(world.server, onMessage);
    const args = ['--worldcup', folder, '--match', 'Argentina-France', '--speed', '5000'];
    const done = await runAsync(['sim', ...args, '--to', proxy.url], {
      env: { OVERROUND_OPERATOR_TOKEN: world.server.token },
    }).done;
    proxy.close();
    assert.deepEqual(proxy.failures, []);
    assert.equal(done.status, 0, done.stderr);
    const { json } = await world.server.call('GET', `/v1/events/${event}`);
    assert.deepEqual(json.score, { home: '3', away: '3' });
    const [whole, part = ''] = bet.odds.split('.');
    const minor = 9000n + (STAKE * BigInt(whole + part.padEnd(4, '0'))) / 10000n;
    const want = `${minor / 100n}.${String(minor % 100n).padStart(2, '0')}`;
    await eventually(async () => assert.equal((await fan.wallet()).balance, want));
    const wrong = run(['sim', '--worldcup', folder, '--match', 'Argentina-Atlantis', '--print']);
    assert.equal(wrong.status, 1);
    assert.match(wrong.stderr, /Argentina-Atlantis/);
    await world.close();
  });

  test('the same seed prints the same', () => {
    const print = (...args) => {
      const done = run(['sim', '--print', '--matches', '2', ...args]);
      assert.equal(done.status, 0, done.stderr);
      return done.stdout;
    };
    const first = print('--seed', '3', '--duplicate', '3', '--reorder', '3');
    assert.equal(print('--seed', '3', '--duplicate', '3', '--reorder', '3'), first);
    assert.notEqual(print('--seed', '4', '--duplicate', '3', '--reorder', '3'), first);
    assert.notEqual(print('--seed', '3'), first);
    assert.match(first, /certainty="2"/);
  });

  test('a bad option is named', () => {
    const wrong = [
      ['--matches', '0'],
      ['--speed', 'fast'],
      ['--seed', '-1'],
      ['--margin', '0.6'],
      ['--silent', '1:2'],
      ['--duplicate', '101'],
      ['--reorder', 'x'],
      ['--restart', '0'],
      ['--match', 'Argentina-France'],
      ['--from', '2022-12-18'],
      ['--until', 'today'],
      ['--seed'],
      ['--unheard-of', '1'],
    ];
    for (const args of wrong) {
      const done = run(['sim', '--token', 'x', ...args]);
      assert.equal(done.status, 2, args.join(' '));
      assert.ok(done.stderr.includes(args[0]), `${args.join(' ')}: ${done.stderr}`);
    }
    const help = run(['sim', '--help']);
    assert.equal(help.status, 0);
    for (const [option] of wrong.slice(0, -1)) assert.ok(help.stdout.includes(option), option);
  });

  test('the recovery side answers as the producers do', async () => {
    const world = await openWorld();
    const port = await freePort();
    const sim = simulate(world, ['--recovery-listen', `127.0.0.1:${port}`, '--matches', '1']);
    const ask = async (at, method = 'POST') => {
      const answer = await fetch(`http://127.0.0.1:${port}${at}`, { method });
      return [answer.status, /response_code="([A-Z_]+)"/.exec(await answer.text())?.[1]];
    };
    const url = '/v1/liveodds/recovery/initiate_request';
    await eventually(async () => {
      assert.deepEqual(await ask(`${url}?request_id=7`), [202, 'ACCEPTED']);
    });
    assert.deepEqual(await ask(`${url}?after=1&request_id=7`), [202, 'ACCEPTED']);
    assert.deepEqual(await ask(url), [400, 'BAD_REQUEST']);
    assert.deepEqual(await ask(`${url}?after=x&request_id=7`), [400, 'BAD_REQUEST']);
    assert.deepEqual(await ask(`${url}?request_id=7`, 'GET'), [405, 'NOT_ALLOWED']);
    assert.deepEqual(await ask('/v1/cricket/recovery/initiate_request?request_id=1'), [
      404,
      'NOT_FOUND',
    ]);
    assert.deepEqual(await ask('/v1/other'), [404, 'NOT_FOUND']);
    sim.child.kill('SIGTERM');
    await sim.done;
    await world.close();
  });
});
