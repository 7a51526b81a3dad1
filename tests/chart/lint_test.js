// What both Helms say, and what is made from something else.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { helm, root, scenarios, valueArguments } = require('./lib/chart');

for (const version of ['helm3', 'helm4']) {
  test(`${version} lints every profile and every scenario`, () => {
    for (const files of scenarios()) {
      const out = helm(['lint', '--strict', '.', ...valueArguments(files)], { version });
      assert.equal(out.status, 0, `${files}: ${out.stdout}${out.stderr}`);
    }
  });
}

test('both Helms make the same objects', () => {
  for (const files of scenarios()) {
    const [three, four] = ['helm3', 'helm4'].map((version) => helm(
      ['template', 'rel', '.', '--kube-version', '1.33.0', ...valueArguments(files)],
      { version }).stdout);
    assert.equal(sorted(three), sorted(four), `${files}`);
  }
});

// The two order hooks and objects of one kind in their own ways.
function sorted(text) {
  return text.split(/^---$/m).map((part) => part.trim()).sort().join('\n---\n');
}

test('schema, README and carried files are current', () => {
  execFileSync('node', [path.join(root, 'scripts/chart/make.mjs'), '--check'],
    { stdio: ['ignore', 'inherit', 'inherit'] });
});

test('Kubernetes 1.30 is the oldest', () => {
  assert.equal(helm(['template', 'rel', '.', '--kube-version', '1.30.0']).status, 0);
  const old = helm(['template', 'rel', '.', '--kube-version', '1.29.9']);
  assert.notEqual(old.status, 0);
  assert.match(old.stderr, /kubeVersion: >=1\.30/);
});
