// A TCP connection's way through the tests, so that it can be cut: to a client
// that is given its address, the server behind it is gone then.  Or held: what
// the client says is on its way until it is let go.
'use strict';

const net = require('node:net');

class Wire {
  constructor(target) {
    this.target = target; // host:port; may be known later
    this.pairs = new Set();
    this.server = net.createServer((client) => this.join(client));
  }

  async open() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.address = `127.0.0.1:${this.server.address().port}`;
    this.server.unref();
    return this;
  }

  join(client) {
    client.on('error', () => {});
    if (this.isCut) {
      client.destroy();
      return;
    }
    const [host, port] = this.target.split(':');
    const far = net.connect(Number(port), host);
    const pair = [client, far];
    this.pairs.add(pair);
    const end = () => {
      this.pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.on('error', () => {}).on('close', end);
    client.pipe(far);
    far.pipe(client);
  }

  cut() {
    this.isCut = true;
    for (const pair of this.pairs) for (const socket of pair) socket.destroy();
  }

  mend() {
    this.isCut = false;
  }

  hold() {
    for (const [client, far] of this.pairs) client.unpipe(far).pause();
  }

  letGo() {
    for (const [client, far] of this.pairs) client.pipe(far);
  }

  close() {
    this.cut();
    this.server.close();
  }
}

module.exports = { Wire };
