// A story's customers as a picture: what was answered each second and how fast, with the
// moments at which something happened.  It is kept as build/test/kube/NAME.svg, and a line of
// it is printed.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { root } = require('../../api/lib/store');

const WIDTH = 860;
const LEFT = 60;
const PANEL = 120;
const BARS = '▁▂▃▄▅▆▇█';

// Each second: { well, other, slowest, middle }; times in ms.
function seconds(entries, from, well) {
  const all = [];
  for (const entry of entries) {
    if (!entry.answered || entry.sent < from) continue;
    const n = Math.floor((entry.answered - from) / 1000);
    all[n] ??= { well: 0, other: 0, times: [] };
    all[n][well.includes(entry.status) ? 'well' : 'other']++;
    all[n].times.push(entry.answered - entry.sent);
  }
  return Array.from(all, (second) => {
    const { well: good = 0, other = 0, times = [] } = second ?? {};
    times.sort((a, b) => a - b);
    const middle = times[times.length >> 1] ?? 0;
    return { well: good, other, slowest: times.at(-1) ?? 0, middle };
  });
}

const entity = (c) => `&#${c.charCodeAt(0)};`;
const text = (x, y, words, more = '') =>
  `<text x="${x}" y="${y}" ${more}>${words.replace(/[<&]/g, entity)}</text>`;

// One panel: lines of the same scale, [{ values, color, name }].
function panel(top, title, lines, step) {
  const most = Math.max(1, ...lines.flatMap(({ values }) => values));
  const at = (value) => top + PANEL - (value / most) * PANEL;
  const parts = [text(LEFT, top - 8, title),
    text(LEFT - 8, top + 10, `${most}`, 'text-anchor="end"'),
    text(LEFT - 8, top + PANEL, '0', 'text-anchor="end"'),
    `<path d="M${LEFT} ${top}V${top + PANEL}H${WIDTH - 10}" stroke="#888" fill="none"/>`];
  lines.forEach(({ values, color, name }, i) => {
    const points = values.map((v, n) => `${(LEFT + n * step).toFixed(1)},${at(v).toFixed(1)}`);
    parts.push(`<polyline points="${points.join(' ')}" stroke="${color}" fill="none"/>`,
      text(WIDTH - 10, top - 8 + i * 14, name, `text-anchor="end" fill="${color}"`));
  });
  return parts.join('\n');
}

// moments: [{ at, what }], of Date.now().
function picture(name, all, from, moments) {
  const step = (WIDTH - LEFT - 20) / Math.max(1, all.length - 1);
  const rows = 14 * moments.length;
  const top = 40 + rows;
  const height = top + 2 * PANEL + 90;
  const marks = moments.map(({ at, what }, i) => {
    const x = LEFT + ((at - from) / 1000) * step;
    return `<path d="M${x.toFixed(1)} ${22 + i * 14}V${height - 40}" stroke="#c70" ` +
      `stroke-dasharray="3 3"/>${text(Math.min(x + 4, WIDTH - 200), 30 + i * 14, what)}`;
  });
  return [`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>',
  text(10, 16, name, 'font-weight="bold"'),
  panel(top + 10, 'bets answered each second', [
    { values: all.map((s) => s.well), color: '#06c', name: 'with a verdict' },
    { values: all.map((s) => s.other), color: '#c00', name: 'failed' }], step),
  panel(top + PANEL + 50, 'milliseconds to the answer', [
    { values: all.map((s) => s.slowest), color: '#c70', name: 'slowest' },
    { values: all.map((s) => s.middle), color: '#080', name: 'median' }], step),
  ...marks, text(LEFT, height - 10, `0 to ${all.length} s`), '</svg>', ''].join('\n');
}

function line(all) {
  const most = Math.max(1, ...all.map((s) => s.well));
  return all.map((s) => BARS[Math.floor((s.well / most) * (BARS.length - 1))]).join('');
}

function draw(name, entries, from, moments) {
  const all = seconds(entries, from, [201, 409]);
  const folder = path.join(root, 'build/test/kube');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, `${name.replace(/[^a-z0-9]+/gi, '-')}.svg`),
    picture(name, all, from, moments));
  const failed = all.reduce((sum, s) => sum + s.other, 0);
  console.log(`# ${name}: ${line(all)} bets each second, ${failed} failed`);
}

module.exports = { draw };
