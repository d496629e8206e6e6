import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** What a theme decides; all other rules look at structure and layout. */
const COLOUR_RULES = ['color-contrast', 'link-in-text-block'];

interface Violation {
  id: string;
  nodes: { target: unknown[]; failureSummary?: string }[];
}

/** What the function that runs in the page uses of it. */
declare const document: {
  querySelector(selector: string): unknown;
  querySelectorAll(selector: string): Iterable<{ remove(): void }>;
};
declare const axe: { run(on: unknown, how: unknown): Promise<{ violations: Violation[] }> } | undefined;

/** A list has no more kinds of rows than this; the others are like them, and looking at each takes most of the time. */
const ROWS = 24;

/** Takes rows out of long lists, for looking at a page. */
export async function shortenLists(page: Page): Promise<void> {
  await page.evaluate((rows) => {
    for (const row of document.querySelectorAll(`main :is(tbody, ul, ol) > :nth-child(n + ${rows + 1})`)) row.remove();
  }, ROWS);
}

/**
 * Findings of axe: of all its rules, or of those that look at colours. An experimental rule wants the text that is drawn
 * inside the name: boxes of a map draw the beginning of a long name, and are called by the whole.
 */
export async function accessibilityOf(page: Page, rules: 'all' | 'colours' = 'all'): Promise<string[]> {
  if (await page.evaluate(() => typeof axe === 'undefined')) await page.evaluate(source);
  const violations = await page.evaluate(
    async (colours) => {
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
      const how = {
        runOnly: colours === null ? { type: 'tag', values: tags } : { type: 'rule', values: colours },
        resultTypes: ['violations'],
        // Nothing is fetched: all that these rules need is in the page.
        preload: false,
        ...(colours === null && document.querySelector('#run-map') !== null
          ? { rules: { 'label-content-name-mismatch': { enabled: false } } }
          : {}),
      };
      return (await axe?.run(document, how))?.violations ?? [];
    },
    rules === 'all' ? null : COLOUR_RULES,
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${JSON.stringify(node.target)} ${node.failureSummary ?? ''}`),
  );
}
