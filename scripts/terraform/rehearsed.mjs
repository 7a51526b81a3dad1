// What came of a rehearsal (scripts/terraform/rehearse.sh): each error of apply and each
// change that the second plan wants must be named in tests/terraform/rehearsal.tsv.
//   node scripts/terraform/rehearsed.mjs FOLDER STATUS-OF-APPLY
import fs from 'node:fs';
import path from 'node:path';

const [folder] = process.argv.slice(2);
const read = (name) => fs.readFileSync(path.join(folder, name), 'utf8');
const named = fs.readFileSync(
  path.resolve(import.meta.dirname, '../../tests/terraform/rehearsal.tsv'), 'utf8')
  .split('\n').filter((line) => line && !line.startsWith('#'))
  .map((line) => line.split('\t'))
  .filter(([what]) => what !== 'unread').map(([what, pattern, why]) => ({
    what, pattern: new RegExp(`^${pattern}$`), why, used: false,
  }));

function excuse(what, address) {
  const found = named.find((row) => row.what === what && row.pattern.test(address));
  if (found) found.used = true;
  return found;
}

// "with module.a.b," is the line by which an error says whose it is.
const errors = read('apply.log').split(/^Error: /m).slice(1).map((text) => ({
  says: text.split('\n')[0], address: /^ *with (.+),$/m.exec(text)?.[1] ?? 'nobody',
}));
const created = [...read('apply.log').matchAll(/^(\S+): Creation complete/gm)].map((m) => m[1]);
const destroyed = [...read('destroy.log').matchAll(/^(\S+): Destruction complete/gm)];
const second = JSON.parse(read('second.json')).resource_changes
  .filter((r) => r.mode === 'managed');
const changes = second.filter((r) => r.change.actions.join() !== 'no-op')
  .map((r) => ({ address: r.address, actions: r.change.actions.join(' then '), r }));

const failed = new Set(errors.map((e) => e.address));
const bad = [];
for (const error of errors) {
  if (!excuse('error', error.address)) bad.push(`apply: ${error.address}: ${error.says}`);
}
for (const { address, actions, r } of changes) {
  const what = actions === 'create' ? 'absent' : 'change';
  if (what === 'absent' && failed.has(address)) continue;
  if (!excuse(what, address)) bad.push(`second plan: ${address}: ${actions} ${differences(r)}`);
}

// Which attributes differ, by name.
function differences({ change: { before, after, after_unknown: unknown } }) {
  if (!before || !after) return '';
  return Object.keys(after).filter((key) => unknown[key] === true ||
    JSON.stringify(before[key]) !== JSON.stringify(after[key])).join(', ');
}

const types = new Set(created.map((address) => address.replace(/\[.*$/, '').split('.').at(-2)));
console.log(`created ${created.length} resources of ${types.size} kinds`);
const absent = changes.filter(({ actions }) => actions === 'create').length;
console.log(`the second plan: no change of ${second.length - changes.length}, ` +
  `${changes.length - absent} changed, ${absent} absent`);
console.log(`destroyed ${destroyed.length}`);
for (const { pattern, what, why, used } of named) {
  console.log(`${used ? 'named' : 'not needed any more'}: ${what} ${pattern.source}: ${why}`);
}
for (const line of bad) console.log(`FAILED: ${line}`);
process.exit(bad.length > 0 ? 1 : 0);
