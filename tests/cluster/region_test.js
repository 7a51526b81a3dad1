// A region is lost with all that is in it: the database and the first object store.  What
// the second store has, in another cloud, becomes the house again, as docs/BACKUPS.md has it.
// OVERROUND_REHEARSAL_SECONDS: under so long a load before, for figures.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { describe, test, before, after } = require('node:test');
const { World, market, eventually } = require('../api/lib/world');
const { binary, makeFolder, psql, root } = require('../api/lib/store');
const { run, runAsync } = require('../api/lib/server');
const { S3 } = require('./lib/s3');

describe('a region is lost', () => {
  const acknowledged = [];
  const today = new Date().toISOString().slice(0, 10);
  let one, two, folder, program, url, env;

  const pg = (...args) =>
    execFileSync(path.join(root, 'scripts/pg.sh'), args, {
      encoding: 'utf8',
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim();
  function well(...args) {
    const done = run(args, { env: { ...one.env, ...two.envAs('SECOND_') } });
    assert.equal(done.status, 0, `${args.join(' ')}: ${done.stdout}${done.stderr}`);
    return done.stdout.trim().split('\n').at(-1);
  }

  before(() => {
    one = new S3();
    two = new S3();
    folder = makeFolder('overround-region');
    fs.chmodSync(folder, 0o755);
    env = { ...process.env, ...one.env, ...two.envAs('SECOND_') };
    program = path.join(folder, 'overround');
    fs.copyFileSync(binary(), program);
    fs.chmodSync(program, 0o755);
    url = pg('start', path.join(folder, 'first'), '-c', 'wal_level=replica', '-c',
      'archive_mode=on', '-c', `archive_command=${program} object put %p ${one.url('wal')}/%f ` +
        `--second ${two.url('wal')}/%f`);
    well('migrate', '--store', url);
  });
  after(() => {
    for (const name of ['first', 'second']) {
      const dir = path.join(folder, name);
      if (fs.existsSync(path.join(dir, 'data'))) pg('drop', dir);
    }
    fs.rmSync(folder, { recursive: true, force: true });
    one.stop();
    two.stop();
  });

  async function bets(n, settled) {
    const world = new World({ kind: 'postgres', url, sql: (text) => psql(url, text), remove() {} },
      {});
    await world.start();
    await world.feed.up();
    for (let i = 0; i < n; i++) {
      const customer = await world.customer();
      const event = await world.event(market.oneXTwo('3.00'));
      const bet = await customer.placed(event.home('3.00'), { stake: '10.00' });
      acknowledged.push(bet.id);
      if (settled) await event.result(1, 0, 0);
    }
    await world.quiet();
    await world.server.stop();
  }

  // For figures of a size: many bets, as fast as they go.
  async function load(seconds) {
    const world = new World({ kind: 'postgres', url, sql: (text) => psql(url, text), remove() {} },
      {});
    await world.start();
    const { server } = world;
    const { done } = runAsync(['load', '--url', server.publicUrl, '--operator-url',
      server.operatorUrl, '--operator-token', server.token, '--seconds', `${seconds}`,
      '--customers', '500', '--connections', '32', '--rate', '150']);
    const loaded = await done;
    assert.equal(loaded.status, 0, loaded.stdout + loaded.stderr);
    await server.stop();
  }

  // All up to now is archived, in one store at least.
  async function shipped() {
    const last = psql(url, 'select pg_walfile_name(pg_switch_wal())');
    await eventually(() => {
      assert.ok(psql(url, 'select last_archived_wal from pg_stat_archiver') >= last, last);
    }, { timeout: 60000 });
  }

  function baseBackup() {
    const { host } = new URL(url);
    const base = path.join(folder, 'base');
    execFileSync('pg_basebackup', ['-d', `postgres://postgres@${host}/`, '-D', base, '-Ft', '-z',
      '-X', 'none', '-c', 'fast'], { stdio: ['ignore', 'inherit', 'inherit'] });
    well('object', 'put', path.join(base, 'base.tar.gz'), one.url(`base/${today}.tar.gz`),
      '--second', two.url(`base/${today}.tar.gz`), '--both');
    fs.rmSync(base, { recursive: true });
  }

  // From the second store alone: the first is not even asked.
  function restore() {
    const dir = path.join(folder, 'second');
    const data = path.join(dir, 'data');
    const from = (key) => `${one.url(key)} --second ${two.url(key)} --from second`;
    fs.mkdirSync(data, { recursive: true, mode: 0o700 });
    const [address, ...more] = from(`base/${today}.tar.gz`).split(' ');
    well('object', 'get', address, path.join(dir, 'base.tar.gz'), ...more);
    execFileSync('tar', ['-xzf', path.join(dir, 'base.tar.gz'), '-C', data]);
    const [segment, ...options] = from('wal/%f').split(' ');
    fs.appendFileSync(path.join(data, 'postgresql.auto.conf'), `
restore_command = '${program} object get ${segment} %p ${options.join(' ')}'
recovery_target_action = 'promote'
archive_mode = off
`);
    fs.writeFileSync(path.join(data, 'recovery.signal'), '');
    fs.writeFileSync(path.join(dir, 'port'), `${new URL(url).port}\n`);
    if (process.getuid() === 0) execFileSync('chown', ['-R', 'postgres:', dir]);
    url = pg('restart', dir);
  }

  test('the second store is away for a while: bets go on, and it catches up', async () => {
    await bets(3, true);
    baseBackup();
    well('archive', '--to', one.url('books'), '--second', two.url('books'), '--store', url,
      '--through', today);
    two.away();
    await bets(3, true);
    await shipped();
    const segments = one.keys('wal').length;
    two.back();
    assert.ok(two.keys('wal').length < segments);
    const text = path.join(folder, 'wal.prom');
    assert.match(well('object', 'sync', one.url('wal'), '--second', two.url('wal'),
      '--textfile', text), / [1-9]\d* copied, .*: 0 faults$/);
    assert.deepEqual(two.keys('wal'), one.keys('wal'));
    assert.match(fs.readFileSync(text, 'utf8'), /store="second"} [1-9]/);
  });

  test('database and first store are lost; every acknowledged bet is back', async (t) => {
    await bets(3, false);
    const seconds = Number(process.env.OVERROUND_REHEARSAL_SECONDS ?? 0);
    if (seconds > 0) await load(seconds);
    const before = psql(url, 'select count(*) from bets');
    await shipped();
    well('archive', '--to', one.url('books'), '--second', two.url('books'), '--store', url,
      '--through', today);
    pg('drop', path.join(folder, 'first'));
    one.stop();
    const began = performance.now();
    restore();
    await eventually(() => assert.equal(psql(url, 'select pg_is_in_recovery()'), 'f'),
      { timeout: 60000 });
    const recovered = performance.now();
    const audit = well('audit', '--store', url);
    assert.match(audit, / 0 differences$/);
    assert.equal(psql(url, 'select count(*) from bets'), before);
    const bytes = two.keys('wal').concat(two.keys('base')).reduce((sum, key) => sum +
      fs.statSync(two.file(key.endsWith('gz') ? `base/${key}` : `wal/${key}`)).size, 0);
    const ms = (from, to) => Math.round(to - from);
    t.diagnostic(`${Math.round(bytes / 1e6)} MB restored in ${ms(began, recovered)} ms, ` +
      `audited in ${ms(recovered, performance.now())} ms: ${audit}`);
    const back = new Set(psql(url, 'select id from bets').split('\n'));
    for (const id of acknowledged) assert.ok(back.has(id), `bet ${id} is lost`);
    assert.equal(acknowledged.length, 9);
    const verified = well('archive', '--to', one.url('books'), '--second', two.url('books'),
      '--from', 'second', '--verify', '--store', url);
    assert.match(verified, /^\d+ checkpoints: 0 faults$/);
    await bets(1, true); // and it goes on
    assert.match(well('audit', '--store', url), / 0 differences$/);
  });
});
