import { fetchPart, within } from './page.js';

/** Typing goes on for this long before the server is asked. */
const TYPING_MS = 120;

/** Markup that comes with the script or from the server. */
function dialogOf(id: string, markup: string): HTMLDialogElement {
  const dialog = document.createElement('dialog');
  dialog.id = dialog.className = id;
  dialog.innerHTML = markup;
  document.body.append(dialog);
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  return dialog;
}

function select(list: Element, step: number): void {
  const options = [...list.querySelectorAll('[role=option]')];
  const at = options.findIndex((one) => one.ariaSelected === 'true');
  const next = within(at + step, options.length);
  options.forEach((one, index) => (one.ariaSelected = String(index === next)));
  options[next]?.scrollIntoView({ block: 'nearest' });
  list.parentElement?.querySelector('input')?.setAttribute('aria-activedescendant', options[next]?.id ?? '');
}

const PALETTE =
  '<input type="search" placeholder="Run, blueprint, event, page…" aria-label="Search or jump to" role="combobox" aria-expanded="true" aria-controls="found" autocomplete="off"><div class="found" id="found" role="listbox" aria-label="Results"></div>';

function makePalette(): HTMLDialogElement {
  const dialog = dialogOf('palette', PALETTE);
  const [input, found] = dialog.children as unknown as [HTMLInputElement, HTMLElement];
  dialog.ariaLabel = input.ariaLabel;
  let asked = 0;
  const ask = async (): Promise<void> => {
    const mine = (asked += 1);
    const markup = await fetchPart(`/ui/_search?q=${encodeURIComponent(input.value)}`).catch(() => undefined);
    if (mine !== asked) return;
    found.innerHTML = markup ?? '';
    if (markup === undefined) found.textContent = 'The server does not answer.';
    select(found, 1);
  };
  let timer: number | undefined;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), TYPING_MS);
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      select(found, event.key === 'ArrowDown' ? 1 : -1);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      found.querySelector<HTMLElement>('[aria-selected=true]')?.click();
    }
  });
  dialog.addEventListener('close', () => (input.value = ''));
  dialog.addEventListener('toggle', () => dialog.open && void ask());
  return dialog;
}

/** Opens the palette; the browser gives the focus back when it closes. */
export function openPalette(): void {
  const palette = (document.getElementById('palette') as HTMLDialogElement | null) ?? makePalette();
  if (!palette.open) palette.showModal();
  palette.querySelector('input')?.focus();
}

/** Shows a confirm page as a dialog over this one; without it the link simply leads there. */
export async function openConfirm(link: HTMLAnchorElement): Promise<void> {
  try {
    const markup = await fetchPart(link.href);
    document.getElementById('confirm')?.remove();
    const dialog = dialogOf('confirm', markup);
    dialog.ariaLabel = link.textContent.trim();
    dialog.querySelector('[data-safe]')?.addEventListener('click', (event) => {
      event.preventDefault();
      dialog.close();
    });
    dialog.showModal();
    dialog.querySelector<HTMLElement>('[data-safe]')?.focus();
  } catch {
    location.assign(link.href);
  }
}
