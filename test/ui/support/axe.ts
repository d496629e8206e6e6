import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const DESK = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** What a theme decides; all other rules look at structure and layout. */
const COLOUR_RULES = ['color-contrast', 'link-in-text-block'];
/** What a width decides for things that look as they did: by the room that they have, and by what can be seen beside them. */
const LAYOUT_RULES = [
  'target-size',
  'scrollable-region-focusable',
  'duplicate-id-aria',
  'heading-order',
  'landmark-no-duplicate-banner',
  'landmark-no-duplicate-contentinfo',
  'landmark-no-duplicate-main',
  'landmark-one-main',
  'landmark-unique',
  'page-has-heading-one',
  'region',
];

/** An element, as far as the functions that run in the page use it. */
interface Shown {
  readonly localName: string;
  readonly parentElement: Shown | null;
  readonly attributes: Iterable<{ name: string; value: string }>;
  readonly childNodes: Iterable<{ nodeType: number; textContent: string | null }>;
  querySelectorAll(selector: string): Iterable<Shown>;
  closest(selector: string): Shown | null;
  checkVisibility(options: { visibilityProperty: boolean }): boolean;
  remove(): void;
  readonly isConnected: boolean;
}

declare const document: Shown & { querySelector(selector: string): Shown | null };
declare const getComputedStyle: (element: Shown) => Record<string, string>;
interface Violation {
  id: string;
  nodes: { target: unknown[]; failureSummary?: string }[];
}
declare const axe: { run(on: unknown, how: unknown): Promise<{ violations: Violation[] }> } | undefined;

/** What the page itself keeps between two looks. */
interface Kept {
  looks?: Map<Shown, string>;
  changed?: Shown[];
}

/** Of a list, so many rows of each kind are looked at: the others differ by their text alone. */
const OF_EACH_KIND = 2;

/**
 * Takes those rows out of lists that are like others before them: with the same elements in the same states.
 * Gives the kinds of elements that the shell around `main` is made of.
 */
function shorten(ofEachKind: number): string[] {
  const kindOf = (element: Shown): string => {
    const attributes = [...element.attributes].map(({ name, value }) => {
      const isState = /^(class|hidden|open|role|tabindex|type|aria-(?!label|describedby|controls)|data-s)/.test(name);
      return isState ? `${name}=${value}` : name;
    });
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim() !== '');
    return `${element.localName}[${attributes.sort().join(' ')}]${hasText ? 't' : ''}`;
  };
  const seen = new Map<string, number>();
  for (const row of document.querySelectorAll('main :is(tbody, ul, ol) > *')) {
    if (!row.isConnected) continue;
    const parts = new Set([row, ...row.querySelectorAll('*')].map(kindOf));
    const kind = [...parts].sort().join();
    const count = (seen.get(kind) ?? 0) + 1;
    seen.set(kind, count);
    if (count > ofEachKind) row.remove();
  }
  const shell = [...document.querySelectorAll('body *')].filter((element) => element.closest('main') === null);
  return [
    ...new Set(shell.map((one) => `${one.parentElement === null ? '' : kindOf(one.parentElement)} ${kindOf(one)}`)),
  ];
}

/** Keeps how every element looks, or finds those that can be seen and look otherwise than was kept. */
function compareLooks(isFirst: boolean): number {
  const kept = globalThis as Kept;
  const look = (element: Shown): string => {
    const isSeen = element.checkVisibility({ visibilityProperty: true });
    const style = getComputedStyle(element);
    const of = ['color', 'backgroundColor', 'backgroundImage', 'opacity', 'fontSize', 'fontWeight', 'fill'];
    return isSeen ? of.map((name) => style[name]).join() : '';
  };
  const all = [...document.querySelectorAll('body, body *')];
  if (isFirst) kept.looks = new Map(all.map((element) => [element, look(element)]));
  const before = kept.looks;
  const changed = new Set(all.filter((element) => ![before?.get(element), ''].includes(look(element))));
  kept.changed = [...changed].filter(({ parentElement }) => parentElement === null || !changed.has(parentElement));
  return kept.changed.length;
}

interface Look {
  /** Ids; absent: all rules. */
  rules?: readonly string[];
  /** Whether the shell around `main` is looked at too. */
  hasShell: boolean;
  /** Only what `compareLooks` found. */
  isChanged?: boolean;
}

/** Runs in the page. */
async function runAxe([look, tags]: readonly [Look, readonly string[]]): Promise<Violation[]> {
  const { rules, hasShell, isChanged = false } = look;
  const shell = new Set(
    [...document.querySelectorAll('body *')].filter(
      (one) => one.closest('main') === null && [...one.querySelectorAll('main')].length === 0,
    ),
  );
  const roots = [...shell].filter(({ parentElement }) => parentElement === null || !shell.has(parentElement));
  const changed = ((globalThis as Kept).changed ?? []).filter((one) => hasShell || !shell.has(one));
  if (isChanged && changed.length === 0) return [];
  const parts = { ...(isChanged ? { include: changed } : {}), ...(hasShell ? {} : { exclude: roots }) };
  const isWhole = hasShell && !isChanged;
  // A box of a map draws the beginning of a long name and is called by the whole, which an experimental rule takes amiss.
  const hasMap = document.querySelector('#run-map') !== null;
  const how = {
    runOnly: rules === undefined ? { type: 'tag', values: tags } : { type: 'rule', values: rules },
    resultTypes: ['violations'],
    // Nothing is fetched: all that these rules need is in the page.
    preload: false,
    ...(rules === undefined && hasMap ? { rules: { 'label-content-name-mismatch': { enabled: false } } } : {}),
  };
  return (await axe?.run(isWhole ? document : parts, how))?.violations ?? [];
}

/**
 * Looks at pages with axe: with all rules at a desk in the light theme, and in the other theme and at a phone with those
 * that can find something else there; things that a phone shows otherwise are looked at with all rules again. The shell
 * around `main` is looked at when some of it is of a kind or in a state that was not seen before.
 */
export class Inspection {
  readonly #seen = new Set<string>();

  /** Findings in both themes and widths. Rows of lists that are like others are taken out of the page. */
  async of(page: Page): Promise<string[]> {
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize(DESK);
    const shell = await page.evaluate(shorten, OF_EACH_KIND);
    const hasShell = shell.some((kind) => !this.#seen.has(kind));
    for (const kind of shell) this.#seen.add(kind);
    if (await page.evaluate(() => typeof axe === 'undefined')) await page.evaluate(source);
    const found = await findings(page, 'light, desk', { hasShell });
    await page.emulateMedia({ colorScheme: 'dark' });
    found.push(...(await findings(page, 'dark, desk', { hasShell, rules: COLOUR_RULES })));
    await page.evaluate(compareLooks, true);
    await page.setViewportSize(PHONE);
    found.push(...(await findings(page, 'dark, phone', { hasShell: true, rules: LAYOUT_RULES })));
    if ((await page.evaluate(compareLooks, false)) > 0) {
      found.push(...(await findings(page, 'dark, phone', { hasShell, isChanged: true })));
      await page.emulateMedia({ colorScheme: 'light' });
      found.push(...(await findings(page, 'light, phone', { hasShell, isChanged: true, rules: COLOUR_RULES })));
    }
    return found;
  }
}

async function findings(page: Page, where: string, look: Look): Promise<string[]> {
  const violations = await page.evaluate(runAxe, [look, TAGS] as const);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${where}: ${id}: ${JSON.stringify(node.target)} ${node.failureSummary ?? ''}`),
  );
}
