// deploy/release.sh itself: usage, what fails on the way, and what a signal does.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test } = require('node:test');
const { binary, makeFolder, root } = require('../api/lib/store');
const { eventually } = require('../api/lib/wait');

const REPORT = '{"rules":"1-a","settled":1,"open":0,"passed":0,"differences":0,"first":[]}';

// Each verb writes its name down; nobody answers where Prometheus should be.
class Walk {
  constructor(instead = {}, more = []) {
    this.log = path.join(makeFolder('overround-walk'), 'verbs');
    fs.writeFileSync(this.log, '');
    const verbs = {
      version: `${binary()} --version`, deploy: 'true', shadow: `echo '${REPORT}'`,
      'set-weight': 'true', promote: 'true', back: 'true', ...instead,
    };
    const args = Object.entries(verbs).flatMap(([verb, command]) =>
      [`--${verb}`, `echo ${verb} >>${this.log}; ${command}`]);
    this.child = spawn(path.join(root, 'deploy/release.sh'), [...args, '--overround', binary(),
      '--prometheus', 'http://127.0.0.1:1', '--window', '4s', ...more], { cwd: root });
    this.out = '';
    this.child.stdout.on('data', (text) => (this.out += text));
    this.child.stderr.on('data', (text) => (this.out += text));
    this.done = new Promise((resolve) => this.child.on('close', resolve));
  }

  verbs() {
    return fs.readFileSync(this.log, 'latin1').trim().split('\n');
  }

  says(pattern) {
    return eventually(() => assert.match(this.out, pattern), { timeout: 60000 });
  }
}

describe('deploy/release.sh', () => {
  test('usage: 2, and nothing is done', async () => {
    for (const more of [['--steps', '10 50'], ['--steps', '0 100'], ['--window', '5'],
      ['--nonsense', '1'], ['--limit']]) {
      const walk = new Walk({}, more);
      assert.equal(await walk.done, 2, `${more}: ${walk.out}`);
      assert.deepEqual(walk.verbs(), ['']);
    }
  });

  test('a release that does not run is not deployed', async () => {
    const walk = new Walk({ version: 'exit 1' });
    assert.equal(await walk.done, 1);
    assert.deepEqual(walk.verbs(), ['version']);
  });

  test('what cannot be deployed, or graded, goes back', async () => {
    let walk = new Walk({ deploy: 'exit 1' });
    assert.equal(await walk.done, 20, walk.out);
    assert.deepEqual(walk.verbs(), ['version', 'deploy', 'back']);
    assert.match(walk.out, /rolled back in \d+ s: the canary could not be deployed/);
    walk = new Walk({ shadow: 'echo no such table >&2; exit 1' });
    assert.equal(await walk.done, 20, walk.out);
    assert.match(walk.out, /shadow grading failed: no such table/);
    walk = new Walk({ deploy: 'exit 1', back: 'exit 1' });
    assert.equal(await walk.done, 1, walk.out);
    assert.match(walk.out, /could not be rolled back: all traffic must go to the stable track/);
  });

  test('no verdict to be had: it goes back before any weight', async () => {
    const walk = new Walk();
    assert.equal(await walk.done, 20, walk.out);
    assert.deepEqual(walk.verbs(), ['version', 'deploy', 'shadow', 'back']);
    assert.match(walk.out, /no verdict can be had: .*Failed to connect/);
  });

  test('interrupted it goes back, or with --keep leaves everything', async () => {
    let walk = new Walk({}, ['--window', '600s']);
    await walk.says(/1 settled and 0 open bets, 0 differences/);
    walk.child.kill('SIGINT');
    assert.equal(await walk.done, 130, walk.out);
    assert.match(walk.out, /rolled back in \d+ s: interrupted/);
    assert.equal(walk.verbs().at(-1), 'back');
    walk = new Walk({}, ['--window', '600s', '--keep']);
    await walk.says(/0 differences/);
    walk.child.kill('SIGTERM');
    assert.equal(await walk.done, 130, walk.out);
    assert.match(walk.out, /everything stays as it is/);
    assert.equal(walk.verbs().at(-1), 'shadow');
  });
});
