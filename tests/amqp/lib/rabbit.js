// A RabbitMQ of the tests' own (scripts/rabbit.sh), in a temporary folder.
'use strict';

const { execFile, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');
const { makeFolder, root } = require('../../api/lib/store');

const script = path.join(root, 'scripts/rabbit.sh');
const run = promisify(execFile);

// A CA of our own and a certificate of it for localhost.
function makeCertificates(folder) {
  fs.mkdirSync(folder, { recursive: true });
  const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=Test CA',
    '-keyout', 'ca-key.pem', '-out', 'ca.pem');
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost',
    '-keyout', 'key.pem', '-out', 'request.pem');
  fs.writeFileSync(path.join(folder, 'ext'), 'subjectAltName=DNS:localhost\n');
  openssl('x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca-key.pem',
    '-CAcreateserial', '-days', '2', '-extfile', 'ext', '-out', 'cert.pem');
}

class Rabbit {
  constructor() {
    this.folder = makeFolder('overround-rabbit');
    fs.chmodSync(this.folder, 0o755);
    this.tls = path.join(this.folder, 'tls');
  }

  async start({ tls = false } = {}) {
    if (tls) makeCertificates(this.tls);
    const { stdout } = await run(script, ['start', this.folder]);
    [this.url, this.tlsUrl] = stdout.trim().split('\n');
    process.on('exit', () => this.running && execFileSync(script, ['stop', this.folder]));
    this.running = true;
    return this;
  }

  kill() {
    return run(script, ['kill', this.folder]);
  }

  restart() {
    return run(script, ['restart', this.folder]);
  }

  async stop() {
    await run(script, ['stop', this.folder]);
    this.running = false;
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

module.exports = { Rabbit };
