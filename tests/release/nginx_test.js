// Weights of nginx: who is sent to the canary, that he stays there, and that
// nobody notices a weight that changes or a canary that dies.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { test } = require('node:test');
const { call } = require('../api/lib/http');
const { eventually } = require('../api/lib/wait');
const { Nginx } = require('../cluster/lib/nginx');

// Says who it is.
async function backend(name) {
  const server = http.createServer((request, response) => response.end(name));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, address: `127.0.0.1:${server.address().port}` };
}

function end({ server }) {
  server.closeAllConnections?.();
  return new Promise((resolve) => server.close(resolve));
}

class Edge {
  async start() {
    [this.stable, this.canary] = [await backend('stable'), await backend('canary')];
    const to = [this.stable.address];
    this.plain = { bets_public: to, web_public: to, feed_operator: to, bets_operator: to,
      settle_operator: to, web_operator: to };
    this.nginx = await new Nginx().start(this.plain);
    return this;
  }

  workers() {
    const master = fs.readFileSync(path.join(this.nginx.folder, 'nginx.pid'), 'latin1').trim();
    const children = fs.readFileSync(`/proc/${master}/task/${master}/children`, 'latin1');
    return children.trim().split(' ');
  }

  // Until the workers of before are gone: they go by the weight of before.
  async weight(percent) {
    const canary = { bets_canary: [this.canary.address], weight: [String(percent)] };
    const before = this.workers();
    this.nginx.route(percent === undefined ? this.plain : { ...this.plain, ...canary });
    await eventually(() => {
      const now = this.workers();
      assert.ok(!before.some((worker) => now.includes(worker)), 'old workers');
    });
  }

  // A connection a request: nginx closes one that idles when its worker goes, and a client
  // that uses it at that moment asks again.
  async ask(who, route = '/v1/wallet') {
    const answer = await call('GET', `http://${this.nginx.public}${route}`,
      { token: `t${who}`, headers: { connection: 'close' }, noRetry: true });
    assert.equal(answer.status, 200, answer.text);
    return answer.text;
  }

  async tracks(n) {
    const all = [];
    for (let who = 0; who < n; who += 50)
      all.push(...(await Promise.all([...Array(50)].map((_, i) => this.ask(who + i)))));
    return all;
  }

  async stop() {
    this.nginx.stop();
    await Promise.all([end(this.stable), this.canary && end(this.canary)]);
  }
}

test('a percent of sessions goes to the canary, and stays there as it grows', async () => {
  const edge = await new Edge().start();
  try {
    await edge.weight(0);
    await edge.weight(10);
    const tenth = await edge.tracks(1000);
    const n = tenth.filter((track) => track === 'canary').length;
    assert.ok(n > 60 && n < 150, `${n} of 1000 at 10 %`);
    assert.deepEqual(await edge.tracks(1000), tenth, 'the same ones again');
    assert.equal(await edge.ask(tenth.indexOf('canary'), '/v1/events'), 'stable', 'web has none');
    await edge.weight(50);
    const half = await edge.tracks(1000);
    assert.ok(tenth.every((track, i) => track === 'stable' || half[i] === 'canary'));
    await edge.weight(100);
    assert.ok((await edge.tracks(200)).every((track) => track === 'canary'));
    await edge.weight(undefined);
    assert.ok((await edge.tracks(200)).every((track) => track === 'stable'));
  } finally {
    await edge.stop();
  }
});

test('a canary that dies costs no request, nor does a weight that changes', async () => {
  const edge = await new Edge().start();
  try {
    await edge.weight(50);
    let going = true;
    let asked = 0;
    const asking = [0, 1, 2, 3].map(async (who) => {
      for (; going; asked++) await edge.ask(who + 4 * asked);
    });
    for (const percent of [10, 50, 0, 100, 50]) await edge.weight(percent);
    await end(edge.canary);
    edge.canary = undefined;
    const until = asked + 200;
    await eventually(() => assert.ok(asked > until));
    going = false;
    await Promise.all(asking);
  } finally {
    await edge.stop();
  }
});
