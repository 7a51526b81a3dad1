// Numbers of several processes as one: counters and histograms are added.  Of a
// gauge, what each has a part of is added too; of all others the highest counts,
// for they are everybody's view of the same.
'use strict';

const PARTS = new RegExp(
  '^overround_(http_connections|lane_queue|parked_requests|settle_queue|relay_classes|' +
    'verdicts_cached|liability_outcomes|kafka_queue|stream_(clients|subscriptions|full_clients))$',
);

function sum(texts) {
  const values = new Map();
  const gauges = new Set();
  const comments = new Set(); // what they are, once
  for (const text of texts) {
    for (const line of text.split('\n')) {
      const type = /^# TYPE (\S+) gauge/.exec(line);
      if (type && !PARTS.test(type[1])) gauges.add(type[1]);
      if (line.startsWith('#')) comments.add(`${line}\n`);
      if (line === '' || line.startsWith('#')) continue;
      const at = line.lastIndexOf(' ');
      const name = line.slice(0, at);
      const now = Number(line.slice(at + 1));
      const had = values.get(name);
      const isGauge = gauges.has(name.split('{')[0]);
      if (had === undefined) values.set(name, now);
      else values.set(name, isGauge ? Math.max(had, now) : had + now);
    }
  }
  return [...comments, ...[...values].map(([name, value]) => `${name} ${value}\n`)].join('');
}

// Of one line, by its whole name; 0 without it.
function value(text, name) {
  const line = text.split('\n').find((l) => l.startsWith(`${name} `));
  return line ? Number(line.slice(name.length)) : 0;
}

module.exports = { sum, value };
