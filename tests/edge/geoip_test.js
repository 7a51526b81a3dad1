// The country database: the operator's own, and the free one in a real node.
'use strict';

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, describe, it } = require('node:test');
const { makeFolder, root } = require('../api/lib/store');
const { mmdb } = require('./lib/mmdb');

const script = path.join(root, 'scripts/geoip.sh');
const run = (...args) => spawnSync(script, args, { encoding: 'utf8', timeout: 120000 });

describe('the country database', () => {
  const folder = makeFolder('overround-geoip');
  const own = path.join(folder, 'own.mmdb');
  const file = path.join(folder, 'country.mmdb');
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  const sums = () => fs.readFileSync(`${file}.sha256`, 'utf8').split(' ')[0];
  const digest = () => createHash('sha256').update(fs.readFileSync(file)).digest('hex');

  it('the operator\'s own is taken, and its checksum stands beside it', () => {
    fs.writeFileSync(own, mmdb({ '203.0.113.0/24': 'MT' }));
    assert.equal(run('take', own, file).status, 0);
    assert.deepEqual(fs.readFileSync(file), fs.readFileSync(own));
    assert.equal(sums(), digest());
  });

  it('what is no database is not, and the one before stays', () => {
    const before = digest();
    fs.writeFileSync(own, '<html>Not found</html>');
    const { status, stderr } = run('take', own, file);
    assert.equal(status, 1);
    assert.match(stderr, /no MaxMind DB/);
    assert.equal(digest(), before);
  });

  it('the free one is fetched as the lock has it', () => {
    const { status, stderr } = run('fetch', file);
    assert.equal(status, 0, stderr);
    assert.ok(fs.statSync(file).size > 1e6);
    assert.equal(sums(), digest());
  });
});
