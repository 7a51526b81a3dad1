// What is made in deploy/helm from something else: the schemas of values, READMEs and
// versions of both charts, and the files of deploy/monitoring that Overround's carries.
//   node scripts/chart/make.mjs           writes what is not current
//   node scripts/chart/make.mjs --check   names it, and exits 1
import fs from 'node:fs';
import path from 'node:path';
import { schema as edgeSchema } from './edge_schema.mjs';
import { readme } from './readme.mjs';
import { schema } from './schema.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const charts = path.join(root, 'deploy/helm');

// What every chart has.
function common(name, itsSchema) {
  const chart = path.join(charts, name);
  const number = fs.readFileSync(path.join(root, 'VERSION'), 'utf8').trim();
  return {
    [`${name}/README.md`]: readme(chart),
    [`${name}/values.schema.json`]: `${JSON.stringify(itsSchema(root), null, 1)}\n`,
    [`${name}/Chart.yaml`]: fs.readFileSync(path.join(chart, 'Chart.yaml'), 'utf8')
      .replace(/^version: .*$/m, `version: ${number}`)
      .replace(/^appVersion: .*$/m, `appVersion: "${number}"`),
  };
}

function made() {
  const files = { ...common('overround', schema), ...common('overround-edge', edgeSchema) };
  const monitoring = path.join(root, 'deploy/monitoring');
  const carry = (from, to) => {
    const file = path.join(monitoring, from);
    if (fs.existsSync(file)) files[`overround/files/${to}`] = fs.readFileSync(file, 'utf8');
  };
  carry('alerts.yaml', 'alerts.rules.yaml');
  carry('recording.yaml', 'recording.rules.yaml');
  carry('prometheus-adapter.yaml', 'prometheus-adapter.yaml');
  const dashboards = path.join(monitoring, 'dashboards');
  for (const name of fs.existsSync(dashboards) ? fs.readdirSync(dashboards).sort() : []) {
    if (name.endsWith('.json')) carry(`dashboards/${name}`, `dashboards/${name}`);
  }
  return files;
}

let stale = 0;
for (const [name, text] of Object.entries(made())) {
  const file = path.join(charts, name);
  if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === text) continue;
  stale += 1;
  if (process.argv.includes('--check')) {
    console.log(`deploy/helm/${name} is not current: make chart`);
  } else {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
    console.log(`deploy/helm/${name}`);
  }
}
if (process.argv.includes('--check') && stale > 0) process.exit(1);
