import { areKeysOn, openDialog } from './dialogs.js';
import { isTyping } from './page.js';

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

function moveRow(step: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

function onSingleKey(key: string): boolean {
  if (performance.now() < chordUntil) {
    chordUntil = 0;
    const place = PLACES[key];
    if (place !== undefined) location.assign(place);
    return place !== undefined;
  }
  if (key === 'g') chordUntil = performance.now() + CHORD_MS;
  else if (key === 'j') moveRow(1);
  else if (key === 'k') moveRow(-1);
  else if (key === 'n') location.assign('/ui/runs/new');
  else if (key === '?') openDialog('keys');
  else if (key === '/') document.querySelector<HTMLElement>('main .query input')?.focus();
  else {
    // What a page offers under a key of its own: a step, the log.
    const target = document.querySelector<HTMLElement>(`main [data-key="${CSS.escape(key)}"]`);
    target?.click();
    return target !== null;
  }
  return true;
}

function submitFocused(form: HTMLFormElement): void {
  const name = form.dataset['lastButton'];
  const button =
    name === undefined ? null : form.querySelector<HTMLButtonElement>(`button[value="${CSS.escape(name)}"]`);
  if (button !== null) form.requestSubmit(button);
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const withControl = event.ctrlKey || event.metaKey;
  if (withControl && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    openDialog('palette');
    return;
  }
  if (withControl && event.key === 'Enter' && event.target instanceof Element) {
    const form = event.target.closest<HTMLFormElement>('form[data-decision]');
    if (form !== null) submitFocused(form);
    return;
  }
  if (withControl || event.altKey || isTyping(event.target) || document.querySelector('dialog[open]') !== null) return;
  if (event.key === 'F8' ? onSingleKey('F8') : event.key.length === 1 && areKeysOn() && onSingleKey(event.key)) {
    event.preventDefault();
  }
}

/** Keys of all pages. None of them decides anything. */
export function startKeyboard(): void {
  document.addEventListener('keydown', onKey);
  document.addEventListener('focusin', (event) => {
    const button = event.target;
    if (button instanceof HTMLButtonElement && button.form?.dataset['decision'] !== undefined) {
      button.form.dataset['lastButton'] = button.value;
    }
  });
}
