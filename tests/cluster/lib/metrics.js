// Numbers of several processes as one: counters and histograms are added, of a
// gauge the highest counts.
'use strict';

function sum(texts) {
  const values = new Map();
  const gauges = new Set();
  for (const text of texts) {
    for (const line of text.split('\n')) {
      const type = /^# TYPE (\S+) gauge/.exec(line);
      if (type) gauges.add(type[1]);
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
  return [...values].map(([name, value]) => `${name} ${value}\n`).join('');
}

module.exports = { sum };
