// A PostgreSQL primary with a synchronous standby, and the URL that names both.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { childrenOf, freeze, signal } = require('../../api/lib/frozen');
const { makeFolder, root } = require('../../api/lib/store');

const script = path.join(root, 'scripts/pg.sh');
const pg = (...args) =>
  execFileSync(script, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();

const postmaster = (member) =>
  Number(fs.readFileSync(path.join(member, 'data/postmaster.pid'), 'latin1').split('\n')[0]);

class Pair {
  constructor(settings = []) {
    this.folder = makeFolder('overround-pair');
    fs.chmodSync(this.folder, 0o755); // the servers run as somebody else
    this.members = ['a', 'b'].map((name) => path.join(this.folder, name));
    this.primary = 0;
    pg('start', this.members[0], ...settings);
    pg('standby', this.members[1], this.members[0]);
    process.on('exit', () => this.stop());
  }

  // Of the server as it is now, for a test's own questions.
  address(member = this.primary) {
    return `127.0.0.1:${fs.readFileSync(path.join(this.members[member], 'port'), 'utf8').trim()}`;
  }

  get direct() {
    return `postgres://postgres@${this.address()}/postgres`;
  }

  // What a process of Overround is given.
  get url() {
    const hosts = [0, 1].map((member) => this.address(member)).join(',');
    return `postgres://postgres@${hosts}/postgres?target_session_attrs=read-write`;
  }

  killPrimary() {
    pg('kill', this.members[this.primary]);
  }

  // Its sessions end, and to new ones it says nothing, as if its machine were
  // gone: TCP alone still answers.
  silencePrimary() {
    const pid = postmaster(this.members[this.primary]);
    signal([pid], 'SIGSTOP');
    signal(childrenOf(pid), 'SIGKILL');
    this.thaw = () => signal([pid], 'SIGCONT');
  }

  // It stands still with all its sessions, as when its disk hangs.
  hangPrimary() {
    this.thaw = freeze(postmaster(this.members[this.primary]));
  }

  promote() {
    this.primary = 1 - this.primary;
    pg('promote', this.members[this.primary]);
  }

  // A new standby in the place of the primary that was lost.
  rebuild() {
    const lost = this.members[1 - this.primary];
    fs.rmSync(path.join(lost, 'data'), { recursive: true, force: true });
    pg('standby', lost, this.members[this.primary]);
  }

  stop() {
    if (this.stopped) return;
    this.stopped = true;
    this.thaw?.();
    for (const member of this.members) {
      if (fs.existsSync(path.join(member, 'data'))) pg('drop', member);
    }
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

module.exports = { Pair };
