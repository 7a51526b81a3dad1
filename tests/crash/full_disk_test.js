// No space, or a disk that turns read-only: bets get 503, nothing is applied
// by half, and the server recovers by itself.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test } = require('node:test');
const { openWorld, market, newKey, eventually, run } = require('../api/lib/world');
const { makeStore, makeFolder } = require('../api/lib/store');
const { serveArguments } = require('../api/lib/server');

// A folder of 24 MB, or undefined where one may not mount.
function smallDisk() {
  const folder = makeFolder('overround-disk');
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=755', 'none', folder]);
  if (mounted.status === 0) return folder;
  fs.rmdirSync(folder);
  return undefined;
}

function storeIn(folder) {
  if (!folder) return makeStore({ kind: 'sqlite' });
  const file = path.join(folder, 'overround.db');
  const remove = () => {
    execFileSync('umount', [folder]);
    fs.rmdirSync(folder);
  };
  return { kind: 'sqlite', folder, file, url: `sqlite:${file}`, remove };
}

// Takes all space that is left.
function fill(folder) {
  const fd = fs.openSync(path.join(folder, 'filler'), 'w');
  for (const size of [1 << 20, 4096, 512, 1]) {
    try {
      for (;;) fs.writeSync(fd, Buffer.alloc(size));
    } catch (error) {
      assert.equal(error.code, 'ENOSPC');
    }
  }
  fs.closeSync(fd);
}

// Bets until one is not accepted: the journal of all of them.
async function betUntilRefused(fan, event, most = 20000) {
  const journal = [];
  for (let n = 0; n < most; n++) {
    const key = newKey('disk');
    const answer = await fan.bet(event.home(), { stake: '0.10', key });
    journal.push({ key, status: answer.status, text: answer.text, id: answer.json?.id });
    if (answer.status !== 201) return journal;
  }
  throw new Error(`${most} bets were accepted without space`);
}

// While it lasts: 503 with Retry-After, health, and reads.
async function isBusyButAlive(world, fan, event) {
  for (let n = 0; n < 5; n++) {
    const answer = await fan.bet(event.home(), { stake: '0.10' });
    assert.equal(answer.status, 503, answer.text);
    assert.equal(answer.code, 'busy');
    assert.ok(Number(answer.headers['retry-after']) >= 1);
  }
  assert.equal((await fan.deposit('1.00')).status, 503);
  assert.equal((await world.server.operate('GET', '/healthz')).status, 200);
  const feed = await world.feed.post('<alive product="1" timestamp="1" subscribed="1"/>');
  assert.equal(feed.status, 503);
}

async function recovers(world, fan, event, journal) {
  const refused = journal.at(-1);
  await eventually(
    async () => {
      const again = await fan.bet(event.home(), { stake: '0.10', key: refused.key });
      assert.equal(again.status, 201, again.text);
    },
    { timeout: 30000 },
  );
  const accepted = journal.filter((e) => e.status === 201);
  const { staked } = await fan.wallet();
  assert.equal(
    Number(staked).toFixed(2),
    ((accepted.length + 1) / 10).toFixed(2),
    'nothing by half',
  );
  for (const entry of accepted.slice(-50)) {
    assert.equal((await fan.bet(event.home(), { stake: '0.10', key: entry.key })).text, entry.text);
  }
  world.audit();
}

describe('the disk', () => {
  test('full: 503 until there is space again', async () => {
    const disk = smallDisk();
    const world = await openWorld(
      {},
      {
        store: storeIn(disk),
        launcher: disk ? [] : ['bash', '-c', 'trap "" XFSZ; exec "$0" "$@"'],
      },
    );
    const fan = await world.customer({ balance: '90000.00' });
    const event = await world.event(market.oneXTwo());
    const limit = (size) =>
      execFileSync('prlimit', [
        '--pid',
        String(world.server.child.pid),
        `--fsize=${size}:unlimited`,
      ]);
    if (disk) fill(disk);
    else limit(fs.statSync(`${world.store.file}-wal`).size);
    const journal = await betUntilRefused(fan, event);
    assert.equal(journal.at(-1).status, 503, journal.at(-1).text);
    await isBusyButAlive(world, fan, event);
    if (disk) fs.unlinkSync(path.join(disk, 'filler'));
    else limit('unlimited');
    await recovers(world, fan, event, journal);
    await world.server.stop();
    world.audit();
    world.store.remove();
  });

  test('full while it settles: every bet is paid once, later', async () => {
    const disk = smallDisk();
    if (!disk) return; // the limit of a file's size is tried above
    const world = await openWorld({}, { store: storeIn(disk) });
    const event = await world.event(market.oneXTwo('3.00'));
    const fans = await Promise.all(Array.from({ length: 20 }, () => world.customer()));
    const bets = await Promise.all(
      fans.map((fan) => fan.placed(event.home('3.00'), { stake: '1.00' })),
    );
    await event.result(1, 0, 0);
    fill(disk);
    const filler = await world.customer({ balance: null }).catch(() => null);
    fs.unlinkSync(path.join(disk, 'filler'));
    await Promise.all(
      fans.map((fan, i) => fan.becomes(bets[i], { state: 'settled', payout: '3.00' })),
    );
    for (const fan of fans) await fan.holds('102.00', '0.00');
    assert.ok(filler === null || filler.id);
    await world.server.stop();
    world.audit();
    world.store.remove();
  });

  test('read-only: 503 until it may be written again', async () => {
    const folder = makeFolder('overround-readonly');
    const shim = path.join(folder, 'readonly.so');
    const flag = path.join(folder, 'flag');
    execFileSync('cc', [
      '-shared',
      '-fPIC',
      '-O1',
      '-o',
      shim,
      path.join(__dirname, 'lib/readonly.c'),
      '-ldl',
    ]);
    const world = await openWorld(
      {},
      { store: makeStore({ kind: 'sqlite' }), env: { LD_PRELOAD: shim, READONLY_WHILE: flag } },
    );
    const fan = await world.customer();
    const event = await world.event(market.oneXTwo());
    fs.writeFileSync(flag, '');
    const journal = await betUntilRefused(fan, event, 200);
    await isBusyButAlive(world, fan, event);
    fs.unlinkSync(flag);
    await recovers(world, fan, event, journal);
    await world.close();
    fs.rmSync(folder, { recursive: true });
  });

  test('a database that may not be written: the server says so and does not start', async () => {
    const world = await openWorld({}, { store: makeStore({ kind: 'sqlite' }) });
    await world.server.stop();
    const { folder, file, url } = world.store;
    for (const name of fs.readdirSync(folder)) fs.chmodSync(path.join(folder, name), 0o444);
    fs.chmodSync(folder, 0o555);
    const args = serveArguments(url, {});
    const root = process.getuid() === 0;
    const done = root ? runAsNobody(args, folder) : run(args, { timeout: 20000 });
    assert.equal(done.status, 1, done.stderr);
    assert.ok(
      done.stderr.includes(file) || /read-?only|permission|write/i.test(done.stderr),
      done.stderr,
    );
    fs.chmodSync(folder, 0o755);
    world.store.remove();
  });

  // root may write whatever the mode says; nobody may not.
  function runAsNobody(args, folder) {
    const copy = makeFolder('overround-nobody');
    fs.chmodSync(copy, 0o755);
    fs.chmodSync(path.dirname(folder), fs.statSync(path.dirname(folder)).mode);
    fs.copyFileSync(require('../api/lib/store').binary(), path.join(copy, 'overround'));
    fs.chmodSync(path.join(copy, 'overround'), 0o755);
    const done = spawnSync(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', path.join(copy, 'overround'), ...args],
      { encoding: 'utf8', timeout: 20000, cwd: '/' },
    );
    fs.rmSync(copy, { recursive: true });
    return done;
  }
});
