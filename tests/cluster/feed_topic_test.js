// The topic feed is the log: feed processes are killed and ended, the broker
// is frozen, and each partition still has its entries in the log's order.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { startProcess } = require('../api/lib/server');
const { makeStore, Postgres, root } = require('../api/lib/store');
const uof = require('../api/lib/uof');
const { eventually, sleep } = require('../api/lib/wait');
const { Kafka } = require('./lib/kafka');

const program = path.resolve(root, process.env.OVERROUND_TEST_BUS_DRIVE ??
  'build/release/cluster/bus_drive');
const PARTITIONS = 4;

// [partition] -> positions, as they came, without repeats; marks, [partition] -> [pos].
function readTopic(bus) {
  const child = spawn(program, [bus, '', 'read', 'feed'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const partitions = Array.from({ length: PARTITIONS }, () => []);
  const marks = Array.from({ length: PARTITIONS }, () => []);
  let rest = '';
  child.stdout.setEncoding('latin1').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const [partition, before, , bytes] = line.split(' ').map(Number);
      const had = partitions[partition];
      if (bytes === 0) marks[partition].push({ pos: before + 1, had: had.length });
      else if (had && before + 1 > (had.at(-1) ?? 0)) had.push(before + 1);
    }
  });
  return { partitions, marks, stop: () => child.kill('SIGKILL') };
}

describe('the topic feed', () => {
  let postgres, kafka, store;
  before(() => {
    postgres = new Postgres();
    kafka = new Kafka();
    store = makeStore({ kind: 'postgres', server: postgres.url });
  });
  after(() => {
    kafka.stop();
    store.remove();
    postgres.stop();
  });

  test('has every entry of the log, in order, whoever dies', async () => {
    const bus = kafka.bus();
    const launch = () => startProcess({ store: store.url, ready: false,
      options: { role: 'feed', bus, partitions: PARTITIONS, 'lease-ms': '1000' } });
    const feeds = [await launch(), await launch()];
    const reader = readTopic(bus);
    let n = 0;
    // To whoever leads, until it is taken; some messages are of no event.
    const push = () => eventually(async () => {
      const body = n % 7 === 0 ? uof.alive({ product: 1 }) : uof.betStop(`sr:match:${n % 20}`);
      const answers = await Promise.all(feeds.map((feed) =>
        feed.operate('POST', '/v1/feed', { body, type: 'application/xml' })
          .catch(() => ({ status: 0 }))));
      assert.ok(answers.some(({ status }) => status === 202), JSON.stringify(answers));
      n++;
    }, { timeout: 30000 });
    const some = async (count) => {
      for (let i = 0; i < count; i++) await push();
    };
    try {
      await some(60);
      for (const end of ['kill', 'stop']) {
        const metrics = await Promise.all(feeds.map((feed) => feed.operate('GET', '/metrics')));
        const at = metrics.findIndex(({ text, body }) =>
          /overround_feed_leads 1/.test(text ?? body));
        assert.ok(at >= 0, 'one leads');
        await feeds[at][end]();
        feeds[at] = await launch();
        await some(60);
      }
      kafka.pause();
      await some(60); // the log does not wait for Kafka
      await sleep(1500);
      kafka.resume();
      await some(10);
      const log = store.sql('SELECT pos, event FROM feed_log ORDER BY pos').split('\n')
        .map((line) => line.split('|')).map(([pos, event]) => ({ pos: Number(pos), event }));
      assert.ok(log.length >= 250 && log.some(({ event }) => event) && log.some((e) => !e.event));
      await eventually(() => {
        const home = new Map(); // event -> its partition
        reader.partitions.forEach((positions, i) => positions.forEach((pos) => {
          const { event } = log.find((entry) => entry.pos === pos) ?? {};
          if (event) assert.equal(home.set(event, home.get(event) ?? i).get(event), i);
        }));
        reader.partitions.forEach((positions, i) => assert.deepEqual(
          positions.filter((pos) => pos <= log.at(-1).pos),
          log.filter(({ event }) => !event || home.get(event) === i).map(({ pos }) => pos)));
        for (const { event } of log) assert.ok(!event || home.has(event));
        // What a mark vouches for stands before it, and the last one vouches for all.
        reader.marks.forEach((marks, i) => {
          assert.equal(marks.at(-1).pos, log.at(-1).pos);
          for (const { pos, had } of marks)
            assert.ok(had === reader.partitions[i].length || reader.partitions[i][had] > pos);
        });
      }, { timeout: 30000, every: 200 });
    } finally {
      reader.stop();
      await Promise.all(feeds.map((feed) => feed.stop()));
    }
  });
});
