// The edge of a release, or of several in as many clusters: nginx on this machine.
//   services  to the Services, which choose a pod by chance
//   pods      to the pods that are ready at its start, as an ingress controller would
//   follow    to the pods that are ready, whichever they are: nginx reads its configuration
//             again, and closes what idles, which a client may take for a failure
'use strict';

const assert = require('node:assert/strict');
const { eventually, sleep } = require('../../api/lib/wait');
const { Nginx } = require('../../cluster/lib/nginx');
const { script } = require('./rig');

const LISTENERS = {
  bets_public: ['bets', 8080], web_public: ['web', 8080], feed_operator: ['feed', 8081],
  bets_operator: ['bets', 8081], settle_operator: ['settle', 8081], web_operator: ['web', 8081],
};

class Edge {
  // server: of(role) is its pods, look() sees which there are now, service(role) an address.
  constructor(server, by) {
    Object.assign(this, { server, by });
  }

  upstreams() {
    const all = {};
    for (const [name, [role, port]] of Object.entries(LISTENERS)) {
      if (this.by === 'services') {
        // Twice: what one process could not answer is sent again.
        all[name] = Array(2).fill(`${this.server.service(role)}:${port === 8080 ? 80 : port}`);
        continue;
      }
      const pods = this.server.of(role).filter((pod) => pod.ready && !pod.leaving);
      all[name] = pods.map((pod) => `${pod.ip}:${port}`).sort();
    }
    return all;
  }

  async start() {
    await eventually(async () => {
      await this.server.look();
      this.routed = this.upstreams();
      for (const [name, all] of Object.entries(this.routed)) assert.ok(all.length > 0, name);
    }, { timeout: 180000, every: 200 });
    this.nginx = await new Nginx().start(this.routed);
    this.watching = this.watch();
    return this;
  }

  // Pods that came or went; a role of which none is ready keeps those it had.
  async route() {
    const now = this.upstreams();
    for (const name of Object.keys(now))
      if (now[name].length === 0) now[name] = this.routed[name];
    if (JSON.stringify(now) === JSON.stringify(this.routed)) return;
    this.routed = now;
    const { folder } = this.nginx;
    const names = Object.entries(now).map(([name, all]) => `${name}=${all.join(',')}`);
    await this.server.rig.command(script('nginx.sh'),
      ['route', folder, this.nginx.public, this.nginx.operator, ...names]);
  }

  async watch() {
    for (; !this.ended; await sleep(200)) {
      await this.server.look().catch(() => {});
      if (this.by === 'follow') await this.route().catch(() => {});
    }
  }

  async stop() {
    this.ended = true;
    await this.watching;
    this.nginx?.stop();
  }
}

// Gives the server an edge, and the addresses that customers and operators have.
async function expose(server, by) {
  server.edge = await new Edge(server, by).start();
  server.nginx = server.edge.nginx;
  server.public = server.nginx.public;
  server.operator = server.nginx.operator;
  server.publicUrl = `http://${server.public}`;
  server.operatorUrl = `http://${server.operator}`;
}

module.exports = { expose };
