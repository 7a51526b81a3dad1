// The operators' page: one evening at a glance, drawn from /metrics.
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import 'uplot/dist/uPlot.min.css';
import './style.css';
import { Business } from './business';
import { Chart, type Line } from './chart';
import { parse, quantile, rate, series, total, type Sample } from './metrics';

const EVERY_MS = 1000;
const KEEP = 600; // samples: ten minutes
const OVER_S = 5; // rates and quantiles look back this far

const COLORS = ['--line-1', '--line-2', '--line-3', '--line-4', '--line-5', '--line-6'];

const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const count = (value: number) => short.format(value);
const seconds = (value: number) => {
  if (value === 0) return '0 s';
  if (value >= 1) return `${value.toFixed(value < 10 ? 1 : 0)} s`;
  return `${(value * 1000).toFixed(value < 0.01 ? 1 : 0)} ms`;
};
const money = (minor: number) => short.format(minor / 100);

// The sample that lies far enough back, for each of them.
function pairs(samples: Sample[]): [Sample, Sample][] {
  let at = 0;
  return samples.map((now) => {
    while (at + 1 < samples.length && samples[at + 1]!.at <= now.at - OVER_S) at++;
    return [now, samples[at]!];
  });
}

type Reader = (now: Sample, before: Sample) => number | null;

interface Panel {
  title: string;
  format: (value: number) => string;
  lines: (now: Sample) => [string, Reader][];
  value?: (values: (number | null)[]) => number | null; // default: the first line's
  note?: (now: Sample, before: Sample) => string;
  alarm?: (now: Sample, before: Sample) => boolean;
}

const gauge =
  (name: string, keep?: (label: string) => boolean): Reader =>
  (now) =>
    total(now, name, keep);
const perSecond =
  (name: string, keep?: (label: string) => boolean): Reader =>
  (now, before) =>
    rate(now, before, name, keep);
const spread = (name: string): [string, Reader][] => [
  ['p50', (now, before) => quantile(now, before, name, 0.5)],
  ['p99', (now, before) => quantile(now, before, name, 0.99)],
];
const last = (values: (number | null)[]) => values.at(-1) ?? null;
const sum = (values: (number | null)[]) =>
  values.reduce<number>((all, value) => all + (value ?? 0), 0);

// A line for each label, those that have counted most first.
function byLabel(
  now: Sample,
  name: string,
  read: (name: string, keep: (l: string) => boolean) => Reader,
  leave: (label: string) => boolean = () => false,
): [string, Reader][] {
  return [...series(now, name)]
    .filter(([label]) => !leave(label))
    .sort((a, b) => b[1] - a[1])
    .slice(0, COLORS.length)
    .map(([label]) => [label || 'all', read(name, (l) => l === label)]);
}

const panels: Panel[] = [
  {
    title: 'Bets a second',
    format: count,
    lines: () => [
      ['accepted', perSecond('overround_bets_total', (l) => l === 'accepted')],
      ['refused', perSecond('overround_bets_total', (l) => l !== 'accepted')],
    ],
    note: (now) =>
      `${count(total(now, 'overround_bets_total', (l) => l === 'accepted'))} since start`,
  },
  {
    title: 'Refusals by cause, a second',
    format: count,
    lines: (now) => byLabel(now, 'overround_bets_total', perSecond, (l) => l === 'accepted'),
    value: sum,
  },
  {
    title: 'From a bet to its answer, p99',
    format: seconds,
    lines: () => spread('overround_place_seconds'),
    value: last,
    alarm: (now, before) => (quantile(now, before, 'overround_place_seconds', 0.99) ?? 0) > 1,
  },
  {
    title: 'From the feed to the log, p99',
    format: seconds,
    lines: () => spread('overround_feed_seconds'),
    value: last,
  },
  {
    title: 'Feed messages a second',
    format: count,
    lines: (now) => byLabel(now, 'overround_feed_messages_total', perSecond),
    value: sum,
    alarm: (now) => [...series(now, 'overround_producer_up').values()].some((up) => up === 0),
    note: (now) => {
      const down = [...series(now, 'overround_producer_up')].filter(([, up]) => up === 0);
      return down.length
        ? `producer ${down.map(([id]) => id).join(', ')} is down`
        : 'producers are up';
    },
  },
  {
    title: 'Connections',
    format: count,
    lines: () => [
      ['HTTP', gauge('overround_http_connections', (l) => l === 'public')],
      ['stream', gauge('overround_stream_clients')],
    ],
    value: sum,
  },
  {
    title: 'Deliveries on the stream a second',
    format: count,
    lines: () => [
      ['delivered', perSecond('overround_stream_deliveries_total')],
      ['conflated', perSecond('overround_stream_conflated_total')],
    ],
  },
  {
    title: 'Settlement lag',
    format: seconds,
    lines: () => [['', gauge('overround_settle_lag_seconds')]],
    alarm: (now) =>
      total(now, 'overround_settle_lag_seconds') > 60 || total(now, 'overround_parked_bets') > 0,
    note: (now, before) =>
      `${count(total(now, 'overround_settle_queue'))} markets wait, ` +
      `${count(rate(now, before, 'overround_settle_bets_total'))} bets/s, ` +
      `${total(now, 'overround_parked_bets')} parked`,
  },
  {
    title: 'GGR',
    format: money,
    lines: (now) => byLabel(now, 'overround_ggr_minor', gauge),
  },
  {
    title: 'Open liability',
    format: money,
    lines: (now) => byLabel(now, 'overround_open_liability_minor', gauge),
    note: (now) =>
      `stakes ${[...series(now, 'overround_ledger_open_stakes_minor')]
        .map(([currency, minor]) => `${money(minor)} ${currency}`)
        .join(', ')}`,
  },
  {
    title: 'A commit, p99',
    format: seconds,
    lines: () => spread('overround_commit_seconds'),
    value: last,
    alarm: (now) => total(now, 'overround_store_up') === 0,
    note: (now) =>
      total(now, 'overround_store_up') === 0 ? 'the store is down' : 'the store is up',
  },
  {
    title: 'Event loop turn, p99',
    format: seconds,
    lines: () => spread('overround_loop_seconds'),
    value: last,
    note: (now) => `${total(now, 'overround_lane_queue')} commands wait`,
  },
];

function draw(panel: Panel, steps: [Sample, Sample][]) {
  const [now, before] = steps.at(-1)!;
  const lines: Line[] = panel.lines(now).map(([label, read], i) => ({
    label,
    color: COLORS[i % COLORS.length]!,
    values: steps.map(([a, b]) => read(a, b)),
  }));
  const values = lines.map((line) => last(line.values));
  const value = panel.value ? panel.value(values) : (values[0] ?? null);
  return (
    <Chart
      key={panel.title}
      title={panel.title}
      now={value === null ? '–' : panel.format(value)}
      note={panel.note?.(now, before)}
      alarm={panel.alarm?.(now, before)}
      times={steps.map(([sample]) => sample.at)}
      lines={lines}
      format={panel.format}
    />
  );
}

function Page() {
  const [samples, setSamples] = useState<Sample[]>([]);
  const [away, setAway] = useState<string | null>(null);
  const [ready, setReady] = useState('');
  const [apart, setApart] = useState(false); // behind a load balancer

  useEffect(() => {
    let timer = 0;
    const look = async () => {
      try {
        const limit = { signal: AbortSignal.timeout(4000) };
        const [metrics, state] = await Promise.all([
          fetch('/metrics', limit),
          fetch('/readyz', limit),
        ]);
        if (!metrics.ok && metrics.status !== 404) throw new Error(metrics.statusText);
        const why = (await state.json()) as { detail?: string };
        setReady(state.ok ? '' : (why.detail ?? 'not ready'));
        setApart(!metrics.ok);
        if (metrics.ok) {
          const sample = parse(await metrics.text(), Date.now() / 1000);
          setSamples((old) => [...old.slice(1 - KEEP), sample]);
        }
        setAway(null);
      } catch {
        setAway((old) => old ?? new Date().toLocaleTimeString());
      }
      timer = window.setTimeout(look, EVERY_MS);
    };
    void look();
    return () => clearTimeout(timer);
  }, []);

  const steps = pairs(samples);
  return (
    <>
      <header class="top">
        <h1>Overround</h1>
        <nav>
          <a href="/desk">Trading desk</a>
          <a href="/ops" aria-current="page">
            Operations
          </a>
        </nav>
        <p role="status" class={away || ready ? 'state bad' : 'state good'}>
          {away ? `No answer since ${away}: these numbers are old` : ready || 'Taking bets'}
        </p>
      </header>
      <main class={away ? 'grid old' : 'grid'}>
        {apart && (
          <p class="card wide" role="note">
            A load balancer answers here, but bets, latencies and connections are numbers of one
            process: open /ops on a process's own address, or let Prometheus scrape the /metrics
            of each. The reports cover all processes.
          </p>
        )}
        {steps.length > 0 && !apart && panels.map((panel) => draw(panel, steps))}
        <Business />
      </main>
    </>
  );
}

render(<Page />, document.getElementById('app')!);
