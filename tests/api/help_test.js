// overround COMMAND --help: what the table of a command's options says, and that
// the same table reads them.
'use strict';

const assert = require('node:assert');
const { describe, test } = require('node:test');
const { run } = require('./lib/server');

const commands = [...run(['--help']).stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map((m) => m[1]);
// What stands for a value in the help, as a value that can be read.
const values = {
  'R|max': 'max', 'bets|deposits': 'bets', 'first|second': 'first', 'page|told|none': 'page',
  DAY: '2026-11-23', DATE: '2022-12-18', 'A-B': 'Argentina-France', SPAN: '5m', 'P:AT:FOR': '1:5:5',
  MODE: 'COMPLIANCE', TIER: 'Bulk', WORD: 'wal', CDN: 'fastly', AMOUNT: '1.00', N: '90', X: '2',
  M: '0.06', PCT: '5', AT: '5', odds: 'odds', results: 'results', PERCENT: '0.5', R: '1.5',
  ADDRESS: '127.0.0.1:1', S: '7', C: '7',
};

// [option, value or undefined] of each row of the help.
function rows(help) {
  return [...help.matchAll(/^ {2}(--[a-z][a-z-]*)(?: ([^ \n]+))? /gm)].map((m) => [m[1], m[2]]);
}

describe('--help', () => {
  assert.ok(commands.length >= 20, commands.join());
  for (const command of commands.filter((name) => name !== 'serve')) {
    test(`${command}: says how it is used, on the standard output alone`, () => {
      const { status, stdout, stderr } = run([command, '--help']);

      assert.equal(status, 0);
      assert.equal(stderr, '');
      assert.ok(stdout.startsWith(`usage: overround ${command} `), stdout);
      if (command === 'edge') return; // its targets' sentences are as long as they are
      for (const line of stdout.split('\n')) assert.ok([...line].length <= 100, line);
    });

    test(`${command}: an option that there is not is told, with 2`, () => {
      const { status, stdout, stderr } = run([command, '--no-such-option', 'x']);

      assert.equal(status, 2);
      assert.equal(stdout, '');
      assert.match(stderr, /^usage: overround|see overround [a-z]+ --help$/m);
    });

    if (command === 'fanout') continue; // another program's in all but name: no table
    // --help behind it is reached where the option and its value were read.
    test(`${command}: each option that it names is read`, () => {
      for (const [option, value] of rows(run([command, '--help']).stdout)) {
        const given = value === undefined ? [] : [values[value] ?? 'https://x.example'];
        const { status, stderr } = run([command, option, ...given, '--help']);

        assert.equal(status, 0, `${option} ${given}: ${stderr}`);
        if (value === undefined) continue;
        assert.equal(run([command, option]).status, 2, `${option} without its value`);
      }
    });
  }
});
