// A release by weights of the Gateway API, through a real controller: the chart's HTTPRoutes
// alone decide where new requests go, and deploy/release.sh walks on them.
'use strict';

const assert = require('node:assert/strict');
const { execFile, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test } = require('node:test');
const { call } = require('../api/lib/http');
const { makeFolder, root } = require('../api/lib/store');
const { eventually } = require('../api/lib/world');
const { evening, marks } = require('./lib/evening');
const { tools, script } = require('./lib/rig');

const gateway = {
  enabled: true, parentRefs: [{ name: 'gateway', namespace: 'overround' }],
};
const canary = (weight, more = {}) => ({ gateway, canary: { enabled: true, weight, ...more } });

const publicUrl = (rig) => `http://${rig.gateway}`;

// How many of n requests each track answered, by what its own processes counted.
async function split(release, n) {
  const url = `${publicUrl(release.rig)}/v1/sports`;
  const of = async (track) => {
    const pods = release.of('web').filter((pod) => pod.labels.track === track);
    const all = await Promise.all(pods.map((pod) =>
      release.number(pod, 'overround_http_requests_total{route="/v1/sports"}')));
    return all.reduce((a, b) => a + b, 0);
  };
  await release.look();
  const before = { stable: await of('stable'), canary: await of('canary') };
  for (let i = 0; i < n; i++)
    assert.equal((await call('GET', url, { noRetry: true })).status, 200);
  return { stable: await of('stable') - before.stable, canary: await of('canary') - before.canary };
}

async function weigh(release, weight, n = 400) {
  await release.upgrade(canary(weight), { more: ['--no-hooks'] });
  return eventually(async () => {
    const counts = await split(release, n);
    const share = counts.canary / (counts.canary + counts.stable);
    // Six standard deviations of a fair draw; a controller that counts is nearer.
    const far = 6 * Math.sqrt((weight / 100) * (1 - weight / 100) / n) + 0.001;
    assert.ok(Math.abs(share - weight / 100) <= far, `${weight} %: ${JSON.stringify(counts)}`);
    return counts;
  }, { timeout: 60000 });
}

describe('weights', () => {
  test('0 -> 10 -> 50 -> 100: the share is the weight, nobody is failed, the books are right', () =>
    evening({ values: canary(0) }, async (all) => {
      const { release, load, world } = all;
      await eventually(async () =>
        assert.equal((await call('GET', `${publicUrl(release.rig)}/v1/sports`)).status, 200));
      const since = marks(all);
      for (const weight of [0, 10, 50, 100]) {
        console.log(`# ${weight} %: ${JSON.stringify(await weigh(release, weight))}`);
        world.audit();
      }
      await load.steady();
      assert.deepEqual(load.not([201, 409], since.load), []);
    }));
});

// ---- deploy/release.sh -----------------------------------------------------------------

// The rig's image with another binary and tag.
async function another(rig, tag, binary) {
  const folder = makeFolder('overround-image');
  const file = path.join(folder, `${tag}.tar`);
  execFileSync(script('image.sh'), ['pack', binary, tag, file], { stdio: 'ignore' });
  await rig.image(file);
  fs.rmSync(folder, { recursive: true, force: true });
}

function walk(release, tag) {
  const { rig } = release;
  const own = `--kubeconfig ${rig.api.kubeconfig}`;
  const driver = [path.join(root, 'deploy/release/helm.sh'), '--release', release.name,
    '--namespace', release.namespace, '--tag', tag, '--helm', `'${rig.helm} ${own}'`,
    '--kubectl', `'${path.join(tools('kubernetes'), 'kubectl')} ${own}'`].join(' ');
  const tracks = (track) =>
    `namespace="${release.namespace}",role=~"bets|web",track="${track}"`;
  const args = ['--driver', driver, '--prometheus', `http://${rig.prometheus}`,
    '--stable', tracks('stable'), '--canary', tracks('canary'), '--steps', '50 100',
    '--window', '20s', '--limit', '4m', '--min-bets', '150', '--store', release.store,
    '--overround', path.join(root, 'build/overround')];
  return new Promise((resolve) => {
    execFile(path.join(root, 'deploy/release.sh'), args, { cwd: root, maxBuffer: 16 << 20 },
      (error, stdout, stderr) => resolve({ code: error?.code ?? 0, out: stdout + stderr }));
  });
}

// Bets go through the Gateway, where the weights are.
const throughGateway = (plot, story) =>
  evening({ values: { gateway }, plot }, async (all) => {
    all.release.publicUrl = publicUrl(all.release.rig);
    await story(all);
  });

describe('deploy/release.sh', () => {
  test('a good release is promoted', () =>
    throughGateway('a good canary', async ({ release, mark }) => {
      await another(release.rig, '0.9.1', path.join(root, 'build/overround'));
      mark('release.sh');
      const { code, out } = await walk(release, '0.9.1');
      assert.equal(code, 0, out);
      mark('promoted');
      assert.match(out, /promoted in/);
      const images = release.rig.api.kubectl('get', 'deployments', '-n', release.namespace,
        '-o', 'jsonpath={.items[*].spec.template.spec.containers[0].image}').split(' ');
      assert.deepEqual([...new Set(images)], ['localhost/overround:0.9.1']);
    }));

  test('one that refuses some bets goes back by itself', () =>
    throughGateway('a canary that refuses', async ({ release, mark }) => {
      execFileSync('make', ['--no-print-directory', 'faults'], { cwd: root, stdio: 'ignore' });
      await another(release.rig, '0.9.2', path.join(root, 'build/faults/refuses/overround'));
      mark('release.sh');
      const { code, out } = await walk(release, '0.9.2');
      assert.equal(code, 20, out);
      mark('rolled back');
      assert.match(out, /rolled back in .*refused/);
      await release.look();
      assert.ok(!release.members.some((pod) => pod.labels.track === 'canary' && !pod.leaving));
    }));
});
