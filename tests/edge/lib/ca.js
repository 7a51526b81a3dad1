// A certificate authority of openssl's, in a folder, and its OCSP responder: a real one,
// on a free loopback port, ended by its process id.
'use strict';

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { eventually } = require('../../api/lib/wait');

const CONFIG = `
[req]
distinguished_name = names
[names]
[ca]
default_ca = house
[house]
database = index
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
serial = serial
default_md = sha256
default_days = 2
default_crl_days = 2
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
[responder]
extendedKeyUsage = OCSPSigning
`;

class Authority {
  constructor(folder) {
    this.folder = folder;
    fs.writeFileSync(path.join(folder, 'ca.cnf'), CONFIG);
    fs.writeFileSync(path.join(folder, 'index'), '');
    fs.writeFileSync(path.join(folder, 'serial'), '1000\n');
    this.run('req', '-x509', '-config', 'ca.cnf', '-extensions', 'authority', '-subj',
      '/CN=an authority', '-days', '2', ...key('ca'), '-out', 'ca.pem');
  }

  run(...words) {
    return execFileSync('openssl', words, { cwd: this.folder, stdio: 'pipe', encoding: 'utf8' });
  }

  file(name) {
    return path.join(this.folder, name);
  }

  // NAME.pem: certificate and key, as a node wants them; who signed it lies in between.
  issue(name, host, ...extensions) {
    const words = extensions.flatMap((one) => ['-addext', one]);
    this.run('req', '-new', '-config', 'ca.cnf', '-subj', `/CN=${host}`, ...words, ...key(name),
      '-out', `${name}.csr`);
    this.run('ca', '-batch', '-config', 'ca.cnf', '-in', `${name}.csr`, '-out', `${name}.crt`,
      '-notext');
    const parts = [`${name}.crt`, 'ca.pem', `${name}.key`];
    fs.writeFileSync(this.file(`${name}.pem`),
      parts.map((part) => fs.readFileSync(this.file(part))).join(''));
    return this.file(`${name}.pem`);
  }

  revoke(name) {
    this.run('ca', '-config', 'ca.cnf', '-revoke', `${name}.crt`);
  }

  // signer: 'ca', or a certificate that it issued for that (OCSPSigning).  openssl's
  // responder waits for ever for who connects and says nothing, so it is not probed.
  async respond(port, signer) {
    this.child = spawn('openssl', ['ocsp', '-port', String(port), '-index', 'index', '-CA',
      'ca.pem', '-rsigner', signer === 'ca' ? 'ca.pem' : `${signer}.crt`, '-rkey', `${signer}.key`,
      '-nmin', '30'], { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] });
    process.on('exit', () => this.child.kill('SIGKILL'));
    let said = '';
    this.child.stderr.on('data', (text) => {
      said += text;
    });
    await eventually(() => {
      if (!/waiting for OCSP client connections/.test(said)) throw new Error(`openssl: ${said}`);
    });
  }

  stop() {
    this.child?.kill('SIGKILL');
  }
}

const key = (name) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
  '-keyout', `${name}.key`];

module.exports = { Authority };
