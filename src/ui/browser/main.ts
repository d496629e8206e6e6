import { startClocks } from './clocks.js';
import { openConfirm, openPalette } from './dialogs.js';
import { startDragRange } from './drag-range.js';
import { startInPlace } from './in-place.js';
import { startKeyboard } from './keyboard.js';
import { startLive } from './live.js';
import { followLog, showHeld } from './morph.js';
import { closest, keepCookie, setServerTime, toast } from './page.js';
import { whenPainted } from './when-painted.js';

/** htmx and Idiomorph as published, which the build puts into this function. */
declare const libraries: () => void;

function onClick(event: MouseEvent): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const opener = closest(event, '[data-open]');
  const confirm = closest(event, 'a[data-confirm]');
  const copied = closest(event, '[data-copy]');
  const shown = closest(event, '[data-new-for]');
  const theme = closest(event, '[data-theme-toggle]');
  if (opener) {
    event.preventDefault();
    openPalette();
  } else if (confirm) {
    event.preventDefault();
    void openConfirm(confirm as HTMLAnchorElement);
  } else if (copied) {
    const text = copied.dataset['copy'] ?? '';
    navigator.clipboard.writeText(text).then(
      () => toast('Copied'),
      () => toast('Not copied'),
    );
  } else if (shown) {
    showHeld(shown.dataset['newFor'] ?? '');
  } else if (theme && document.documentElement.dataset['theme'] === undefined) {
    // The server knows what was chosen, not how the browser is set.
    if (matchMedia('(prefers-color-scheme: dark)').matches) (theme as HTMLButtonElement).value = 'light';
  }
}

/** A form is sent once; the server keeps the first decision in any case. */
function onSubmit(event: SubmitEvent): void {
  const form = event.target as HTMLFormElement;
  if (form.dataset['sent'] !== undefined) event.preventDefault();
  else if (form.method === 'post' && !event.defaultPrevented) form.dataset['sent'] = '';
}

function keepPreferences(): void {
  keepCookie('xyn_zone', Intl.DateTimeFormat().resolvedOptions().timeZone);
  keepCookie('xyn_width', innerWidth >= 1_720 ? '1400' : innerWidth >= 1_340 ? '1088' : '880');
}

function start(): void {
  libraries();
  setServerTime(Number(document.body.dataset['now']));
  document.addEventListener('click', onClick);
  document.addEventListener('submit', onSubmit);
  addEventListener('pageshow', () => {
    for (const form of document.forms) delete form.dataset['sent'];
  });
  keepPreferences();
  startClocks();
  startKeyboard();
  startInPlace();
  startDragRange();
  startLive();
  followLog();
}

// What only scripts can do stands there from the first paint on, so that nothing moves afterwards.
document.documentElement.classList.add('scripted');
whenPainted(start);
