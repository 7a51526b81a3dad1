// A target's files, written by the real command from a policy of the test's.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { run } = require('../../api/lib/server');
const { root } = require('../../api/lib/store');

const kept = () => fs.readFileSync(path.join(root, 'deploy/edge/edge.yaml'), 'utf8');

// replacements: [[/of edge.yaml/, 'this']]: each must be found.
function edgeFiles(target, replacements = []) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'overround-edge-'));
  let policy = kept();
  for (const [what, by] of replacements) {
    assert.match(policy, what);
    policy = policy.replace(what, by);
  }
  fs.writeFileSync(path.join(folder, 'edge.yaml'), policy);
  const out = run(['edge', '--for', target, '--policy', path.join(folder, 'edge.yaml'),
    '--out', path.join(folder, 'out')]);
  assert.equal(out.status, 0, out.stderr);
  const files = {};
  for (const name of fs.readdirSync(path.join(folder, 'out'), { recursive: true })) {
    const at = path.join(folder, 'out', name);
    if (fs.statSync(at).isFile()) files[name] = fs.readFileSync(at, 'utf8');
  }
  fs.rmSync(folder, { recursive: true });
  return files;
}

module.exports = { edgeFiles };
