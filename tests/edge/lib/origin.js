// An origin before a real server: passes everything on, and keeps what was asked.  It
// can be slow, and away.
'use strict';

const http = require('node:http');
const net = require('node:net');

async function startOrigin(target, { name = 'origin' } = {}) {
  const to = new URL(target);
  const origin = { name, requests: [], delayMs: 0, away: false };
  const server = http.createServer((req, res) => {
    if (origin.away) {
      req.socket.destroy();
      return;
    }
    origin.requests.push({ method: req.method, url: req.url, headers: req.headers });
    setTimeout(() => {
      const onward = http.request({ host: to.hostname, port: to.port, method: req.method,
        path: req.url, headers: req.headers }, (answer) => {
        res.writeHead(answer.statusCode, { ...answer.headers, 'x-origin': name });
        answer.pipe(res);
      });
      onward.on('error', () => res.destroy());
      req.pipe(onward);
    }, origin.delayMs);
  });
  server.on('upgrade', (req, socket, head) => {
    origin.requests.push({ method: req.method, url: req.url, headers: req.headers });
    const onward = net.connect(to.port, to.hostname, () => {
      const lines = Object.entries(req.headers).map(([header, value]) => `${header}: ${value}\r\n`);
      onward.write(`${req.method} ${req.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin.port = server.address().port;
  origin.count = (path) => origin.requests.filter((one) => one.url.startsWith(path)).length;
  origin.stop = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return origin;
}

module.exports = { startOrigin };
