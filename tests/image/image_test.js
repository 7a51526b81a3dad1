// The image that `make image` makes (scripts/test.sh image has made it): the
// same bytes twice, nothing in it that is not needed, and a bet goes through
// where everything is taken from it that can be.
'use strict';

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test, before, after } = require('node:test');
const { openWorld, market } = require('../api/lib/world');
const { makeFolder, makeStore, root } = require('../api/lib/store');
const { json, open, walk } = require('./lib/archive');
const { Podman } = require('./lib/podman');

const made = path.join(root, 'build/image/overround.tar');
const archive = process.env.OVERROUND_TEST_IMAGE ?? made; // another one, to try it
const script = path.join(root, 'scripts/image.sh');
const [version, commit] = execFileSync(path.join(root, 'scripts/version.sh'), {
  encoding: 'utf8',
}).trim().split(' ');
const name = `localhost/overround:${version}`;
const image = (...args) => spawnSync(script, args, { encoding: 'utf8', timeout: 900000 });

describe('the image', () => {
  const folder = makeFolder('overround-image');
  const podman = new Podman(path.join(folder, 'podman'));
  let opened;
  let paths;

  before(() => {
    opened = open(archive, folder);
    paths = walk(opened.files);
    podman.load(archive);
  });
  after(() => {
    podman.remove();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test('the same digest, compiled once more', () => {
    const done = image('again');
    assert.equal(done.status, 0, done.stderr);
    assert.ok(done.stdout.includes(opened.digest), `${done.stdout} and ${opened.digest}`);
  });

  test('a second make image does nothing', () => {
    const made = fs.statSync(archive).mtimeMs;
    const done = image('build');
    assert.match(done.stdout, /up to date/, done.stderr);
    assert.equal(fs.statSync(archive).mtimeMs, made);
  });

  test('who it runs as, what it starts, and what it says of itself', () => {
    const { config } = opened.config;
    assert.equal(config.User, '65532:65532');
    assert.deepEqual(config.Entrypoint, ['/usr/bin/overround']);
    assert.deepEqual(config.Env, ['PATH=/usr/bin']); // a preStop hook is `overround sleep`
    assert.equal(config.StopSignal, 'SIGTERM');
    assert.deepEqual(Object.keys(config.ExposedPorts).sort(), ['8080/tcp', '8081/tcp']);
    const label = (key) => config.Labels[`org.opencontainers.image.${key}`];
    assert.equal(label('title'), 'overround');
    assert.equal(label('version'), version);
    assert.equal(label('revision'), commit);
    for (const key of ['source', 'licenses', 'base.name', 'description'])
      assert.ok(label(key)?.length > 0, key);
    const containerfile = fs.readFileSync(path.join(root, 'deploy/image/Containerfile'), 'utf8');
    assert.ok(containerfile.includes(`\nARG VERSION=${version}\n`), 'VERSION there, too');
    for (const key of ['io.containerd.image.name', 'org.opencontainers.image.ref.name'])
      assert.equal(opened.annotations[key], name);
  });

  test('under 40 MB, one program, no shell, nothing setuid, little to write to', () => {
    const sizes = paths.map(({ stat }) => (stat.isFile() ? stat.size : 0));
    const size = sizes.reduce((a, b) => a + b, 0);
    assert.ok(size > 5e6 && size < 40e6, `${size} bytes`);
    const isLibrary = (file) => /^\/(usr\/lib|lib64)\/.*\.so(\.|$)/.test(file);
    const programs = paths.filter(({ stat, path: at }) =>
      stat.isFile() && (stat.mode & 0o111) !== 0 && !isLibrary(at));
    assert.deepEqual(programs.map((p) => p.path), ['/usr/bin/overround']);
    assert.deepEqual(paths.filter(({ stat }) => (stat.mode & 0o6000) !== 0), []);
    const writable = ({ stat }) => !stat.isSymbolicLink() &&
      (stat.uid === 65532 || stat.gid === 65532 || (stat.mode & 0o022) !== 0);
    assert.deepEqual(paths.filter(writable).map((p) => p.path).sort(), ['/data', '/tmp']);
    const unwanted = /ldap|krb5|gssapi|gnutls|ssh2|rtmp|idn2|brotli|nghttp2|psl/;
    assert.deepEqual(paths.filter((p) => unwanted.test(p.path)), []);
  });

  test('the SBOM names the package, version and licence of every linked file', () => {
    const sbom = json(path.join(root, 'build/image/overround.spdx.json'));
    const inside = path.join(opened.files, opened.config.config.Labels['overround.sbom']);
    assert.deepEqual(json(inside), sbom);
    assert.equal(sbom.spdxVersion, 'SPDX-2.3');
    const packages = new Map(sbom.packages.map((p) => [p.SPDXID, p]));
    assert.equal(packages.size, sbom.packages.length);
    const from = new Map(
      sbom.relationships
        .filter((r) => r.relationshipType === 'GENERATED_FROM')
        .map((r) => [r.spdxElementId, packages.get(r.relatedSpdxElement)]),
    );
    const files = new Map(sbom.files.map((f) => [f.fileName.slice(1), f]));
    const linked = paths.filter((p) => p.stat.isFile() && (p.stat.mode & 0o111) !== 0);
    assert.ok(linked.length > 15);
    assert.deepEqual(linked.map((p) => p.path).sort(), [...files.keys()].sort());
    for (const { path: at } of linked) {
      const sum = createHash('sha256').update(fs.readFileSync(path.join(opened.files, at)));
      const { checksumValue } = files.get(at).checksums.find((c) => c.algorithm === 'SHA256');
      assert.equal(checksumValue, sum.digest('hex'), at);
      assert.ok(from.get(files.get(at).SPDXID)?.versionInfo, at);
    }
    for (const wanted of ['overround', 'libcurl4', 'libpq5', 'libc6', 'ca-certificates', 'preact'])
      assert.ok(sbom.packages.some((p) => p.name === wanted), wanted);
    const label = opened.config.config.Labels['org.opencontainers.image.licenses'];
    const licences = new Set(sbom.packages.map((p) =>
      p.licenseDeclared.includes(' OR ') ? `(${p.licenseDeclared})` : p.licenseDeclared));
    assert.deepEqual(new Set(label.split(' AND ')), licences);
    const scanned = fs.readdirSync(path.join(opened.files, 'var/lib/dpkg/status.d'));
    const debian = sbom.packages.filter((p) => /^pkg:deb/.test(p.externalRefs[0].referenceLocator));
    assert.deepEqual(scanned.sort(), debian.map((p) => p.name).sort());
  });

  test('all capabilities dropped, read-only: a bet goes through, SIGTERM drains', async () => {
    const store = makeStore({ kind: 'sqlite' });
    fs.chownSync(store.folder, 65532, 65532);
    const launcher = podman.launcher(name, ['-v', `${store.folder}:${store.folder}`]);
    const world = await openWorld({}, { store, launcher });
    const alive = await world.server.operate('GET', '/healthz');
    assert.deepEqual([alive.json.version, alive.json.commit], [version, commit]);
    const customer = await world.customer();
    const event = await world.event(market.oneXTwo());
    const bet = await customer.placed(event.home());
    await event.result(1, 0, 0);
    await customer.becomes(bet, { state: 'settled', payout: '20.00' });
    await customer.holds('110.00');
    const audit = podman.run(name, ['-v', `${store.folder}:${store.folder}`],
      ['audit', '--store', store.url]);
    assert.equal(audit.status, 0, audit.stdout + audit.stderr);
    assert.match(audit.stdout, /\b0 differences/);
    await world.server.stop(); // throws unless the exit code is 0
    assert.match(world.server.log, /"stopped"/);
    await world.close();
  });

  test('it has the names and certificates that a client needs', async () => {
    const none = podman.run(name, [], ['migrate', '--store', 'postgres://u@no.such.invalid/db']);
    assert.match(none.stderr, /no\.such\.invalid/);
    assert.match(none.stderr, /not known|resolution|resolve|No address/i);
    const bundle = path.join(opened.files, 'etc/ssl/certs/ca-certificates.crt');
    assert.ok(fs.readFileSync(bundle, 'utf8').split('BEGIN CERTIFICATE').length > 100);
  });

  test('swap: the same image with another binary; one that cannot run there is refused', () => {
    const other = path.join(folder, 'other.tar');
    const swapped = image('swap', path.join(root, 'build/overround'), 'test-swap', other);
    assert.equal(swapped.status, 0, swapped.stderr);
    podman.load(other);
    const said = podman.run('localhost/overround:test-swap', [], ['--version']);
    assert.match(said.stdout, new RegExp(`^overround ${version.replaceAll('.', '\\.')}\\b`));
    fs.writeFileSync(path.join(folder, 'bad'), 'no program', { mode: 0o755 });
    assert.notEqual(image('swap', path.join(folder, 'bad'), 'bad', other).status, 0);
  });
});
