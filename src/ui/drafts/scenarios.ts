import type { DraftDetailDto, DraftTestDto } from '../../domain/drafts.js';
import { html, type Html } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { statusOf, type Status } from '../status.js';
import { template } from '../template.js';

/** The scenarios of a draft. */
export interface ScenariosView {
  draft: DraftDetailDto;
  /** As they were written. */
  scenarios: string;
  /** What they gave just now. */
  tested: DraftTestDto | null;
}

const testsTemplate = template<Record<string, unknown>>(import.meta.url, './tests.eta');

/** The field for scenarios, and what they gave. */
export function scenarioCard(view: ScenariosView, ui: Parts): Html {
  return testsTemplate({ ...view, result: scenarioResult(view, ui) }, ui);
}

/** What the scenarios gave. */
export function scenarioResult({ draft, tested }: ScenariosView, ui: Parts): Html {
  const counts = draft.newest.tests;
  const words = (passed: number, failed: number): Status =>
    failed === 0 ? statusOf('done', `${passed} pass`) : statusOf('fail', `${failed} of ${passed + failed} fail`);
  const state =
    tested !== null
      ? ui.status(words(tested.passed, tested.failed))
      : counts === null
        ? html`<span class="meta">not run on revision ${draft.revision}</span>`
        : ui.status(words(counts.passed, counts.failed));
  const rows = (tested?.scenarios ?? []).map(
    (one) =>
      html`<li class="line" data-testid="scenario">
        ${ui.glyph(one.ok ? 'done' : 'fail', one.ok ? 'done' : 'fail')}<span class="grow wrap"
          ><b>${ui.text(one.name)}</b><span class="sr">${one.ok ? ' passed' : ' failed'}</span>${one.mismatches.map(
            (miss) =>
              html`<br /><span class="small soft"
                  >${ui.text(miss.what)}: expected ${ui.text(miss.expected.join(' ').slice(0, 300))}, got
                  ${ui.text(miss.got.join(' ').slice(0, 300))}</span
                >`,
          )}</span
        >
      </li>`,
  );
  const problems = (tested?.problems ?? []).map(
    (one) =>
      html`<li class="line">
        ${ui.glyph('fail', 'fail')}<span class="grow wrap"
          >${one.file === 'scenarios' ? 'Scenarios' : 'Source'}, line ${one.line}: ${ui.text(one.message)}</span
        >
      </li>`,
  );
  return html`<div id="draft-tests" data-piece data-testid="test-result" role="status">
    <p class="body">${state}</p>
    <ul>
      ${problems}${rows}
    </ul>
  </div>`;
}
