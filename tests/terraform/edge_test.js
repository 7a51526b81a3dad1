// What an edge node's machine starts with is the same whoever fills it in: the shell, the
// roots of other providers (planned here without their providers), and cloud-init takes it.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const zlib = require('node:zlib');
const { makeFolder } = require('../api/lib/store');
const { missing, root } = require('./lib/plan');

const skip = missing() ?? false;
const SUM = '1'.repeat(64);
const rate = { per_address: 30, per_network: 300, burst: 10 };
const policy = {
  hostnames: { public: 'www.example.com', direct: 'direct.example.com',
    operator: 'desk.example.com' },
  origins: [{ name: 'main', host: 'origin.example.com', port: 443, tls: true }],
  countries: { elsewhere: 'refused', unknown: 'refused' },
  rates: { login: rate, money: rate, read: rate, stream: rate },
};
const node = {
  listen: '0.0.0.0', port: 443, certificate: '/run/overround-edge/tls.pem',
  run: '/run/overround-edge', cache: '/var/cache/overround-edge',
  geoip: '/var/lib/overround-edge/country.mmdb',
};
const given = {
  image: 'https://releases.example.com/edge.tar', image_sum: SUM, hostname: 'www.example.com',
  email: "o'ps@example.com", countries: 'https://releases.example.com/c.mmdb',
};

// { path: text } of user data; in what order a file says what is not of interest.
function files(text) {
  const found = {};
  const parts = text.split(/^ {2}- path: /m).slice(1);
  for (const part of parts) {
    const [, encoding, content] = /encoding: (\S+)\n {4}content: "(.*)"/.exec(part) ?? [];
    if (!encoding) continue;
    const bytes = Buffer.from(content, 'base64');
    const plain = encoding === 'b64' ? bytes : zlib.gunzipSync(bytes);
    found[part.split('\n')[0]] = plain.toString();
  }
  found['/etc/overround/edge.yaml'] = JSON.parse(found['/etc/overround/edge.yaml']);
  const conf = execFileSync('bash', ['-c', `${found['/etc/overround/edge.conf']}
    for name in IMAGE IMAGE_SUM DOMAIN EMAIL COUNTRIES LEAVE_S; do echo "$name=\${!name}"; done`]);
  found['/etc/overround/edge.conf'] = conf.toString();
  return found;
}

function byShell(folder) {
  fs.writeFileSync(path.join(folder, 'edge.yaml'), JSON.stringify({ ...policy, node }));
  fs.writeFileSync(path.join(folder, 'secret'), 'a-secret-of-the-tests');
  return execFileSync(path.join(root, 'scripts/edge_cloud_init.sh'), [
    `POLICY=${folder}/edge.yaml`, `SECRET=${folder}/secret`, `IMAGE=${given.image}`,
    `IMAGE_SUM=${SUM}`, `DOMAIN=${given.hostname}`, `EMAIL=${given.email}`,
    `COUNTRIES=${given.countries}`,
  ], { encoding: 'utf8' });
}

// The locals of a root that cannot be planned, planned alone.
function byTerraform(folder, cloud) {
  const at = path.join(folder, 'a', cloud, 'c');
  fs.mkdirSync(at, { recursive: true });
  fs.symlinkSync(path.join(root, 'deploy/edge'), path.join(folder, 'edge'));
  const from = path.join(root, 'deploy/terraform/elsewhere', cloud);
  for (const file of ['edge.tf', 'variables.tf'])
    fs.copyFileSync(path.join(from, file), path.join(at, file));
  fs.writeFileSync(path.join(at, 'output.tf'),
    'output "user_data" {\n  value = nonsensitive(local.edge_user_data)\n}\n');
  const names = [...fs.readFileSync(path.join(at, 'variables.tf'), 'utf8')
    .matchAll(/^variable "(\w+)" \{\n(?: {2}(?!default).*\n| {4}.*\n)*\}/gm)]
    .map(([, name]) => name);
  const variables = { ...Object.fromEntries(names.map((name) => [name,
    /cidrs|keys/.test(name) ? [] : 'x'])), edge: { ...given, policy },
  edge_secret: 'a-secret-of-the-tests' };
  fs.writeFileSync(path.join(at, 'x.auto.tfvars.json'), JSON.stringify(variables));
  const tf = process.env.TF ?? 'terraform';
  const run = (...args) => spawnSync(tf, [`-chdir=${at}`, ...args], { encoding: 'utf8' });
  assert.equal(run('init', '-input=false').status, 0);
  const applied = run('apply', '-auto-approve', '-input=false');
  assert.equal(applied.status, 0, applied.stderr);
  return run('output', '-raw', 'user_data').stdout;
}

for (const cloud of ['hetzner', 'digitalocean']) {
  test(`${cloud}: its machines start with what the shell makes`, { skip }, () => {
    const folder = makeFolder('overround-edge-user-data');
    const made = byTerraform(folder, cloud);
    assert.match(made, /^#cloud-config\n/);
    const [shell, terraform] = [files(byShell(folder)), files(made)];
    // AWS's part, which is not used there
    delete shell['/usr/local/lib/overround/aws.sh'];
    delete terraform['/usr/local/lib/overround/aws.sh'];
    assert.deepEqual(terraform, shell);
    assert.ok(made.length < 32768, 'what Hetzner takes');
  });
}
