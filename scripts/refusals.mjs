// What docs/openapi.yaml has from src/tbl/refusals.h: the codes, the status and
// the members of each, and the ladder among the codes of POST /v1/bets.
//   node scripts/refusals.mjs           writes the document
//   node scripts/refusals.mjs --check   exits 1 when it is not current
import fs from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const document = path.join(root, 'docs/openapi.yaml');
const LAST_RUNG = 'busy'; // below it: what is not about placing a bet

// The rows in their order: { id, name, code, status, verdict, title, sentence, members, may }.
export function refusals(source = path.join(root, 'src/tbl/refusals.h')) {
  const text = fs.readFileSync(source, 'utf8').replace(/\/\*[^]*?\*\//g, '');
  return [...text.matchAll(/^REFUSAL\((\d+), (\w+),((?:"[^"]*"|[^")])*)\)/gm)].map((match) => {
    const [, id, name, rest] = match;
    const [code, status, verdict, title, sentence, members] = JSON.parse(`[${rest}]`);
    const names = members.split(' ').filter(Boolean);
    return {
      id: Number(id),
      name,
      code,
      status,
      verdict: verdict === 1,
      title,
      sentence,
      members: names.filter((member) => !member.endsWith('?')),
      may: names.filter((member) => member.endsWith('?')).map((member) => member.slice(0, -1)),
    };
  });
}

// The codes of POST /v1/bets, from the most permanent to the most transient.
export function ladder(table = refusals()) {
  return table.slice(0, table.findIndex(({ code }) => code === LAST_RUNG) + 1).map((r) => r.code);
}

function replace(text, pattern, by) {
  if (!pattern.test(text)) throw new Error(`docs/openapi.yaml: no ${pattern}`);
  return text.replace(pattern, by);
}

const list = (names) => `[${names.join(', ')}]`;

// The document with what the table says.
export function openapi(text, table = refusals()) {
  const codes = table.map(({ code }) => code);
  const enumeration = codes.map((code) => `        - ${code}\n`).join('');
  const rules = table.map(({ code, status, members, may }) => {
    const optional = may.length > 0 ? `, may: ${list(may)}` : '';
    return `    ${code}: { status: ${status}, members: ${list(members)}${optional} }\n`;
  });
  const parts = [
    [/(?<=^ {4}Code:\n(?: {6}.*\n)*? {6}enum:\n)(?: {8}- .*\n)+/m, enumeration],
    [/(?<=^ {2}x-refusals:\n)(?: {4}.*\n)+/m, rules.join('')],
    [/(?<=operationId: placeBet\n(?: {6}.*\n)*? {6}x-refusals: .*)key_missing,.* busy\b/,
      ladder(table).slice(1).join(', ')],
  ];
  return parts.reduce((made, [pattern, by]) => replace(made, pattern, by), text);
}

if (process.argv[1] === import.meta.filename) {
  const text = fs.readFileSync(document, 'utf8');
  const made = openapi(text);
  if (process.argv.includes('--check') && made !== text) {
    console.error('docs/openapi.yaml is not what src/tbl/refusals.h says; run: make docs');
    process.exitCode = 1;
  } else if (made !== text) {
    fs.writeFileSync(document, made);
  }
}
