// What an instance of an Auto Scaling Group does, by its own scripts: against a server that
// answers as the instance's metadata and AWS do, with podman and systemctl that write down
// what they were told.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { eventually } = require('../api/lib/wait');

const files = path.resolve(__dirname, '../../deploy/terraform/modules/asg/files');
const keys = { AccessKeyId: 'AKID', SecretAccessKey: 'secret', Token: 'session' };
const password = Buffer.from('AWS:registry-password').toString('base64');

// AWS, as far as an instance asks it; `state` is what the group wants of it.
async function aws(t, state) {
  const seen = [];
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    seen.push({ url: request.url, method: request.method, headers: request.headers, body });
    const [status, text] = answer(request, body, state);
    response.writeHead(status).end(text);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, seen };
}

function answer({ method, url, headers }, body, state) {
  if (url === '/latest/api/token') return [method === 'PUT' ? 200 : 405, 'TOKEN'];
  if (url.startsWith('/latest/')) {
    if (headers['x-aws-ec2-metadata-token'] !== 'TOKEN') return [401, ''];
    const what = url.replace('/latest/meta-data/', '');
    const known = {
      'autoscaling/target-lifecycle-state': state.target, 'instance-id': 'i-1',
      'iam/security-credentials/': 'house', 'iam/security-credentials/house': JSON.stringify(keys),
      'spot/instance-action': state.spot,
    };
    return known[what] ? [200, known[what]] : [404, ''];
  }
  if (!/^AWS4-HMAC-SHA256 Credential=AKID\//.test(headers.authorization ?? '') ||
      headers['x-amz-security-token'] !== 'session') return [403, ''];
  const target = headers['x-amz-target'] ?? '';
  if (target.endsWith('GetAuthorizationToken')) {
    return [200, JSON.stringify({ authorizationData: [{ authorizationToken: password }] })];
  }
  if (target.endsWith('GetSecretValue')) {
    const id = JSON.parse(body).SecretId;
    return id === 'arn:missing' ? [400, '{}']
      : [200, JSON.stringify({ SecretString: `value of ${id}` })];
  }
  return [200, '<ok/>'];
}

// A folder with the programs that the scripts call, and the instance's settings.
function instance(t, url, conf) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'overround-instance-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  for (const program of ['podman', 'systemctl']) {
    const says = program === 'podman'
      ? '[ "$1 $2" != "image exists" ] || exit 1; [ "$1" != login ] || cat >>"$LOG"; ' : '';
    fs.writeFileSync(path.join(folder, program),
      `#!/bin/bash\n${says}echo "${program} $*" >>"$LOG"\n`, { mode: 0o755 });
  }
  const log = path.join(folder, 'log');
  fs.writeFileSync(log, '');
  fs.writeFileSync(path.join(folder, 'instance.conf'), `${conf.join('\n')}\n`);
  const environment = {
    ...process.env, PATH: `${folder}:${process.env.PATH}`, LOG: log, IMDS: url, AWS_ENDPOINT: url,
    INSTANCE_CONF: path.join(folder, 'instance.conf'), RUN: folder, PAUSE_S: '0.05',
  };
  return {
    folder,
    told: () => fs.readFileSync(log, 'utf8'),
    run(script) {
      const child = spawn(path.join(files, script), { env: environment });
      const out = [];
      child.stdout.on('data', (text) => out.push(text));
      child.stderr.on('data', (text) => out.push(text));
      const ended = new Promise((done) => {
        child.on('close', (status) => done({ status, text: Buffer.concat(out).toString() }));
      });
      t.after(() => child.kill('SIGKILL'));
      return { child, ended };
    },
  };
}

const conf = ['REGION=eu-central-1', 'IMAGE=registry.example/overround:0.9.0', 'ROLES=bets',
  'GROUP=house-bets', 'HOOK=drain', 'DRAIN_S=45'];

test('starts with its settings and secrets, none on a command line', async (t) => {
  const { url, seen } = await aws(t, { target: 'InService' });
  const own = ['SETTING_PROXIES=2', "SETTING_RATES='USD=0.92, x; y'", 'SECRET_STORE=arn:store'];
  const it = instance(t, url, [...conf, ...own]);
  const { status, text } = await it.run('start.sh').ended;
  assert.equal(status, 0, text);
  const told = it.told();
  assert.match(told,
    /^registry-password\npodman login --username AWS --password-stdin registry\.example$/m);
  assert.match(told, /podman run .* serve --role bets /);
  assert.doesNotMatch(told, /value of/);
  const env = path.join(it.folder, 'env');
  assert.equal(fs.readFileSync(env, 'utf8'),
    'OVERROUND_PROXIES=2\nOVERROUND_RATES=USD=0.92, x; y\nOVERROUND_STORE=value of arn:store\n');
  assert.equal(fs.statSync(env).mode & 0o777, 0o600);
  assert.ok(seen.some((r) => /GetSecretValue/.test(r.headers['x-amz-target'])));
});

test('does not start without a secret that it needs', async (t) => {
  const { url } = await aws(t, { target: 'InService' });
  const it = instance(t, url, [...conf, 'SECRET_STORE=arn:missing']);
  const { status } = await it.run('start.sh').ended;
  assert.notEqual(status, 0);
  assert.doesNotMatch(it.told(), /podman run/);
});

test('in a warm pool it has the image and waits', async (t) => {
  const state = { target: 'Warmed:Stopped' };
  const { url, seen } = await aws(t, state);
  const it = instance(t, url, conf);
  const { ended } = it.run('start.sh');
  await eventually(() => {
    assert.ok(seen.filter((r) => /target-lifecycle-state/.test(r.url)).length > 1);
  });
  assert.match(it.told(), /podman pull/);
  assert.doesNotMatch(it.told(), /podman run/);
  state.target = 'InService';
  assert.equal((await ended).status, 0);
  assert.match(it.told(), /podman run/);
});

test('an instance that is to go drains first, then tells the group', async (t) => {
  const state = { target: 'InService' };
  const { url, seen } = await aws(t, state);
  const it = instance(t, url, conf);
  const { ended } = it.run('drain.sh');
  await eventually(() => assert.ok(seen.some((r) => /target-lifecycle-state/.test(r.url))));
  assert.equal(it.told(), '');
  state.target = 'Terminated';
  assert.equal((await ended).status, 0);
  assert.equal(it.told(), 'systemctl stop overround.service\n');
  const call = new URLSearchParams(seen.at(-1).body);
  assert.deepEqual(Object.fromEntries(call), {
    Action: 'CompleteLifecycleAction', Version: '2011-01-01', AutoScalingGroupName: 'house-bets',
    LifecycleHookName: 'drain', InstanceId: 'i-1', LifecycleActionResult: 'CONTINUE',
  });
});

test('spot takes it back: drains within the two minutes', async (t) => {
  const state = { target: 'InService', spot: '{"action":"terminate"}' };
  const { url } = await aws(t, state);
  const it = instance(t, url, conf);
  const { ended } = it.run('drain.sh');
  await eventually(() => assert.match(it.told(), /systemctl stop/));
  state.target = 'Terminated';
  assert.equal((await ended).status, 0);
});
