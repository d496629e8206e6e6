import { startClocks } from './clocks.js';
import { openConfirm, openDialog } from './dialogs.js';
import { startDragRange } from './drag-range.js';
import { startInPlace } from './in-place.js';
import { startKeyboard } from './keyboard.js';
import { startLive } from './live.js';
import { followLog, showHeld } from './morph.js';
import { keepCookie, setServerTime, toast } from './page.js';

function onClick(event: MouseEvent): void {
  if (!(event.target instanceof Element) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const opener = event.target.closest<HTMLElement>('[data-open]');
  const confirm = event.target.closest<HTMLAnchorElement>('a[data-confirm]');
  const copied = event.target.closest<HTMLElement>('[data-copy]');
  const shown = event.target.closest<HTMLElement>('[data-new-for]');
  const theme = event.target.closest<HTMLButtonElement>('[data-theme-toggle]');
  if (opener !== null) {
    event.preventDefault();
    openDialog(opener.dataset['open'] ?? '');
  } else if (confirm !== null) {
    event.preventDefault();
    void openConfirm(confirm);
  } else if (copied !== null) {
    const text = copied.dataset['copy'] ?? '';
    navigator.clipboard.writeText(text).then(
      () => toast('Copied'),
      () => toast('The browser did not let us copy.'),
    );
  } else if (shown !== null) {
    showHeld(shown.dataset['newFor'] ?? '');
  } else if (theme !== null) {
    const isDark =
      document.documentElement.dataset['theme'] ??
      (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
    theme.value = isDark === 'dark' ? 'light' : 'dark';
  }
}

/** A form is sent once; the server keeps the first decision in any case. */
function onSubmit(event: SubmitEvent): void {
  const form = event.target as HTMLFormElement;
  if (form.dataset['sent'] !== undefined) event.preventDefault();
  else if (form.method === 'post' && !event.defaultPrevented) form.dataset['sent'] = '';
}

function keepPreferences(): void {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!document.cookie.includes(`xyn_zone=${encodeURIComponent(zone)}`)) keepCookie('xyn_zone', zone);
  const width = innerWidth >= 1_720 ? '1400' : innerWidth >= 1_340 ? '1088' : '880';
  if (!document.cookie.includes(`xyn_width=${width}`)) keepCookie('xyn_width', width);
}

setServerTime(Number(document.body.dataset['now']));
document.documentElement.classList.add('scripted');
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
