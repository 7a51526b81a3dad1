// The archive: days that are over in an object store, months that leave
// PostgreSQL, and books that are proven all the same.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { describe, test, before, after } = require('node:test');
const { openWorld, market, newKey, sleep, eventually } = require('../api/lib/world');
const { makeStore, root } = require('../api/lib/store');
const { run, runAsync } = require('../api/lib/server');
const { holdOpen } = require('./lib/hold');
const { S3 } = require('./lib/s3');

const DAY = 86400000;
const today = () => new Date().toISOString().slice(0, 10);
const monthStart = (ago) => {
  const now = new Date();
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - ago, 1);
};

describe('the archive', () => {
  let s3, world, to;
  const stories = {};

  before(async () => {
    s3 = new S3();
    to = s3.url('books-of-2026');
    world = await openWorld({}, { store: makeStore({ kind: 'postgres' }) });
    // As if the months had been made in their time.
    world.store.sql('delete from months where start_ms = 0');
    for (let ago = 9; ago > 0; ago--) {
      world.store.sql(`insert into months values (${monthStart(ago)}, ${monthStart(ago - 1)})`);
    }
  });
  after(async () => {
    await world?.close();
    s3?.stop();
  });

  const archive = (...more) =>
    run(['archive', '--to', to, '--store', world.store.url, ...more], { env: s3.env });
  const well = (done) => {
    assert.equal(done.status, 0, done.stdout + done.stderr);
    return done.stdout.trim().split('\n').at(-1);
  };
  const stop = () => world.server.stop();

  // One wins, one loses, one sells back; all is settled.
  async function season(name) {
    const winner = await world.customer();
    const loser = await world.customer();
    const seller = await world.customer();
    const event = await world.event(market.oneXTwo('3.00'));
    const won = await winner.placed(event.home('3.00'), { stake: '10.00' });
    await loser.placed(event.away('4.00'), { stake: '7.00' });
    const sold = await seller.placed(event.home('3.00'), { stake: '10.00' });
    await seller.call('POST', `/v1/bets/${sold.id}/cashout`, {
      json: { minimum: '0.00' },
      key: newKey('cashout'),
    });
    await event.result(1, 0, 0);
    await world.quiet();
    await winner.holds('120.00', '0.00');
    stories[name] = { winner, loser, seller, won };
  }

  // Moves what happened today into the past.
  function age(ago) {
    const days = Math.round((Date.now() - monthStart(ago)) / DAY) - 12;
    const ms = days * DAY;
    const ids = BigInt(ms) * 4194304n;
    const since = new Date(today()).getTime();
    const from = `(select bet_id_floor(${since}))`;
    world.store.sql(`begin;
      update bets set placed_ms = placed_ms - ${ms},
        settled_ms = case settled_ms when 0 then 0 else settled_ms - ${ms} end,
        id = id - ${ids} where id >= ${from};
      update legs set bet = bet - ${ids} where bet >= ${from};
      update transfers set at_ms = at_ms - ${ms},
        bet = case bet when 0 then 0 else bet - ${ids} end where at_ms >= ${since};
      update keys set at_ms = at_ms - ${ms},
        ref = case when op = 1 and verdict = 0 then ref - ${ids} else ref end
        where at_ms >= ${since};
      delete from outbox; commit`);
    return new Date(Date.now() - ms).toISOString().slice(0, 10);
  }

  const report = async (from) => {
    const url = `/v1/reports/daily?from=${from}&to=${today()}`;
    const answer = await world.server.operate('GET', url);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  };
  const risk = async (customer) => {
    const answer = await world.server.operate('GET', `/v1/desk/customers/${customer.id}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  };

  test('a database that is older than the months keeps its rows', () => {
    const store = makeStore({ kind: 'postgres', migrated: false });
    for (const name of ['0001_first', '0002_live']) {
      store.sql(fs.readFileSync(path.join(root, `sql/postgres/${name}.sql`), 'utf8'));
    }
    const day = Date.now();
    store.sql(`create table schema_version (version bigint primary key);
      insert into schema_version values (1), (2);
      insert into customers values (1000, 'a@b.example', '', 'DE', '1990-01-01', ${day});
      insert into accounts (id, balance, seq, currency) values (1000, 500, 2, 'EUR');
      insert into transfers values (1000, 1, 1, 1000, 200, 0, ${day - 40 * DAY}, 200, 1),
        (1000, 2, 1, 1000, 300, 0, ${day}, 500, 1);
      insert into keys values (1000, 1, ${day - 40 * DAY}, 2, 0, 'a', '', ''),
        (1000, 2, ${day}, 2, 0, 'b', '', '')`);
    const done = run(['migrate', '--store', store.url]);
    assert.equal(done.status, 0, done.stderr);
    assert.equal(store.sql('select count(*) from transfers_first'), '2');
    assert.equal(store.sql(`select count(*) from months where end_ms > ${day}`), '4');
    const audit = run(['audit', '--store', store.url]);
    assert.equal(audit.status, 0, audit.stdout);
    store.remove();
  });

  test('a day is written once, with sums, and read back', async () => {
    await season('first');
    await stop();
    assert.match(well(archive('--through', today())), /^1 days, 1 written, 3 objects/);
    assert.match(well(archive('--through', today())), /^1 days, 0 written, 0 objects, 0 rows$/);
    const keys = s3.keys(`books-of-2026/days/${today()}`);
    assert.equal(keys.length, 4, keys.join(' '));
    const bets = keys.find((key) => key.startsWith('bets-'));
    const lines = execFileSync('zstd', ['-dc', s3.file(`books-of-2026/days/${today()}/${bets}`)], {
      encoding: 'utf8',
    });
    const rows = lines.trim().split('\n').map((line) => JSON.parse(line));
    assert.equal(rows.length, 4, lines); // and quiet()'s own
    const won = rows.find((row) => row.id === stories.first.won.id);
    assert.equal(won.payout, 3000);
    assert.equal(won.slip.legs[0].odds_e4, 30000);
    assert.equal(lines.includes('@'), false, 'no personal data');
    assert.match(well(run(['archive', '--to', to, '--verify'], { env: s3.env })),
      /^1 days, 3 objects, \d+ rows: 0 faults$/);
  });

  test('a change is seen, though as many versions come as go', () => {
    const move = (n) => world.store.sql(`update bets set version = version
      + case id when (select max(id) from bets where state <> 1) then ${n} else -(${n}) end
      where id in (select max(id) from bets where state <> 1
        union select min(id) from bets where state <> 1)`);
    move(1);
    assert.match(well(archive('--through', today())), /^1 days, 1 written/m);
    move(-1);
    assert.match(well(archive('--through', today())), /^1 days, 1 written/m);
    assert.match(well(archive('--through', today())), /^1 days, 0 written/m);
  });

  test('a day of a release that knows no countries is written again, with them', () => {
    const folder = s3.file(`books-of-2026/days/${today()}`);
    const file = path.join(folder, 'manifest.json');
    const read = () => JSON.parse(fs.readFileSync(file, 'utf8'));
    const keyOf = () => read().objects.find(({ kind }) => kind === 'bets').key;
    const lines = () => execFileSync('zstd', ['-dc', path.join(folder, path.basename(keyOf()))],
      { encoding: 'utf8' }).trim().split('\n').map((line) => JSON.parse(line));
    const plain = keyOf();
    assert.match(plain, /\/bets-[0-9a-f]{16}\./);
    world.store.sql(`update bets set country = 'MT' where id = (select max(id) from bets
      where state <> 1)`);
    assert.match(well(archive('--through', today())), /^1 days, 1 written/m);
    assert.match(keyOf(), /\/bets-country-[0-9a-f]{16}\./);
    assert.equal(lines().filter(({ country }) => country === 'MT').length, 1);
    assert.match(well(archive('--through', today())), /^1 days, 0 written/m);
    // The release before: the same rows and sums, without the country.
    const manifest = read();
    manifest.objects.find(({ kind }) => kind === 'bets').key = plain;
    fs.writeFileSync(file, JSON.stringify(manifest));
    assert.match(well(archive('--through', today())), /^1 days, 1 written/m);
    assert.equal(lines().filter(({ country }) => country === 'MT').length, 1);
    assert.match(well(run(['archive', '--to', to, '--verify'], { env: s3.env })), / 0 faults$/);
    world.store.sql("update bets set country = ''");
    assert.match(well(archive('--through', today())), /^1 days, 1 written/m);
    assert.equal(keyOf(), plain);
  });

  test('what is not over is not written; a wrong secret is refused', () => {
    assert.match(well(archive()), /^0 days, 0 written/);
    const env = { ...s3.env, AWS_SECRET_ACCESS_KEY: 'wrong' };
    const refused = run(['archive', '--to', to, '--verify'], { env });
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /SignatureDoesNotMatch/);
  });

  test('an object that was changed or lost is found', () => {
    const folder = `books-of-2026/days/${today()}`;
    const file = s3.file(`${folder}/${s3.keys(folder).find((key) => key.startsWith('tran'))}`);
    const bytes = fs.readFileSync(file);
    for (const spoil of [
      () => fs.writeFileSync(file, Buffer.concat([bytes.subarray(0, 40), bytes.subarray(39)])),
      () => fs.rmSync(file),
    ]) {
      spoil();
      const done = run(['archive', '--to', to, '--verify'], { env: s3.env });
      assert.equal(done.status, 1, done.stdout);
      assert.match(done.stdout, /1 faults/);
    }
    // The day is written again when its manifest is not what the store says.
    fs.rmSync(s3.file(`${folder}/manifest.json`));
    assert.match(well(archive('--through', today())), /1 written, 3 objects/);
    assert.match(well(run(['archive', '--to', to, '--verify'], { env: s3.env })), / 0 faults$/);
  });

  test('a month goes when it is over and archived, and not before', async () => {
    await world.restart();
    await world.feed.up();
    const open = await world.customer();
    const late = await world.event(market.oneXTwo('2.00'));
    stories.open = { open, bet: await open.placed(late.home('2.00'), { stake: '5.00' }) };
    await stop();
    const day = age(7);
    const longer = ['--drop', '--window-days', '190'];
    const why = () => archive(...longer).stdout;
    assert.match(why(), /stays: 1 open bets\n/);
    // Settled now, as if it had been then.
    await world.restart();
    await world.feed.up();
    await late.result(1, 0, 0);
    await world.quiet();
    await stop();
    assert.match(why(), /stays: 1 bets settled within the window\n/);
    world.store.sql(`update bets set settled_ms = placed_ms where settled_ms > placed_ms;
      delete from outbox`);
    assert.match(why(), new RegExp(`stays: ${day} is not archived as it is now\n`));
    well(archive('--through', day));
    const folder = `books-of-2026/days/${day}`;
    const bets = s3.file(`${folder}/${s3.keys(folder).find((key) => key.startsWith('bets'))}`);
    fs.renameSync(bets, `${bets}.away`);
    assert.match(why(), /stays: .*: it is missing\n/);
    fs.renameSync(`${bets}.away`, bets);
    world.audit();
    await world.restart();
    const before = { report: await report(day), risk: await risk(stories.first.winner) };
    await stop();
    assert.match(well(archive(...longer)), /^1 months dropped$/);
    const early = "id < (select value from meta where name = 'bets_from')";
    assert.equal(world.store.sql(`select count(*) from bets where ${early}`), '0');
    assert.equal(world.store.sql('select count(*) from checkpoints'), '5');
    world.audit();
    await world.restart();
    assert.deepEqual(await report(day), before.report);
    assert.deepEqual(await risk(stories.first.winner), before.risk);
    await stories.first.winner.holds('120.00', '0.00');
    await open.holds('105.00', '0.00');
  });

  test('the server makes months ahead', async () => {
    const ahead = () => world.store.sql(`select count(*) from months where end_ms > ${Date.now()}`);
    assert.equal(ahead(), '4');
    await stop();
    world.store.sql(`delete from months where start_ms > ${Date.now()}`);
    await world.restart();
    await eventually(() => assert.equal(ahead(), '4'), { timeout: 60000 });
    const parts = "select count(*) from pg_inherits where inhparent = 'bets'::regclass";
    assert.equal(world.store.sql(parts), world.store.sql('select count(*) + 1 from months'));
  });

  test('life goes on, and the next month goes as well', async () => {
    await world.feed.up();
    await season('second');
    const event = await world.event(market.oneXTwo('2.00'));
    await stories.first.winner.placed(event.home('2.00'), { stake: '20.00' });
    await event.result(0, 1, 0);
    await world.quiet();
    await stories.first.winner.holds('100.00', '0.00');
    await stop();
    const day = age(5);
    world.audit();
    well(archive('--through', day));
    await world.restart();
    await world.feed.up();
    const before = { report: await report(day), risk: await risk(stories.first.winner) };
    // Somebody settles one of its bets for long: another time.
    const release = await holdOpen(world.store,
      'UPDATE bets SET version = version WHERE state = 2');
    const refused = archive('--drop');
    assert.equal(refused.status, 1, refused.stdout);
    assert.match(refused.stderr, /lock timeout/);
    await release();
    // While bets are placed and settled.
    const { done } = runAsync(['archive', '--to', to, '--store', world.store.url, '--drop'],
      { env: s3.env });
    let over = false;
    done.then(() => {
      over = true;
    });
    const lively = await world.customer({ balance: '9000.00' });
    let bets = 0;
    for (; !over || bets < 3; bets++) {
      const match = await world.event(market.oneXTwo('2.00'));
      await lively.placed(match.home('2.00'), { stake: '1.00' });
      await match.result(0, 1, 0);
    }
    const gone = await done;
    assert.match(gone.stdout, /months dropped$/m, gone.stderr);
    assert.equal(world.store.sql('select count(*) from transfers where at_ms < '
      + "(select value from meta where name = 'transfers_from')"), '0', gone.stdout);
    await world.quiet();
    await lively.holds(`${9000 - bets}.00`, '0.00');
    assert.deepEqual((await report(day)).days.filter((d) => d.day < today()),
      before.report.days.filter((d) => d.day < today()));
    assert.deepEqual(await risk(stories.first.winner), before.risk);
    world.audit();
    const proven = archive('--verify');
    assert.equal(proven.status, 0, proven.stdout + proven.stderr);
    assert.match(proven.stdout, /^\d+ checkpoints: 0 faults$/m);
    // Stakes for winnings: the books alone would not tell.
    world.store.sql('update checkpoints set won = won + 1, cash = cash - 1 where balance > 0');
    const told = archive('--verify');
    assert.equal(told.status, 1);
    assert.match(told.stdout, /^checkpoint of account \d+: cash .* the archive says/m);
    world.store.sql('update checkpoints set won = won - 1, cash = cash + 1 where balance > 0');
    world.store.sql(`update checkpoints set won = won + 1, balance = balance + 1
      where balance > 0`);
    const wrong = run(['audit', '--store', world.store.url]);
    assert.equal(wrong.status, 1);
    world.store.sql(`update checkpoints set won = won - 1, balance = balance - 1
      where balance > 0`);
  });
});

describe('the archive, disturbed', () => {
  const DAYS = 16;
  let s3, store;

  // An account that deposits a little every day.
  before(() => {
    s3 = new S3();
    store = makeStore({ kind: 'postgres' });
    store.sql(`insert into accounts (id, balance, seq, currency)
        values (1000, ${DAYS * 100}, ${DAYS}, 'EUR');
      insert into transfers select 1000, n, 1, 1000, 100, 0,
        extract(epoch from date_trunc('day', now()))::bigint * 1000 - (n + 1)::bigint * ${DAY},
        n * 100, 1 from generate_series(1, ${DAYS}) n`);
  });
  after(() => {
    store?.remove();
    s3?.stop();
  });

  const start = (to, env = s3.env) =>
    runAsync(['archive', '--to', s3.url(to), '--store', store.url], { env });
  const verified = (to) => run(['archive', '--to', s3.url(to), '--verify'], { env: s3.env }).stdout;

  test('killed again and again, it goes on where it was', async () => {
    let kills = 0;
    let done;
    for (;;) {
      const { child, done: ended } = start('killed');
      const after = sleep(60 + 20 * kills).then(() => child.kill('SIGKILL'));
      done = await ended;
      await after;
      if (done.status === 0) break;
      assert.equal(done.signal, 'SIGKILL', done.stderr);
      kills++;
      assert.match(verified('killed') || '0 faults', /0 faults/, 'what is there is whole');
    }
    assert.ok(kills > 0, 'it was killed at least once');
    assert.equal(verified('killed').split(',')[0], `${DAYS} days`);
    assert.match((await start('killed').done).stdout, new RegExp(`^${DAYS} days, 0 written`, 'm'));
  });

  test('a store that fails for the moment is asked again', async () => {
    const wire = await flaky(new URL(s3.endpoint));
    const done = await start('flaky', { ...s3.env, AWS_ENDPOINT_URL: wire.url }).done;
    assert.equal(done.status, 0, done.stderr);
    assert.ok(wire.refused > 10, `${wire.refused} requests failed`);
    wire.close();
    assert.match(verified('flaky'), new RegExp(`^${DAYS} days, .* 0 faults$`, 'm'));
  });

  // It had its list of days, and another one drops their month.
  test('what is gone is not written over what was kept', async () => {
    const before = verified('flaky');
    const wire = await between(new URL(s3.endpoint), (count) => {
      if (count === 1)
        store.sql(`delete from transfers;
          update meta set value = ${Date.now()} where name = 'transfers_from'`);
      return false;
    });
    store.sql('update transfers set amount = amount + 1');
    const done = await start('flaky', { ...s3.env, AWS_ENDPOINT_URL: wire.url }).done;
    wire.close();
    assert.equal(done.status, 1, done.stdout);
    assert.match(done.stderr, /was dropped meanwhile/);
    assert.equal(verified('flaky'), before);
  });

  // Every third request finds nobody, or a server that is busy.
  async function flaky(target) {
    let refused = 0;
    const wire = await between(target, (count, request, response) => {
      if (count % 3 !== 0) return false;
      refused++;
      if (count % 2) return request.socket.destroy() !== undefined;
      response.writeHead(503);
      response.end('<Error><Code>SlowDown</Code></Error>');
      return true;
    });
    return Object.defineProperty(wire, 'refused', { get: () => refused });
  }

  // A proxy; `answers` says whether it has answered the request itself.
  function between(target, answers) {
    const wire = {};
    let count = 0;
    const proxy = http.createServer((request, response) => {
      if (answers(++count, request, response)) return;
      const { method, url: path, headers } = request;
      const on = http.request({ host: '127.0.0.1', port: target.port, method, path, headers });
      request.pipe(on).on('response', (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
    });
    return new Promise((resolve) => {
      proxy.listen(0, '127.0.0.1', () => {
        wire.url = `http://localhost:${proxy.address().port}`;
        wire.close = () => proxy.closeAllConnections() ?? proxy.close();
        resolve(wire);
      });
    });
  }
});
