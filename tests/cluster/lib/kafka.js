// A Kafka of the tests' own (scripts/kafka.sh), in a temporary folder; or, to
// share, the one of OVERROUND_TEST_KAFKA, by topics of another prefix.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { makeFolder, root } = require('../../api/lib/store');

const script = path.join(root, 'scripts/kafka.sh');
const kafka = (...args) =>
  execFileSync(script, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();

let prefixes = 0;
const prefix = () => `t${process.pid}x${++prefixes}`;

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

module.exports = { Kafka, sharedBus };
