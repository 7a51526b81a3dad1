// Format, validation and tests of every module and root.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { folders, missing, script } = require('./lib/plan');

const skip = missing() ?? false;

test('fmt, validate and test', { skip }, async (t) => {
  const out = script('check');
  const lines = out.stdout.split('\n').filter((line) => /^(not )?ok - /.test(line));
  const kinds = ['modules', 'roots'];
  const wanted = kinds.flatMap((kind) => folders(`deploy/terraform/${kind}`)
    .map((name) => `${kind}/${name}`));
  for (const name of [...wanted, 'fmt', 'validate']) {
    await t.test(name, () => {
      const line = lines.find((l) => l.split(' - ')[1].split(':')[0] === name);
      assert.ok(line, `nothing was said of ${name}: ${out.stdout}${out.stderr}`);
      assert.match(line, /^ok/, out.stdout);
      if (name.includes('/')) assert.match(line, /: [1-9]\d* passed, 0 failed$/);
    });
  }
});
