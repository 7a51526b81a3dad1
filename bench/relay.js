// The relay: an outbox of accepted bets told on the bus, each twice (bets and
// transfers), beside Kafka's own producer with the same records and the same
// compression on the same broker; records per second of the sender's CPU.
//
//   BENCH_RELAY_BETS   in the outbox (400000; a multiple of 20000)
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Postgres, binary, folder, medianOf, round, rounds, run, save, GENERATOR_CORE } =
  require('./lib');

const bets = Number(process.env.BENCH_RELAY_BETS ?? 400000);
const CUSTOMERS = 20000;
const BATCH = 200; // bets of one transaction
const root = path.join(__dirname, '..');
const kafka = (...args) =>
  execFileSync(path.join(root, 'scripts/kafka.sh'), args, { encoding: 'utf8' }).trim();

// As the placement statement writes it: a row a transaction.
const OUTBOX = `INSERT INTO outbox (at_ms, accounts, seqs, kinds, refs, nets, stakes, amounts)
  SELECT max(at_ms), array_agg(account), array_agg(seq), array_agg(1::int2), array_agg(bet),
    array_agg(balance_after), array_agg(amount), array_agg(amount)
  FROM (SELECT *, (row_number() OVER (ORDER BY seq, account) - 1) / ${BATCH} AS batch
    FROM transfers WHERE kind = 3) t GROUP BY batch ORDER BY batch`;

async function fill(cluster) {
  const store = await cluster.create('filled');
  await run(GENERATOR_CORE, [binary, 'migrate', '--store', store]);
  await run(GENERATOR_CORE, [path.join(folder, 'settle_fill'), store, bets, CUSTOMERS,
    'sr:match:800000001'].map(String));
  await cluster.sql(OUTBOX, 'filled');
  await cluster.sql('VACUUM ANALYZE', 'filled');
  await cluster.checkpoint();
}

async function ours(cluster, address, number) {
  const database = `round${number}`;
  const store = await cluster.create(database, 'filled');
  const before = cluster.cpu();
  const text = await run(GENERATOR_CORE, [path.join(folder, 'relay_drive'), store,
    `kafka://${address}/r${number}`, String(2 * bets)]);
  const told = JSON.parse(text);
  const pg = cluster.cpu() - before;
  await cluster.sql(`DROP DATABASE ${database} WITH (FORCE)`);
  return {
    rate: round(told.records / told.seconds),
    per_cpu: round(told.records / told.cpu_s),
    us: round((told.cpu_s * 1e6) / told.records, 2),
    pg_us: round((pg * 1e6) / told.records, 2),
  };
}

// Some of the records that the first round told, for the peer to send.
function payloads(address, dir) {
  const file = path.join(dir, 'payloads');
  const lines = ['bets', 'transfers'].map((topic) => kafka('tool',
    'org.apache.kafka.tools.consumer.ConsoleConsumer', '--bootstrap-server', address,
    '--topic', `r0.${topic}`, '--from-beginning', '--max-messages', '1000'));
  fs.writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

// Java's own start is not counted: the CPU of ten records is taken off.
async function peer(address, payload, records) {
  const command = `TIMEFORMAT='%U %S'; time scripts/kafka.sh tool
    org.apache.kafka.tools.ProducerPerformance --topic peer --num-records ${records}
    --payload-file ${payload} --throughput -1 --producer-props bootstrap.servers=${address}
    acks=all enable.idempotence=true linger.ms=5 batch.size=131072
    compression.type=lz4`.replace(/\n/g, ' ');
  const out = await run(GENERATOR_CORE, ['bash', '-c', `{ ${command}; } 2>&1`]);
  const [user, system] = out.trim().split('\n').pop().split(' ').map(Number);
  const rate = Number(/sent, ([\d.]+) records\/sec/.exec(out.split('\n').filter((line) =>
    / records sent,/.test(line)).pop())?.[1]);
  return { rate, cpu: user + system };
}

async function main() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'overround-bench-kafka-'));
  const cluster = await Postgres.start('relay');
  const results = { ours: [], peer: [] };
  try {
    const address = kafka('start', dir);
    kafka('tool', 'org.apache.kafka.tools.TopicCommand', '--bootstrap-server', address,
      '--create', '--topic', 'peer', '--partitions', '8');
    await fill(cluster);
    let payload = '';
    for (let i = 0; i < rounds; i++) {
      results.ours.push(await ours(cluster, address, i));
      payload = payload || payloads(address, dir);
      const idle = await peer(address, payload, 10);
      const full = await peer(address, payload, 2 * bets);
      results.peer.push({
        rate: round(full.rate),
        per_cpu: round((2 * bets) / (full.cpu - idle.cpu)),
      });
      console.log(`  ${JSON.stringify({ ours: results.ours[i], peer: results.peer[i] })}`);
    }
  } finally {
    kafka('drop', dir);
    cluster.drop();
  }
  save('relay', [{
    claim: 'relay: outbox to Kafka',
    ours: `${medianOf(results.ours, 'per_cpu')} records per CPU s, `
      + `${medianOf(results.ours, 'rate')}/s`,
    peer: `kafka-producer-perf-test ${medianOf(results.peer, 'per_cpu')} per CPU s`,
    ratio: `${round(medianOf(results.ours, 'per_cpu') / medianOf(results.peer, 'per_cpu'), 2)}`,
    aim: '',
    cpu: `us/record: ours ${medianOf(results.ours, 'us')}, `
      + `PostgreSQL ${medianOf(results.ours, 'pg_us')}`,
  }], results);
}

main();
