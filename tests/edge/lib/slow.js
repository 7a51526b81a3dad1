// A wire between the edge and a server that can be made slow, and cut; it counts the
// requests that go over it by their first line, but for those of the node's fan-out,
// which speak for nobody.
'use strict';

const http = require('node:http');

async function startWire(to) {
  const wire = { delay: 0, seen: [], agent: new http.Agent({ keepAlive: true }) };
  const server = http.createServer((req, res) => {
    const { method, url, headers } = req;
    const seen = { at: Date.now(), path: url, method, headers };
    const own = url === '/v1/stream' && headers['x-forwarded-for'] === undefined;
    if (!own) wire.seen.push(seen);
    const [host, port] = to.split(':');
    const pass = () => {
      const out = http.request({ host, port, path: url, method, headers, agent: wire.agent });
      out.on('response', (answer) => {
        res.writeHead(answer.statusCode, answer.headers);
        answer.pipe(res);
        res.on('close', () => {
          seen.answered = Date.now();
        });
      });
      out.on('error', () => res.destroy());
      req.pipe(out);
    };
    if (wire.delay > 0) setTimeout(pass, wire.delay);
    else pass();
  });
  server.keepAliveTimeout = 600000;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  wire.address = `127.0.0.1:${server.address().port}`;
  wire.asked = (path) => wire.seen.filter((request) => request.path === path).length;
  wire.cut = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  const { port } = server.address();
  wire.mend = () => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return wire;
}

module.exports = { startWire };
