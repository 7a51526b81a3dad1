// A Kafka of the tests' own (scripts/kafka.sh), in a temporary folder; or, to
// share, the one of OVERROUND_TEST_KAFKA, by topics of another prefix.
'use strict';

const { execFileSync } = require('node:child_process');
const { randomBytes } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { makeFolder, root } = require('../../api/lib/store');
const { freePort } = require('./ports');
const { Wire } = require('./wire');

const script = path.join(root, 'scripts/kafka.sh');
const kafka = (...args) =>
  execFileSync(script, args, {
    encoding: 'utf8',
    maxBuffer: 256 << 20,
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();

let prefixes = 0;
const prefix = () => `t${randomBytes(4).toString('hex')}x${++prefixes}`;

class Kafka {
  constructor(settings = []) {
    this.folder = makeFolder('overround-kafka');
    this.address = kafka('start', this.folder, ...settings);
    process.on('exit', () => this.stop());
  }

  // Topics of its own for whoever asks.
  bus() {
    return `kafka://${this.address}/${prefix()}`;
  }

  // Another listener of the same broker, which is reached by a wire that can
  // be cut: for one process alone.
  static async withWire() {
    const wire = await new Wire().open();
    wire.target = `127.0.0.1:${await freePort()}`;
    const here = 'PLAINTEXT://127.0.0.1:@PORT@';
    const protocols = ['PLAINTEXT', 'WIRE', 'CONTROLLER'].map((name) => `${name}:PLAINTEXT`);
    const broker = new Kafka([
      '-c', `listeners=${here},WIRE://${wire.target},CONTROLLER://127.0.0.1:@CONTROLLER@`,
      '-c', `advertised.listeners=${here},WIRE://${wire.address}`,
      '-c', `listener.security.protocol.map=${protocols}`,
    ]);
    broker.wire = wire;
    return broker;
  }

  // Of a topic that is not compacted: how many records are there now.
  count(host, topic) {
    const offsets = (time) =>
      kafka('tool', 'org.apache.kafka.tools.GetOffsetShell', '--bootstrap-server', host,
        '--topic', topic, '--time', time)
        .split('\n').reduce((sum, line) => sum + Number(line.split(':')[2] ?? 0), 0);
    return offsets('latest') - offsets('earliest');
  }

  // Its records: [{ key, value, headers }], what is there now; headers: "pos:1,…".
  records(bus, topic) {
    const { host, pathname } = new URL(bus.replace(/^kafka:/, 'http:'));
    const name = `${pathname.slice(1)}.${topic}`;
    const n = this.count(host, name);
    if (n === 0) return [];
    const lines = kafka('tool', 'org.apache.kafka.tools.consumer.ConsoleConsumer',
      '--bootstrap-server', host, '--topic', name, '--from-beginning',
      '--max-messages', String(n), '--timeout-ms', '60000', '--property', 'print.key=true',
      '--property', 'print.headers=true');
    return lines.split('\n').filter(Boolean).map((line) => {
      const [headers, key, value] = line.split('\t');
      return { key, value, headers };
    });
  }

  get pid() {
    return Number(fs.readFileSync(path.join(this.folder, 'pid'), 'latin1'));
  }

  kill() {
    kafka('kill', this.folder);
  }

  // After a kill: the same data, the same port.
  restart() {
    kafka('restart', this.folder);
  }

  pause() {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume() {
    process.kill(this.pid, 'SIGCONT');
  }

  stop() {
    if (this.stopped) return;
    this.stopped = true;
    this.wire?.close();
    kafka('drop', this.folder);
  }
}

let shared;
function sharedBus() {
  if (process.env.OVERROUND_TEST_KAFKA)
    return `kafka://${process.env.OVERROUND_TEST_KAFKA}/${prefix()}`;
  shared ??= new Kafka();
  return shared.bus();
}

// Each line is a record; makes the topic if it is not there.
function sendLines(bus, topic, lines, more = []) {
  const { host, pathname } = new URL(bus.replace(/^kafka:/, 'http:'));
  const name = `${pathname.slice(1)}.${topic}`;
  kafka('tool', 'org.apache.kafka.tools.TopicCommand', '--bootstrap-server', host, '--create',
    '--if-not-exists', '--topic', name, '--partitions', '2');
  const tool = ['tool', 'kafka.tools.ConsoleProducer', '--bootstrap-server', host];
  execFileSync(script, [...tool, '--topic', name, ...more], {
    input: `${lines.join('\n')}\n`, stdio: ['pipe', 'ignore', 'ignore'],
  });
}

module.exports = { Kafka, sendLines, sharedBus };
