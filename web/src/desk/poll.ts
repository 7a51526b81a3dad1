import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

import { get, sentence } from './api';

export interface Polled<T> {
  data: T | null;
  error: string | null;
  again: () => void; // now, because something was done
}

// Asked for again and again while the page is looked at; path null: not now.
export function usePoll<T>(path: string | null, everyMs: number): Polled<T> {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<string | null>(null);
  const look = useRef<() => void>(() => undefined);

  useEffect(() => {
    let timer = 0;
    let over = false;
    setData(null);
    if (path === null) return undefined;
    const turn = async () => {
      clearTimeout(timer);
      try {
        const answer = await get<T>(path);
        if (over) return;
        setData(answer);
        setError(null);
      } catch (failure) {
        if (over) return;
        setError(sentence(failure));
      }
      timer = window.setTimeout(turn, document.hidden ? everyMs * 5 : everyMs);
    };
    look.current = turn;
    void turn();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [path, everyMs]);
  const again = useCallback(() => look.current(), []);
  return { data, error, again };
}
