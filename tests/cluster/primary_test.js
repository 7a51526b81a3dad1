// The PostgreSQL primary under a whole cluster is lost and its standby
// promoted, while customers bet.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { makeStore } = require('../api/lib/store');
const { sleep } = require('../api/lib/wait');
const { Pair } = require('./lib/pair');
const { storyOf } = require('./lib/story');

test('the primary is killed: bets wait, nothing is lost', async () => {
  const pair = new Pair(['-c', 'max_connections=250']);
  const store = { ...makeStore({ kind: 'postgres', server: pair.url }), remove: () => {} };
  try {
    await storyOf({ store }, async (world, { load }) => {
      const lost = Date.now();
      pair.killPrimary();
      await sleep(500);
      pair.promote();
      await load.takes(lost + 500, 15000);
      assert.deepEqual(load.failures(), []);
    });
  } finally {
    pair.stop();
  }
});
