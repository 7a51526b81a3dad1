// Archive classes and locks as others understand them: against moto, which answers as Amazon
// does (scripts/moto.sh).  What it is not asked here, lib/dialect.js is.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { describe, test, before, after } = require('node:test');
const { makeFolder, root } = require('../api/lib/store');
const { run, runAsync } = require('../api/lib/server');

describe('by moto', () => {
  let folder, endpoint;

  const script = (...args) =>
    execFileSync(path.join(root, 'scripts/moto.sh'), args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim();
  const call = async (method, address, headers = {}, body = undefined) => {
    const answer = await fetch(endpoint + address, { method, headers, body });
    assert.ok(answer.ok, `${answer.status} ${await answer.text()}`);
  };
  const asked = (...args) => run(args, { env: { AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'moto', AWS_SECRET_ACCESS_KEY: 'moto', AWS_REGION: 'us-east-1' } });
  const last = (done) => done.stdout.trim().split('\n').at(-1);
  function well(...args) {
    const done = asked(...args);
    assert.equal(done.status, 0, `${args.join(' ')}: ${done.stdout}${done.stderr}`);
    return last(done);
  }

  before(async () => {
    folder = makeFolder('overround-moto');
    endpoint = script('start', path.join(folder, 'moto'));
    await call('PUT', '/books');
    await call('PUT', '/locked', { 'x-amz-bucket-object-lock-enabled': 'true' });
    // A copy is there when it was looked at three times.
    await call('POST', '/moto-api/state-manager/set-transition', {}, JSON.stringify({
      model_name: 's3::keyrestore', transition: { progression: 'manual', times: 3 },
    }));
  });
  after(() => {
    script('drop', path.join(folder, 'moto'));
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test('a database out of Deep Archive adds up', () => {
    const live = `sqlite:${path.join(folder, 'live.db')}`;
    const back = path.join(folder, 'back.db');
    well('migrate', '--store', live);
    const url = well('backup', '--to', 's3://books/db', '--store', live, '--temp', folder,
      '--storage-class', 'DEEP_ARCHIVE');
    const frozen = asked('object', 'get', url, back);
    assert.equal(frozen.status, 126);
    assert.match(frozen.stderr, /DEEP_ARCHIVE and must be thawed/);
    const restore = ['object', 'restore', 's3://books/db/', '--days', '3', '--tier', 'Bulk'];
    const first = asked(...restore);
    assert.equal(first.status, 1);
    assert.equal(last(first), '1 objects, 1 asked for, 1 to wait for: 0 faults');
    assert.equal(last(asked(...restore)), '1 objects, 0 asked for, 1 to wait for: 0 faults');
    assert.equal(well(...restore, '--wait', '--every-s', '1'),
      '1 objects, 0 asked for, 0 to wait for: 0 faults');
    well('object', 'get', url, back);
    assert.match(well('audit', '--store', `sqlite:${back}`), / 0 differences$/);
  });

  // A store that fails for a while, or for good, between overround and moto: `fault` gives a
  // status, 0 for no answer, or undefined.
  async function flawed(t, fault) {
    const seen = [];
    const proxy = http.createServer((request, response) => {
      const status = fault(request, seen);
      seen.push(request.method);
      if (status === 0) request.socket.destroy();
      else if (status) response.writeHead(status).end();
      else request.pipe(http.request(endpoint + request.url,
        { method: request.method, headers: request.headers }, (answer) => {
          response.writeHead(answer.statusCode, answer.headers);
          answer.pipe(response);
        }));
    });
    await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    return (...args) => runAsync(args, { env: { AWS_ACCESS_KEY_ID: 'moto',
      AWS_SECRET_ACCESS_KEY: 'moto', AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: `http://127.0.0.1:${proxy.address().port}` } }).done;
  }
  async function freeze(under, keys) {
    for (const key of keys)
      await call('PUT', `/books/${under}/${key}`, { 'x-amz-storage-class': 'DEEP_ARCHIVE' }, key);
  }
  const restore = (under, ...more) => ['object', 'restore', `s3://books/${under}/`, '--tier',
    'Bulk', '--wait', '--every-s', '1', ...more];

  test('a store that does not answer for a while is asked again', async (t) => {
    await freeze('flaky', ['a', 'b']);
    const counts = { GET: 0, HEAD: 0, POST: 0 };
    // Each is asked four times at once; so whole rounds fail, of each kind of call.
    const through = await flawed(t, (request) => {
      const n = counts[request.method]++;
      if (request.method === 'GET' && n < 4) return 503;
      if (request.method === 'POST' && n < 4) return 500;
      return request.method === 'HEAD' && n >= 4 && n < 13 ? [0, 503, 429][n % 3] : undefined;
    });
    const done = await through(...restore('flaky'));
    assert.equal(done.status, 0, done.stdout + done.stderr);
    assert.equal(last(done), '2 objects, 2 asked for, 0 to wait for: 0 faults');
    assert.match(done.stderr, /s3:\/\/books\/flaky\/[ab]: is asked again \(1 of 10\)/);
    assert.equal((done.stdout.match(/readable until/g) ?? []).length, 2);
  });

  test('what fails for good is named, and the others are waited for', async (t) => {
    await freeze('part', ['good', 'gone', 'mute']);
    const through = await flawed(t, (request) => {
      if (request.method !== 'HEAD') return undefined;
      if (request.url.includes('gone')) return 403;
      return request.url.includes('mute') ? 503 : undefined;
    });
    const done = await through(...restore('part', '--tries', '3'));
    assert.equal(done.status, 1);
    assert.equal(last(done), '3 objects, 1 asked for, 0 to wait for: 2 faults');
    assert.match(done.stdout, /^good: readable until/m);
    assert.match(done.stderr, /s3:\/\/books\/part\/gone: HEAD gone: status 403/);
    assert.equal(done.stderr.match(/part\/gone: /g).length, 1, 'not asked again');
    assert.equal(done.stderr.match(/part\/mute: HEAD/g).length, 3);
    const once = await through('object', 'restore', 's3://books/part/');
    assert.equal(once.status, 1);
    assert.doesNotMatch(once.stderr, /asked again/);
  });

  // Keys of moto's own STS and instance metadata.
  test('a role of a service account, and of an instance', () => {
    const file = path.join(folder, 'out');
    fs.writeFileSync(file, 'x');
    fs.writeFileSync(`${file}.token`, 'a.web.identity');
    for (const [name, env] of [
      ['sts', { AWS_WEB_IDENTITY_TOKEN_FILE: `${file}.token`, AWS_ENDPOINT_URL_STS: endpoint,
        AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/house' }],
      ['instance', { AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint }],
    ]) {
      const done = run(['object', 'put', file, `s3://books/${name}`], { env: { ...env,
        AWS_ENDPOINT_URL: endpoint, AWS_REGION: 'us-east-1' } });
      assert.equal(done.status, 0, `${name}: ${done.stderr}`);
      well('object', 'get', `s3://books/${name}`, `${file}.back`);
    }
  });

  test('a lock, and none where the bucket has none; who forgets it is found out', () => {
    const file = path.join(folder, 'out');
    const put = (url) =>
      asked('object', 'put', file, url, '--lock-days', '1827', '--part-mib', '5');
    fs.writeFileSync(file, 'for five years');
    assert.equal(put('s3://locked/whole').status, 0);
    assert.match(put('s3://books/whole').stderr, /ObjectLockConfiguration/);
    // moto passes over the headers of an upload in parts, which Amazon's store does not.
    fs.writeFileSync(file, Buffer.alloc((5 << 20) + 1));
    const forgotten = put('s3://locked/parts');
    assert.equal(forgotten.status, 1);
    assert.match(forgotten.stderr, /the store did not lock it/);
  });
});
