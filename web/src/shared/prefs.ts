// What the customer chose for this browser.
import { KeptCell } from './cell';
import type { OddsFormat } from './odds';

export type Theme = 'auto' | 'light' | 'dark';

export const oddsFormat = new KeptCell<OddsFormat>('odds-format', 'decimal');
export const theme = new KeptCell<Theme>('theme', 'auto');

function applyTheme() {
  const { documentElement } = document;
  if (theme.value === 'auto') documentElement.removeAttribute('data-theme');
  else documentElement.setAttribute('data-theme', theme.value);
}

export function startTheme() {
  applyTheme();
  theme.watch(applyTheme);
}
