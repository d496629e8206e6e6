import { html, type Html } from '../html.js';
import { lineDiff } from '../../domain/line-diff.js';
import type { Parts } from './parts.js';

/** What changed from one text to another as the rows of a diff; empty when nothing did. */
export function changedLines(before: string, after: string, ui: Parts): Html[] {
  return lineDiff(before, after).map((line) =>
    line.kind === 'skipped'
      ? html`<li class="folded">${ui.format.plural(line.count, 'unchanged line')}</li>`
      : html`<li class="${line.kind === 'same' ? '' : line.kind}">${ui.text(line.text)}</li>`,
  );
}
