// Loopback ports: a free one, and whether somebody listens.
'use strict';

const net = require('node:net');

// Below those that the kernel gives to clients, who would take it before its server does;
// as scripts/lib.sh.
const FIRST = 20000;
const N = 12000;

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer();
    const port = FIRST + Math.floor(Math.random() * N);
    server.on('error', () => resolve(freePort()));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(port)));
  });
}

// Rejects unless somebody accepts a connection at "host:port".
function answers(address) {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), host);
    socket.on('connect', () => resolve(socket.destroy()));
    socket.on('error', reject);
  });
}

module.exports = { freePort, answers };
