// What holds of deploy/terraform without terraform: that each part is documented and has an
// example, that alarms end in the runbook, that the prices' table is current.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { folders, root, script } = require('./lib/plan');

const tree = path.join(root, 'deploy/terraform');

test('the READMEs are current', () => {
  const out = script('docs', '--check');
  assert.equal(out.status, 0, out.stdout + out.stderr);
});

const text = (file) => fs.readFileSync(path.join(tree, file), 'utf8');

test('every module has an example, and a test that plans it', () => {
  for (const name of folders('deploy/terraform/modules')) {
    text(`modules/${name}/examples/basic/main.tf`);
    const tests = fs.readdirSync(path.join(tree, `modules/${name}/tests`));
    assert.ok(tests.some((file) => file.endsWith('.tftest.hcl')), name);
  }
});

test('every input of a module is used', () => {
  for (const kind of ['modules', 'roots']) {
    for (const name of folders(`deploy/terraform/${kind}`)) {
      const files = fs.readdirSync(path.join(tree, kind, name)).filter((f) => f.endsWith('.tf'));
      const all = files.map((file) => text(`${kind}/${name}/${file}`)).join('\n');
      for (const [, input] of all.matchAll(/^variable "(\w+)"/gm)) {
        assert.match(all, new RegExp(`var\\.${input}\\b`), `${kind}/${name}: ${input}`);
      }
    }
  }
});

test('every alarm ends in a paragraph of the runbook', () => {
  const operate = fs.readFileSync(path.join(root, 'docs/OPERATE.md'), 'utf8');
  const paragraphs = [...text('modules/alarms/main.tf').matchAll(/paragraph *= "(\w+)"/g)]
    .map((found) => found[1]);
  assert.ok(paragraphs.length > 8, `${paragraphs}`);
  for (const name of paragraphs) {
    assert.match(operate, new RegExp(`^### ${name}$`, 'm'));
  }
});

test('no account, key or password is in the tree', () => {
  const walk = (folder) => fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    return entry.isDirectory() ? walk(file) : [file];
  });
  for (const file of walk(tree)) {
    const found = fs.readFileSync(file, 'utf8')
      .match(/AKIA[0-9A-Z]{16}|-----BEGIN|\b(?!111122223333|00000000)\d{12}\b/);
    assert.equal(found, null, `${file}: ${found}`);
  }
});

test('what it costs is current in docs/CLOUD.md', () => {
  const out = spawnSync('node', ['scripts/terraform/cost.mjs', '--check'],
    { cwd: root, encoding: 'utf8' });
  assert.equal(out.status, 0, out.stdout + out.stderr);
});

test('the capacity formula has the figures that README.md measured', async () => {
  const { perBet } = await import('../../scripts/terraform/cost.mjs');
  const readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8').replace(/\s+/g, ' ');
  const told = /PostgreSQL (\d+), bets (\d+), nginx (\d+), Kafka (\d+), web (\d+), settle (\d+)/
    .exec(readme).slice(1).map(Number);
  assert.deepEqual([perBet.store, perBet.bets, told[2], perBet.kafka, perBet.web, perBet.settle],
    told);
});

test('what was never planned says so at its head', () => {
  for (const name of folders('deploy/terraform/elsewhere')) {
    assert.match(text(`elsewhere/${name}/main.tf`), /^# Not run: /);
  }
});
