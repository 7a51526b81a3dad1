// The process itself: its settings, its lock, its exit codes, and how it ends.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { describe, test } = require('node:test');
const { openWorld, market, newKey, run, eventually } = require('./lib/world');
const { makeStore, isPostgres, makeFolder, Postgres } = require('./lib/store');
const { startServer, serveArguments } = require('./lib/server');

// A server that must not start: its exit code and its one line.
function refused(store, options = {}, env) {
  const done = run(serveArguments(store, options), { env, timeout: 20000 });
  assert.notEqual(done.status, null, 'it must not run on');
  return done;
}

describe('the process', () => {
  test('usage: 2 and one line that says what to do', () => {
    const wrong = [
      [],
      ['nonsense'],
      ['serve', '--nonsense', '1'],
      ['serve', '--lanes'],
      ['serve', '--lanes', 'many'],
      ['serve', '--stake-max', '1.234'],
      ['audit'],
      ['migrate'],
      ['replay'],
      ['serve', '--log-level', 'loud'],
      ['serve', 'extra'],
      ['sleep'],
      ['sleep', '5s'],
      ['sleep', '-1'],
    ];
    for (const args of wrong) {
      const { status, stderr } = run(args);
      assert.equal(status, 2, `overround ${args.join(' ')}: ${status} ${stderr}`);
      assert.ok(stderr.trim().length > 0);
      const named = args.at(-1);
      if (args.length === 3)
        assert.ok(stderr.includes(args[1].slice(2)) || stderr.includes(named), stderr);
    }
    assert.equal(run(['--help']).status, 0);
    assert.match(run(['serve', '--help']).stdout, /producer-silence-s/);
  });

  test('sleep waits, for an image without a shell', () => {
    const begin = process.hrtime.bigint();
    assert.equal(run(['sleep', '1']).status, 0);
    assert.ok(process.hrtime.bigint() - begin >= 1_000_000_000n);
  });

  test('--check reads the settings from arguments, environment and file', () => {
    const file = path.join(makeFolder(), 'overround.conf');
    fs.writeFileSync(file, 'lanes = 3\nstake-max = 100.00\n');
    assert.equal(run(['serve', '--check', '--config', file]).status, 0);
    fs.writeFileSync(file, 'lanes = three\n');
    const bad = run(['serve', '--check', '--config', file]);
    assert.equal(bad.status, 2);
    assert.ok(bad.stderr.includes('lanes'), bad.stderr);
    assert.equal(run(['serve', '--check', '--config', file, '--lanes', '3']).status, 2);
    const env = run(['serve', '--check'], { env: { OVERROUND_LANES: 'x' } });
    assert.equal(env.status, 2);
    assert.ok(/lanes/i.test(env.stderr));
    assert.equal(run(['serve', '--check', '--config', '/nowhere/x.conf']).status, 2);
    fs.rmSync(path.dirname(file), { recursive: true });
  });

  test('a port that is taken is named', async () => {
    const other = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address();
    const store = makeStore();
    const done = refused(store.url, { listen: `127.0.0.1:${port}` });
    assert.equal(done.status, 1);
    assert.ok(done.stderr.includes(String(port)), done.stderr);
    other.close();
    store.remove();
  });

  test('a store that is not there: 1 and the reason', () => {
    for (const store of ['sqlite:/nowhere/at/all/x.db', 'postgres://nobody@127.0.0.1:1/none']) {
      const done = refused(store);
      assert.equal(done.status, 1, store);
      assert.ok(done.stderr.trim().split('\n').length <= 2 && done.stderr.length > 20, done.stderr);
    }
  });

  test('rule 26: a second server on the same SQLite file says so and exits', async () => {
    const world = await openWorld({}, { store: makeStore({ kind: 'sqlite' }) });
    const customer = await world.customer();
    const done = refused(world.store.url);
    assert.equal(done.status, 1);
    assert.match(done.stderr, /overround\.db/);
    assert.match(done.stderr, /another|already|in use|lock/i);
    await customer.holds('100.00');
    await world.close();
  });

  test('rule 26: SQLite runs with WAL', async () => {
    const world = await openWorld({}, { store: makeStore({ kind: 'sqlite' }) });
    assert.ok(fs.existsSync(`${world.store.file}-wal`));
    await world.close();
  });

  test('rule 28: serve migrates SQLite by itself', async () => {
    const store = makeStore({ kind: 'sqlite' });
    const server = await startServer({ store: store.url });
    await server.stop();
    assert.equal(run(['migrate', '--store', store.url]).status, 0);
    store.remove();
  });

  function postgresOnly() {
    test('rule 28: a PostgreSQL schema that is behind: 1 with the command', () => {
      const store = makeStore({ migrated: false });
      const done = refused(store.url);
      assert.equal(done.status, 1);
      assert.match(done.stderr, /overround migrate --store/);
      assert.equal(run(['migrate', '--store', store.url]).status, 0);
      assert.equal(run(['migrate', '--store', store.url]).status, 0, 'a second time is well');
      store.remove();
    });

    for (const setting of ['synchronous_commit=off', 'fsync=off']) {
      test(`rule 26: PostgreSQL with ${setting} is refused`, () => {
        const lax = new Postgres(['-c', setting]);
        try {
          const store = makeStore({ server: lax.url });
          const done = refused(store.url);
          assert.equal(done.status, 1);
          assert.ok(done.stderr.includes(setting.split('=')[0]), done.stderr);
          store.remove();
        } finally {
          lax.stop();
        }
      });
    }
  }
  if (isPostgres) postgresOnly();

  // Bets until the server no longer listens; what it answered goes to `told`.
  async function betUntilGone(fan, event, told) {
    for (;;) {
      const slip = { stake: '0.10', type: 'single', accept: 'any', legs: [event.home()] };
      try {
        const key = newKey('drain');
        told.push(await fan.call('POST', '/v1/bets', { json: slip, key, noRetry: true }));
      } catch (error) {
        return { fan, told, error };
      }
    }
  }

  test('SIGTERM drains: no request in flight is dropped', async () => {
    const world = await openWorld();
    const event = await world.event(market.oneXTwo());
    const fans = await Promise.all(Array.from({ length: 40 }, () => world.customer()));
    const answers = fans.map(() => []);
    const stories = fans.map((fan, i) => betUntilGone(fan, event, answers[i]));
    const taken = (told) => told.filter((answer) => answer.status === 201);
    await eventually(() => assert.ok(answers.every((told) => taken(told).length > 2)));
    world.server.child.kill('SIGTERM');
    assert.deepEqual(await world.server.exited, { status: 0, signal: null });
    const ends = await Promise.all(stories);
    await world.start();
    for (const { fan, told, error } of ends) {
      // Between two requests a connection may close; within one it may not.
      assert.ok(error.code === 'ECONNREFUSED' || error.reused, error);
      for (const answer of told) assert.ok([201, 503].includes(answer.status), answer.text);
      const staked = (taken(told).length / 10).toFixed(2);
      assert.equal((await fan.wallet()).staked, staked, 'every bet that stands was answered');
    }
    await world.close();
  });

  test('while it drains it is not ready, and then it is gone', async () => {
    const world = await openWorld();
    const socket = net.connect(world.server.public.split(':')[1], '127.0.0.1');
    const body = JSON.stringify({ email: 'x' });
    socket.write(
      `POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
        `Expect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => {});
    await eventually(() => assert.match(answer, /^HTTP\/1\.1 100/)); // the request has begun
    world.server.child.kill('SIGTERM');
    await eventually(() => assert.match(world.server.log, /draining/));
    const ready = await world.server.operate('GET', '/readyz').catch((error) => error);
    assert.ok([503, undefined].includes(ready.status), `ready: ${ready.status}`);
    socket.write(body);
    await eventually(() => assert.match(answer, /^HTTP\/1\.1 400/m));
    assert.match(answer, /connection: close/i);
    assert.deepEqual(await world.server.exited, { status: 0, signal: null });
    world.store.remove();
  });

  test('logs are structured, and hold neither passwords nor tokens', async () => {
    const world = await openWorld({ 'log-level': 'debug' });
    const customer = await world.customer();
    await customer.wallet();
    const { log } = world.server;
    assert.ok(!log.includes(customer.fields.password));
    assert.ok(!log.includes(customer.token));
    assert.ok(!log.includes(world.server.token));
    for (const line of log.trim().split('\n').filter(Boolean)) {
      assert.match(line, /^(\{.*\}|\S*\d{4}-\d\d-\d\dT.*\b(debug|info|warn|error)\b.*)$/, line);
    }
    await world.close();
  });

  test('the simulator plays live events that can be bet on', async () => {
    const world = await openWorld();
    const { runAsync } = require('./lib/server');
    const sim = runAsync(
      ['sim', '--matches', '2', '--speed', '60', '--seed', '7', '--to', world.server.operatorUrl],
      { env: { OVERROUND_OPERATOR_TOKEN: world.server.token } },
    );
    const customer = await world.customer();
    await eventually(async () => {
      const { json } = await world.server.call('GET', '/v1/events?state=live');
      const { markets } = (await world.server.call('GET', `/v1/events/${json.events[0].id}`)).json;
      const open = markets.find((m) => m.status === 'active');
      const outcome = open.outcomes.find((o) => o.active);
      const answer = await customer.bet(
        {
          event: json.events[0].id,
          market: open.market,
          specifiers: open.specifiers,
          outcome: outcome.outcome,
          odds: outcome.odds,
        },
        { accept: 'any' },
      );
      assert.equal(answer.status, 201, answer.text);
    });
    sim.child.kill('SIGTERM');
    await sim.done;
    await world.close();
  });
});
