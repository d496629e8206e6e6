import { fetchPart } from './page.js';

const KEYS: readonly (readonly [string, string])[] = [
  ['Ctrl K', 'search or jump to'],
  ['/', 'filter'],
  ['j k', 'next and previous row'],
  ['Enter', 'open the row'],
  ['[ ]', 'previous and next step'],
  ['l', 'log'],
  ['g h', 'home'],
  ['g g', 'gates'],
  ['g e', 'events'],
  ['g r', 'runs'],
  ['g b', 'blueprints'],
  ['g a', 'audit'],
  ['n', 'launch'],
  ['F8', 'next problem'],
  ['?', 'this list'],
  ['Esc', 'close'],
];
/** Typing goes on for this long before the server is asked. */
const TYPING_MS = 120;

function element(tag: string, attributes: Record<string, string>, ...content: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...content);
  return made;
}

function dialogOf(id: string, attributes: Record<string, string>, ...content: Node[]): HTMLDialogElement {
  const dialog = element('dialog', { id, ...attributes }, ...content) as HTMLDialogElement;
  document.body.append(dialog);
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  return dialog;
}

function openKeys(): void {
  const rows = KEYS.flatMap(([keys, text]) => [
    element('dt', {}, ...keys.split(' ').flatMap((key) => [element('kbd', {}, key), ' '])),
    element('dd', {}, text),
  ]);
  const off = element('button', { class: 'button small', type: 'button' });
  const label = (): void => {
    off.textContent = areKeysOn() ? 'Switch single keys off' : 'Switch single keys on';
  };
  off.addEventListener('click', () => {
    localStorage.setItem('xyn-keys', areKeysOn() ? 'off' : 'on');
    label();
  });
  label();
  const body = element('div', { class: 'body stack' }, element('dl', { class: 'facts' }, ...rows), off);
  const head = element('header', {}, element('h2', {}, 'Keys'));
  const known = document.getElementById('keys') as HTMLDialogElement | null;
  const card = element('div', { class: 'card' }, head, body);
  (known ?? dialogOf('keys', { class: 'keys', 'aria-label': 'Keys' }, card)).showModal();
}

/** Single-letter keys can be switched off (WCAG 2.1.4). */
export function areKeysOn(): boolean {
  return localStorage.getItem('xyn-keys') !== 'off';
}

function select(list: Element, step: number): void {
  const options = [...list.querySelectorAll('[role=option]')];
  const at = options.findIndex((one) => one.getAttribute('aria-selected') === 'true');
  const next = Math.min(options.length - 1, Math.max(0, at + step));
  options.forEach((one, index) => one.setAttribute('aria-selected', String(index === next)));
  options[next]?.scrollIntoView({ block: 'nearest' });
  list.parentElement?.querySelector('input')?.setAttribute('aria-activedescendant', options[next]?.id ?? '');
}

function makePalette(): HTMLDialogElement {
  const input = element('input', {
    type: 'search',
    placeholder: 'Run, blueprint, event, page…',
    'aria-label': 'Search or jump to',
    role: 'combobox',
    'aria-expanded': 'true',
    'aria-controls': 'palette-found',
    autocomplete: 'off',
  }) as HTMLInputElement;
  const found = element('div', { class: 'found', id: 'palette-found', role: 'listbox', 'aria-label': 'Results' });
  const dialog = dialogOf(
    'palette',
    { class: 'palette', 'aria-label': 'Search or jump to', 'data-testid': 'palette' },
    input,
    found,
  );
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

/** Opens the palette or the list of keys; the browser gives the focus back when it closes. */
export function openDialog(name: string): void {
  if (name === 'keys') return openKeys();
  const palette = (document.getElementById('palette') as HTMLDialogElement | null) ?? makePalette();
  if (!palette.open) palette.showModal();
  palette.querySelector('input')?.focus();
}

/** Shows a confirm page as a dialog over this one; without it the link simply leads there. */
export async function openConfirm(link: HTMLAnchorElement): Promise<void> {
  try {
    const markup = await fetchPart(link.href);
    document.getElementById('confirm')?.remove();
    const dialog = dialogOf('confirm', { 'aria-label': link.textContent.trim(), 'data-testid': 'confirm-dialog' });
    dialog.innerHTML = markup;
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
