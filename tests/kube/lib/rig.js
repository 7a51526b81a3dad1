// The Kubernetes of the tests (scripts/kube.sh rig): one for a run, in a folder of its
// own, or the one of OVERROUND_TEST_KUBE.
'use strict';

const { execFileSync, execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');
const { makeFolder, root } = require('../../api/lib/store');
const { Api } = require('../../../scripts/kube/api');

const asynchronous = promisify(execFile);
const script = (name) => path.join(root, 'scripts', name);
const run = (name, ...args) =>
  execFileSync(script(name), args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
    .trim();

const tools = (name) => run('kube/tools.sh', 'folder', name);
const kubectl = () => path.join(tools('kubernetes'), 'kubectl');
const helm = () => path.join(tools('helm'), 'helm4');

class Rig {
  constructor(folder) {
    this.folder = folder;
    this.number = this.read('number');
    this.address = `10.210.${this.number}.1`;
    this.api = new Api(path.join(folder, 'kubeconfig'), kubectl());
    this.helm = helm();
  }

  read(name) {
    return fs.readFileSync(path.join(this.folder, name), 'utf8').trim();
  }

  get store() {
    return this.read('store');
  }

  get bus() {
    return this.read('bus');
  }

  get gateway() {
    return this.read('gateway.address');
  }

  get prometheus() {
    return this.read('prometheus.addresses').split('\n')[0];
  }

  get alertmanager() {
    return this.read('prometheus.addresses').split('\n')[1];
  }

  // What the primary is asked directly.
  get primary() {
    return this.read(`pg-${this.read('primary')}.url`);
  }

  cluster(verb, ...args) {
    return run('kube/cluster.sh', verb, path.join(this.folder, 'a'), ...args);
  }

  // Without blocking the load that goes on meanwhile.
  async command(program, args) {
    const { stdout } = await asynchronous(program, args, { cwd: root, maxBuffer: 64 << 20 });
    return stdout;
  }

  // Another cluster on the same stores, with as many nodes.
  beside(name, number, nodes) {
    const folder = path.join(this.folder, name);
    if (!fs.existsSync(folder)) {
      run('kube/cluster.sh', 'up', folder, `or${number}`, String(number), String(nodes));
      run('kube/cluster.sh', 'image', folder, path.join(this.folder, 'a/images', 'overround.tar'));
    }
    const other = Object.create(this);
    other.api = new Api(path.join(folder, 'kubeconfig'), kubectl());
    other.cluster = (verb, ...args) => run('kube/cluster.sh', verb, folder, ...args);
    other.end = () => run('kube/cluster.sh', 'down', folder);
    return other;
  }

  failover() {
    return this.command(script('kube.sh'), ['failover', this.folder]);
  }

  image(file) {
    return this.command(script('kube/cluster.sh'), ['image', path.join(this.folder, 'a'), file]);
  }
}

let shared;

// NUMBER: of the rig's addresses; make kube has 1.
function sharedRig(number = 9) {
  if (shared) return shared;
  let folder = process.env.OVERROUND_TEST_KUBE;
  if (!folder) {
    folder = path.join(makeFolder('overround-kube'), 'rig');
    run('kube.sh', 'rig', folder, String(number));
    process.on('exit', () => run('kube.sh', 'stop', folder));
  }
  shared = new Rig(folder);
  return shared;
}

module.exports = { Rig, run, script, sharedRig, tools };
