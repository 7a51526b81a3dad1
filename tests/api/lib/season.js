// A season as football-data.co.uk writes it, and what bets on it return: the
// independent sum, in BigInt, that links nothing from src/.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { root } = require('./store');

function seasonFile(name) {
  return path.join(
    process.env.OVERROUND_DATA ?? path.join(root, '../shared/data'),
    'football',
    name,
  );
}

function readSeason(name) {
  const [head, ...rows] = fs.readFileSync(seasonFile(name), 'utf8').trim().split(/\r?\n/);
  const names = head.replace(/^\ufeff/, '').split(',');
  return rows.map((row) => Object.fromEntries(row.split(',').map((cell, i) => [names[i], cell])));
}

// '1.875' as 18750n; decimals beyond the fourth are cut off.
function e4(text) {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(whole + fraction.slice(0, 4).padEnd(4, '0'));
}

// Quarter goals: '-0.75' is -3n.
function quarters(text) {
  const sign = text.startsWith('-') ? -1n : 1n;
  return (sign * (e4(text.replace(/^[-+]/, '')) * 4n)) / 10000n;
}

const returns = {
  home: (match, stake) => (match.FTR === 'H' ? (stake * e4(match.B365H)) / 10000n : 0n),

  over: (match, stake, odds) =>
    Number(match.FTHG) + Number(match.FTAG) > 2.5 ? (stake * e4(odds)) / 10000n : 0n,

  // A quarter line is half the stake on each of its neighbours.
  handicap: (match, stake, odds, line) => {
    const margin = 4n * (BigInt(match.FTHG) - BigInt(match.FTAG)) + quarters(line);
    const won = (stake * e4(odds)) / 10000n;
    if (margin >= 2n) return won;
    if (margin === 1n) return (stake * (10000n + e4(odds))) / 20000n;
    if (margin === 0n) return stake;
    return margin === -1n ? stake / 2n : 0n;
  },
};

module.exports = { readSeason, seasonFile, returns };
