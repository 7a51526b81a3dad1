// The object stores of other clouds, where they differ, and archive classes: against a
// stand-in of ours that checks each request as they say they do (lib/dialect.js).  None of
// these clouds was asked.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test, before, after } = require('node:test');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { makeFolder, root } = require('../api/lib/store');
const { runAsync } = require('../api/lib/server');
const { Dialect, DIALECTS } = require('./lib/dialect');
const { signature, fault } = require('./lib/sigv4');

// The examples of Amazon's own documentation.
test('the stand-in signs as Amazon prints it', () => {
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const signed = (method, url, more, wanted) => {
    const headers = { host: 'examplebucket.s3.amazonaws.com', 'x-amz-content-sha256': empty,
      'x-amz-date': '20130524T000000Z', ...more };
    assert.equal(signature({ method, url, headers }, {
      secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', date: '20130524T000000Z',
      region: 'us-east-1', names: Object.keys(headers).sort(),
    }), wanted);
  };
  signed('GET', '/test.txt', { range: 'bytes=0-9' },
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
  signed('PUT', '/test%24file.text', { date: 'Fri, 24 May 2013 00:00:00 GMT',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY', 'x-amz-content-sha256':
      '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072' },
  '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd');
  signed('GET', '/?lifecycle', {},
    'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543');
  signed('GET', '/?max-keys=2&prefix=J', {},
    '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7');
  assert.equal(fault({ method: 'GET', url: '/', headers: {} }, '', {}), 'AccessDenied');
});

describe('dialects', () => {
  const MIB = 1 << 20;
  const DAY = 86400000;
  let folder;

  before(() => {
    folder = makeFolder('overround-dialects');
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  const object = (store, args, env = {}) =>
    runAsync(['object', ...args], { env: { ...store.env(), ...env } }).done;
  async function well(store, args, env) {
    const done = await object(store, args, env);
    assert.equal(done.status, 0, `${store.name} ${args}: ${done.stdout}${done.stderr}`);
    return done;
  }
  const fileOf = (name, bytes) => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, bytes);
    return file;
  };
  async function opened(t, name, options) {
    const store = await new Dialect(name, options).start();
    t.after(() => store.stop());
    return store;
  }

  for (const name of Object.keys(DIALECTS)) {
    test(`${name}: whole, in parts, by path and by name`, async (t) => {
      const store = await opened(t, name);
      const back = path.join(folder, 'back');
      for (const style of [[], ['--virtual-host']]) {
        for (const [key, bytes] of [
          ['wal/0000000100000000000000A1', crypto.randomBytes(70000)],
          ['base/a b+c=d&e~f.tar.gz', Buffer.from('odd names')],
          ['large', crypto.randomBytes(5 * MIB + 1)],
        ]) {
          const own = `${style.length}/${key}`;
          await well(store, ['put', fileOf('out', bytes), store.url(own), '--part-mib', '5',
            ...style]);
          await well(store, ['get', store.url(own), back, ...style]);
          assert.ok(fs.readFileSync(back).equals(bytes), own);
          assert.ok(store.objects.get(own).body.equals(bytes), own);
        }
      }
      const sums = store.requests.filter(({ method }) => method === 'PUT');
      assert.ok(sums.every(({ headers }) => headers['content-md5']));
      const none = await object(store, ['get', store.url('none'), back]);
      assert.equal(none.status, 1, none.stderr);
    });
  }

  test('a region that is not the store’s is said', async (t) => {
    const store = await opened(t, 'hetzner');
    const done = await object(store, ['put', fileOf('out', 'x'), store.url('a')],
      { AWS_REGION: 'us-east-1' });
    assert.equal(done.status, 1);
    assert.match(done.stderr, /AuthorizationHeaderMalformed/);
  });

  test('classes by the store’s own word', async (t) => {
    for (const [name, own, others] of [['google', 'COLDLINE', 'GLACIER'],
      ['amazon', 'GLACIER_IR', 'COLDLINE']]) {
      const store = await opened(t, name);
      const file = fileOf('out', 'x');
      await well(store, ['put', file, store.url('a'), '--storage-class', own]);
      assert.equal(store.objects.get('a').storage, own);
      await well(store, ['get', store.url('a'), `${file}.back`]); // read at once
      const done = await object(store, ['put', file, store.url('b'), '--storage-class', others]);
      assert.equal(done.status, 1);
      assert.match(done.stderr, /InvalidStorageClass/);
    }
  });

  test('five years of lock, whole and in parts; who passes over it is found out', async (t) => {
    const years = ['--lock-days', '1827', '--part-mib', '5'];
    for (const name of ['amazon', 'google', 'hetzner']) {
      const store = await opened(t, name);
      for (const size of [10, 5 * MIB + 1]) {
        await well(store, ['put', fileOf('out', Buffer.alloc(size)), store.url(`${size}`),
          ...years]);
        const { mode, until } = store.objects.get(`${size}`);
        assert.equal(mode, 'COMPLIANCE');
        const days = (Date.parse(until) - Date.now()) / DAY;
        assert.ok(days > 1826.9 && days <= 1827, `${days} days`);
      }
      await well(store, ['put', fileOf('out', 'g'), store.url('g'), '--lock-days', '1',
        '--lock-mode', 'GOVERNANCE']);
      assert.equal(store.objects.get('g').mode, 'GOVERNANCE');
      await well(store, ['put', fileOf('out', 'h'), store.url('h')]);
      assert.equal(store.objects.get('h').mode, undefined);
    }
    const spaces = await opened(t, 'spaces');
    const done = await object(spaces, ['put', fileOf('out', 'x'), spaces.url('a'), ...years]);
    assert.equal(done.status, 1);
    assert.match(done.stderr, /the store did not lock it/);
  });

  test('what is in Glacier is said, asked for, waited for, and read', async (t) => {
    const store = await opened(t, 'amazon');
    const back = path.join(folder, 'back');
    for (const [key, storage] of [['deep/a', 'DEEP_ARCHIVE'], ['deep/b', 'GLACIER'],
      ['deep/c', 'STANDARD'], ['else', 'GLACIER']]) {
      await well(store, ['put', fileOf('out', key), store.url(key), '--storage-class', storage]);
    }
    const frozen = await object(store, ['get', store.url('deep/a'), back]);
    assert.equal(frozen.status, 126);
    assert.match(frozen.stderr,
      /a is in the storage class DEEP_ARCHIVE and must be thawed before.*object restore/);
    const restore = (...more) => object(store, ['restore', store.url('deep/'), ...more]);
    const first = await restore('--days', '3', '--tier', 'Bulk');
    assert.equal(first.status, 1, first.stderr);
    assert.match(first.stdout, /^a: DEEP_ARCHIVE, asked for \(Bulk\)$/m);
    assert.match(first.stdout, /^3 objects, 2 asked for, 2 to wait for: 0 faults$/m);
    assert.equal(store.objects.get('else').asked, undefined);
    assert.equal(store.objects.get('deep/a').tier, 'Bulk');
    const again = await restore();
    assert.equal(again.status, 1);
    assert.match(again.stdout, /^3 objects, 0 asked for, 2 to wait for: 0 faults$/m);
    const last = await restore('--wait', '--every-s', '1');
    assert.equal(last.status, 0, last.stdout + last.stderr);
    assert.match(last.stdout, /^a: readable until \w+, \d\d \w+ \d{4} .*GMT$/m);
    await well(store, ['get', store.url('deep/a'), back]);
    assert.equal(fs.readFileSync(back, 'utf8'), 'deep/a');
    const wrong = await object(store, ['restore', store.url('deep/'), '--tier', 'Fast']);
    assert.equal(wrong.status, 2);
  });

  test('a tier that the class has not is said', async (t) => {
    const store = await opened(t, 'amazon');
    await well(store, ['put', fileOf('out', 'x'), store.url('a'), '--storage-class',
      'DEEP_ARCHIVE']);
    const done = await object(store, ['restore', store.url('a'), '--tier', 'Expedited']);
    assert.equal(done.status, 1);
    assert.match(done.stderr, /InvalidArgument/);
    assert.match(done.stdout, /: 1 faults$/m);
  });

  // Two clouds of unlike kinds, each encrypting by a key of its own or not.
  for (const [a, b] of [['amazon', 'google'], ['amazon', 'hetzner'], ['spaces', 'hetzner']]) {
    for (const kms of [[false, false], [true, false], [true, true]]) {
      test(`${a} beside ${b}, keys of KMS: ${kms}`, async (t) => {
        const stores = [await opened(t, a, { kms: kms[0] }), await opened(t, b, { kms: kms[1] })];
        const sync = (...more) => object(stores[0], ['sync', stores[0].url('wal'), '--second',
          stores[1].url('wal'), ...more], stores[1].env('SECOND_'));
        const counts = async (...more) => {
          const done = await sync(...more);
          const last = done.stdout.trim().split('\n').at(-1);
          return Object.fromEntries([...last.matchAll(/(\d+) ([a-z ]+)/g)]
            .map(([, n, name]) => [name, Number(n)]).filter(([, n]) => n !== 0));
        };
        const bytes = crypto.randomBytes(5 * MIB + 9);
        for (const [key, body] of [['wal/1', Buffer.from('one')], ['wal/2', bytes]])
          await well(stores[0], ['put', fileOf('out', body), stores[0].url(key), '--second',
            stores[1].url(key), '--part-mib', '5', '--second-part-mib', '5'],
          stores[1].env('SECOND_'));
        await well(stores[0], ['put', fileOf('out', 'three'), stores[0].url('wal/3')]);
        const looked = kms.includes(true) ? { 'looked at': 2 } : {};
        assert.deepEqual(await counts(), { objects: 3, copied: 1, ...looked });
        assert.equal(stores[1].objects.get('wal/3').body.toString(), 'three');
        const again = { ...looked, ...(looked['looked at'] && { 'looked at': 3 }) };
        assert.deepEqual(await counts(), { objects: 3, ...again });
        // Another one of the same size.
        stores[1].objects.delete('wal/1');
        await well(stores[1], ['put', fileOf('out', 'eno'), stores[1].url('wal/1')]);
        const found = await counts();
        assert.equal(found.different, 1, JSON.stringify(found));
        assert.equal(found.copied, undefined);
      });
    }
  }

  test('a comparison of five years of segments: few requests, and little memory', async (t) => {
    const stores = [await opened(t, 'amazon', { page: 1000 }),
      await opened(t, 'hetzner', { page: 1000 })];
    const n = 300000;
    for (const store of stores) {
      store.sorted = [];
      for (let i = 0; i < n; i++) {
        const key = `wal/${i.toString(16).padStart(24, '0').toUpperCase()}`;
        store.sorted.push(key);
        store.objects.set(key, { size: 16 * MIB, etag: crypto.createHash('md5').update(key)
          .digest('hex'), storage: 'STANDARD', modified: new Date(0).toISOString() });
      }
    }
    const args = ['object', 'sync', stores[0].url('wal'), '--second', stores[1].url('wal'),
      '--days', 'ever'];
    const whole = ['--data=67108864', path.join(root, 'build/overround'), ...args];
    const child = spawn('prlimit', whole, { env: { ...process.env, ...stores[0].env(),
      ...stores[1].env('SECOND_') } });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    const [status] = await once(child, 'close');
    assert.equal(status, 0, said);
    assert.match(said, /^the second store: 200000 objects listed$/m);
    assert.match(said, /^200000 objects compared, 0 copied, 0 faults$/m);
    assert.match(said, /^300000 objects, 0 copied/m);
    for (const store of stores) assert.equal(store.requests.length, n / 1000);
  });
});
