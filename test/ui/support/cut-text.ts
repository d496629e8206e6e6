import type { Page } from 'playwright-core';

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly width: number;
}

/** An element, as far as the function that runs in the page uses it. */
interface Shown {
  readonly localName: string;
  readonly className: unknown;
  readonly parentElement: Shown | null;
  closest(selector: string): Shown | null;
  matches(selector: string): boolean;
  checkVisibility(): boolean;
  getBoundingClientRect(): Box;
}

interface Text {
  readonly textContent: string;
  readonly parentElement: Shown;
}

declare const document: {
  body: Shown;
  createTreeWalker(root: Shown, show: number): { nextNode(): Text | null };
  createRange(): { selectNodeContents(node: Text): void; getBoundingClientRect(): Box };
};
declare const getComputedStyle: (element: Shown) => Record<string, string>;

/** By how many pixels letters may leave their box: fractions are rounded, and lines are higher than what is written in them. */
const SLACK = { across: 2, down: 4 };

/**
 * Texts that stick out of the box that they stand in, or over its neighbours, as `"text" of td.num`. What ends in an ellipsis, is
 * cut after a number of lines, is scrolled in a region of its own or hangs on something as a label is as it should be.
 */
export function textsThatStickOut(page: Page): Promise<string[]> {
  return page.evaluate((slack) => {
    const isHidden = (element: Shown): boolean => {
      for (let at: Shown | null = element; at !== null; at = at.parentElement)
        if (getComputedStyle(at)['clipPath'] !== 'none') return true;
      return !element.checkVisibility();
    };
    const outOf = (text: Box, element: Shown): Shown | null => {
      for (let at: Shown | null = element; at !== null && at !== document.body; at = at.parentElement) {
        const style = getComputedStyle(at);
        const { overflowX: overflow, display, position, textOverflow: end, webkitLineClamp: lines } = style;
        if (overflow === 'auto' || overflow === 'scroll' || lines !== 'none') return null;
        if (display === 'inline' || display === 'contents') continue;
        const box = at.getBoundingClientRect();
        const isOut = text.right > box.right + slack.across || text.left < box.left - slack.across;
        if (isOut && end !== 'ellipsis') return at;
        const isTall = text.bottom > box.bottom + slack.down || text.top < box.top - slack.down;
        if (isTall && (overflow === 'hidden' || at.matches('.button, .chip, .tag, .pill, .badge, .find, kbd, td')))
          return at;
        if (position === 'absolute' || (end === 'ellipsis' && overflow === 'hidden')) return null;
      }
      return null;
    };
    const found = new Set<string>();
    const texts = document.createTreeWalker(document.body, 4);
    for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
      const { parentElement: element, textContent: words } = text;
      if (words.trim() === '' || element.closest('svg, option, textarea, script, noscript') || isHidden(element))
        continue;
      const range = document.createRange();
      range.selectNodeContents(text);
      const box = range.getBoundingClientRect();
      const out = box.width === 0 ? null : outOf(box, element);
      if (out !== null) found.add(`"${words.trim().slice(0, 40)}" of ${out.localName}.${String(out.className)}`);
    }
    return [...found];
  }, SLACK);
}
