// The recovery side of a feed as Betradar's, played by the test:
// POST /{product}/recovery/initiate_request.  What it answers is set by
// `answers`: a status, or a function of (req, res); the last one stays.
'use strict';

const http = require('node:http');
const { eventually } = require('./wait');

const ACCEPTED = '<response response_code="ACCEPTED"><action>Request accepted</action></response>';

class RecoverySide {
  constructor() {
    this.asked = []; // { product, after, request, node, token, at }
    this.answers = [202];
    this.server = http.createServer((req, res) => this.serve(req, res));
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}/v1`;
    return this;
  }

  serve(req, res) {
    const url = new URL(req.url, 'http://here');
    const [, product] = /^\/v1\/([^/]+)\/recovery\/initiate_request$/.exec(url.pathname) ?? [];
    this.asked.push({
      method: req.method,
      product,
      after: url.searchParams.get('after'),
      request: url.searchParams.get('request_id'),
      node: url.searchParams.get('node_id'),
      token: req.headers['x-access-token'],
      at: Date.now(),
    });
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    if (typeof answer === 'function') answer(req, res);
    else res.writeHead(answer, { 'content-type': 'application/xml' }).end(ACCEPTED);
  }

  // The nth request to a product, from 1, when it has come.
  nth(n, product = 'liveodds', options = {}) {
    return eventually(() => {
      const mine = this.asked.filter((request) => request.product === product);
      if (mine.length < n) throw new Error(`${mine.length} requests to ${product}, not ${n}`);
      return mine[n - 1];
    }, options);
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

module.exports = { RecoverySide };
