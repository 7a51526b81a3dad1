// The chart, rendered by either Helm.
'use strict';

const { execFileSync, spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { readAll } = require('./yaml');

const root = path.resolve(__dirname, '../../..');
const charts = path.join(root, 'deploy/helm');
const chart = path.join(charts, 'overround');
const edgeChart = path.join(charts, 'overround-edge');
const tools = path.join(root, 'scripts/kube/tools.sh');

let folder;
function program(helm) {
  if (!folder) {
    execFileSync(tools, ['fetch', 'helm'], { stdio: ['ignore', 'ignore', 'inherit'] });
    folder = execFileSync(tools, ['folder', 'helm'], { encoding: 'utf8' }).trim();
  }
  return path.join(folder, helm);
}

// { status, stdout, stderr } of Helm in the chart's folder.
function helm(args, { version = 'helm4', cwd = chart } = {}) {
  return spawnSync(program(version), args, { encoding: 'utf8', cwd, maxBuffer: 64 << 20 });
}

// A value is a file below the chart, a=b, or an object as JSON.
function valueArguments(values) {
  return values.flatMap((value) => {
    if (/^[^={[]+[.]yaml$/.test(value)) return ['-f', value];
    return value.startsWith('{') ? ['-f', asFile(value)] : ['--set', value];
  });
}

let folderOfValues;
function asFile(text) {
  if (!folderOfValues) {
    folderOfValues = fs.mkdtempSync(path.join(os.tmpdir(), 'overround-values-'));
    process.on('exit', () => fs.rmSync(folderOfValues, { recursive: true, force: true }));
  }
  const name = `${crypto.createHash('sha256').update(text).digest('hex').slice(0, 16)}.yaml`;
  fs.writeFileSync(path.join(folderOfValues, name), text);
  return path.join(folderOfValues, name);
}

// The objects that values make.
function render(...values) {
  return renderOf(chart, ...values);
}

function renderOf(cwd, ...values) {
  const out = helm(['template', 'rel', '.', '--namespace', 'house', ...valueArguments(values)],
    { cwd });
  if (out.status !== 0) throw new Error(out.stderr);
  return new Objects(readAll(out.stdout));
}

// Why values are refused.
function refusal(values, version, cwd = chart) {
  const out = helm(['template', 'rel', '.', ...valueArguments(values)], { version, cwd });
  if (out.status === 0) throw new Error(`${values.join(' ')} is taken`);
  return out.stderr;
}

class Objects {
  constructor(all) {
    this.all = all;
  }

  of(kind) {
    return this.all.filter((object) => object.kind === kind);
  }

  get(kind, name) {
    const found = this.all.filter((o) => o.kind === kind && o.metadata.name === name);
    if (found.length !== 1) {
      throw new Error(`${found.length} of ${kind} ${name}; there are ` +
        this.of(kind).map((o) => o.metadata.name).join(', '));
    }
    return found[0];
  }

  // Every pod that is described anywhere.
  pods() {
    return this.all.map((object) => ({
      object,
      pod: { Pod: object, CronJob: object.spec?.jobTemplate?.spec.template }[object.kind] ??
        object.spec?.template,
    })).filter(({ object, pod }) => pod?.spec?.containers &&
      ['Pod', 'CronJob', 'Job', 'Deployment', 'StatefulSet'].includes(object.kind))
      .map(({ object, pod }) => ({ name: `${object.kind} ${object.metadata.name}`, object, pod }));
  }
}

// Files of values, below the chart: each one a scenario.
function scenarios() {
  const list = (dir, end) => fs.readdirSync(path.join(chart, dir))
    .filter((name) => name.endsWith(end)).sort().map((name) => [`${dir}/${name}`]);
  return [[], ...list('ci', '-values.yaml'), ...list('profiles', '.yaml'),
    ...list('profiles/clusters', '.yaml').map((files) => ['profiles/production.yaml', ...files])];
}

// The same of the edge node's chart.
function edgeScenarios() {
  return fs.readdirSync(path.join(edgeChart, 'ci')).filter((name) => name.endsWith('-values.yaml'))
    .sort().map((name) => [`ci/${name}`]);
}

module.exports = { chart, edgeChart, edgeScenarios, helm, refusal, render, renderOf, root,
  scenarios, valueArguments };
