// What bench/edge.js measured as a picture: at each distance, behind a node and without
// one.  `node bench/edge/plot.js FILE.svg` draws what build/bench/edge.json holds.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const WIDTH = 860;
const LEFT = 70;
const PANEL = 130;
const GAP = 66;
const COLORS = { edge: '#06c', none: '#c70', passed: '#888' };
const NAMES = {
  edge: 'behind an edge node', none: 'no edge', passed: 'node that passes streams on',
};

const entity = (c) => `&#${c.charCodeAt(0)};`;
const text = (x, y, words, more = '') =>
  `<text x="${x}" y="${y}" ${more}>${String(words).replace(/[<&]/g, entity)}</text>`;

// What a panel shows: a figure of a part, in ms; a thin line goes on to its worst.
const PANELS = [
  ['first price on a page, cold: median, line to the slowest of five', 'page', (r) => r.first],
  ['price to page by stream: median, line to the slowest', 'page', (r) => r.stream.price],
  ['price to 1,000 readers by stream: median, line to p99', 'stream', (r) => r.latency],
  ['suspension to 1,000 readers who poll each second: median, line to the last reader of all',
    'poll', (r) => ({ ...r.suspension, p99_ms: undefined })],
];

// Round above the largest, so that the axis says something.
function scale(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10].map((n) => n * power).find((n) => n >= most);
}

function bar(x, width, top, most, figure, kind) {
  const worst = figure.p99_ms ?? figure.max_ms;
  const at = (ms) => (top + PANEL - (ms / most) * PANEL).toFixed(1);
  const middle = x + width / 2;
  return [
    `<path d="M${x} ${at(figure.p50_ms)}H${x + width}V${top + PANEL}H${x}Z" ` +
      `fill="${COLORS[kind]}"/>`,
    `<path d="M${middle} ${at(figure.p50_ms)}V${at(worst)}M${middle - 6} ${at(worst)}h12" ` +
      `stroke="${COLORS[kind]}" fill="none"/>`,
    text(middle, Number(at(worst)) - 4, `${Math.round(figure.p50_ms)} / ${Math.round(worst)}`,
      'text-anchor="middle" font-size="10"'),
  ].join('\n');
}

function panel(top, [title, part, figureOf], results) {
  const all = results.flatMap((one) => Object.values(one[part]).map(figureOf));
  const most = scale(Math.max(...all.map((f) => f.p99_ms ?? f.max_ms)) * 1.1);
  const parts = [text(LEFT, top - 22, title, 'font-weight="bold"'),
    text(LEFT - 8, top + 10, `${most} ms`, 'text-anchor="end"'),
    text(LEFT - 8, top + PANEL, '0', 'text-anchor="end"'),
    `<path d="M${LEFT} ${top}V${top + PANEL}H${WIDTH - 10}" stroke="#888" fill="none"/>`];
  const room = (WIDTH - LEFT - 20) / results.length;
  results.forEach((one, i) => {
    const kinds = Object.keys(one[part]);
    const width = Math.min(60, (room - 60) / kinds.length);
    kinds.forEach((kind, k) => {
      const x = LEFT + 30 + i * room + k * (width + 16);
      parts.push(bar(x, width, top, most, figureOf(one[part][kind]), kind));
    });
    parts.push(text(LEFT + 30 + i * room, top + PANEL + 16, `${one.ms} ms to the origin`));
  });
  return parts.join('\n');
}

// results: what bench/edge.js saves as raw
function draw(results) {
  const panels = PANELS.filter(([, part]) => results.every((one) => one[part]));
  const height = 50 + panels.length * (PANEL + GAP);
  const legend = Object.keys(NAMES).filter((kind) => results.some((one) => one.stream?.[kind]));
  return [`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>',
  ...legend.map((kind, i) =>
    text(LEFT + i * 190, 20, `■ ${NAMES[kind]}`, `fill="${COLORS[kind]}"`)),
  ...panels.map((one, i) => panel(66 + i * (PANEL + GAP), one, results)), '</svg>', ''].join('\n');
}

if (require.main === module) {
  const file = path.join(__dirname, '../../build/bench/edge.json');
  fs.writeFileSync(process.argv[2], draw(JSON.parse(fs.readFileSync(file, 'utf8')).raw));
}

module.exports = { draw };
