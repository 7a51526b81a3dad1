// Stands between whoever feeds and the server, so that a test may act at an
// exact place of the feed: onMessage(xml) runs after the server took the
// message and before the sender hears of it.
'use strict';

const http = require('node:http');

async function startProxy(to, onMessage) {
  const failures = [];
  const server = http.createServer(async (req, res) => {
    const parts = [];
    for await (const part of req) parts.push(part);
    const body = Buffer.concat(parts);
    const { host, connection, 'content-length': length, ...headers } = req.headers;
    try {
      const answer = await to.operate(req.method, req.url, { body, headers });
      if (answer.status === 202) await onMessage(body.toString('utf8'));
      res.writeHead(answer.status, {
        'content-type': answer.headers['content-type'] ?? 'text/plain',
      });
      res.end(answer.text);
    } catch (error) {
      failures.push(error);
      res.writeHead(500).end(String(error));
    }
  });
  server.keepAliveTimeout = 60000;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    failures,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

module.exports = { startProxy };
