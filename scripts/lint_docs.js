// Documents that lead somewhere: every link to a file or a heading of this repository, and
// every source that a document or a comment of src names.  Prints file:line: what.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trim().split('\n')
  .filter((name) => fs.existsSync(name));
const files = new Set(tracked);
const folders = new Set(tracked.flatMap((name) => {
  const parts = name.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}));

// GitHub's: lower case, blanks to hyphens, no punctuation; a second one gets -1.
function anchorsOf(text) {
  const seen = new Map();
  const anchors = new Set();
  const prose = text.replace(/^```[^]*?^```/gm, '');
  for (const [, title] of prose.matchAll(/^#+ +(.+)$/gm)) {
    const base = title.toLowerCase().replace(/[^\p{L}\p{N}\- _]/gu, '').replace(/ /g, '-');
    const n = seen.get(base) ?? 0;
    seen.set(base, n + 1);
    anchors.add(n === 0 ? base : `${base}-${n}`);
  }
  return anchors;
}

const texts = new Map();
function read(name) {
  if (!texts.has(name)) texts.set(name, fs.readFileSync(name, 'utf8'));
  return texts.get(name);
}

function say(name, text, index, what) {
  console.log(`${name}:${text.slice(0, index).split('\n').length}: ${what}`);
}

function checkLinks(name) {
  const text = read(name);
  for (const match of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    const [target, anchor] = match[1].split('#');
    if (/^[a-z]+:/.test(target)) continue;
    const file = target === '' ? name : path.normalize(path.join(path.dirname(name), target));
    if (!files.has(file) && !folders.has(file.replace(/\/$/, '')))
      say(name, text, match.index, `leads to no file: ${match[1]}`);
    else if (anchor && file.endsWith('.md') && !anchorsOf(read(file)).has(anchor))
      say(name, text, match.index, `leads to no heading: ${match[1]}`);
  }
}

// `model/book.c`, `tests/api/place_test.c`: from the top, or below src, tests or web/src.
const ROOTS = ['', 'src/', 'tests/', 'web/', 'web/src/', 'deploy/', 'docs/', 'scripts/'];
const NAMED = /(?<![\w/.$*{}<-])((?:[a-z][\w.-]*\/)+[\w-]+\.(?:c|h|js|mjs|ts|tsx|sh|md|sql|in))(?![\w*{])/g;

function checkNames(name, text) {
  for (const match of text.matchAll(NAMED)) {
    const near = path.normalize(path.join(path.dirname(name), match[1]));
    if (/^(build|http|data)\b/.test(match[1]) || files.has(near)) continue;
    if (!ROOTS.some((root) => files.has(root + match[1])))
      say(name, text, match.index, `there is no ${match[1]}`);
  }
}

for (const name of tracked) {
  if (name.endsWith('.md') && !name.includes('node_modules')) {
    checkLinks(name);
    if (name !== 'CHANGELOG.md') checkNames(name, read(name));
  } else if (/^src\/.*\.[ch]$/.test(name)) {
    // Comments alone, with their places kept.
    const text = read(name);
    const comments = text.replace(/\/\*[^]*?\*\/|[^\n]/g, (s) => (s.length > 1 ? s : ' '));
    checkNames(name, comments);
  }
}
