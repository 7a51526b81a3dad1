// Paths instead of pages: links of this origin change the view.
import { Cell } from './cell';

export const path = new Cell(location.pathname);

export function go(to: string, replace = false) {
  if (to === path.value) return;
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  path.set(to);
  if (!replace) scrollTo(0, 0);
}

export function startRouter() {
  window.addEventListener('popstate', () => path.set(location.pathname));
  document.addEventListener('click', (click) => {
    const link = (click.target as Element).closest?.('a');
    if (!link || click.defaultPrevented || click.button !== 0) return;
    if (click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
    if (link.origin !== location.origin || link.target || link.hash) return;
    click.preventDefault();
    go(link.pathname);
  });
}
