// The load balancer, as it is deployed: scripts/nginx.sh in a temporary folder.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { makeFolder, root } = require('../../api/lib/store');
const { answers, freePort } = require('./ports');
const { eventually } = require('../../api/lib/wait');

const script = path.join(root, 'scripts/nginx.sh');

class Nginx {
  // upstreams: { bets_public: ['127.0.0.1:1234', …], … }
  async start(upstreams) {
    this.folder = makeFolder('overround-nginx');
    this.public = `127.0.0.1:${await freePort()}`;
    this.operator = `127.0.0.1:${await freePort()}`;
    process.on('exit', () => this.stop());
    this.run('start', upstreams);
    await eventually(() => answers(this.public));
    return this;
  }

  // Other processes from now on; no request is lost.
  route(upstreams) {
    this.run('route', upstreams);
  }

  run(verb, upstreams) {
    const names = Object.entries(upstreams).map(([name, all]) => `${name}=${all.join(',')}`);
    const args = [verb, this.folder, this.public, this.operator, ...names];
    execFileSync(script, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  log() {
    return fs.readFileSync(path.join(this.folder, 'error.log'), 'utf8');
  }

  stop() {
    if (this.stopped || !this.folder) return;
    this.stopped = true;
    execFileSync(script, ['stop', this.folder]);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

module.exports = { Nginx };
