import { isSelected } from './page.js';

declare const Idiomorph: {
  morph(
    old: Element,
    now: Element,
    options: {
      morphStyle: 'outerHTML';
      ignoreActive: boolean;
      callbacks: Record<string, (...args: never[]) => boolean>;
    },
  ): void;
};

function isDirty(node: Node): boolean {
  if (node instanceof HTMLInputElement) {
    return node.type === 'checkbox' || node.type === 'radio'
      ? node.checked !== node.defaultChecked
      : node.value !== node.defaultValue;
  }
  return node instanceof HTMLTextAreaElement && node.value !== node.defaultValue;
}

const callbacks = {
  // What somebody typed, and what somebody opened, stays.
  beforeNodeMorphed: (old: Node): boolean => !isDirty(old),
  beforeAttributeUpdated: (name: string, node: Element): boolean =>
    !(name === 'open' && /^(DETAILS|DIALOG)$/.test(node.tagName)),
};

/** A form that came back with problems is read first: it goes only when there is nothing left to send. */
function isRefusedForm(old: Element, now: Element): boolean {
  return old.querySelector('form[data-refused]') !== null && now.querySelector('form') !== null;
}

function replace(old: Element, now: Element): void {
  if (isRefusedForm(old, now)) return;
  const typed = old.querySelector<HTMLTextAreaElement>('textarea[name=reason]')?.value ?? '';
  Idiomorph.morph(old, now, { morphStyle: 'outerHTML', ignoreActive: true, callbacks });
  const kept = document.querySelector<HTMLElement>('[data-kept-reason]');
  if (typed === '' || kept?.textContent !== '') return;
  kept.textContent = `What you had typed: ${typed}`;
  kept.hidden = false;
}

/** Whether somebody reads the list, so that nothing may move under them. */
function isBeingRead(list: Element): boolean {
  return (
    scrollY > 0 ||
    isSelected(list) ||
    list.contains(document.activeElement) ||
    list.querySelector('[aria-selected=true]') !== null
  );
}

const held = new Map<string, Element>();

function offerNew(id: string, added: number): void {
  const button = document.querySelector(`[data-new-for="${id}"] button`);
  if (!button) return;
  (button.parentElement as HTMLElement).hidden = added === 0;
  button.textContent = `${added} new · show`;
}

/** Rows that are there change in place; while somebody reads, no row comes, goes or moves. */
function updateList(old: Element, now: Element): void {
  const rows = [...now.children];
  const added = rows.filter((row) => row.id !== '' && document.getElementById(row.id) === null).length;
  if (added > 0 && old.children.length > 0 && isBeingRead(old)) {
    held.set(old.id, now.cloneNode(true) as Element);
    for (const row of rows) {
      const known = row.id === '' ? null : document.getElementById(row.id);
      if (known) replace(known, row);
    }
    offerNew(old.id, added);
    return;
  }
  held.delete(old.id);
  offerNew(old.id, 0);
  replace(old, now);
}

/** A log whose end is in sight, and in which nobody selects. */
function isFollowed(log: Element | null): boolean {
  if (!log) return true;
  return !isSelected(log) && log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
}

/** Shows the end of what a step prints; who scrolls up or selects is left alone. */
export function followLog(): void {
  const log = document.querySelector('[data-follow]');
  if (log) log.scrollTop = log.scrollHeight;
}

/** Brings fragments into the page: each one is an element with the id of the one that it renews. */
export function applyFragments(markup: readonly string[]): void {
  const follows = isFollowed(document.querySelector('[data-follow]'));
  for (const text of markup) {
    const holder = document.createElement('template');
    holder.innerHTML = text.trim();
    const now = holder.content.firstElementChild;
    if (!now) continue;
    const old = document.getElementById(now.id);
    if (!old) continue;
    if (now instanceof HTMLElement && now.dataset['list'] !== undefined) updateList(old, now);
    else replace(old, now);
    const title = document.querySelector<HTMLElement>('[data-title]')?.dataset['title'];
    if (title !== undefined) document.title = title;
  }
  if (follows) followLog();
}

/** Shows the rows that came while somebody read. */
export function showHeld(id: string): void {
  const now = held.get(id);
  const old = document.getElementById(id);
  if (!now || !old) return;
  held.delete(id);
  offerNew(id, 0);
  replace(old, now);
}
