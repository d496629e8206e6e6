import { lineDiff, wordDiff, type DiffLine } from '../../domain/line-diff.js';
import { html, type Html } from '../html.js';
import type { Parts } from './parts.js';

/** Pairs of lines that are compared word by word: a diff with more is a new text, and its words say nothing. */
const MOST_PAIRS = 200;

/** What changed from one text to another as the rows of a diff; empty when nothing did. */
export function changedLines(before: string, after: string, ui: Parts): Html[] {
  return diffRows(lineDiff(before, after), ui);
}

/** Rows of a comparison that stand inside of a page about something else. */
const MOST_ROWS = 120;

/** A text that changes, inside of another page: its name, how many lines come and go, and the first of them. */
export function textDiff(
  { name, lines, rest }: { name: Html; lines: readonly DiffLine[]; rest?: string },
  ui: Parts,
): Html {
  const count = (kind: DiffLine['kind']): number => lines.filter((line) => line.kind === kind).length;
  const left = lines.length - MOST_ROWS;
  const more =
    rest === undefined
      ? ui.format.plural(left, 'more line')
      : html`<a href="${rest}">${ui.format.plural(left, 'more line')}</a>`;
  return html`<div class="diff-box">
    <div class="diff-head">
      <span class="grow cut">${name}</span><span class="nowrap tabular">+${count('added')} −${count('removed')}</span>
    </div>
    <div class="diff" tabindex="0" role="region" aria-label="Changed lines">
      <ol>
        ${diffRows(lines.slice(0, MOST_ROWS), ui)}
      </ol>
    </div>
    ${left > 0 ? html`<p class="diff-rest small">${more}</p>` : ''}
  </div>`;
}

/** Lines of a comparison as the rows of a diff, with the words marked that changed inside of a line. */
export function diffRows(lines: readonly DiffLine[], ui: Parts): Html[] {
  const marked = markedLines(lines, ui);
  return lines.map((line, at) =>
    line.kind === 'skipped'
      ? html`<li class="folded">${ui.format.plural(line.count, 'unchanged line')}</li>`
      : html`<li class="${line.kind === 'same' ? '' : line.kind}">${marked.get(at) ?? ui.text(line.text)}</li>`,
  );
}

/** Removed lines and the added ones that follow them are versions of each other, the first of the first. */
function markedLines(lines: readonly DiffLine[], ui: Parts): Map<number, Html> {
  const marked = new Map<number, Html>();
  let pairs = 0;
  for (let at = 0; at < lines.length && pairs < MOST_PAIRS; at += 1) {
    const removed = runOf(lines, at, 'removed');
    const added = runOf(lines, at + removed, 'added');
    for (let n = 0; n < Math.min(removed, added); n += 1) {
      const [was, now] = [lines[at + n], lines[at + removed + n]];
      if (was?.kind !== 'removed' || now?.kind !== 'added') continue;
      const parts = wordDiff(was.text, now.text);
      pairs += 1;
      if (parts === null) continue;
      const side = (kind: 'added' | 'removed', mark: (text: Html) => Html): Html =>
        html`${parts
          .filter((one) => one.kind === 'same' || one.kind === kind)
          .map((one) => (one.kind === kind ? mark(ui.text(one.text)) : ui.text(one.text)))}`;
      marked.set(
        at + n,
        side('removed', (text) => html`<del>${text}</del>`),
      );
      marked.set(
        at + removed + n,
        side('added', (text) => html`<ins>${text}</ins>`),
      );
    }
    at += Math.max(0, removed + added - 1);
  }
  return marked;
}

/** How many lines of a kind stand one after another from a place on. */
function runOf(lines: readonly DiffLine[], from: number, kind: DiffLine['kind']): number {
  let end = from;
  while (lines[end]?.kind === kind) end += 1;
  return end - from;
}
