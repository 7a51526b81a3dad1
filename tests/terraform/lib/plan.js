// Plans as JSON, made offline by scripts/terraform.sh, and what is asked of them.
'use strict';

const { execFile, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '../../..');

function script(...words) {
  return spawnSync('scripts/terraform.sh', words,
    { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
}

// Null, or why nothing can be tried here.
function missing() {
  const out = script('have');
  return out.status === 3 ? out.stderr.trim() : null;
}

async function plan(folder, variables = {}) {
  const words = Object.entries(variables).flatMap(([name, value]) => ['-var', `${name}=${value}`]);
  const out = await new Promise((done, fail) => {
    execFile('scripts/terraform.sh', ['plan', folder, ...words],
      { cwd: root, maxBuffer: 1 << 28 },
      (error, stdout, stderr) => (error ? fail(new Error(`${folder}: ${stderr}`)) : done(stdout)));
  });
  return JSON.parse(out.trim().split('\n').at(-1));
}

// Every resource of a plan, with the values that are known, and which are not yet.
function resources(made) {
  const unknown = new Map(made.resource_changes.map((r) => [r.address, r.change.after_unknown]));
  const within = (module) => [
    ...(module.resources ?? []),
    ...(module.child_modules ?? []).flatMap(within),
  ];
  return within(made.planned_values.root_module).filter((r) => r.mode === 'managed')
    .map(({ address, type, values }) => ({
      address, type, values: values ?? {}, unknown: unknown.get(address) ?? {},
    }));
}

const folders = (under) => fs.readdirSync(path.join(root, under), { withFileTypes: true })
  .filter((entry) => entry.isDirectory()).map((entry) => entry.name);

module.exports = { folders, missing, plan, resources, root, script };
