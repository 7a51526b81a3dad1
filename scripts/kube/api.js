// A cluster's API server, asked directly: kubectl costs a process for every look.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const https = require('node:https');

const MERGE = 'application/merge-patch+json';

class Api {
  // By the administrator's kubeconfig of scripts/kube/cluster.sh.
  constructor(kubeconfig, kubectl) {
    Object.assign(this, { kubeconfig, program: kubectl });
    const text = fs.readFileSync(kubeconfig, 'utf8');
    const one = (name) => new RegExp(`${name}: "?([^",}\\s]+)`).exec(text)[1];
    this.url = one('server');
    this.agent = new https.Agent({
      keepAlive: true,
      ca: fs.readFileSync(one('certificate-authority')),
      cert: fs.readFileSync(one('client-certificate')),
      key: fs.readFileSync(one('client-key')),
    });
  }

  // { status, json }
  ask(method, path, body, type = 'application/json') {
    return new Promise((resolve, reject) => {
      const headers = body ? { 'content-type': type } : {};
      const request = https.request(this.url + path, { method, agent: this.agent, headers });
      request.setTimeout(20000, () => request.destroy(new Error(`${path}: no answer`)));
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.on('data', (part) => { text += part; });
        response.on('end', () => resolve({ status: response.statusCode, json: JSON.parse(text) }));
      });
      request.end(body && JSON.stringify(body));
    });
  }

  async get(path) {
    const { status, json } = await this.ask('GET', path);
    if (status !== 200) throw new Error(`${path}: ${status} ${json.message}`);
    return json;
  }

  patch(path, body) {
    return this.ask('PATCH', path, body, MERGE);
  }

  kubectl(...args) {
    return execFileSync(this.program, ['--kubeconfig', this.kubeconfig, ...args], {
      encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 << 20,
    });
  }

  close() {
    this.agent.destroy();
  }
}

module.exports = { Api };
