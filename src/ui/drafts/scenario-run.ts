import type { ScenarioRunDto } from '../../domain/drafts.js';
import { lineDiff } from '../../domain/line-diff.js';
import { html, type Html } from '../html.js';
import { diffRows } from '../parts/changed-lines.js';
import type { Parts } from '../parts/parts.js';
import { statusOf, type Status } from '../status.js';

/** Things that no scenario reached and that are named; the rest are counted. */
const MOST_MISSED = 50;

/** How many scenarios went well, as a state. */
export function countsStatus({ passed, failed }: { passed: number; failed: number }): Status {
  if (passed + failed === 0) return statusOf('skipped', 'no scenario');
  return failed === 0 ? statusOf('done', `${passed} pass`) : statusOf('fail', `${failed} of ${passed + failed} fail`);
}

/** Each scenario with what was not as expected, the problems of the texts, and what none reached. */
export function scenarioRun(run: ScenarioRunDto, ui: Parts): Html {
  const problems = run.problems.map(
    (one) =>
      html`<li class="line">
        ${ui.glyph('fail', 'fail')}<span class="grow wrap"
          >${one.file === 'scenarios' ? 'Scenarios' : 'Source'}, line ${one.line}: ${ui.text(one.message)}</span
        >
      </li>`,
  );
  return html`<ul>
      ${problems}${run.scenarios.map((one) => scenarioLine(one, ui))}
    </ul>
    ${coverage(run, ui)}`;
}

function scenarioLine({ name, ok, line, mismatches }: ScenarioRunDto['scenarios'][number], ui: Parts): Html {
  return html`<li class="scenario" data-testid="scenario">
    <div class="row">
      ${ui.glyph(ok ? 'done' : 'fail', ok ? 'done' : 'fail')}<span class="grow wrap"
        >${ok ? ui.text(name) : ui.strong(ui.text(name))}<span class="sr">${ok ? ' passed' : ' failed'}</span></span
      ><span class="meta small nowrap">line ${line}</span>
    </div>
    ${mismatches.map((one) => mismatch(one, ui))}
  </li>`;
}

function mismatch(
  { what, path, expected, got }: ScenarioRunDto['scenarios'][number]['mismatches'][number],
  ui: Parts,
): Html {
  const where = path === undefined ? '' : html` at <code>${ui.text(path)}</code>`;
  const lines = lineDiff(expected.join('\n'), got.join('\n'));
  return html`<div class="diff-box">
    <div class="diff-head">
      <span class="grow">${ui.text(what)}${where}</span><span class="nowrap">− expected, + came</span>
    </div>
    <div class="diff" tabindex="0" role="region" aria-label="Expected and what came">
      <ol>
        ${diffRows(lines, ui)}
      </ol>
    </div>
  </div>`;
}

function coverage({ coverage: covered }: ScenarioRunDto, ui: Parts): Html {
  if (covered === undefined) return html``;
  const { total, missed } = covered;
  const sentence = html`${total - missed.length} of ${total} steps, cases and handlers reached`;
  if (missed.length === 0) return html`<p class="body small soft" data-testid="coverage">${sentence}.</p>`;
  const more = missed.length - MOST_MISSED;
  return html`<details class="body" data-testid="coverage">
    <summary class="small">${sentence}</summary>
    <ul class="small">
      ${missed.slice(0, MOST_MISSED).map((one) => html`<li class="soft">never reached: <code>${ui.text(one)}</code></li>`)}
      ${more > 0 ? html`<li class="meta">and ${more} more</li>` : ''}
    </ul>
  </details>`;
}
