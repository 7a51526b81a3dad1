// One file to an object store and back, in every way it can be asked for.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { describe, test, before, after } = require('node:test');
const { makeFolder } = require('../api/lib/store');
const { run, runAsync } = require('../api/lib/server');
const { S3 } = require('./lib/s3');

describe('objects', () => {
  let s3, folder;

  before(() => {
    s3 = new S3();
    folder = makeFolder('overround-objects');
  });
  after(() => {
    fs.rmSync(folder, { recursive: true, force: true });
    s3.stop();
  });

  const object = (args, env = {}) => run(['object', ...args], { env: { ...s3.env, ...env } });
  const fileOf = (name, bytes) => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, bytes);
    return file;
  };
  function goes(key, bytes, ...options) {
    const back = path.join(folder, 'back');
    const put = object(['put', fileOf('out', bytes), s3.url(key), ...options]);
    assert.equal(put.status, 0, put.stderr);
    const get = object(['get', s3.url(key), back, ...options]);
    assert.equal(get.status, 0, get.stderr);
    assert.ok(fs.readFileSync(back).equals(bytes), `${key} came back the same`);
    assert.ok(fs.readFileSync(s3.file(key)).equals(bytes), `${key} is where it should be`);
  }

  test('any size, and any name', () => {
    goes('plain', Buffer.from('one line\n'));
    goes('empty', Buffer.alloc(0));
    goes('deep/er/a b+c=d&e;f~g_h%20ü', Buffer.from('x'));
    goes('large', crypto.randomBytes(2_000_000));
  });

  test('in parts, when it is large; nothing is left of the parts', () => {
    const MIB = 1 << 20;
    for (const size of [5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 12 * MIB]) {
      goes(`parts-${size}`, crypto.randomBytes(size), '--part-mib', '5');
    }
    const left = fs.readdirSync(s3.file('.'), { recursive: true }).filter((name) =>
      /multipart/.test(name) && fs.statSync(s3.file(name)).isFile());
    assert.deepEqual(left, []);
  });

  test('the bucket in the path, or in the name', () => {
    goes('by-name', Buffer.from('virtual'), '--virtual-host');
    goes('by-option', Buffer.from('option'), '--endpoint', s3.endpoint);
  });

  test('what is wrong is said', () => {
    const file = fileOf('out', 'x');
    const failing = (args, env, status, text) => {
      const done = object(args, env);
      assert.equal(done.status, status, done.stderr);
      assert.match(done.stderr, text);
      assert.equal(done.stderr.includes('overround-secret'), false);
    };
    const wrong = { AWS_SECRET_ACCESS_KEY: 'no' };
    failing(['put', file, s3.url('a')], wrong, 1, /SignatureDoesNotMatch/);
    failing(['put', file, s3.url('a')], { AWS_ACCESS_KEY_ID: '' }, 1, /set AWS_ACCESS_KEY_ID/);
    failing(['put', file, 's3://nobody/a'], {}, 1, /NoSuchBucket/);
    failing(['put', file, 'http://x/a'], {}, 1, /is not s3:/);
    failing(['put', path.join(folder, 'none'), s3.url('a')], {}, 1, /No such file/);
    const away = { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' };
    failing(['get', s3.url('a'), file], away, 126, /connect/i);
    failing(['get', s3.url('a'), file], {}, 1, /there is no a/);
    failing(['get', 's3://nobody/a', file], {}, 126, /NoSuchBucket/); // no end of the log
    failing(['put', file, s3.url('a'), '--part-mib', '4'], {}, 2, /usage/);
  });

  // A proxy that does not know the store, or a bucket of another name.
  test('404 by somebody else is no end of the log', async () => {
    const proxy = http.createServer((request, response) => {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not Found</h1>');
    });
    await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const env = { ...s3.env, AWS_ENDPOINT_URL: `http://127.0.0.1:${proxy.address().port}` };
    const file = fileOf('out', 'x');
    for (const [args, status] of [
      [['get', s3.url('a'), `${file}.back`], 126],
      [['put', file, s3.url('a')], 1],
    ]) {
      const done = await runAsync(['object', ...args], { env }).done;
      assert.equal(done.status, status, done.stderr);
      assert.match(done.stderr, /status 404/);
    }
    proxy.close();
  });
});
