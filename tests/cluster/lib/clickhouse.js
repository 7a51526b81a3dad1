// A ClickHouse of the tests' own (scripts/clickhouse.sh), in a temporary folder.
'use strict';

const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { call } = require('../../api/lib/http');
const { makeFolder, root } = require('../../api/lib/store');

const script = path.join(root, 'scripts/clickhouse.sh');
const clickhouse = (...args) =>
  execFileSync(script, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();

class ClickHouse {
  constructor() {
    this.folder = makeFolder('overround-clickhouse');
    this.base = clickhouse('start', this.folder).replace(/\/default$/, '');
    process.on('exit', () => this.stop());
  }

  // A database with the tables, fed from the bus's topics; its URL.
  schema(database, bus) {
    const url = `${this.base}/${database}`;
    const from = bus ? bus.replace('kafka://', '').split('/') : [];
    clickhouse('schema', url, ...from);
    return url;
  }

  // Rows of a query: arrays of text.
  async rows(url, sql) {
    const { host, pathname } = new URL(url);
    const where = `http://${host}/?database=${pathname.slice(1)}`;
    const answer = await call('POST', where, { body: sql, type: 'text/plain' });
    if (answer.status !== 200) throw new Error(`${sql}: ${answer.text}`);
    return answer.text.split('\n').filter(Boolean).map((line) => line.split('\t'));
  }

  kill() {
    clickhouse('kill', this.folder);
  }
  restart() {
    clickhouse('restart', this.folder);
  }
  stop() {
    if (this.stopped) return;
    this.stopped = true;
    clickhouse('drop', this.folder);
  }
}

module.exports = { ClickHouse };
