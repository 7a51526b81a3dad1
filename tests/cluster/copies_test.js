// Two object stores that hold the same: one is away and catches up, is lost, was changed;
// and one that locks.  Both are real servers that check signatures.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test, before, after } = require('node:test');
const { openWorld, market } = require('../api/lib/world');
const { makeFolder, makeStore } = require('../api/lib/store');
const { run } = require('../api/lib/server');
const { S3 } = require('./lib/s3');

const METRIC = 'overround_copy_complete_timestamp_seconds';

describe('two stores', () => {
  let one, two, folder, textfile;

  before(() => {
    one = new S3();
    two = new S3();
    folder = makeFolder('overround-copies');
    textfile = path.join(folder, 'copies.prom');
  });
  after(() => {
    fs.rmSync(folder, { recursive: true, force: true });
    one.stop();
    two.stop();
  });

  const env = () => ({ ...one.env, ...two.envAs('SECOND_') });
  const object = (...args) => run(['object', ...args], { env: env() });
  const fileOf = (name, bytes) => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, bytes);
    return file;
  };
  const put = (key, bytes, ...more) =>
    object('put', fileOf('out', bytes), one.url(key), '--second', two.url(key), ...more);
  const get = (key, ...more) =>
    object('get', one.url(key), path.join(folder, 'back'), '--second', two.url(key), ...more);
  const sync = (prefix, ...more) =>
    object('sync', one.url(prefix), '--second', two.url(prefix), '--textfile', textfile, ...more);
  const back = () => fs.readFileSync(path.join(folder, 'back'), 'utf8');
  const last = (done) => done.stdout.trim().split('\n').at(-1);
  // '3 objects, 2 copied, …: 0 faults' as { objects: 3, copied: 2, … }, of which not 0.
  const counts = (done) => Object.fromEntries([...last(done).matchAll(/(\d+) ([a-z ]+)/g)]
    .map(([, n, name]) => [name, Number(n)]).filter(([, n]) => n !== 0));
  const told = (name, labels) => {
    const line = fs.readFileSync(textfile, 'utf8').split('\n')
      .find((each) => each.startsWith(`overround_copy_${name}{${labels}} `));
    return Number(line.split(' ')[1]);
  };

  // When each store was last complete, as node_exporter is told.
  function complete(what) {
    const text = fs.readFileSync(textfile, 'utf8');
    return ['first', 'second'].map((store) => {
      const line = text.split('\n').find((each) =>
        each.startsWith(`${METRIC}{what="${what}",store="${store}"} `));
      return Number(line.split(' ')[1]);
    });
  }

  test('put goes to both, get takes from either', () => {
    assert.equal(put('a/one', 'x').status, 0);
    for (const s3 of [one, two]) assert.equal(fs.readFileSync(s3.file('a/one'), 'utf8'), 'x');
    assert.equal(put('a/one', 'x').status, 0); // again
    const other = put('a/one', 'y');
    assert.equal(other.status, 1);
    assert.match(other.stderr, /the first store: one is there, and is not the same/);
    fs.rmSync(one.file('a/one'));
    assert.equal(get('a/one').status, 0);
    assert.equal(back(), 'x');
    assert.equal(get('a/one', '--from', 'first').status, 1);
    assert.equal(get('a/one', '--from', 'second').status, 0);
    assert.equal(get('a/none').status, 1); // neither: the end of the log
    assert.equal(object('get', one.url('a/one'), path.join(folder, 'back'), '--from',
      'second').status, 126);
  });

  test('one that is away stops nobody, and catches up', () => {
    assert.equal(put('wal/1', 'one').status, 0);
    assert.equal(sync('wal').status, 0);
    const before = complete('wal');
    assert.ok(before[0] > 0 && before[1] === before[0]);
    two.away();
    const done = put('wal/2', 'two');
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stderr, /the second store: GET 2: /);
    assert.equal(put('wal/3', 'three', '--both').status, 1); // who wants it so
    assert.equal(get('wal/2').status, 0);
    assert.equal(get('wal/none').status, 126); // the second may have it
    assert.equal(sync('wal').status, 1);
    two.back();
    // The first was not complete either, as far as anybody knows: it kept its time.
    fs.writeFileSync(textfile, fs.readFileSync(textfile, 'utf8').replaceAll(/ \d+$/gm, ' 7'));
    two.away();
    assert.equal(sync('wal').status, 1);
    assert.deepEqual(complete('wal'), [7, 7]);
    two.back();
    const copied = sync('wal');
    assert.equal(copied.status, 0, copied.stdout + copied.stderr);
    assert.deepEqual(counts(copied), { objects: 3, copied: 2 });
    assert.equal(fs.readFileSync(two.file('wal/2'), 'utf8'), 'two');
    assert.ok(complete('wal')[1] >= before[1]);
    assert.deepEqual(counts(sync('wal')), { objects: 3 });
  });

  test('either way, large ones too; what differs is told and stays', () => {
    const large = crypto.randomBytes(6 << 20);
    assert.equal(object('put', fileOf('out', large), two.url('either/large'), '--endpoint',
      two.endpoint).status, 0);
    assert.equal(put('either/same', 'abc').status, 0);
    fs.writeFileSync(two.file('either/same'), 'abcd');
    const done = sync('either', '--second-part-mib', '5', '--part-mib', '5');
    assert.equal(done.status, 1);
    assert.match(done.stdout, /^same: is not what the first store has: .*no versions/m);
    assert.deepEqual(counts(done),
      { objects: 2, copied: 1, 'looked at': 1, read: 1, different: 1, faults: 1 });
    assert.ok(fs.readFileSync(one.file('either/large')).equals(large));
    assert.equal(fs.readFileSync(two.file('either/same'), 'utf8'), 'abcd');
  });

  const ago = (file, days) => {
    const then = new Date(Date.now() - days * 86400000);
    fs.utimesSync(file, then, then);
  };

  test('what is missing is found however old, and what has ended is not given back', () => {
    assert.equal(put('old/1', 'x').status, 0);
    fs.rmSync(two.file('old/1'));
    ago(one.file('old/1'), 20); // away for longer than a week
    assert.deepEqual(counts(sync('old', '--quick')), { objects: 1, copied: 1 });
    // The copy is new, and says that it is old: the first store's rule has ended it.
    fs.rmSync(one.file('old/1'));
    assert.deepEqual(counts(sync('old', '--days', '19')), { objects: 1, 'past their time': 1 });
    assert.deepEqual(counts(sync('old', '--days', '21')), { objects: 1, copied: 1 });
    fs.rmSync(two.file('old/1')); // and a copy of the copy is as old
    assert.deepEqual(counts(sync('old', '--days', '19')), { objects: 1, 'past their time': 1 });
    ago(one.file('old/1'), 2000);
    assert.deepEqual(counts(sync('old')), { objects: 1, 'past their time': 1 });
    assert.deepEqual(counts(sync('old', '--days', 'ever')), { objects: 1, copied: 1 });
    assert.equal(object('restore', one.url('old/'), '--days', 'ever').status, 2);
  });

  test('a copy of the same size that is another is told until a whole comparison is well', () => {
    const mine = 'what="base"';
    const atSeven = () => fs.writeFileSync(textfile,
      fs.readFileSync(textfile, 'utf8').replaceAll(/(\}) \d{9,}$/gm, '$1 7'));
    const base = (...more) => sync('base', '--what', 'base', ...more);
    assert.equal(put('base/1', 'abcd').status, 0);
    assert.equal(base().status, 0);
    const well = told('compared_timestamp_seconds', mine);
    assert.ok(well > 0);
    fs.rmSync(two.file('base/1'));
    assert.equal(object('put', fileOf('out', 'efgh'), two.url('base/1'), '--endpoint',
      two.endpoint).status, 0);
    atSeven();
    const quick = base('--quick'); // the listings cannot tell: the ETag may be none of MD5
    assert.deepEqual(counts(quick), { objects: 1, 'not told by the listings': 1 });
    assert.equal(told('compared_timestamp_seconds', mine), 7);
    const done = base();
    assert.equal(done.status, 1);
    assert.match(done.stdout, /^1: is not what the .* store has: which of them is right/m);
    assert.equal(told('different_objects', mine), 1);
    atSeven();
    assert.equal(base('--quick').status, 0); // finds nothing, and knows that it cannot
    assert.equal(told('different_objects', mine), 1);
    assert.deepEqual(complete('base'), [7, 7]);
    fs.rmSync(two.file('base/1'));
    assert.equal(base('--quick').status, 0);
    assert.deepEqual(complete('base'), [7, 7]);
    assert.equal(base().status, 0);
    assert.equal(told('different_objects', mine), 0);
    assert.ok(complete('base').every((at) => at > 7));
    assert.ok(told('compared_timestamp_seconds', mine) > 7);
  });

  test('what a store lacks is a number until it has it', () => {
    assert.equal(put('lack/1', 'x').status, 0);
    two.away();
    assert.equal(put('lack/2', 'y').status, 0);
    two.back();
    const full = two.file('lack'); // nothing can be put there
    fs.chmodSync(full, 0o500);
    fs.renameSync(full, `${full}.away`);
    fs.writeFileSync(full, '');
    const done = sync('lack');
    assert.equal(done.status, 1, done.stdout);
    assert.equal(told('missing_objects', 'what="wal",store="second"'), 2);
    assert.equal(told('missing_objects', 'what="wal",store="first"'), 0);
    fs.rmSync(full);
    fs.renameSync(`${full}.away`, full);
    fs.chmodSync(full, 0o700);
    assert.equal(sync('lack').status, 0);
    assert.equal(told('missing_objects', 'what="wal",store="second"'), 0);
  });

  test('put in other parts, or without a sum of ours: the same is seen to be', async () => {
    const large = crypto.randomBytes(11 << 20);
    const file = fileOf('out', large);
    const one6 = object('put', file, one.url('parts/a'), '--part-mib', '5');
    assert.equal(one6.status, 0, one6.stderr);
    assert.equal(object('put', file, two.url('parts/a'), '--endpoint', two.endpoint,
      '--part-mib', '6').status, 0);
    assert.deepEqual(counts(sync('parts')), { objects: 1, 'looked at': 1 });
    const raw = async () => { // the server keeps the metadata of what is written over
      assert.equal((await one.call('DELETE', '/books/parts/a')).status, 204);
      assert.equal((await one.call('PUT', '/books/parts/a', {}, large)).status, 200);
    };
    await raw();
    assert.deepEqual(counts(sync('parts')), { objects: 1, 'looked at': 1, read: 1 });
    large[9 << 20] ^= 1;
    await raw();
    assert.equal(counts(sync('parts')).different, 1);
  });

  // Whose bucket keeps versions loses nothing by another one.
  test('a damaged copy is put anew, as a version over it, also under a lock', async () => {
    const made = await two.call('PUT', '/versions', { 'x-amz-bucket-object-lock-enabled': 'true' });
    assert.equal(made.status, 200, made.text);
    const again = (...more) => object('sync', one.url('damaged'), '--second',
      's3://versions/damaged', '--textfile', textfile, ...more);
    const done = object('put', fileOf('out', 'precious'), one.url('damaged/a'), '--second',
      's3://versions/damaged/a', '--second-lock-days', '2');
    assert.equal(done.status, 0, done.stderr);
    assert.equal(again('--second-lock-days', '2').status, 0);
    for (const bytes of ['perished', 'too long a text']) {
      assert.equal((await two.call('PUT', '/versions/damaged/a', {}, bytes)).status, 200);
      const bad = (await two.call('HEAD', '/versions/damaged/a')).headers.get('x-amz-version-id');
      const mended = again('--second-lock-days', '2');
      assert.equal(mended.status, 0, mended.stdout + mended.stderr);
      assert.match(mended.stdout, new RegExp(`^a: put anew in the second store; .*${bad} stays$`,
        'm'));
      assert.equal(counts(mended)['put anew'], 1);
      assert.equal((await two.call('GET', '/versions/damaged/a')).text, 'precious');
      const old = await two.call('GET', `/versions/damaged/a?versionId=${bad}`);
      assert.equal(old.text, bytes);
    }
    const head = await two.call('HEAD', '/versions/damaged/a');
    assert.equal(head.headers.get('x-amz-object-lock-mode'), 'COMPLIANCE');
    assert.deepEqual(counts(again()), { objects: 1 });
  });

  test('a lock that a real store holds', async () => {
    const made = await two.call('PUT', '/locked', { 'x-amz-bucket-object-lock-enabled': 'true' });
    assert.equal(made.status, 200, made.text);
    const file = fileOf('out', 'for five years');
    const locked = (url) => object('put', file, one.url('lock/a'), '--second', url,
      '--second-lock-days', '1827');
    const done = locked('s3://locked/a');
    assert.equal(done.status, 0, done.stderr);
    assert.equal(done.stderr, '');
    const head = await two.call('HEAD', '/locked/a');
    assert.equal(head.headers.get('x-amz-object-lock-mode'), 'COMPLIANCE');
    const version = head.headers.get('x-amz-version-id');
    const gone = await two.call('DELETE', `/locked/a?versionId=${version}`);
    assert.equal(gone.status, 403, gone.text);
    // In a bucket without: said, whatever the store makes of it.
    const open = object('put', file, two.url('unlocked'), '--endpoint', two.endpoint,
      '--lock-days', '1827');
    assert.equal(open.status, 1, open.stderr);
  });

  describe('the archive', () => {
    let world;
    const today = () => new Date().toISOString().slice(0, 10);
    const days = (s3) => s3.keys(`books/days/${today()}`);
    const archive = (...more) => run(['archive', '--to', one.url('books'), '--second',
      two.url('books'), ...more], { env: env() });
    const write = (...more) => archive('--store', world.store.url, '--through', today(),
      '--textfile', textfile, ...more);

    before(async () => {
      world = await openWorld({}, { store: makeStore({ kind: 'postgres' }) });
    });
    after(() => world?.close());

    async function bet() {
      const customer = await world.customer();
      const event = await world.event(market.oneXTwo('3.00'));
      await customer.placed(event.home('3.00'), { stake: '10.00' });
      await event.result(1, 0, 0);
      await world.quiet();
    }

    test('a day goes to both, and is the same', async () => {
      await bet();
      const done = write();
      assert.equal(done.status, 0, done.stdout + done.stderr);
      assert.match(last(done), /^1 days, 1 written, 0 copied, 6 objects, /);
      assert.deepEqual(days(one), days(two));
      assert.equal(days(one).length, 4);
      assert.ok(complete('archive').every((at) => at > 0));
      assert.match(last(archive('--verify')), /^2 days, 6 objects, \d+ rows: 0 faults$/);
    });

    test('a run that fails leaves the time of the copies', () => {
      const failed = (says) => {
        fs.writeFileSync(textfile,
          fs.readFileSync(textfile, 'utf8').replaceAll(/(\}) \d+$/gm, '$1 7'));
        const done = write();
        assert.equal(done.status, 1, done.stdout);
        assert.match(done.stderr, says);
        assert.deepEqual(complete('archive'), [7, 7]);
      };
      // Both stores answer, and nobody knows what they lack: the database cannot be read.
      world.store.sql('alter table transfers rename to transfers_elsewhere');
      failed(/transfers/);
      world.store.sql('alter table transfers_elsewhere rename to transfers');
      one.away();
      two.away();
      failed(/GET days\//);
      one.back();
      two.back();
      assert.equal(write().status, 0);
      assert.ok(complete('archive').every((at) => at > 7));
    });

    test('one is away: the other has it, and gives it on', async () => {
      await bet();
      for (const [s3, name] of [[two, 'second'], [one, 'first']]) {
        s3.away();
        world.store.sql('update bets set version = version + 1 where state <> 1');
        const done = write();
        assert.equal(done.status, 1, done.stdout);
        assert.match(done.stderr, new RegExp(`the ${name} store: GET days/`));
        const half = archive('--verify');
        assert.equal(half.status, 1);
        assert.match(half.stdout, new RegExp(`^${name} store: GET`, 'm'));
        s3.back();
        assert.match(archive('--verify').stdout, /is not what the first has$/m);
        const caught = write();
        assert.equal(caught.status, 0, caught.stderr);
        assert.match(last(caught), /^1 days, 0 written, 1 copied, 0 objects/);
        assert.match(caught.stdout, new RegExp(`copied to the ${name} store`));
        assert.match(last(archive('--verify')), /: 0 faults$/);
      }
    });

    test('days that the database has no more are copied, too', () => {
      const folderOf = (s3, day) => s3.file(`books/days/${day}`);
      const old = '2021-03-04';
      fs.cpSync(folderOf(two, today()), folderOf(two, old), { recursive: true });
      const manifest = path.join(folderOf(two, old), 'manifest.json');
      const text = fs.readFileSync(manifest, 'utf8');
      fs.writeFileSync(manifest, text.replaceAll(today(), old));
      assert.match(archive('--verify').stdout,
        /^first store: 2021-03-04 is missing, the second has it$/m);
      // A copy of a broken one is none.
      const broken = s3Object(old);
      const bytes = fs.readFileSync(broken);
      fs.writeFileSync(broken, bytes.subarray(1));
      const refused = write();
      assert.equal(refused.status, 1);
      assert.match(refused.stdout, /not copied to the first store: days\/2021.*SHA-256/);
      assert.match(refused.stderr, /the first store lacks something/);
      fs.writeFileSync(broken, bytes);
      const done = write();
      assert.equal(done.status, 0, done.stderr);
      assert.match(done.stdout, /^2021-03-04 copied to the first store$/m);
      assert.match(last(archive('--verify')), /^4 days, 12 objects, \d+ rows: 0 faults$/);
    });
    const s3Object = (day) => {
      const manifest = two.file(`books/days/${day}/manifest.json`);
      const { objects } = JSON.parse(fs.readFileSync(manifest, 'utf8'));
      return two.file(`books/${objects.find(({ kind }) => kind === 'transfers').key}`);
    };

    test('an object that one lost is told of, and of which', () => {
      fs.rmSync(s3Object(today()));
      const done = archive('--verify');
      assert.equal(done.status, 1);
      assert.match(done.stdout, /^second store: days\/.*transfers.*it is missing$/m);
      assert.equal(archive('--verify', '--from', 'first').status, 0);
      assert.equal(write('--drop', '--from', 'first').status, 2); // it must be in both
      assert.equal(archive('--verify', '--from', 'second').status, 1);
    });

    test('a month stays until both have it', () => {
      const start = Date.UTC(2024, 1, 1);
      const end = Date.UTC(2024, 2, 1);
      world.store.sql(`delete from months where start_ms = 0;
        insert into months values (${start}, ${end})`);
      const day = '2024-02-05';
      const ms = Date.UTC(2024, 1, 5, 12);
      // As if a customer's first deposit had been then.
      world.store.sql(`update meta set value = ${start} where name = 'transfers_from';
        update transfers set at_ms = ${ms}
        where seq = 1 and account = (select min(account) from transfers);
        update keys set at_ms = ${ms}
        where op = 2 and ref = 1 and account = (select min(account) from transfers)`);
      const drop = () => archive('--store', world.store.url, '--drop');
      two.away();
      assert.equal(write('--through', day).status, 1);
      two.back();
      assert.match(drop().stdout, /stays: 2024-02-05 is not archived .* in the store second$/m);
      assert.equal(write('--through', day).status, 0);
      const done = drop();
      assert.match(done.stdout, /^1 months dropped$/m, done.stdout + done.stderr);
    });
  });

  test('a backup of SQLite goes to both, or says to which it did not', () => {
    const store = makeStore({ kind: 'sqlite' });
    assert.equal(run(['migrate', '--store', store.url]).status, 0);
    const backup = () => run(['backup', '--to', one.url('db'), '--second', two.url('db'),
      '--store', store.url, '--temp', folder, '--textfile', textfile], { env: env() });
    const both = backup();
    assert.equal(both.status, 0, both.stdout + both.stderr);
    const urls = both.stdout.match(/^s3:.*$/gm);
    assert.equal(urls.length, 2);
    one.away();
    const half = backup();
    one.back();
    assert.equal(half.status, 1);
    assert.match(half.stderr, /the first store: PUT overround-/);
    assert.equal(half.stdout.match(/^s3:.*$/gm).length, 1);
    assert.equal(two.keys('db').length, 2);
    assert.equal(one.keys('db').length, 1);
    const [first, second] = complete('backup');
    assert.ok(first > 0 && second >= first);
    store.remove();
  });
});
