// The bus's Kafka client against Apache Kafka: the broker dies, freezes, comes
// back; members of a group come, go and are frozen.  What counts is what a
// receiver has that passes over numbers it has had: every one, in order.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { makeFolder, root } = require('../api/lib/store');
const { eventually, sleep } = require('../api/lib/wait');
const { Kafka } = require('./lib/kafka');
const { freePort } = require('./lib/ports');

const program = path.resolve(root, process.env.OVERROUND_TEST_BUS_DRIVE ??
  'build/release/cluster/bus_drive');
const PARTITIONS = 4;
const LONG = { timeout: 60000 };

// A process on the bus, and what it said.
class Driver {
  constructor(bus, ...args) {
    const conf = typeof args[0] === 'object' ? args.shift().conf : '';
    this.process = spawn(program, [bus, conf, ...args.map(String)],
      { stdio: ['ignore', 'pipe', 'ignore'] });
    this.last = Array(PARTITIONS).fill(-1); // the highest number of each partition
    this.said = [];
    this.got = this.again = 0;
    this.mine = new Set();
    this.ended = new Promise((resolve) => this.process.on('close', resolve));
    let rest = '';
    this.process.stdout.setEncoding('latin1').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) this.take(line);
    });
  }

  take(line) {
    const [what, number] = line.split(' ');
    if (/^\d/.test(what)) return this.receive(Number(what), Number(number));
    if (what === 'assigned') this.mine.add(Number(number));
    if (what === 'revoked' || what === 'lost') this.mine.delete(Number(number));
    this.said.push(line);
  }

  receive(partition, number) {
    this.got++;
    if (number <= this.last[partition]) {
      this.again++;
    } else {
      const next = this.last[partition] < 0 ? partition : this.last[partition] + PARTITIONS;
      if (number !== next) this.gap ??= `${number} of ${partition} came, not ${next}`;
      this.last[partition] = number;
    }
  }

  has(line) {
    return this.said.includes(line);
  }

  // Numbers 0..count-1 came, in order.
  async hasAll(count) {
    await eventually(() => {
      assert.equal(this.gap, undefined);
      assert.equal(Math.max(...this.last), count - 1);
      assert.ok(Math.min(...this.last) >= count - PARTITIONS);
    }, LONG);
  }

  says(line) {
    return eventually(() => assert.ok(this.has(line), `${line}: ${this.said.slice(-5)}`), LONG);
  }

  owns(n, options = LONG) {
    return eventually(() => assert.equal(this.mine.size, n), options);
  }

  signal(name) {
    this.process.kill(name);
  }

  async stop() {
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    return this.ended;
  }
}

const tool = (...args) => execFileSync(path.join(root, 'scripts/kafka.sh'), ['tool', ...args],
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

describe('the bus on Kafka', () => {
  let kafka, drivers, bus;
  before(() => {
    kafka = new Kafka();
  });
  after(() => kafka.stop());

  const drive = (...args) => {
    const driver = new Driver(bus, ...args);
    drivers.push(driver);
    return driver;
  };
  const story = (name, body) => test(name, async () => {
    bus = kafka.bus();
    drivers = [];
    try {
      await body();
    } finally {
      for (const driver of drivers) driver.signal('SIGKILL');
      await Promise.all(drivers.map((driver) => driver.ended));
    }
  });

  story('topics are made as they must be', async () => {
    const sender = drive('send', 10, 1000);
    await sender.says('told 10');
    const prefix = bus.split('/').pop();
    const said = tool('org.apache.kafka.tools.TopicCommand', '--bootstrap-server',
      kafka.address, '--describe');
    const of = (topic) =>
      said.split('\n').find((line) => line.startsWith(`Topic: ${prefix}.${topic}\t`));
    for (const topic of ['feed', 'prices', 'results', 'bets', 'transfers', 'traffic'])
      assert.match(of(topic), /PartitionCount: 4\b.*ReplicationFactor: 1\b/);
    assert.match(of('prices'), /cleanup\.policy=compact/);
    assert.match(of('prices'), /min\.cleanable\.dirty\.ratio=0\.2/);
    assert.match(of('feed'), /cleanup\.policy=delete/);
    assert.match(of('feed'), /retention\.ms=259200000/);
  });

  story('a broker that is killed and comes back loses and reorders nothing', async () => {
    const reader = drive('read', 'feed');
    await reader.says('end 3');
    const sender = drive('send', 40000, 5000);
    await eventually(() => assert.ok(reader.got > 5000), LONG);
    kafka.kill();
    await sender.says('down');
    await sleep(1000);
    kafka.restart();
    await sender.says('told 40000');
    await reader.hasAll(40000);
    assert.equal(reader.again, 0, 'an idempotent producer doubles nothing either');
    const late = drive('read', 'feed'); // from the beginning
    await late.hasAll(40000);
  });

  story('a broker that is frozen past every time-out loses and reorders nothing', async () => {
    const reader = drive('read', 'feed');
    await reader.says('end 3');
    const sender = drive('send', 60000, 4000);
    await eventually(() => assert.ok(reader.got > 4000), LONG);
    kafka.pause();
    await sleep(12000);
    kafka.resume();
    await sender.says('told 60000');
    await reader.hasAll(60000);
  });

  story('a full queue waits for the broker, and its memory is bounded', async () => {
    const sender = drive('send', 400000, 200000);
    await sender.says('ready 4');
    kafka.pause();
    await sender.says('full');
    const rss = () => Number(/VmRSS:\s+(\d+)/.exec(
      fs.readFileSync(`/proc/${sender.process.pid}/status`, 'latin1'))[1]);
    assert.ok(rss() < 300 * 1024, `${rss()} KiB`);
    kafka.resume();
    await sender.says('told 400000');
    const reader = drive('read', 'feed');
    await reader.hasAll(400000);
  });

  story('a process ends though the broker is frozen', async () => {
    const all = [drive('send', 400000, 50000), drive('read', 'feed'),
      drive('join', 'feed', 'odds')];
    await all[2].owns(4);
    kafka.pause();
    try {
      await sleep(500);
      for (const driver of all) driver.signal('SIGTERM');
      await eventually(() => {
        for (const driver of all) assert.notEqual(driver.process.exitCode, null);
      }, { timeout: 15000 });
      for (const driver of all) assert.equal(driver.process.exitCode, 0);
    } finally {
      kafka.resume();
    }
  });

  story('members share a topic, and who leaves is replaced at once', async () => {
    const a = drive('join', 'feed', 'odds');
    await a.owns(4);
    const b = drive('join', 'feed', 'odds');
    await b.owns(2);
    await a.owns(2);
    assert.equal(a.said.filter((line) => line.startsWith('revoked')).length, 2);
    const sender = drive('send', 10000, 5000);
    await sender.says('told 10000');
    await eventually(() => assert.equal(a.got + b.got, 10000), LONG);
    await b.stop();
    assert.ok(b.has('left'));
    await a.owns(4, { timeout: 4000 }); // far below the session's time-out
    const more = drive('send', 400, 1000);
    await more.says('told 400');
    await eventually(() => assert.equal(a.got + b.got, 10400), LONG);
  });

  story('who is killed is replaced, from where it committed', async () => {
    const a = drive('join', 'feed', 'odds');
    await a.owns(4);
    const b = drive('join', 'feed', 'odds');
    await b.owns(2);
    await a.owns(2);
    const sender = drive('send', 20000, 4000);
    await eventually(() => assert.ok(b.got > 1000), LONG);
    b.signal('SIGKILL');
    await sender.says('told 20000');
    await a.owns(4);
    await eventually(() => { // both together: nothing is missing
      for (let p = 0; p < PARTITIONS; p++)
        assert.equal(Math.max(a.last[p], b.last[p]), 20000 - PARTITIONS + p);
    }, LONG);
  });

  // Two wait for a dead one to be given up.  The one of them that is to divide
  // the partitions is frozen then: the other one has joined, and hears nothing.
  story('who has joined a group and hears nothing ends all the same', async () => {
    const ends = async (n) => {
      const join = () => drive('join', 'results', `joined${n}`);
      const dead = join();
      await dead.owns(PARTITIONS);
      dead.signal('SIGKILL');
      await dead.ended;
      const members = [join(), join()];
      for (const member of members) await member.says(`ready ${PARTITIONS}`);
      await sleep(1000);
      const [frozen, other] = n % 2 ? members : members.reverse();
      frozen.signal('SIGSTOP');
      await sleep(6500); // a session is 6 s
      assert.equal(await other.stop(), 0);
      frozen.signal('SIGKILL');
    };
    await Promise.all(Array.from({ length: 16 }, (_, n) => ends(n)));
  });

  story('who was frozen learns that it lost its partitions', async () => {
    const a = drive('join', 'feed', 'odds');
    await a.owns(4);
    const b = drive('join', 'feed', 'odds');
    await b.owns(2);
    await a.owns(2);
    b.signal('SIGSTOP');
    await a.owns(4);
    b.signal('SIGCONT');
    await eventually(() => assert.ok(b.said.some((line) => line.startsWith('lost'))), LONG);
    await b.owns(2); // and comes back
    await a.owns(2);
  });
});

describe('Kafka with TLS and passwords', () => {
  let kafka, folder;
  before(async () => {
    folder = makeFolder('overround-kafka-tls');
    const file = (name) => path.join(folder, name);
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
      '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1',
      '-keyout', file('key.pem'), '-out', file('ca.pem')], { stdio: 'ignore' });
    fs.writeFileSync(file('both.pem'), fs.readFileSync(file('key.pem'), 'latin1') +
      fs.readFileSync(file('ca.pem'), 'latin1'));
    const port = await freePort();
    const plain = 'PLAINTEXT://127.0.0.1:@PORT@';
    kafka = new Kafka([
      '-c', `listeners=${plain},SAFE://127.0.0.1:${port},CONTROLLER://127.0.0.1:@CONTROLLER@`,
      '-c', `advertised.listeners=${plain},SAFE://127.0.0.1:${port}`,
      '-c', 'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SAFE:SASL_SSL,CONTROLLER:PLAINTEXT',
      '-c', 'sasl.enabled.mechanisms=PLAIN',
      '-c', 'listener.name.safe.plain.sasl.jaas.config=' +
        'org.apache.kafka.common.security.plain.PlainLoginModule required user_house="se,cret";',
      '-c', 'ssl.keystore.type=PEM', '-c', `ssl.keystore.location=${file('both.pem')}`,
    ]);
    kafka.safe = `kafka://127.0.0.1:${port}/safe`;
  });
  after(() => {
    kafka.stop();
    fs.rmSync(folder, { recursive: true });
  });

  const conf = (password) => 'security.protocol=SASL_SSL,sasl.mechanism=PLAIN,' +
    `sasl.username=house,sasl.password=${password},ssl.ca.location=${path.join(folder, 'ca.pem')}`;

  test('what kafka-conf says reaches the broker', async () => {
    const sender = new Driver(kafka.safe, { conf: conf('se\\,cret') }, 'send', 100, 1000);
    const wrong = new Driver(kafka.safe, { conf: conf('guess') }, 'send', 100, 1000);
    try {
      await sender.says('told 100');
      assert.ok(!wrong.said.some((line) => line.startsWith('ready')));
    } finally {
      wrong.signal('SIGKILL');
      await Promise.all([sender.ended, wrong.ended]);
    }
  });
});
