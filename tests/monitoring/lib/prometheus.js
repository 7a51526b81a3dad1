// Prometheus and Alertmanager as scripts/prometheus.sh starts them, in a
// temporary folder, and a webhook that Alertmanager tells.
'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { promisify } = require('node:util');
const { makeFolder, root } = require('../../api/lib/store');

const script = path.join(root, 'scripts/prometheus.sh');
const runs = promisify(execFile);

async function getJson(url) {
  const answer = await fetch(url);
  const json = await answer.json();
  assert.equal(answer.status, 200, `${url}: ${JSON.stringify(json)}`);
  return json;
}

// What was posted to it: { path, alerts }.
async function startWebhook() {
  const posts = [];
  const server = http.createServer(async (req, res) => {
    const parts = [];
    for await (const part of req) parts.push(part);
    posts.push({ path: req.url, alerts: JSON.parse(Buffer.concat(parts)).alerts });
    res.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    posts,
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

class Prometheus {
  // targets: ['role=web@127.0.0.1:1', …]; rules: files instead of the deployed ones
  async start({ targets = [], rules = [], alertmanager, interval = '1s' } = {}) {
    this.folder = makeFolder('overround-prometheus');
    const args = ['start', this.folder, '--interval', interval];
    if (alertmanager) args.push('--alertmanager', alertmanager);
    for (const file of rules) args.push('--rules', file);
    const { stdout } = await runs(script, [...args, ...targets]);
    const [prometheus, alerts] = stdout.trim().split('\n');
    this.url = `http://${prometheus}`;
    this.alertmanagerUrl = alerts && `http://${alerts}`;
    return this;
  }

  // Targets of another job of deploy/monitoring/prometheus.yaml.
  scrape(job, targets) {
    const file = path.join(this.folder, 'etc', job, 'targets.json');
    fs.writeFileSync(`${file}.new`, JSON.stringify([{ targets }]));
    fs.renameSync(`${file}.new`, file);
  }

  // The values of a query, NaN left out: [{ metric, value }].
  async query(expr) {
    const { data } = await getJson(`${this.url}/api/v1/query?query=${encodeURIComponent(expr)}`);
    assert.equal(data.resultType, 'vector', expr);
    return data.result
      .map(({ metric, value }) => ({ metric, value: Number(value[1]) }))
      .filter(({ value }) => !Number.isNaN(value));
  }

  async api(path_) {
    return (await getJson(`${this.url}/api/v1/${path_}`)).data;
  }

  async firing() {
    const { alerts } = await this.api('alerts');
    return alerts.filter(({ state }) => state === 'firing');
  }

  async stop() {
    if (!this.folder) return;
    await runs(script, ['stop', this.folder]);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

module.exports = { Prometheus, startWebhook };
