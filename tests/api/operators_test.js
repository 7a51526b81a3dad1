// Named operators: added, listed and ended beside a live server; roles.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, run } = require('./lib/world');

describe('named operators', () => {
  const world = worldFor({ before, after }, {});
  const operator = (...args) => run(['operator', ...args, '--store', world().store.url]);
  const token = (name, role) => {
    const { stdout, stderr } = operator('add', name, '--role', role);
    const match = /^operator \S+ token (\S+)$/m.exec(stdout);
    assert.ok(match, stderr);
    return match[1];
  };
  const report = (options) => world().server.operate('GET', '/v1/reports/daily', options);
  const feed = (options) =>
    world().server.operate('POST', '/v1/feed', {
      type: 'application/xml',
      body: '<alive product="1" timestamp="1" subscribed="1"/>',
      ...options,
    });

  test('what a role may do', async () => {
    const finance = token('fay', 'finance');
    const feeder = token('fred', 'feed');
    await world().admits(finance, feeder);
    assert.equal((await report({ token: finance })).status, 200);
    assert.equal((await feed({ token: feeder })).status, 202);
    assert.equal((await report({ token: feeder })).code, 'forbidden');
    assert.equal((await feed({ token: finance })).code, 'forbidden');
    const { text } = await world().server.operate('GET', '/metrics');
    assert.match(text, /overround_desk_refused_total\{reason="role"\} 2/);
    assert.match(world().server.log, /"operator":"fay"/);
  });

  test('an ended operator is out within ten seconds, and may be added again', async () => {
    const first = token('tom', 'finance,trader');
    assert.equal(operator('add', 'tom', '--role', 'feed').status, 1);
    await world().admits(first);
    assert.equal((await report({ token: first })).status, 200);
    assert.match(operator('list').stdout, /^tom reader,trader,finance since \S+/m);
    assert.equal(operator('end', 'tom').status, 0);
    await world().dismisses(first);
    assert.equal((await report({ token: first })).status, 401);
    assert.equal(operator('end', 'tom').status, 1);
    assert.match(operator('list').stdout, /^tom reader,trader,finance ended \S+/m);
    const second = token('tom', 'feed');
    await world().admits(second);
    assert.equal((await feed({ token: second })).status, 202);
    assert.equal((await report({ token: first })).status, 401);
  });

  test('a restarted server knows them', async () => {
    const known = token('rita', 'finance');
    await world().restart();
    assert.equal((await report({ token: known })).status, 200);
  });

  test('wrong usage says so', () => {
    for (const args of [
      ['add', 'x'],
      ['add', 'x', '--role', 'king'],
      ['add', 'a b', '--role', 'feed'],
      ['add', 'root', '--role', 'feed'],
      ['list', 'x'],
      ['fire', 'x'],
      ['end', 'nobody'],
    ]) {
      assert.notEqual(operator(...args).status, 0, args.join(' '));
    }
  });
});
