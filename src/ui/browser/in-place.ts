import { applyFragments } from './morph.js';
import { closest, fetchPart } from './page.js';

/** Shows another state of the same page without moving what is read; the address says which. */
async function showInPlace(url: string): Promise<void> {
  try {
    applyFragments([await fetchPart(url)]);
  } catch {
    location.assign(url);
    return;
  }
  // The page's stream follows the address.
  document.body.dispatchEvent(new Event('htmx:pushedIntoHistory'));
}

/** Goes to another state of this page. */
export function goInPlace(url: URL): void {
  history.pushState(null, '', url);
  void showInPlace(url.href);
}

function onInPlaceClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    return;
  const link = closest(event, '[data-in-place] a[href]');
  if (!link) return;
  // Links inside drawings have no `href` property that is a text.
  const url = new URL(link.getAttribute('href') ?? '', location.href);
  if (url.origin !== location.origin || url.hash !== '') return;
  // A list may name the addresses below which its rows are shown beside it.
  const below = link.closest<HTMLElement>('[data-in-place]')?.dataset['inPlace'] ?? '';
  const isRow = below !== '' && link.hasAttribute('data-row') && url.pathname.startsWith(`${below}/`);
  if (url.pathname !== location.pathname && !isRow) return;
  event.preventDefault();
  goInPlace(url);
}

/** Arrows move among the boxes of a drawing, which is one stop for Tab. */
function onArrow(event: KeyboardEvent): void {
  const from = closest(event, '[data-arrows] a');
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!from || step === undefined) return;
  const boxes = [...(from.closest('[data-arrows]')?.querySelectorAll<HTMLElement>('a') ?? [])];
  const next = boxes[boxes.indexOf(from) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/** Links that change a page in place, and arrows in drawings. */
export function startInPlace(): void {
  document.addEventListener('click', onInPlaceClick);
  document.addEventListener('keydown', onArrow);
  if (document.querySelector('[data-in-place]')) addEventListener('popstate', () => void showInPlace(location.href));
}
