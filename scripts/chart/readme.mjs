// The chart's README: what stands before the table by hand, and a row for each
// value of values.yaml, whose description is the comment "# -- …" above it.
import fs from 'node:fs';

// A line's key and value; null where it is none.
function entry(line) {
  const found = /^( *)([A-Za-z0-9]+):(?: (.*))?$/.exec(line);
  return found && { depth: found[1].length / 2, key: found[2], value: found[3] ?? '' };
}

// Rows of { path, value, says }.  A value that goes on in lines below ends with them.
export function rows(text) {
  const found = [];
  const path = [];
  let says = [];
  for (const line of text.split('\n')) {
    const comment = /^ *# ?(-- )?(.*)$/.exec(line);
    const at = entry(line);
    if (comment && (comment[1] || says.length > 0)) {
      says.push(comment[2]);
    } else if (at) {
      path.length = at.depth;
      path.push(at.key);
      if (says.length > 0 || at.value !== '')
        found.push({ path: path.join('.'), value: at.value, says: says.join(' ') });
      says = [];
    } else {
      says = [];
    }
  }
  return found;
}

const cell = (words) => words.replaceAll('|', '\\|');

function table(text) {
  const all = rows(text);
  const lines = all.map(({ path, value, says }, i) => {
    const within = all[i + 1]?.path.startsWith(`${path}.`);
    const shown = value === '' && within ? '' : ` \`${cell(value)}\``;
    return `| \`${path}\` |${shown} | ${cell(says)} |`;
  });
  return ['| value | default | |', '|---|---|---|', ...lines].join('\n');
}

export function readme(chart) {
  const head = fs.readFileSync(`${chart}/README.md.in`, 'utf8');
  return head.replace('@VALUES@', () => table(fs.readFileSync(`${chart}/values.yaml`, 'utf8')));
}
