// Several processes on one PostgreSQL: those of the feed, of which one leads,
// and the one that takes bets.
'use strict';

const assert = require('node:assert/strict');
const { startServer } = require('../../api/lib/server');
const { makeStore } = require('../../api/lib/store');
const { World, eventually } = require('../../api/lib/world');

const BOOK = 'odds,bets,settle,web';

class Cluster {
  constructor(options = {}) {
    this.store = makeStore({ kind: 'postgres' });
    this.options = { 'lease-ms': '3000', ...options };
    this.feeds = [];
    this.world = new World(this.store, { role: BOOK, ...this.options });
  }

  // The process with the book; ready: only when somebody leads.
  async startBook({ ready = true } = {}) {
    await this.world.start({ ready });
    return this.world.server;
  }

  async startFeed() {
    const server = await startServer({
      store: this.store.url,
      options: { role: 'feed', ...this.options },
    });
    this.feeds.push(server);
    return server;
  }

  // Posts by `world` go to this process.
  feedBy(server) {
    this.world.feed.post = (xml) =>
      server.operate('POST', '/v1/feed', { body: xml, type: 'application/xml', timeout: 30000 });
  }

  becomes(server, role) {
    return eventually(async () => {
      const answer = await server.operate('GET', '/readyz');
      assert.equal(answer.json?.role, role, answer.text);
    });
  }

  // The log's types and bodies, in order; its positions have no gap.
  log() {
    const rows = this.store.sql(
      "select pos || ' ' || type || ' ' || translate(body, E'\\n', ' ') from feed_log order by pos",
    );
    const entries = rows.split('\n').map((row) => {
      const [, pos, type, body] = /^(\d+) (\d+) (.*)$/.exec(row);
      return { pos: Number(pos), type: Number(type), body };
    });
    entries.forEach((entry, i) => assert.equal(entry.pos, i + 1, 'a gap in the log'));
    return entries;
  }

  async close() {
    try {
      await Promise.all(this.feeds.filter((feed) => !feed.exit).map((feed) => feed.stop()));
      if (this.world.server && !this.world.server.exit) await this.world.server.stop();
      this.world.audit();
    } finally {
      this.store.remove();
    }
  }
}

module.exports = { Cluster };
