import type { DraftDetailDto, DraftTestDto, KeptTestsDto } from '../../domain/drafts.js';
import { html, type Html } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { template } from '../template.js';
import { countsStatus, scenarioRun } from './scenario-run.js';

/** The scenarios of a draft. */
export interface ScenariosView {
  draft: DraftDetailDto;
  /** As they were written. */
  scenarios: string;
  /** What they gave just now. */
  tested: DraftTestDto | null;
  /** What they gave when they last ran. */
  kept: KeptTestsDto | null;
}

const testsTemplate = template<Record<string, unknown>>(import.meta.url, './tests.eta');

/** The field for scenarios, and what they gave. */
export function scenarioCard(view: ScenariosView, ui: Parts): Html {
  return testsTemplate({ ...view, result: scenarioResult(view, ui) }, ui);
}

/** What the scenarios gave; what they gave on an earlier revision is said to be that. */
export function scenarioResult({ draft, tested, kept }: ScenariosView, ui: Parts): Html {
  const { revision, newest } = draft;
  const shown = tested ?? kept?.run ?? null;
  const of = tested?.revision ?? kept?.revision;
  const counts = shown ?? newest.tests;
  const isOlder = of === undefined ? newest.tests === null : of !== revision;
  const about = isOlder
    ? html`<span class="meta">not run on revision ${revision}${of === undefined ? '' : `; revision ${of}:`}</span>`
    : '';
  return html`<div id="draft-tests" data-piece data-testid="test-result" role="status">
    <p class="body row wrapping">${about}${counts === null ? '' : ui.status(countsStatus(counts))}</p>
    ${shown === null ? '' : scenarioRun(shown, ui)}
  </div>`;
}
