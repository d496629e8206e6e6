import { openPalette } from './dialogs.js';
import { closest, isTyping, within } from './page.js';

const PLACES: Readonly<Record<string, string>> = {
  h: '/ui',
  g: '/ui/gates',
  e: '/ui/events',
  r: '/ui/runs',
  b: '/ui/blueprints',
  a: '/ui/audit',
};
/** The second key of `g h` comes within this. */
const CHORD_MS = 1_200;
let chordUntil = 0;
/** The button of a decision that had the focus last. */
let lastButton: HTMLButtonElement | undefined;

function moveRow(step: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = rows[within(at + step, rows.length)];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

function onSingleKey(key: string): boolean {
  if (Date.now() < chordUntil) {
    chordUntil = 0;
    const place = PLACES[key];
    if (place !== undefined) location.assign(place);
    return place !== undefined;
  }
  if (key === 'g') chordUntil = Date.now() + CHORD_MS;
  else if (key === 'j') moveRow(1);
  else if (key === 'k') moveRow(-1);
  else if (key === 'n') location.assign('/ui/runs/new');
  else if (key === '/') document.querySelector<HTMLElement>('main .query input')?.focus();
  else {
    // What a page offers under a key of its own: a step, the log, the list of keys.
    const target = document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
    target?.click();
    return target !== null;
  }
  return true;
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const withControl = event.ctrlKey || event.metaKey;
  if (withControl && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    openPalette();
    return;
  }
  if (withControl && event.key === 'Enter') {
    const form = closest(event, 'form[data-decision]') as HTMLFormElement | null;
    if (form && lastButton?.form === form) form.requestSubmit(lastButton);
    return;
  }
  if (withControl || event.altKey || isTyping(event.target) || document.querySelector('dialog[open]')) return;
  // Single keys can be switched off (WCAG 2.1.4).
  const isOn = event.key === 'F8' || (event.key.length === 1 && document.body.dataset['keys'] !== 'off');
  if (isOn && onSingleKey(event.key)) event.preventDefault();
}

/** Keys of all pages. None of them decides anything. */
export function startKeyboard(): void {
  document.addEventListener('keydown', onKey);
  document.addEventListener('focusin', (event) => {
    lastButton = (closest(event, 'form[data-decision] button') as HTMLButtonElement | null) ?? lastButton;
  });
}
