// Podman with a store of its own, as little of the host as it can do with: the
// network is the host's, control groups are cgroupfs, the runtime is runc.
'use strict';

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

// What a container may have: no more than this process, which may be unable to
// raise its own limits.
function hardLimit(letter) {
  const limit = execFileSync('bash', ['-c', `ulimit -H${letter}`], { encoding: 'utf8' }).trim();
  return limit === 'unlimited' ? 4096 : Math.min(Number(limit), 4096);
}

const least = [
  '--rm', '--network=host', '--read-only', '--read-only-tmpfs=false', '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
];

class Podman {
  constructor(folder) {
    this.folder = folder;
    fs.mkdirSync(folder, { recursive: true });
    const [files, processes] = [hardLimit('n'), hardLimit('u')];
    const limits = [`"nofile=${files}:${files}"`, `"nproc=${processes}:${processes}"`];
    const conf = path.join(folder, 'containers.conf');
    fs.writeFileSync(
      conf,
      `[containers]\ndefault_ulimits = [${limits}]\n` +
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\n',
    );
    this.env = { ...process.env, CONTAINERS_CONF: conf };
    const at = (name) => path.join(folder, name);
    this.command = [
      'podman', '--root', at('root'), '--runroot', at('run'), '--tmpdir', at('tmp'),
      '--storage-driver', 'vfs',
    ];
  }

  podman(...args) {
    const [program, ...options] = this.command;
    return spawnSync(program, [...options, ...args], {
      encoding: 'utf8', env: this.env, timeout: 120000,
    });
  }

  load(archive) {
    const done = this.podman('load', '-q', '-i', archive);
    if (done.status !== 0) throw new Error(`podman load: ${done.stderr}`);
  }

  run(image, options, args) {
    return this.podman('run', ...least, ...options, image, ...args);
  }

  // For openWorld({}, { launcher }): the image's own binary instead of ours.
  launcher(image, options) {
    const command = [...this.command, 'run', ...least, ...options, image];
    const quoted = command.map((word) => `'${word}'`).join(' ');
    const conf = `CONTAINERS_CONF='${this.env.CONTAINERS_CONF}'`;
    return ['bash', '-c', `shift && ${conf} exec ${quoted} "$@"`, 'podman'];
  }

  remove() {
    this.podman('rm', '-af');
    this.podman('rmi', '-af');
  }
}

module.exports = { Podman };
