// The server's own lists, from the edge's policy: a server that is started with them takes
// and refuses the countries that the edge does.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { startServer } = require('../api/lib/server');
const { makeStore } = require('../api/lib/store');
const { World, newKey } = require('../api/lib/world');
const { from, SECRET } = require('../api/lib/edge');
const { render } = require('../chart/lib/chart');
const { edgeFiles } = require('./lib/written');

// What deploy/edge/edge.yaml says of some, and what of those it names nowhere.
const NAMED = { MT: true, GB: true, NZ: true, US: false, SG: false, KP: false, NO: false };
const ELSEWHERE = ['BR', 'ZA', 'TO'];

// "NAME=value" lines, as podman and systemd read them.
function environmentOf(text) {
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => {
    const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line);
    return [name, value];
  }));
}

const policies = ['allowed', 'refused'].flatMap((elsewhere) =>
  ['allowed', 'refused'].map((unknown) => ({ elsewhere, unknown })));
const written = ({ elsewhere, unknown }) => edgeFiles('server', [
  [/elsewhere: \w+/, `elsewhere: ${elsewhere}`], [/unknown: \w+/, `unknown: ${unknown}`],
]);

describe('a server by edge.yaml', () => {
  for (const policy of policies) {
    it(`others ${policy.elsewhere}, who is nowhere ${policy.unknown}`, async (t) => {
      const env = environmentOf(written(policy)['server.env']);
      assert.ok(!env.OVERROUND_COUNTRIES_ALLOWED || !env.OVERROUND_COUNTRIES_REFUSED);
      const store = makeStore();
      const options = { 'edge-secret': SECRET };
      const server = await startServer({ store: store.url, options, env });
      t.after(async () => {
        await server.stop();
        store.remove();
      });
      const world = new World(store, {});
      world.server = server;
      const expected = {
        ...NAMED,
        ...Object.fromEntries(ELSEWHERE.map((one) => [one, policy.elsewhere === 'allowed'])),
        XX: policy.unknown === 'allowed',
      };
      const address = '203.0.113.7';
      for (const [country, isAllowed] of Object.entries(expected)) {
        const answer = await from(world, country, { address }).server.call('POST', '/v1/accounts', {
          key: newKey(), headers: { 'x-forwarded-for': address },
          json: {
            email: `${country.toLowerCase()}@example.com`, password: 'a long password of the test',
            date_of_birth: '1990-01-01', country: 'MT', currency: 'EUR',
          },
        });
        assert.equal(answer.status, isAllowed ? 201 : 451, `${country}: ${answer.text}`);
      }
    });
  }

  it('no list at all would be everywhere: it is not written', () => {
    const nobody = () => edgeFiles('server',
      [[/betting: allowed\n {4}countries: \[MT/, 'betting: refused\n    countries: [MT'],
        [/betting: allowed\n {4}countries: \[GB/, 'betting: refused\n    countries: [GB']]);
    assert.throws(nobody, /no country is allowed: the server takes an empty list for all/);
  });

  it('the chart gives its processes the same', () => {
    for (const policy of policies) {
      const files = written(policy);
      const env = environmentOf(files['server.env']);
      const values = /^config:\n( {2}.*\n)+/m.exec(files['values.yaml'])[0];
      const config = Object.fromEntries([...values.matchAll(/^ {2}([a-z-]+): "(.*)"$/gm)]
        .map(([, name, value]) => [name, value]));
      const text = JSON.stringify(
        render('ci/roles-minimal-values.yaml', JSON.stringify({ config })).of('ConfigMap'));
      for (const name of ['ALLOWED', 'REFUSED']) {
        const value = env[`OVERROUND_COUNTRIES_${name}`];
        assert.equal(config[`countries-${name.toLowerCase()}`], value);
        assert.ok(text.includes(value), `${name} ${value}`);
      }
    }
  });
});
