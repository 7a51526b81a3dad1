// Loopback ports: a free one, and whether somebody listens.
'use strict';

const net = require('node:net');

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
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
