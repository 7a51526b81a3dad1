// The relay: an outbox of accepted bets told on the bus, each twice (bets and
// transfers), beside Kafka's own producer with the same records and the same
// compression on the same broker; records per second of the sender's CPU.  And
// an outbox that fills at twice the most bets that one process takes: how long
// an event waits until Kafka has it.
//
//   BENCH_RELAY_BETS   in the outbox (400000; a multiple of 20000)
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Postgres, Server, binary, folder, load, median, medianOf, prepare, round, rounds, run,
  save, sleep, spawnOn, GENERATOR_CORE } = require('./lib');

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

// The same rows to come, one by one, each as if it were committed now.
const RESERVE = `CREATE SEQUENCE paced; CREATE TABLE reserve AS
    SELECT row_number() OVER (ORDER BY id) AS n, accounts, seqs, kinds, refs, nets, stakes, amounts
    FROM outbox;
  ALTER TABLE reserve ADD PRIMARY KEY (n); DELETE FROM outbox; ANALYZE reserve`;
const PACED = `WITH next AS MATERIALIZED (SELECT nextval('paced') AS n)
  INSERT INTO outbox (at_ms, accounts, seqs, kinds, refs, nets, stakes, amounts)
  SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8, accounts, seqs, kinds, refs, nets,
    stakes, amounts FROM reserve JOIN next USING (n);`;

async function fill(cluster) {
  const store = await cluster.create('filled');
  await run(GENERATOR_CORE, [binary, 'migrate', '--store', store]);
  await run(GENERATOR_CORE, [path.join(folder, 'settle_fill'), store, bets, CUSTOMERS,
    'sr:match:800000001'].map(String));
  await cluster.sql(OUTBOX, 'filled');
  await cluster.sql('VACUUM ANALYZE', 'filled');
  await cluster.checkpoint();
}

const lastLine = (text) => JSON.parse(text.trim().split('\n').pop());

async function ours(cluster, address, number) {
  const database = `round${number}`;
  const store = await cluster.create(database, 'filled');
  const before = cluster.cpu();
  const text = await run(GENERATOR_CORE, [path.join(folder, 'relay_drive'), store,
    `kafka://${address}/r${number}`, String(2 * bets)]);
  const told = lastLine(text);
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

// The most bets per second of one process on this cluster.
async function mostBets(cluster) {
  const store = await cluster.create('most');
  await run(GENERATOR_CORE, [binary, 'migrate', '--store', store]);
  const server = await Server.start(store);
  const state = path.join(cluster.folder, 'most-state');
  await prepare(server, state);
  const rates = [];
  for (let i = 0; i < 3; i++)
    rates.push((await load(server, state, { connections: 512, duration: 4 })).rate);
  await server.stop();
  await cluster.sql('DROP DATABASE most WITH (FORCE)');
  return median(rates);
}

// Bets arrive at `rate`, until all have been told.
async function paced(cluster, address, dir, rate) {
  const store = await cluster.create('paced', 'filled');
  await cluster.sql(RESERVE, 'paced');
  await cluster.checkpoint();
  const script = path.join(dir, 'paced.sql');
  fs.writeFileSync(script, PACED.replace(/\n/g, ' '));
  const relay = spawnOn(GENERATOR_CORE, [path.join(folder, 'relay_drive'), store,
    `kafka://${address}/paced`, String(2 * bets)]);
  while (!relay.text.stdout.includes('ready') && relay.status === undefined) await sleep(20);
  const began = performance.now();
  await run(GENERATOR_CORE, ['pgbench', '-n', '-M', 'prepared', '-c', '1', '-f', script,
    '-R', String(rate / BATCH), '-t', String(bets / BATCH), store]);
  const seconds = (performance.now() - began) / 1000;
  if ((await relay.ended) !== 0) throw new Error(`relay_drive: ${relay.text.stderr}`);
  await cluster.sql('DROP DATABASE paced WITH (FORCE)');
  return { ...lastLine(relay.text.stdout), came: round(bets / seconds) };
}

async function main() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'overround-bench-kafka-'));
  const cluster = await Postgres.start('relay');
  const results = { ours: [], peer: [], paced: [] };
  let most;
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
    most = await mostBets(cluster);
    results.paced.push(await paced(cluster, address, dir, 2 * most));
    console.log(`  at twice ${most} bets/s: ${JSON.stringify(results.paced[0])}`);
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
  }, {
    claim: 'relay: at twice the most bets of one process',
    ours: `${results.paced[0].came} bets/s: lag p50 ${results.paced[0].lag_p50_ms}, `
      + `p99 ${results.paced[0].lag_p99_ms}, most ${results.paced[0].lag_max_ms} ms`,
    peer: `twice ${most} bets/s`, ratio: '', aim: 'p99 under 1 s', cpu: '',
  }], results);
}

main();
