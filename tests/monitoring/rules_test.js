// What deploy/monitoring holds: current, complete, and right by promtool.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test } = require('node:test');
const { run } = require('../api/lib/server');
const { makeFolder } = require('../api/lib/store');
const { alerts, dashboards, expectations, folder, paragraphs, read } = require('./lib/rules');

function tool(program, ...args) {
  const done = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
  assert.equal(done.status, 0, `${program} ${args.join(' ')}\n${done.stdout}${done.stderr}`);
  return done.stdout;
}

describe('monitoring', () => {
  test('what is generated is current: make docs changes nothing', () => {
    const files = {
      metrics: 'docs/METRICS.md',
      alerts: 'deploy/monitoring/alerts.yaml',
      recording: 'deploy/monitoring/recording.yaml',
    };
    for (const [what, file] of Object.entries(files))
      assert.equal(run(['reference', what]).stdout, read(file), `${file}: run make docs`);
    const fresh = makeFolder('overround-dashboards');
    assert.equal(run(['reference', 'dashboards', fresh]).status, 0);
    const names = fs.readdirSync(fresh).sort();
    assert.deepEqual(names, fs.readdirSync(path.join(folder, 'dashboards')).sort());
    assert.deepEqual(names, ['edge', 'feed', 'house', 'money', 'release', 'role']
      .map((name) => `${name}.json`));
    for (const name of names)
      assert.equal(
        fs.readFileSync(path.join(fresh, name), 'utf8'),
        read(`deploy/monitoring/dashboards/${name}`),
        `${name}: run make docs`,
      );
    fs.rmSync(fresh, { recursive: true });
  });

  test('every metric is on a dashboard or marked, every name is known', () => {
    const { status, stderr } = run(['reference', 'check']);
    assert.equal(status, 0, stderr);
  });

  test('each alert has its paragraph, which it links to, and each paragraph its alert', () => {
    const all = alerts();
    const named = paragraphs();
    assert.ok(all.length > 50);
    assert.deepEqual(
      [...new Set(all.map(({ alert }) => alert))].sort(),
      named.map(({ name }) => name).sort(),
    );
    for (const { name, text } of named) assert.ok(text.length > 80, `${name}: ${text}`);
    for (const { alert, runbook } of all)
      assert.equal(runbook, `docs/OPERATE.md#${alert.toLowerCase()}`);
  });

  test('each alert has a test in which it fires, by severity, and one in which it does not', () => {
    const tested = expectations();
    for (const { alert, severity } of alerts()) {
      assert.ok(tested.has(alert), `${alert} has no test`);
      assert.ok(tested.get(alert).fires.has(severity), `${alert} never fires as ${severity}`);
      assert.ok(tested.get(alert).rests > 0, `${alert} always fires`);
    }
  });

  test('ranges are four scrapes of 15 s at least', () => {
    const texts = [read('deploy/monitoring/alerts.yaml'), read('deploy/monitoring/recording.yaml')];
    const units = { s: 1, m: 60, h: 3600, d: 86400 };
    for (const text of texts)
      for (const [range, n, unit] of text.matchAll(/\[(\d+)([smhd])\]/g))
        assert.ok(n * units[unit] >= 60, range);
  });

  test('objectives: the document has those of the rules', () => {
    const text = read('docs/SLO.md');
    for (const [, slo] of read('deploy/monitoring/alerts.yaml').matchAll(/slo: (\w+)$/gm))
      assert.match(text, new RegExp(`^\\| ${slo} \\|`, 'm'));
    const budgets = /1 - slo:(\w+)_errors:ratio_rate3d \/ ([\d.]+)/g;
    const shown = JSON.stringify(dashboards()).matchAll(budgets);
    for (const [, slo, budget] of shown)
      assert.ok(
        read('deploy/monitoring/alerts.yaml').includes(
          `slo:${slo}_errors:ratio_rate3d > 1 * ${budget}\n`,
        ),
        `${slo}: the dashboard has another budget`,
      );
  });

  test('whom StoreDown keeps quiet is an alert', () => {
    const names = new Set(alerts().map(({ alert }) => alert));
    const quiet = /alertname=~"([^"]+)"/.exec(read('deploy/monitoring/alertmanager.yaml'))[1];
    for (const name of quiet.split('|')) assert.ok(names.has(name), name);
  });

  test('what autoscaling asks for is exported', () => {
    const table = read('src/tbl/metrics.h');
    const asked = read('deploy/monitoring/prometheus-adapter.yaml').matchAll(
      /seriesQuery: '(\w+)\{/g,
    );
    for (const [, name] of asked) assert.ok(table.includes(`"${name}"`), name);
  });

  test('promtool and amtool read all of it', () => {
    tool('promtool', 'check', 'rules', 'alerts.yaml', 'recording.yaml');
    tool('promtool', 'check', 'config', 'prometheus.yaml');
    tool('amtool', 'check-config', 'alertmanager.yaml');
  });

  for (const file of fs.readdirSync(path.join(folder, 'tests')))
    test(`promtool test rules: ${file}`, () => {
      tool('promtool', 'test', 'rules', `tests/${file}`);
    });
});
