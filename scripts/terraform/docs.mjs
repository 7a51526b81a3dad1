// The tables at the end of each README under deploy/terraform, from variables.tf and
// outputs.tf; what stands before the mark is by hand.
//   node scripts/terraform/docs.mjs           writes what is not current
//   node scripts/terraform/docs.mjs --check   names it, and exits 1
import fs from 'node:fs';
import path from 'node:path';

const tree = path.resolve(import.meta.dirname, '../../deploy/terraform');
const mark = '<!-- from here on made by scripts/terraform.sh docs -->';

// Blocks of KIND "NAME" { … } with their attributes, as `terraform fmt` leaves them: an
// attribute of the block begins after two blanks.
export function blocks(text, kind) {
  const found = [];
  for (const [, name, body] of text.matchAll(
    new RegExp(`^${kind} "([^"]+)" \\{\\n([\\s\\S]*?)^\\}`, 'gm'))) {
    const plain = body.replace(/^ {2}validation \{[\s\S]*?^ {2}\}\n/gm, '');
    const attributes = Object.fromEntries(plain.split(/^ {2}(?=\w+ *= )/m).slice(1)
      .map((text) => /^(\w+) *= ([\s\S]*)$/.exec(text).slice(1))
      .map(([key, value]) => [key, value.trim().replace(/\s+/g, ' ')]));
    found.push({ name, ...attributes });
  }
  return found;
}

const words = (text) => JSON.parse(text).replaceAll('|', '\\|');
const cell = (text) => `\`${text.replaceAll('|', '\\|')}\``;
const clip = (text) => (text.length > 90 ? `${text.slice(0, 87)}…` : text);

function inputs(rows) {
  const lines = rows.map((v) => `| ${cell(v.name)} | ${cell(clip(v.type))} | ` +
    `${v.default === undefined ? 'wanted' : cell(clip(v.default))} | ${words(v.description)} |`);
  return ['| input | type | default | |', '|---|---|---|---|', ...lines].join('\n');
}

function outputs(rows) {
  const lines = rows.map((o) => `| ${cell(o.name)} | ${words(o.description)} |`);
  return ['| output | |', '|---|---|', ...lines].join('\n');
}

const read = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '');

// What main.tf begins with, where nothing was written by hand.
function opening(folder, name) {
  const comment = [];
  for (const line of read(`${folder}/main.tf`).split('\n')) {
    if (!line.startsWith('#')) break;
    comment.push(line.replace(/^# ?/, ''));
  }
  return [`# ${name}`, '', ...(comment.length ? [...comment, ''] : []),
    `\`examples/basic\` is a use of it; \`tests\` says what holds.`, ''].join('\n');
}

function readme(folder) {
  const name = path.relative(tree, folder);
  const file = `${folder}/README.md`;
  const head = read(file).split(mark)[0] || opening(folder, name);
  const given = blocks(read(`${folder}/variables.tf`), 'variable');
  const made = blocks(read(`${folder}/outputs.tf`), 'output');
  for (const row of [...given, ...made]) {
    if (!row.description) throw new Error(`${name}: ${row.name} has no description`);
  }
  return [file, `${head.trimEnd()}\n\n${mark}\n\n${inputs(given)}\n\n${outputs(made)}\n`];
}

export function folders() {
  return ['modules', 'roots'].flatMap((kind) => fs.readdirSync(`${tree}/${kind}`).sort()
    .map((name) => `${tree}/${kind}/${name}`));
}

function main(check) {
  let stale = 0;
  for (const [file, text] of folders().map(readme)) {
    if (read(file) === text) continue;
    stale += 1;
    const name = path.relative(path.resolve(tree, '../..'), file);
    console.log(check ? `${name} is not current: scripts/terraform.sh docs` : name);
    if (!check) fs.writeFileSync(file, text);
  }
  if (check && stale > 0) process.exit(1);
}

if (process.argv[1] === import.meta.filename) main(process.argv.includes('--check'));
