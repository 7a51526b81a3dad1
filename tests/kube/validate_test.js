// What a real API server says of the chart's objects: strict validation of every
// field, the schemas of the Gateway API, KEDA and the Prometheus operator, and Pod
// Security "restricted".  etcd and kube-apiserver alone, on loopback; no node runs.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync, spawn, spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { makeFolder, root } = require('../api/lib/store');
const { eventually } = require('../api/lib/wait');
const { freePort } = require('../cluster/lib/ports');
const { edgeChart, edgeScenarios, helm, render, renderOf, scenarios, valueArguments } =
  require('../chart/lib/chart');

const script = (name, ...args) => execFileSync(path.join(root, 'scripts/kube', name), args,
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
const PATIENCE = { timeout: 300000, every: 500 };

class ApiServer {
  constructor() {
    this.folder = makeFolder('overround-api');
    this.children = [];
    process.on('exit', () => this.stop());
  }

  run(name, program, args) {
    const log = fs.openSync(path.join(this.folder, `${name}.log`), 'w');
    const child = spawn(program, args, { stdio: ['ignore', log, log], cwd: this.folder });
    this.children.push(child);
  }

  async start() {
    const [etcd, peer, port] = [await freePort(), await freePort(), await freePort()];
    const token = crypto.randomBytes(16).toString('hex');
    const at = (file) => path.join(this.folder, file);
    this.tools = script('tools.sh', 'folder', 'kubernetes');
    fs.writeFileSync(at('tokens.csv'), `${token},tests,tests,system:masters\n`, { mode: 0o600 });
    const key = crypto.generateKeyPairSync('rsa', { modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' } });
    fs.writeFileSync(at('accounts.key'), key.privateKey, { mode: 0o600 });
    fs.writeFileSync(at('accounts.pub'), key.publicKey);
    this.run('etcd', path.join(script('tools.sh', 'folder', 'etcd'), 'etcd'), [
      '--data-dir', at('etcd'), '--unsafe-no-fsync',
      '--listen-client-urls', `http://127.0.0.1:${etcd}`,
      '--advertise-client-urls', `http://127.0.0.1:${etcd}`,
      '--listen-peer-urls', `http://127.0.0.1:${peer}`,
      '--initial-advertise-peer-urls', `http://127.0.0.1:${peer}`,
      '--initial-cluster', `default=http://127.0.0.1:${peer}`,
    ]);
    this.run('api', path.join(this.tools, 'kube-apiserver'), [
      `--etcd-servers=http://127.0.0.1:${etcd}`, '--bind-address=127.0.0.1',
      `--secure-port=${port}`, `--cert-dir=${at('pki')}`, `--token-auth-file=${at('tokens.csv')}`,
      '--authorization-mode=RBAC', '--service-account-issuer=https://tests',
      `--service-account-key-file=${at('accounts.pub')}`,
      `--service-account-signing-key-file=${at('accounts.key')}`,
      '--service-cluster-ip-range=10.99.0.0/16',
    ]);
    fs.writeFileSync(at('kubeconfig'), JSON.stringify({
      apiVersion: 'v1', kind: 'Config', 'current-context': 'c',
      clusters: [{ name: 'c', cluster: { server: `https://127.0.0.1:${port}`,
        'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: { token } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    }), { mode: 0o600 });
    await eventually(() => {
      const out = this.kubectl(['get', '--raw', '/readyz']);
      if (out.status !== 0) throw new Error(out.stderr || fs.readFileSync(at('api.log'), 'utf8'));
    }, PATIENCE);
  }

  kubectl(args, input) {
    return spawnSync(path.join(this.tools, 'kubectl'), args, {
      encoding: 'utf8', input, maxBuffer: 64 << 20,
      env: { ...process.env, KUBECONFIG: path.join(this.folder, 'kubeconfig') },
    });
  }

  // As it would be taken, but for keeping it.
  dryRun(text) {
    return this.kubectl(
      ['apply', '--dry-run=server', '--validate=strict', '-n', 'house', '-f', '-'], text);
  }

  stop() {
    for (const child of this.children.reverse()) child.kill('SIGKILL');
    this.children = [];
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

const named = (files) => (files.length ? files.at(-1) : 'values.yaml');
const rendered = (files, cwd) => helm(['template', 'rel', '.', '-n', 'house',
  '--kube-version', '1.37.0', ...valueArguments(files)], { cwd }).stdout;

describe('a real API server', () => {
  const api = new ApiServer();

  before(async () => {
    await api.start();
    const made = api.kubectl(['apply', '--server-side', '-f', script('crds.sh')]);
    assert.equal(made.status, 0, made.stderr);
    const wait = api.kubectl(['wait', '--for=condition=Established', 'crd', '--all',
      '--timeout=240s']);
    assert.equal(wait.status, 0, wait.stderr);
    const space = api.kubectl(['apply', '-f', '-'], JSON.stringify({
      apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'house', labels:
        Object.fromEntries(['enforce', 'warn', 'audit'].map((each) =>
          [`pod-security.kubernetes.io/${each}`, 'restricted'])) },
    }));
    assert.equal(space.status, 0, space.stderr);
    // pods are refused while their namespace's account is missing, which a controller makes
    const account = api.kubectl(['create', 'serviceaccount', 'default', '-n', 'house']);
    assert.equal(account.status, 0, account.stderr);
  });
  after(() => api.stop());

  for (const files of scenarios()) {
    test(`takes every object of ${named(files)}, without a warning`, () => {
      const text = rendered(files);
      const out = api.dryRun(text);
      assert.equal(out.status, 0, out.stderr);
      const taken = out.stdout.trim().split('\n').length;
      assert.equal(taken, render(...files).all.length, out.stdout);
      assert.equal(out.stderr, '');
    });
  }

  for (const files of edgeScenarios()) {
    test(`takes every object of an edge node, ${named(files)}, without a warning`, () => {
      const out = api.dryRun(rendered(files, edgeChart));
      assert.equal(out.status, 0, out.stderr);
      assert.equal(out.stdout.trim().split('\n').length, renderOf(edgeChart, ...files).all.length);
      assert.equal(out.stderr, '');
    });
  }

  // name, kind and what is changed in it, what the server says
  const broken = [
    ['a misspelt field', 'Deployment', /maxSurge: 1/, 'maxSurg: 1', /unknown field.*maxSurg/],
    ['a probe that is none', 'Deployment', /httpGet:/, 'httpGett:', /httpGett/],
    ['a word for a number', 'Deployment', /maxUnavailable: 0/, 'maxUnavailable: none',
      /maxUnavailable/],
    ['selectors that choose nothing', 'Deployment', /matchLabels:\n( +)/,
      'matchLabels:\n$1other: x\n$1', /selector/],
    ['a weight in words', 'HTTPRoute', /weight: 90/, 'weight: most', /weight/],
    ['a path type', 'HTTPRoute', /type: PathPrefix/, 'type: Pathprefix', /Pathprefix/],
    ['a metric type', 'HorizontalPodAutoscaler', /type: Pods\n {4}/, 'type: Pod\n    ', /type/],
    ['fewer at most than at least', 'HorizontalPodAutoscaler', /minReplicas: 2/, 'minReplicas: 99',
      /maxReplicas/],
    ['a budget of both kinds', 'PodDisruptionBudget', /maxUnavailable: 1/,
      'maxUnavailable: 1\n  minAvailable: 1', /minAvailable/],
    ['a port out of range', 'NetworkPolicy', /port: 5432/, 'port: 543210', /port/],
    ['a schedule', 'CronJob', /schedule: .*/, 'schedule: nightly', /schedule/],
    ['an unknown trigger field', 'ScaledObject', /pollingInterval: 10/, 'polingInterval: 10',
      /polingInterval/],
    ['a monitor without a port\'s name', 'ServiceMonitor', /interval: 15s/, 'interval: often',
      /interval/],
    ['an image by nobody', 'Deployment', /image: .*/, 'image: ""', /image/],
  ];
  for (const [what, kind, from, to, why] of broken) {
    test(`refuses ${what} by name`, () => {
      const file = kind === 'ScaledObject' ? 'ci/keda-values.yaml' : 'ci/everything-values.yaml';
      const object = rendered([file]).split(/^---$/m).find((part) =>
        new RegExp(`^kind: ${kind}$`, 'm').test(part) && from.test(part));
      assert.ok(object, `${kind} has ${from}`);
      const out = api.dryRun(object.replace(from, to));
      assert.notEqual(out.status, 0, `${what} is taken: ${out.stdout}`);
      assert.match(out.stderr, why);
    });
  }

  test('Pod Security refuses a pod with more than it may have', () => {
    const pod = rendered(['ci/everything-values.yaml']).split(/^---$/m)
      .find((part) => /^kind: Pod$/m.test(part));
    assert.equal(api.dryRun(pod).status, 0);
    const out = api.dryRun(pod.replace('allowPrivilegeEscalation: false',
      'allowPrivilegeEscalation: true'));
    assert.match(out.stderr, /violates PodSecurity "restricted.*allowPrivilegeEscalation/);
    // of what makes pods it only warns, which the scenarios above take for a fault
    const job = rendered(['ci/everything-values.yaml']).split(/^---$/m)
      .find((part) => /^kind: Job$/m.test(part));
    assert.match(api.dryRun(job.replace('runAsNonRoot: true', 'runAsNonRoot: false')).stderr,
      /Warning: would violate PodSecurity "restricted.*runAsNonRoot/);
  });
});
