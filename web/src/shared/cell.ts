// A value that components can watch.
import { useEffect, useReducer } from 'preact/hooks';

type Listener = () => void;

export class Cell<T> {
  private listeners = new Set<Listener>();

  constructor(private now: T) {}

  get value(): T {
    return this.now;
  }

  set(next: T) {
    if (next === this.now) return;
    this.now = next;
    for (const listener of [...this.listeners]) listener();
  }

  watch(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

// A cell that outlives the page.
export class KeptCell<T> extends Cell<T> {
  constructor(
    private name: string,
    initial: T,
  ) {
    super(read(name) ?? initial);
    // Another tab of this page.
    window.addEventListener('storage', ({ key }) => {
      if (key === name) super.set(read(name) ?? initial);
    });
  }

  override set(next: T) {
    write(this.name, next);
    super.set(next);
  }
}

function read(name: string) {
  try {
    const text = localStorage.getItem(name);
    return text === null ? null : JSON.parse(text);
  } catch {
    return null; // private mode, or not ours
  }
}

function write(name: string, value: unknown) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // private mode: it lives as long as the page
  }
}

// Renders again whenever one of the cells changes.
export function useCells(cells: Cell<unknown>[]) {
  const [, again] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const values = cells.map((cell) => cell.value);
    const stops = cells.map((cell) => cell.watch(() => again(null as never)));
    // It may have changed between rendering and watching.
    if (cells.some((cell, i) => cell.value !== values[i])) again(null as never);
    return () => stops.forEach((stop) => stop());
  }, cells);
}

export function useCell<T>(cell: Cell<T>): T {
  const [, again] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const seen = cell.value;
    const stop = cell.watch(() => again(null as never));
    if (cell.value !== seen) again(null as never);
    return stop;
  }, [cell]);
  return cell.value;
}
