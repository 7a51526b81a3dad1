// One chart: a title, the value now, and ten minutes of it.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

export interface Line {
  label: string;
  color: string; // of a CSS variable: "--line-1"
  values: (number | null)[];
}

export interface ChartProps {
  title: string;
  now: string;
  note?: string | undefined;
  alarm?: boolean | undefined;
  times: number[];
  lines: Line[];
  format: (value: number) => string;
}

const HEIGHT = 130;

function color(element: Element, name: string): string {
  return getComputedStyle(element).getPropertyValue(name).trim();
}

function options(element: HTMLElement, props: ChartProps): uPlot.Options {
  const axis = color(element, '--muted');
  const grid = { stroke: color(element, '--grid'), width: 1 };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { size: 5 }, drag: { x: false, y: false } },
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { stroke: axis, grid, ticks: grid, size: 24, font: '10px system-ui' },
      {
        stroke: axis,
        grid,
        ticks: grid,
        size: 52,
        font: '10px system-ui',
        values: (_, splits) => splits.map((value) => props.format(value)),
      },
    ],
    series: [
      {},
      ...props.lines.map((line) => ({
        label: line.label,
        stroke: color(element, line.color),
        width: 1.5,
        spanGaps: true,
        points: { show: false },
      })),
    ],
  };
}

export function Chart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = [props.times, ...props.lines.map((line) => line.values)] as uPlot.AlignedData;
  const names = props.lines.map((line) => line.label).join();

  useEffect(() => {
    const element = place.current!;
    const fit = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    const theme = matchMedia('(prefers-color-scheme: dark)');
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, props), data, element);
    };
    draw();
    fit.observe(element);
    theme.addEventListener('change', draw);
    return () => {
      fit.disconnect();
      theme.removeEventListener('change', draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [names]);
  useEffect(() => plot.current?.setData(data));

  return (
    <section class={props.alarm ? 'card alarm' : 'card'} aria-label={props.title}>
      <header>
        <h2>{props.title}</h2>
        <output>{props.now}</output>
      </header>
      <div class="plot" ref={place} aria-hidden="true" />
      <footer>
        {props.lines
          .filter((line) => line.label !== '')
          .map((line) => (
            <span class="key" key={line.label}>
              <i style={{ background: `var(${line.color})` }} />
              {line.label}
            </span>
          ))}
        {props.note && <span class="note">{props.note}</span>}
      </footer>
    </section>
  );
}
