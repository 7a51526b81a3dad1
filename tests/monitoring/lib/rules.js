// Reads what is generated and what is written by hand beside it: the rules, the
// dashboards, the paragraphs.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { root } = require('../../api/lib/store');

const folder = path.join(root, 'deploy/monitoring');
const read = (file) => fs.readFileSync(path.join(root, file), 'utf8');

// [{ alert, severity, wait, expr, runbook }] of alerts.yaml, as it is generated.
function alerts() {
  const text = read('deploy/monitoring/alerts.yaml');
  return text.split(/^ {6}- alert: /m).slice(1).map((rule) => ({
    alert: /^\w+/.exec(rule)[0],
    severity: /severity: (\w+)/.exec(rule)[1],
    wait: /^ {8}for: (\w+)/m.exec(rule)[1],
    expr: /expr: \|-\n([\s\S]*?)\n {8}for:/.exec(rule)[1].replace(/^ {10}/gm, ''),
    runbook: /runbook_url: (\S+)/.exec(rule)[1],
  }));
}

function dashboards() {
  const files = fs.readdirSync(path.join(folder, 'dashboards')).filter((f) => f.endsWith('.json'));
  return files.map((file) => JSON.parse(read(`deploy/monitoring/dashboards/${file}`)));
}

// Every query of every panel: { board, panel, expr }; Grafana's variables are
// filled in as it would.
function queries(range) {
  return dashboards().flatMap((board) =>
    board.panels.flatMap((panel) =>
      (panel.targets ?? []).map(({ expr }) => ({
        board: board.title,
        panel: panel.title,
        expr: expr.replaceAll('$__rate_interval', range).replaceAll('$role', '.*'),
      })),
    ),
  );
}

// Names of the paragraphs of docs/OPERATE.md, "What to watch".
function paragraphs() {
  const section = /^## What to watch\n([\s\S]*?)^## /m.exec(read('docs/OPERATE.md'))[1];
  return section.split(/^### /m).slice(1).map((part) => {
    const [name, ...rest] = part.split('\n');
    return { name, text: rest.join(' ').trim() };
  });
}

// The expectations of the rules' own tests: alert -> { fires, rests }.
function expectations() {
  const found = new Map();
  for (const file of fs.readdirSync(path.join(folder, 'tests'))) {
    const text = read(`deploy/monitoring/tests/${file}`);
    for (const part of text.split(/^ {6}- expr: /m).slice(1)) {
      const [, alert] = /^'ALERTS\{alertname="(\w+)"/.exec(part);
      const seen = found.get(alert) ?? { fires: new Set(), rests: 0 };
      for (const [, severity] of part.matchAll(/- labels: .*severity="(\w+)"/g))
        seen.fires.add(severity);
      if (part.includes('exp_samples: []')) seen.rests++;
      found.set(alert, seen);
    }
  }
  return found;
}

module.exports = { folder, read, alerts, dashboards, queries, paragraphs, expectations };
