import { countWord } from '../format.js';
import { html, type Html, type Part } from '../html.js';
import type { Fragment } from '../parts/fragment.js';
import type { Parts } from '../parts/parts.js';
import { statusOf, type Status } from '../status.js';

/** Something about the installation that people should look after. */
export interface FindingView {
  code: string;
  severity: 'error' | 'warning';
  message: string;
  next_step: string;
}

/** All that the page about health shows. */
export interface HealthView {
  parts: {
    postgres: { ok: boolean };
    temporal: { ok: boolean; address: string; ui_url: string | null };
    worker: { ok: boolean; pollers: number };
  };
  /** Since when each part is as it is, as far as this process saw it. */
  since: Partial<Record<'postgres' | 'temporal' | 'worker', string>>;
  backlog: { events: number; audit: number } | null;
  report: {
    checked_at: string;
    postgres_version: string | null;
    temporal_version: string | null;
    findings: readonly FindingView[];
    open_runs: number;
    is_complete: boolean;
    runs: readonly { run_id: string; name: string; since: string; next_step: string }[];
  };
  version: string;
}

/** More than these are what `xynctl doctor` is for. */
const MOST_RUNS = 50;

function brokenParts({ parts }: HealthView): number {
  return [parts.postgres, parts.temporal, parts.worker].filter(({ ok }) => !ok).length;
}

function headline(view: HealthView): string {
  const { report } = view;
  const broken = brokenParts(view);
  if (broken > 0) return broken === 1 ? 'One part does not work.' : `${countWord(broken)} parts do not work.`;
  const things = report.findings.length + report.runs.length;
  if (things === 0) return 'Everything works.';
  return things === 1 ? 'One thing needs a look.' : `${countWord(things)} things need a look.`;
}

/** @param since the cell that says since when. */
function partRow(name: string, look: Status, since: Part, text: Part, ui: Parts): Html {
  return html`<tr>
    <th scope="row">${name}</th>
    <td>${ui.status(look)}</td>
    <td class="soft">${text}</td>
    ${since}
  </tr>`;
}

function parts(
  { parts: { postgres, temporal, worker }, since, report, backlog, version }: HealthView,
  ui: Parts,
): Html {
  const look = (ok: boolean, bad: string): Status => (ok ? statusOf('done', 'Works') : statusOf('fail', bad));
  const versioned = (text: string | null): string => (text === null ? 'version not known' : `version ${text}`);
  const screens = temporal.ui_url === null ? '' : html` · <a href="${temporal.ui_url}">its own screens</a>`;
  // While nothing is known since when, there is no column for it.
  const hasSince = Object.keys(since).length > 0;
  const sinceOf = (at?: string): Part => {
    if (!hasSince) return '';
    if (at === undefined) return html`<td></td>`;
    return html`<td class="num" data-label="Since">${ui.time(at, true)} · ${ui.ago(at)}</td>`;
  };
  const queued = (waiting: number): Status => (waiting > 100 ? statusOf('warn', 'Behind') : statusOf('done', 'Works'));
  return html`<section class="card gap-below" aria-labelledby="h-parts">
    <header><h2 id="h-parts">Parts</h2></header>
    <div class="scroll-x" tabindex="0" role="region" aria-label="Parts, table">
      <table class="cards" id="health-parts" data-testid="health-parts">
        <thead>
          <tr>
            <th scope="col">Part</th>
            <th scope="col">State</th>
            <th scope="col">What is known</th>
            ${hasSince ? html`<th scope="col" class="num">Since</th>` : ''}
          </tr>
        </thead>
        <tbody>
          ${partRow('Xyn', statusOf('done', 'Works'), sinceOf(), `version ${version}`, ui)}
          ${partRow('Postgres', look(postgres.ok, 'Does not answer'), sinceOf(since.postgres), versioned(report.postgres_version), ui)}
          ${partRow(
            'Temporal',
            look(temporal.ok, 'Does not answer'),
            sinceOf(since.temporal),
            html`${versioned(report.temporal_version)} at <code>${ui.text(temporal.address)}</code>${screens}`,
            ui,
          )}
          ${partRow('Workers', look(worker.ok, 'None polls'), sinceOf(since.worker), ui.format.plural(worker.pollers, 'poller'), ui)}
          ${
            backlog === null
              ? ''
              : html`${partRow('Events to dispatch', queued(backlog.events), sinceOf(), ui.format.cappedCount(backlog.events), ui)}
                ${partRow('Audit entries to link', queued(backlog.audit), sinceOf(), ui.format.cappedCount(backlog.audit), ui)}`
          }
        </tbody>
      </table>
    </div>
  </section>`;
}

function findings({ report }: HealthView, ui: Parts): Html {
  const list = report.findings.map(({ code, severity, message, next_step: step }) => {
    const { glyph, tone, word } = severity === 'error' ? statusOf('fail', 'Error') : statusOf('warn', 'Warning');
    return html`<li class="attention">
      ${ui.mark({ glyph, tone, word })}
      <div class="attention-text">
        <b>${ui.text(message)}</b>
        <p class="soft">${ui.text(step)}</p>
        <p class="meta small"><code>${code}</code></p>
      </div>
    </li>`;
  });
  return html`<section class="card" aria-labelledby="h-findings">
    <header>
      <h2 id="h-findings">Findings</h2>
      <span class="meta">as of ${ui.time(report.checked_at, true)}</span>
    </header>
    ${
      list.length === 0
        ? html`<div class="body soft">Nothing was found.</div>`
        : html`<ul data-testid="findings">
            ${list}
          </ul>`
    }
  </section>`;
}

function noneStuck(open: number, ui: Parts): string {
  if (open === 0) return 'No run is open.';
  if (open === 1) return 'The one open run moves, or waits for people or time.';
  return `All ${ui.format.plural(open, 'open run')} move, or wait for people or time.`;
}

function stuck({ report }: HealthView, ui: Parts): Html {
  const shown = report.runs.slice(0, MOST_RUNS);
  const rows = shown.map(
    ({ run_id: id, name, since, next_step: step }) =>
      html`<tr>
        <td class="lead cut">
          <a data-row class="quiet" href="/ui/runs/${id}"><b>${ui.text(name)}</b></a>
        </td>
        <td data-label="Quiet since">${ui.time(since, true)}</td>
        <td class="soft">${ui.text(step)}</td>
      </tr>`,
  );
  const all = report.is_complete
    ? ''
    : html`<footer>Not every run was looked at: <code>xynctl doctor</code> goes on.</footer>`;
  const none = html`<div class="body soft">${noneStuck(report.open_runs, ui)}</div>`;
  return html`<section class="card" aria-labelledby="h-stuck">
    <header><h2 id="h-stuck">Runs that do not move</h2></header>
    ${
      rows.length === 0
        ? none
        : html`<div class="scroll-x" tabindex="0" role="region" aria-label="Runs that do not move, table">
            <table class="cards" data-testid="stuck-runs">
              <thead>
                <tr>
                  <th scope="col">Run</th>
                  <th scope="col">Quiet since</th>
                  <th scope="col">What to do</th>
                </tr>
              </thead>
              <tbody>
                ${rows}
              </tbody>
            </table>
          </div>`
    }
    ${all}
  </section>`;
}

/** How the parts are, what was found, and what to do about it. */
export function healthPage(view: HealthView, ui: Parts): { main: Html; fragments: Fragment[] } {
  const isBroken = brokenParts(view) > 0;
  const main = html`<div id="health-page">
    <div class="head">
      <div>
        <h1 class="chain-state${isBroken ? ' is-broken' : ''}" data-testid="health-state">
          ${isBroken ? ui.glyph('fail', 'fail') : ''}${headline(view)}
        </h1>
        <p class="sub">
          <span>The same as <code>xynctl doctor</code> says.</span>
        </p>
      </div>
    </div>
    ${parts(view, ui)}${findings(view, ui)}${stuck(view, ui)}
  </div>`;
  return { main, fragments: [{ id: 'health-page', html: main }] };
}
