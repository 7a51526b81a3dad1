// Money by the minute and experiments' arms: reports of the operator listener,
// which need a token with the role finance.
import type { ExperimentReport, Interval, SeriesReport } from 'contract';
import { useEffect, useState } from 'preact/hooks';
import { call, Refused } from '../shared/api';
import { Chart, type Line } from './chart';

const EVERY_MS = 10000;
const MINUTES = 60;
const KEPT = 'operator-token'; // the desk's, of this tab
const COLORS = ['--line-1', '--line-2', '--line-3', '--line-4', '--line-5', '--line-6'];

type Minute = SeriesReport['minutes'][number];

const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const count = (value: number) => short.format(value);
const percent = (part: string) => `${(Number(part) * 100).toFixed(1)} %`;
const fixed = (text: string) => Number(text).toFixed(2);
const token = () => sessionStorage.getItem(KEPT) ?? '';
const get = <T,>(path: string) => call<T>('GET', `/v1/reports/${path}`, { token: token() });

// A value for each minute of each of what `by` tells apart.
function linesOf(
  series: SeriesReport,
  by: (row: Minute) => string,
  value: (row: Minute) => number,
): { times: number[]; lines: Line[] } {
  const from = Date.parse(series.from) / 1000;
  const n = Math.round((Date.parse(series.to) / 1000 - from) / 60) + 1;
  const times = Array.from({ length: n }, (_, i) => from + 60 * i);
  const found = new Map<string, number[]>();
  for (const row of series.minutes) {
    const at = Math.round((Date.parse(row.minute) / 1000 - from) / 60);
    const values = found.get(by(row)) ?? Array<number>(n).fill(0);
    values[at] = (values[at] ?? 0) + value(row);
    found.set(by(row), values);
  }
  const total = (values: number[]) => values.reduce((sum, one) => sum + one, 0);
  const lines = [...found]
    .sort((a, b) => total(b[1]) - total(a[1]))
    .slice(0, COLORS.length)
    .map(([label, values], i) => ({ label, color: COLORS[i]!, values }));
  return { times, lines };
}

function MinuteChart(props: {
  title: string;
  series: SeriesReport;
  by: (row: Minute) => string;
  value: (row: Minute) => number;
}) {
  const { times, lines } = linesOf(props.series, props.by, props.value);
  const sums = lines.map(({ label, values }) => {
    const sum = values.reduce<number>((all, one) => all + (one ?? 0), 0);
    return `${count(sum)} ${label}`;
  });
  return (
    <Chart
      title={props.title}
      now={sums[0] ?? '–'}
      note={sums.slice(1).join(', ') || undefined}
      times={times}
      lines={lines}
      format={count}
    />
  );
}

const range = (interval: Interval | null, show: (text: string) => string) =>
  interval === null
    ? 'too few to say'
    : `${show(interval.difference)} (${show(interval.low)} to ${show(interval.high)})`;

function Arms({ report }: { report: ExperimentReport }) {
  const against = (arm: string) => report.comparisons.find((one) => one.arm === arm);
  const mark = (interval?: Interval | null) => (interval?.significant ? 'found' : '');
  return (
    <section class="card wide" aria-label={`Experiment ${report.experiment}`}>
      <header>
        <h2>Experiment {report.experiment}, four weeks</h2>
        {report.balance_p !== null && Number(report.balance_p) < 0.001 && (
          <b class="bad">The arms' sizes do not match their weights: do not trust this report.</b>
        )}
      </header>
      <table>
        <thead>
          <tr>
            <th>Arm</th>
            <th>Customers</th>
            <th>Conversion</th>
            <th>against control, 95 %</th>
            <th>GGR a customer</th>
            <th>against control, 95 %</th>
          </tr>
        </thead>
        <tbody>
          {report.arms.map((arm) => {
            const other = against(arm.arm);
            return (
              <tr key={arm.arm}>
                <th>{arm.arm}</th>
                <td>{count(arm.customers)}</td>
                <td>{percent(arm.conversion)}</td>
                <td class={mark(other?.conversion)}>{other && range(other.conversion, percent)}</td>
                <td>
                  {fixed(arm.ggr_per_customer)} {report.currency}
                </td>
                <td class={mark(other?.ggr_per_customer)}>
                  {other && range(other.ggr_per_customer, fixed)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function SignIn({ why, onToken }: { why: string; onToken: () => void }) {
  const keep = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    sessionStorage.setItem(KEPT, String(form.get('token') ?? '').trim());
    onToken();
  };
  return (
    <form class="card wide" onSubmit={keep} aria-label="Reports">
      <label>
        Turnover, GGR and experiments need an operator's token with the role finance.{' '}
        <input name="token" type="password" aria-label="Operator's token" required />
      </label>{' '}
      <button>Show</button> {why && <b class="bad">{why}</b>}
    </form>
  );
}

export function Business() {
  const [series, setSeries] = useState<SeriesReport | null>(null);
  const [report, setReport] = useState<ExperimentReport | null>(null);
  const [why, setWhy] = useState('');
  const [asked, setAsked] = useState(0);

  useEffect(() => {
    let timer = 0;
    if (token() === '') return undefined;
    const look = async () => {
      try {
        setSeries(await get<SeriesReport>(`series?minutes=${MINUTES}`));
        setWhy('');
        // Without a name it is the one that runs; else there is none to show.
        setReport(await get<ExperimentReport>('experiments').catch(() => null));
      } catch (error) {
        if (error instanceof Refused && error.problem.status < 500) {
          setWhy(error.problem.title);
          setSeries(null);
          return;
        }
      }
      timer = window.setTimeout(look, EVERY_MS);
    };
    void look();
    return () => clearTimeout(timer);
  }, [asked]);

  if (series === null) return <SignIn why={why} onToken={() => setAsked(asked + 1)} />;
  const currency = (row: Minute) => row.currency;
  return (
    <>
      <MinuteChart
        title="Turnover a minute"
        series={series}
        by={currency}
        value={(row) => Number(row.turnover)}
      />
      <MinuteChart
        title="GGR a minute"
        series={series}
        by={currency}
        value={(row) => Number(row.ggr)}
      />
      <MinuteChart
        title="Bets a minute by sport"
        series={series}
        by={(row) => row.sport}
        value={(row) => row.bets}
      />
      {report !== null && report.arms.length > 0 && <Arms report={report} />}
    </>
  );
}
