// What an operator does to a release while customers bet: no request fails that a customer
// would see, and nothing that was answered is lost.
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { eventually } = require('../api/lib/world');
const { evening, marks, nobodyFailed } = require('./lib/evening');
const { ROLES } = require('./lib/release');

const uids = (pods) => new Set(pods.map((pod) => pod.uid));

// The same chart with pods that must be made anew.
function again(values = {}) {
  const podAnnotations = { again: String(Date.now()) };
  const roles = Object.fromEntries(
    ROLES.map((role) => [role, { ...values.roles?.[role], podAnnotations }]),
  );
  return { ...values, roles };
}

async function replace(release, values) {
  const before = uids(await release.look());
  await release.upgrade(again(values));
  await eventually(async () => {
    const now = await release.look();
    assert.ok(!now.some((pod) => before.has(pod.uid)), 'some of the old pods are there');
  }, { timeout: 180000, every: 500 });
  await release.ready();
}

// Until a rollout has stuck: the new pods cannot start.
async function stuck(release) {
  const { api } = release.rig;
  const pods = `/api/v1/namespaces/${release.namespace}/pods`;
  await eventually(async () => {
    const { items } = await api.get(pods);
    const why = items.flatMap((pod) => pod.status.containerStatuses ?? [])
      .map((container) => container.state.waiting?.reason);
    assert.ok(why.some((reason) => /ErrImageNeverPull|ImagePull/.test(reason)), `${why}`);
  }, { timeout: 60000, every: 300 });
}

describe('an update', () => {
  test('of every role: no request fails, and streams go on elsewhere', () =>
    evening({ plot: 'rolling update' }, async (all) => {
      const since = marks(all);
      all.mark('helm upgrade');
      await replace(all.release, {});
      all.mark('all pods are new');
      await all.load.steady();
      nobodyFailed(all, since, 'rolling update');
      assert.ok(all.watchers.resumed >= all.watchers.n, 'streams went elsewhere');
      assert.deepEqual(all.watchers.lost, []);
    }));

  // What preStop is for; and that the story before can fail.
  test('without a pause before the end: new connections are refused', () =>
    evening({ values: { lifecycle: { preStopSeconds: 0 } } }, async ({ release, strangers }) => {
      await eventually(async () => {
        await replace(release, release.values);
        assert.ok(strangers.failed.length > 0, 'nobody noticed');
      }, { timeout: 300000 });
    }));

  test('with an image that is not there: the old pods serve on, and it is rolled back', () =>
    evening({}, async (all) => {
      const { release } = all;
      const before = uids(await release.look());
      const since = marks(all);
      const wrong = { image: { tag: 'not-there' } };
      // The migration comes first, and cannot start: nothing else is touched.
      await assert.rejects(release.upgrade(wrong, { wait: false, more: ['--timeout', '10s'] }));
      assert.deepEqual(uids(await release.look()), before);
      await release.upgrade(wrong, { wait: false, more: ['--no-hooks'] });
      await stuck(release);
      await all.load.steady();
      const still = uids(await release.look());
      for (const uid of before) assert.ok(still.has(uid), 'an old pod was taken away');
      await release.rollback(1);
      await eventually(async () => assert.deepEqual(uids(await release.look()), before));
      nobodyFailed(all, since, 'a wrong image');
    }));
});
