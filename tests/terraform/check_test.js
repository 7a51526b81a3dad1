// Format, validation and tests of every module and root.
'use strict';

const assert = require('node:assert/strict');
const { before, test } = require('node:test');
const { folders, missing, script } = require('./lib/plan');

const skip = missing() ?? false;
const wanted = ['modules', 'roots'].flatMap((kind) => folders(`deploy/terraform/${kind}`)
  .map((name) => `${kind}/${name}`));
let out, lines;

before(() => {
  if (skip) return;
  out = script('check');
  lines = out.stdout.split('\n').filter((line) => /^(not )?ok - /.test(line));
});

for (const name of ['fmt', 'validate', ...wanted]) {
  test(name, { skip }, () => {
    const line = lines.find((l) => l.split(' - ')[1].split(':')[0] === name);
    assert.ok(line, `nothing was said of ${name}: ${out.stdout}${out.stderr}`);
    assert.match(line, /^ok/, out.stdout);
    if (name.includes('/')) assert.match(line, /: [1-9]\d* passed, 0 failed$/);
  });
}

test('what is neither module nor root is refused by name', () => {
  for (const names of [['nothing'], ['kms', 'nothing']]) {
    const refused = script('check', ...names);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /no module and no root nothing/);
    assert.doesNotMatch(refused.stdout, /^ok - /m);
  }
});
