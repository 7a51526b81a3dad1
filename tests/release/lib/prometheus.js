// A Prometheus of the tests' own: scripts/prometheus.sh in a temporary folder,
// with a scrape a second.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { makeFolder, root } = require('../../api/lib/store');

const script = path.join(root, 'scripts/prometheus.sh');
const prometheus = (...args) =>
  execFileSync(script, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();

class Prometheus {
  // targets: ['role=bets,track=canary@127.0.0.1:1234', …]
  async start(targets) {
    this.folder = makeFolder('overround-prometheus');
    process.on('exit', () => this.stop());
    [this.address] = prometheus('start', this.folder, '--interval', '1s', ...targets).split('\n');
    return this;
  }

  // These from now on.
  targets(targets) {
    prometheus('targets', this.folder, ...targets);
  }

  stop() {
    if (this.stopped || !this.folder) return;
    this.stopped = true;
    prometheus('stop', this.folder);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

module.exports = { Prometheus };
