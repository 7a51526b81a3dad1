// One word, one thing.  Prints file:line: what, for
//
//   a word that came back     identifiers, metrics and settings use the word that replaced it
//   a name that says nothing  a function that a stack trace could not tell from ten others
//   a word of two places      a struct is called as a word of the glossary (docs/ARCHITECTURE.md)
//                             and lives elsewhere than its row says
//
//   node scripts/lint_words.js [SRC GLOSSARY]    src and docs/ARCHITECTURE.md
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const [src = 'src', glossary = 'docs/ARCHITECTURE.md'] = process.argv.slice(2);

// A part of a name, between underscores; where: directories that keep it.
const REPLACED = [
  { word: /^(tell|tells)$/, use: 'publish, report, print or write' },
  { word: /^told$/, use: 'published, acknowledged or mirrored' },
  { word: /^(hear|hears|heard)$/, use: 'receive, received' },
  { word: /^purses?$/, use: 'account', where: ['model', 'store'] },
];

// Names that the outside knows: they stay.
const KEPT = new Set(['overround_feed_told_position', 'overround_money_heard_total']);

// Whole names of functions.
const EMPTY = /^(take|run|look|ask|say|go_on|learn|rest|leave)$/;

const read = (name) => fs.readFileSync(name, 'utf8');
const place = (text, index) => text.slice(0, index).split('\n').length;

function report(name, text, index, what) {
  console.log(`${name}:${place(text, index)}: ${what}`);
}

function checkName(file, text, index, kind, name) {
  const directory = path.relative(src, path.dirname(file));
  for (const { word, use, where } of REPLACED) {
    if (KEPT.has(name) || where?.includes(directory)) continue;
    if (name.split(/[_-]/).some((part) => word.test(part)))
      report(file, text, index, `${kind} ${name}: use ${use}`);
  }
  if (kind === 'function' && EMPTY.test(name))
    report(file, text, index, `function ${name}: say what it does`);
}

// The code with comments and strings blanked, each character in its place.
const codeOf = (text) => text.replace(/\/\*[^]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g,
  (s) => s.replace(/[^\n]/g, ' '));

const structs = []; // { name, file, line }

function checkCode(file) {
  const text = read(file);
  const code = codeOf(text);
  for (const match of code.matchAll(/^(?!return|else|typedef)[a-z][\w ]*[ *](\w+)\(/gm))
    checkName(file, text, match.index, 'function', match[1]);
  for (const match of code.matchAll(/^(struct|enum) (\w+)\s*\{/gm)) {
    checkName(file, text, match.index, match[1], match[2]);
    if (match[1] === 'struct')
      structs.push({ name: match[2], file, line: place(text, match.index) });
  }
  checkName(file, text, 0, 'file', path.basename(file).replace(/\.[ch]$/, ''));
}

function checkTable(file, row, kind) {
  const text = read(file);
  for (const match of text.matchAll(row)) checkName(file, text, match.index, kind, match[1]);
}

// | *word*, *word* | what it means (`directory`) |
function glossaryWords() {
  const text = read(glossary).split(/^## Glossary$/m)[1];
  if (!text) throw new Error(`${glossary} has no glossary`);
  const words = new Map();
  for (const [, first, means] of text.matchAll(/^\| (\*.*?) \| (.*) \|$/gm)) {
    const directories = [...means.matchAll(/`([a-z]+)`/g)].map((match) => match[1]);
    for (const [, word] of first.matchAll(/\*([^*]+)\*/g)) words.set(word, directories);
  }
  return words;
}

for (const name of fs.readdirSync(src, { recursive: true, encoding: 'utf8' }).sort())
  if (/\.[ch]$/.test(name) && !name.startsWith('tbl/')) checkCode(path.join(src, name));
checkTable(path.join(src, 'tbl/metrics.h'), /^METRIC\(.*?"(\w+)"/gm, 'metric');
checkTable(path.join(src, 'tbl/config.h'), /^CONFIG\(\w+, \w+, "([\w-]+)"/gm, 'setting');

const words = glossaryWords();
for (const { name, file, line } of structs) {
  const directories = words.get(name);
  if (!directories) continue;
  if (!directories.includes(path.relative(src, path.dirname(file))))
    console.log(`${file}:${line}: struct ${name}: the glossary's ${name} is ` +
      `${directories.length > 0 ? `of ${directories.join(', ')}` : 'of no directory'}`);
}
