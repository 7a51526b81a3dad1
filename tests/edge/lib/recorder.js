// A server that keeps what it is sent and answers by a function of ours.
'use strict';

const http = require('node:http');

// answer(request, how many came before it) -> { status, headers, body }
async function startRecorder(answer) {
  const requests = [];
  const server = http.createServer((req, res) => {
    const parts = [];
    req.on('data', (part) => parts.push(part));
    req.on('end', () => {
      const { method, url, headers } = req;
      const request = { method, url, headers, body: Buffer.concat(parts).toString() };
      const { status = 200, headers: more = {}, body = '' } = answer(request, requests.length);
      requests.push(request);
      res.writeHead(status, more);
      res.end(body);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    requests,
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

module.exports = { startRecorder };
