// Archive classes and locks as others understand them: against moto, which answers as Amazon
// does (scripts/moto.sh).  What it is not asked here, lib/dialect.js is.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { describe, test, before, after } = require('node:test');
const { makeFolder, root } = require('../api/lib/store');
const { run } = require('../api/lib/server');

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
