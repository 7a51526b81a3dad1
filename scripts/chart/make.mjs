// What is made in deploy/helm/overround from something else: the schema of its
// values, its README, and the files of deploy/monitoring that it carries.
//   node scripts/chart/make.mjs           writes what is not current
//   node scripts/chart/make.mjs --check   names it, and exits 1
import fs from 'node:fs';
import path from 'node:path';
import { readme } from './readme.mjs';
import { schema } from './schema.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const chart = path.join(root, 'deploy/helm/overround');

function made() {
  const files = {
    'README.md': readme(root),
    'values.schema.json': `${JSON.stringify(schema(root), null, 1)}\n`,
  };
  const monitoring = path.join(root, 'deploy/monitoring');
  const carry = (from, to) => {
    const file = path.join(monitoring, from);
    if (fs.existsSync(file)) files[to] = fs.readFileSync(file, 'utf8');
  };
  carry('alerts.yaml', 'files/alerts.rules.yaml');
  carry('recording.yaml', 'files/recording.rules.yaml');
  carry('prometheus-adapter.yaml', 'files/prometheus-adapter.yaml');
  const dashboards = path.join(monitoring, 'dashboards');
  for (const name of fs.existsSync(dashboards) ? fs.readdirSync(dashboards).sort() : []) {
    if (name.endsWith('.json')) carry(`dashboards/${name}`, `files/dashboards/${name}`);
  }
  const version = path.join(root, 'VERSION');
  if (fs.existsSync(version)) {
    const number = fs.readFileSync(version, 'utf8').trim();
    files['Chart.yaml'] = fs.readFileSync(path.join(chart, 'Chart.yaml'), 'utf8')
      .replace(/^version: .*$/m, `version: ${number}`)
      .replace(/^appVersion: .*$/m, `appVersion: "${number}"`);
  }
  return files;
}

let stale = 0;
for (const [name, text] of Object.entries(made())) {
  const file = path.join(chart, name);
  if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === text) continue;
  stale += 1;
  if (process.argv.includes('--check')) {
    console.log(`deploy/helm/overround/${name} is not current: make chart`);
  } else {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
    console.log(`deploy/helm/overround/${name}`);
  }
}
if (process.argv.includes('--check') && stale > 0) process.exit(1);
