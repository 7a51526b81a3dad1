// A wire for streams: bytes between a listener of its own and "host:port", which may be
// cut, held up, and led elsewhere.
'use strict';

const net = require('node:net');

async function startPipe(to) {
  const pipe = { to, open: true, pairs: new Set(), calls: 0 };
  const server = net.createServer((near) => {
    pipe.calls++;
    if (!pipe.open) return void near.destroy();
    const [host, port] = pipe.to.split(':');
    const far = net.connect(Number(port), host);
    const pair = { near, far };
    pipe.pairs.add(pair);
    const end = () => {
      pipe.pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    near.on('error', end).on('close', end);
    far.on('error', end).on('close', end);
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  pipe.address = `127.0.0.1:${server.address().port}`;
  pipe.cut = () => {
    for (const { near } of [...pipe.pairs]) near.destroy();
  };
  // Nothing comes any more, and nobody says so.
  pipe.hold = () => {
    for (const { near, far } of pipe.pairs) {
      far.unpipe(near);
      far.pause();
    }
  };
  pipe.close = () => {
    pipe.cut();
    server.close();
  };
  return pipe;
}

module.exports = { startPipe };
