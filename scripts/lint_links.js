// The program as the linker sees it: which file calls which.  Prints file:1: what for
//
//   a circle of files              each calls the next, so none can be tested or read alone
//   a global of one file           no other file uses it: make it static, or remove it
//   a global that only tests use   the program does not need it (one that its own file uses,
//                                  too, is how a test gets at it)
//   a struct with two meanings     the same name is defined in two files
//
//   node scripts/lint_links.js OBJECTS    the folder of compiled objects, e.g. build/lint/gcc
//   node scripts/lint_links.js OBJECTS --picture    the directories' arrows, as Graphviz
//
// scripts/lint_links.txt lists what is allowed, one `name  reason` a line.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const [folder, option] = process.argv.slice(2);
const allowed = new Map(
  fs.readFileSync(path.join(__dirname, 'lint_links.txt'), 'utf8').split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => [line.split(/\s/)[0], { used: false }]));

function isAllowed(name) {
  const entry = allowed.get(name);
  if (entry) entry.used = true;
  return entry !== undefined;
}

function objectsIn(below) {
  if (!fs.existsSync(below)) return [];
  return fs.readdirSync(below, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.o')).map((name) => path.join(below, name));
}

// Objects whose source is gone are of an earlier build.
function readObjects(directory) {
  const files = [];
  for (const object of objectsIn(path.join(folder, directory))) {
    const source = path.relative(folder, object).replace(/\.o$/, '.c');
    if (!fs.existsSync(source)) continue;
    const file = { source, defines: [], uses: [] };
    for (const line of execFileSync('nm', ['-g', object], { encoding: 'utf8' }).split('\n')) {
      const words = line.trim().split(/\s+/);
      if (words.length === 3 && /[TDBRVWC]/.test(words[1])) file.defines.push(words[2]);
      if (words.length === 2 && words[0] === 'U') file.uses.push(words[1]);
    }
    files.push(file);
  }
  return files;
}

const program = readObjects('src');
const others = [...readObjects('tests'), ...readObjects('bench')];
if (program.length === 0) throw new Error(`no objects in ${folder}/src`);

const definedIn = new Map();
for (const file of program)
  for (const name of file.defines) definedIn.set(name, file.source);

// source -> (source it calls -> names it calls there)
const calls = new Map();
for (const file of program) {
  const to = new Map();
  for (const name of file.uses) {
    const target = definedIn.get(name);
    if (!target || target === file.source) continue;
    to.set(target, [...(to.get(target) ?? []), name]);
  }
  calls.set(file.source, to);
}

// Strongly connected components (Tarjan 1972), those of more than one file.
function circles() {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const found = [];
  function visit(file) {
    index.set(file, index.size);
    low.set(file, index.get(file));
    stack.push(file);
    for (const next of calls.get(file).keys()) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(file, Math.min(low.get(file), low.get(next)));
    }
    if (low.get(file) !== index.get(file)) return;
    const members = stack.splice(stack.indexOf(file));
    if (members.length > 1) found.push(members.sort());
  }
  for (const file of calls.keys()) if (!index.has(file)) visit(file);
  return found;
}

const found = [];
for (const members of circles()) {
  if (isAllowed(members.join('+'))) continue;
  found.push(`${members[0]}:1: a circle of files: ${members.join('+')}`);
  for (const from of members) {
    for (const [to, names] of calls.get(from))
      if (members.includes(to)) found.push(`${from}:1:   calls ${to}: ${names.join(', ')}`);
  }
}

const codes = new Map(program.map((file) =>
  [file.source, fs.readFileSync(file.source, 'utf8').replace(/\/\*[^]*?\*\//g, '')]));

// How often the code of a source says the name.
function timesNamed(source, name) {
  return (codes.get(source).match(new RegExp(`\\b${name}\\b`, 'g')) ?? []).length;
}

// A name that its own file uses, too, may be global for a test's sake.
const usesItself = (source, name) => timesNamed(source, name) > 1;

// What a build without sanitizers leaves out (CHECK_DEAR) is a use, too.
const isNamedElsewhere = (source, name) =>
  [...codes.keys()].some((other) => other !== source && timesNamed(other, name) > 0);

const usedByProgram = new Set(program.flatMap((file) => file.uses));
const usedByOthers = new Set(others.flatMap((file) => file.uses));
for (const [name, source] of definedIn) {
  if (name === 'main' || usedByProgram.has(name) || isAllowed(name)) continue;
  if (isNamedElsewhere(source, name)) continue;
  if (!usedByOthers.has(name)) found.push(`${source}:1: no other file uses ${name}`);
  else if (!usesItself(source, name)) found.push(`${source}:1: only tests use ${name}`);
}

// struct NAME { at the beginning of a line, in two files of src.
const structs = new Map();
for (const name of fs.readdirSync('src', { recursive: true, encoding: 'utf8' }).sort()) {
  if (!/\.[ch]$/.test(name)) continue;
  const text = fs.readFileSync(path.join('src', name), 'utf8');
  for (const [, struct] of text.matchAll(/^struct (\w+)\s*\{/gm))
    structs.set(struct, [...(structs.get(struct) ?? []), `src/${name}`]);
}
for (const [struct, files] of structs) {
  if (files.length > 1 && !isAllowed(`struct:${struct}`))
    found.push(`${files[1]}:1: struct ${struct} is another thing in ${files[0]}`);
}

for (const [name, entry] of allowed) {
  if (!entry.used) found.push(`scripts/lint_links.txt:1: ${name} needs no leave any more`);
}

if (option === '--picture') {
  const arrows = new Map();
  for (const [from, to] of calls) {
    for (const [target, names] of to) {
      const [a, b] = [path.dirname(from), path.dirname(target)];
      if (a !== b) arrows.set(`"${a}" -> "${b}"`, (arrows.get(`"${a}" -> "${b}"`) ?? 0) + names.length);
    }
  }
  console.log('digraph overround {');
  for (const [arrow, n] of [...arrows].sort()) console.log(`  ${arrow} [label=${n}];`);
  console.log('}');
} else {
  for (const line of found) console.log(line);
}
