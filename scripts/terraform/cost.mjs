// What each root costs, into docs/CLOUD.md between two marks: by the capacity formula, from
// deploy/terraform/prices.tsv.
//   node scripts/terraform/cost.mjs           writes it
//   node scripts/terraform/cost.mjs --check   says that it is not current, and exits 1
import fs from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const hours = 730;

export function prices() {
  const rows = fs.readFileSync(path.join(root, 'deploy/terraform/prices.tsv'), 'utf8').split('\n')
    .filter((line) => line && !line.startsWith('#')).map((line) => line.split('\t'));
  const table = new Map(rows.map(([name, usd]) => [name, Number(usd)]));
  return (name) => {
    if (!table.has(name)) throw new Error(`no price of ${name}`);
    return table.get(name);
  };
}

// ---- capacity ---------------------------------------------------------------------
// Microseconds of a core for each bet, measured (README.md: roles apart a bet costs 250, of
// which nginx's 44 are the load balancer's here); what a core takes is planned to 70 %.
export const perBet = { bets: 44, web: 20, settle: 17, store: 93, kafka: 28 };
const planned = 0.7;
const streamsOfACore = 20000; // 10,000 a pod of half a core (the chart's README)
const coresOfANode = 2 - 0.3; // what the node itself needs

export function cores(load) {
  const busy = (us) => (load.betsPerSecond * us) / 1e6 / planned;
  return {
    money: busy(perBet.bets) + busy(perBet.settle) + 0.7, // feed and odds: 0.35 each
    web: busy(perBet.web) + load.streams / streamsOfACore,
    store: busy(perBet.store),
  };
}

const nodes = (wanted, least) => Math.max(least, Math.ceil(wanted / coresOfANode));

// A stream's updates and a visit's pages, in gigabytes.
const gigabytes = (load) => (load.streams * load.hours * 1.0 + load.visits * 0.4) / 1000;
const requests = (load) => load.visits * 25 + load.streams * load.hours * 6 + load.bets;

// ---- evenings -----------------------------------------------------------------------

const evening = (betsPerSecond, streams, length = 3) => ({
  betsPerSecond, streams, hours: length,
  bets: Math.round(betsPerSecond * length * 3600 * 0.35), // the peak is three times the mean
  visits: streams * 3,
});

export const roots = {
  small: { quiet: evening(1, 200), final: evening(10, 2000) },
  asg: { quiet: evening(50, 5000), final: evening(500, 50000) },
  production: { quiet: evening(200, 20000), final: evening(2000, 200000) },
  'two-regions': { quiet: evening(200, 20000), final: evening(2000, 200000) },
};

// ---- what stands all month: name of the price and how many ---------------------------

const edge = [['waf', 1], ['waf.rule', 8], ['zone', 1]];
const network = [['nat', 3], ['ipv4', 6], ['endpoint', 15], ['alb', 2], ['nlb', 1], ['alb.lcu', 2]];
const plain = [['kms', 4], ['secret', 6], ['alarm', 12]];
const region = [
  ...network, ...plain, ['eks', 1], ['gp3', 40 * 6], ['kafka.m7g.large', 3], ['kafka.gb', 300],
  ['r7a.large', 1], ['gp3', 216], ['s3', 100], ['s3.deep', 200], ['logs.gb', 60],
];

export const standing = {
  small: [['t3a.small', 1], ['gp3', 18], ['ipv4', 1], ['s3', 2]],
  asg: [
    ...edge, ...network, ...plain, ['gp3', 16 * 6], ['rds.m7g.large.multi', 1],
    ['rds.gp3.multi', 100], ['kafka.t3.small', 3], ['kafka.gb', 300], ['s3', 50], ['s3.deep', 100],
    ['logs.gb', 20],
  ],
  production: [...edge, ...region, ['check', 1], ['kms', 2], ['aurora.r7g.xlarge', 3],
    ['aurora.gb', 200]],
  'two-regions': [...edge, ...region, ...region, ['check', 2], ['kms', 2],
    ['aurora.r7g.xlarge', 5], ['aurora.gb', 400]],
};

// Least nodes of each pool; the second region's stand beside.
const least = {
  small: { money: 0, web: 0, second: 0 }, asg: { money: 4, web: 2, second: 0 },
  production: { money: 3, web: 2, second: 0 }, 'two-regions': { money: 3, web: 2, second: 3 },
};

const monthly = new Set(['GB-month', 'month']);
const unitOf = new Map(fs.readFileSync(path.join(root, 'deploy/terraform/prices.tsv'), 'utf8')
  .split('\n').filter((line) => line && !line.startsWith('#'))
  .map((line) => line.split('\t')).map(([name, , unit]) => [name, unit]));

const standingCost = (name, price) => standing[name].reduce((sum, [item, count]) => {
  const unit = unitOf.get(item);
  return sum + price(item) * count * (unit === 'hour' ? hours : 1) *
    (monthly.has(unit) || unit === 'hour' || unit === 'GB' ? 1 : 0);
}, 0);

function pools(name, load) {
  const wanted = cores(load);
  if (name === 'small') return { money: 0, web: 0 };
  return { money: nodes(wanted.money, least[name].money), web: nodes(wanted.web, least[name].web) };
}

// The first web instance of a group is on demand; the rest are spot.
function nodeCost({ money, web }, price, time) {
  return time * (money * price('m7a.large') + Math.max(0, web) * price('m7a.large.spot'));
}

// What an evening's traffic costs: bytes, requests, the store's own I/O.
function traffic(name, load, price) {
  if (name === 'small') return 0; // within the 100 GB a month that cost nothing
  const io = name === 'asg' ? 0 : (load.bets * 12) / 1e6 * price('aurora.io') *
    (name === 'two-regions' ? 2 : 1);
  return gigabytes(load) * price('cloudfront.gb') + (requests(load) / 1e4) *
    price('cloudfront.requests') + (requests(load) / 1e6) * price('waf.requests') + io;
}

export function bill(name) {
  const price = prices();
  const { quiet, final } = roots[name];
  const [few, many] = [pools(name, quiet), pools(name, final)];
  const base = standingCost(name, price) + nodeCost(few, price, hours) +
    least[name].second * price('m7a.large') * hours;
  const month = base + 30 * traffic(name, quiet, price);
  // Nodes come an hour before and go an hour after.
  const extra = nodeCost(many, price, final.hours + 2) - nodeCost(few, price, final.hours + 2) +
    traffic(name, final, price) - traffic(name, quiet, price);
  const bets = 30 * quiet.bets;
  return { name, quiet, final, few, many, base, month, extra, bets, store: cores(final).store,
    perMillion: (month / bets) * 1e6, finalPerMillion: (extra / (final.bets - quiet.bets)) * 1e6 };
}

// ---- tables --------------------------------------------------------------------------

const usd = (value) => (value >= 100 ? Math.round(value).toLocaleString('en-US')
  : value.toFixed(value < 10 ? 2 : 0));
const count = (value) => value.toLocaleString('en-US');

export function tables() {
  const bills = Object.keys(roots).map(bill);
  const rows = bills.map((b) => `| \`${b.name}\` | ${count(b.quiet.betsPerSecond)} bets/s, ` +
    `${count(b.quiet.streams)} streams | ${usd(b.base)} | ${usd(b.month)} | ` +
    `${(b.bets / 1e6).toFixed(1)} M | ${usd(b.perMillion)} |`);
  const finals = bills.map((b) => `| \`${b.name}\` | ${count(b.final.betsPerSecond)} bets/s, ` +
    `${count(b.final.streams)} streams | ${b.name === 'small' ? 'the one box'
      : `${b.few.money} -> ${b.many.money} money, ${b.few.web} -> ${b.many.web} web`} | ` +
    `${b.store.toFixed(2)} | ${usd(b.extra)} | ${b.final.bets ? usd(b.finalPerMillion) : '-'} |`);
  return [
    '| root | the busiest minute of a quiet evening | stands, USD a month | with traffic ' +
      '| bets | USD a million bets |',
    '|---|---|---|---|---|---|', ...rows, '',
    '| root | the busiest minute of a final | nodes | cores of the store ' +
      '| above a quiet evening, USD | a further million bets, USD |',
    '|---|---|---|---|---|---|', ...finals,
  ].join('\n');
}

const marks = ['<!-- cost: made by scripts/terraform/cost.mjs -->', '<!-- cost: end -->'];

function main(check) {
  const file = path.join(root, 'docs/CLOUD.md');
  const text = fs.readFileSync(file, 'utf8');
  const [before, rest] = text.split(marks[0]);
  if (rest === undefined) throw new Error(`docs/CLOUD.md has no ${marks[0]}`);
  const made = `${before}${marks[0]}\n\n${tables()}\n\n${marks[1]}${rest.split(marks[1])[1]}`;
  if (made === text) return;
  if (check) {
    console.log('docs/CLOUD.md is not current: node scripts/terraform/cost.mjs');
    process.exit(1);
  }
  fs.writeFileSync(file, made);
}

if (process.argv[1] === import.meta.filename) main(process.argv.includes('--check'));
