// Backup and restore to a point in time, as docs/OPERATE.md has it: a base
// backup and the write-ahead log in the object store, nothing else left.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { describe, test, before, after } = require('node:test');
const { World, market, eventually } = require('../api/lib/world');
const { binary, makeFolder, psql, root } = require('../api/lib/store');
const { run } = require('../api/lib/server');
const { S3 } = require('./lib/s3');

describe('backup and restore', () => {
  let s3, folder, program, url, env;

  // A PostgreSQL that runs as somebody else, with the object store's secrets.
  const pg = (...args) =>
    execFileSync(path.join(root, 'scripts/pg.sh'), args, {
      encoding: 'utf8',
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim();
  const object = (...args) => {
    const done = run(['object', ...args], { env: s3.env });
    assert.equal(done.status, 0, done.stderr);
  };

  before(() => {
    s3 = new S3();
    folder = makeFolder('overround-restore');
    fs.chmodSync(folder, 0o755);
    env = { ...process.env, ...s3.env };
    program = path.join(folder, 'overround');
    fs.copyFileSync(binary(), program);
    fs.chmodSync(program, 0o755);
    url = pg('start', path.join(folder, 'first'),
      '-c', 'wal_level=replica', '-c', 'archive_mode=on',
      '-c', `archive_command=${program} object put %p ${s3.url('wal')}/%f`);
    assert.equal(run(['migrate', '--store', url]).status, 0);
  });
  after(() => {
    for (const name of ['first', 'second']) {
      const dir = path.join(folder, name);
      if (fs.existsSync(path.join(dir, 'data'))) pg('drop', dir);
    }
    fs.rmSync(folder, { recursive: true, force: true });
    s3.stop();
  });

  const open = async () => {
    const world = new World({ kind: 'postgres', url, sql: (text) => psql(url, text), remove() {} },
      {});
    await world.start();
    await world.feed.up();
    return world;
  };
  async function bet(world) {
    const customer = await world.customer();
    const event = await world.event(market.oneXTwo('3.00'));
    await customer.placed(event.home('3.00'), { stake: '10.00' });
    return { customer, event };
  }
  const count = () => Number(psql(url, 'select count(*) from bets'));

  // Everything up to now is in the object store.
  async function shipped() {
    const last = psql(url, 'select pg_walfile_name(pg_switch_wal())');
    await eventually(() => {
      assert.ok(psql(url, 'select last_archived_wal from pg_stat_archiver') >= last, last);
    }, { timeout: 30000 });
  }

  function baseBackup() {
    const { host } = new URL(url);
    const base = path.join(folder, 'base');
    execFileSync('pg_basebackup', ['-d', `postgres://postgres@${host}/`, '-D', base, '-Ft', '-z',
      '-X', 'none', '-c', 'fast'], { stdio: ['ignore', 'inherit', 'inherit'] });
    object('put', path.join(base, 'base.tar.gz'), s3.url('base/base.tar.gz'));
    fs.rmSync(base, { recursive: true });
  }

  // A server from what is in the object store, up to a restore point.
  function restore(point) {
    const dir = path.join(folder, 'second');
    const data = path.join(dir, 'data');
    fs.mkdirSync(data, { recursive: true, mode: 0o700 });
    object('get', s3.url('base/base.tar.gz'), path.join(dir, 'base.tar.gz'));
    execFileSync('tar', ['-xzf', path.join(dir, 'base.tar.gz'), '-C', data]);
    fs.appendFileSync(path.join(data, 'postgresql.auto.conf'), `
restore_command = '${program} object get ${s3.url('wal')}/%f %p'
recovery_target_name = '${point}'
recovery_target_action = 'promote'
archive_mode = off
`);
    fs.writeFileSync(path.join(data, 'recovery.signal'), '');
    fs.writeFileSync(path.join(dir, 'port'), `${new URL(url).port}\n`);
    if (process.getuid() === 0) execFileSync('chown', ['-R', 'postgres:', dir]);
    url = pg('restart', dir);
  }

  test('the books are what they were before the mistake', async () => {
    let world = await open();
    const early = await bet(world);
    baseBackup();
    const late = await bet(world);
    await late.event.result(1, 0, 0);
    await world.quiet();
    await late.customer.holds('120.00', '0.00');
    await world.server.stop();
    const bets = count();
    psql(url, "select pg_create_restore_point('before_the_mistake')");
    psql(url, 'update accounts set balance = 0; delete from transfers');
    assert.equal(run(['audit', '--store', url]).status, 1);
    await shipped();
    pg('drop', path.join(folder, 'first'));
    restore('before_the_mistake');
    await eventually(() => assert.equal(psql(url, 'select pg_is_in_recovery()'), 'f'));
    assert.equal(count(), bets);
    const audit = run(['audit', '--store', url]);
    assert.equal(audit.status, 0, audit.stdout + audit.stderr);
    world = await open();
    early.customer.world = late.customer.world = world;
    await late.customer.holds('120.00', '0.00');
    await early.customer.holds('90.00', '0.00');
    await bet(world); // and it goes on
    await world.server.stop();
    assert.equal(run(['audit', '--store', url]).status, 0);
  });

  test('a segment is never replaced by another', () => {
    const [name] = s3.keys('wal');
    const other = path.join(folder, 'other');
    fs.writeFileSync(other, 'something else');
    const done = run(['object', 'put', other, s3.url(`wal/${name}`)], { env: s3.env });
    assert.equal(done.status, 1);
    assert.match(done.stderr, /is not the same/);
    const get = (env) =>
      run(['object', 'get', s3.url('wal/none'), path.join(folder, 'x')], { env }).status;
    assert.equal(get(s3.env), 1); // the end of the log
    assert.equal(get({ ...s3.env, AWS_SECRET_ACCESS_KEY: 'x' }), 126); // trouble
  });
});
