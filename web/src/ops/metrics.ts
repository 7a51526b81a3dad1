// /metrics read as Prometheus would read it: what the page draws and what the
// alarms look at are the same counters.

export interface Sample {
  at: number; // seconds, this browser's clock
  values: Map<string, number>; // by the whole series: name{label="…"}
}

const LINE = /^([a-zA-Z_:][\w:]*(?:\{[^}]*\})?) (\S+)$/;

export function parse(text: string, at: number): Sample {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (match) values.set(match[1]!, Number(match[2]));
  }
  return { at, values };
}

// Every series of a metric with its label's value: "" for one without.
export function series(sample: Sample, name: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [key, value] of sample.values) {
    if (key === name) found.set('', value);
    else if (key.startsWith(`${name}{`)) {
      found.set(/="((?:[^"\\]|\\.)*)"/.exec(key)?.[1] ?? '', value);
    }
  }
  return found;
}

export function total(sample: Sample, name: string, keep: (label: string) => boolean = () => true) {
  let sum = 0;
  for (const [label, value] of series(sample, name)) if (keep(label)) sum += value;
  return sum;
}

// What a counter rose by each second.  A server that began again counts from 0.
export function rate(
  now: Sample,
  before: Sample,
  name: string,
  keep: (label: string) => boolean = () => true,
): number {
  const rose = total(now, name, keep) - total(before, name, keep);
  return now.at > before.at && rose >= 0 ? rose / (now.at - before.at) : 0;
}

// The quantile of what a histogram counted between two samples, in its unit;
// null when nothing was.  Within a bucket it is taken as even.
export function quantile(now: Sample, before: Sample, name: string, q: number): number | null {
  const buckets: [number, number][] = [];
  for (const [label, value] of series(now, `${name}_bucket`)) {
    const old = before.values.get(`${name}_bucket{le="${label}"}`) ?? 0;
    buckets.push([label === '+Inf' ? Infinity : Number(label), value - old]);
  }
  buckets.sort((a, b) => a[0] - b[0]);
  const all = buckets.at(-1)?.[1] ?? 0;
  if (all <= 0) return null;
  let below = 0;
  let from = 0;
  for (const [to, count] of buckets) {
    if (count >= q * all) {
      if (to === Infinity) return from;
      return count === below ? to : from + ((to - from) * (q * all - below)) / (count - below);
    }
    below = count;
    from = to;
  }
  return from;
}
