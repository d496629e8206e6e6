import { about, compact, count, duration } from '../format.js';
import { html, href, type Html } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { sparkline } from '../parts/sparkline.js';
import { chartLegend, stackedChart } from '../parts/stacked-chart.js';
import { MEASURES, type DayView, type Measure, type MeasureName, type UsedView } from './measures.js';

interface Use {
  id: string;
  used: UsedView;
}

interface BlueprintUse extends Use {
  /** Oldest first. */
  perDay: readonly UsedView[];
}

/** All that the page about use shows. */
export interface FootprintsView {
  by: MeasureName;
  days: number;
  ranges: readonly number[];
  total: UsedView;
  perDay: readonly DayView[];
  perBlueprint: readonly BlueprintUse[];
  perModel: readonly Use[];
  perAction: readonly Use[];
}

/** Rows of a table; the rest is one row. */
const MOST_ROWS = 25;
const MOST_IN_CARD = 8;

const monthDay = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const dayLabel = (day: string): string => monthDay.format(new Date(`${day}T00:00:00Z`)).replace(' ', '\u202f');

function segments(view: FootprintsView): Html {
  const link = (label: string, query: { by: string; days: number }, current: boolean): Html =>
    html`<a href="${href('/ui/footprints', query)}" ${current ? html`aria-current="true"` : ''}>${label}</a>`;
  return html`<div class="actions">
    <nav class="segments inline" aria-label="Measure">
      ${Object.entries(MEASURES).map(([name, { label }]) => link(label, { by: name, days: view.days }, name === view.by))}
    </nav>
    <nav class="segments inline" aria-label="Days">
      ${view.ranges.map((days) => link(`${days} days`, { by: view.by, days }, days === view.days))}
    </nav>
  </div>`;
}

function chartCard(view: FootprintsView, measure: Measure): Html {
  const bars = view.perDay.map((day) => ({ label: dayLabel(day.day), values: measure.stack(day) }));
  const busiest = [...view.perDay].sort((one, other) => measure.of(other.used) - measure.of(one.used))[0];
  const sentence =
    busiest === undefined || measure.of(busiest.used) === 0
      ? `${measure.label} per day: none in ${view.days} days.`
      : `${measure.label} per day: ${measure.headline(measure.of(view.total))} in ${view.days} days, most on ${dayLabel(busiest.day)} with ${measure.amount(measure.of(busiest.used))}.`;
  const chart = stackedChart(bars, measure.series, {
    sentence,
    amount: measure.amount,
    isTime: measure.isTime ?? false,
  });
  return html`<section class="card gap-below" aria-labelledby="h-days" data-testid="cost-chart">
    <header>
      <h2 id="h-days">Per day</h2>
      <span class="grow"></span>${measure.series.length > 1 ? chartLegend(measure.series) : ''}
    </header>
    <div class="body">${chart}</div>
    <details class="as-table">
      <summary>As a table</summary>
      <div class="scroll-x" tabindex="0" role="region" aria-label="Use per day, table">
        <table>
          <thead>
            <tr>
              <th scope="col">Day (UTC)</th>
              ${measure.series.map(({ label }) => html`<th scope="col" class="num">${label}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${bars.map(
              ({ label, values }) =>
                html`<tr>
                  <th scope="row">${label}</th>
                  ${values.map((value) => html`<td class="num">${measure.amount(value)}</td>`)}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </details>
  </section>`;
}

function ranked<T extends Use>(list: readonly T[], measure: Measure): T[] {
  return [...list].sort(
    (one, other) => measure.of(other.used) - measure.of(one.used) || one.id.localeCompare(other.id),
  );
}

function share(value: number, whole: number): Html {
  const part = whole === 0 ? 0 : value / whole;
  return html`<span class="clock-bar"
    ><svg viewBox="0 0 46 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="fill-rest" width="46" height="4" rx="2" />
      <rect class="fill-d2" width="${(part * 46).toFixed(1)}" height="4" rx="2" /></svg
    >${Math.round(part * 100)}${'\u202f'}%</span
  >`;
}

interface Column {
  label: string;
  text: (used: UsedView) => string;
  /** Not on screens that are not wide. */
  isLeast?: true;
}

const timePerRun = ({ runs, wallMs }: UsedView): string => (runs === 0 ? '–' : duration(wallMs / runs));

/** Which way tokens went is told where the page is read by them. */
function columnsOf(by: MeasureName): Column[] {
  const tokens: Column[] =
    by === 'tokens'
      ? [
          { label: 'Tokens in', text: ({ tokensIn }) => compact(tokensIn) },
          { label: 'Tokens out', text: ({ tokensOut }) => compact(tokensOut) },
        ]
      : [
          { label: 'Tokens', text: ({ tokensIn, tokensOut }) => compact(tokensIn + tokensOut) },
          { label: 'Requests', text: ({ requests }) => count(requests), isLeast: true },
        ];
  return [
    { label: 'Runs', text: ({ runs }) => count(runs) },
    { label: 'Steps', text: ({ steps }) => count(steps), isLeast: true },
    { label: 'Time', text: ({ wallMs }) => (wallMs === 0 ? '0' : about(wallMs)) },
    ...tokens,
    { label: 'Time per run', text: timePerRun, isLeast: true },
  ];
}

const numberLook = ({ isLeast }: Column): string => (isLeast === true ? 'num least' : 'num');

function blueprintTable(view: FootprintsView, measure: Measure, ui: Parts): Html {
  const list = ranked(view.perBlueprint, measure);
  const columns = columnsOf(view.by);
  const whole = measure.of(view.total);
  const rows = list.slice(0, MOST_ROWS).map(({ id, used, perDay }) => {
    const name =
      id === ''
        ? html`no run`
        : html`<a data-row href="/ui/blueprints/${encodeURIComponent(id)}"><code>${ui.text(id)}</code></a>`;
    return html`<tr>
      <td class="lead quiet cut">${name}</td>
      <td class="least">${sparkline(perDay.map(measure.of))}</td>
      <td data-label="Share">${share(measure.of(used), whole)}</td>
      ${columns.map((column) => html`<td class="${numberLook(column)}" data-label="${column.label}">${column.text(used)}</td>`)}
    </tr>`;
  });
  const rest =
    list.length > MOST_ROWS ? html`<footer>The first ${MOST_ROWS} of ${count(list.length)} blueprints.</footer>` : '';
  return html`<section class="card" aria-labelledby="h-blueprints">
    <header><h2 id="h-blueprints">By blueprint</h2></header>
    <div class="scroll-x" tabindex="0" role="region" aria-label="Use by blueprint, table">
      <table class="cards dense" data-testid="cost-table">
        <thead>
          <tr>
            <th scope="col">Blueprint</th>
            <th scope="col" class="least">${view.days} days</th>
            <th scope="col">Share</th>
            ${columns.map((column) => html`<th scope="col" class="${numberLook(column)}">${column.label}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
    ${rest}
  </section>`;
}

function usedCard(title: string, id: string, list: readonly Use[], say: (used: UsedView) => string, ui: Parts): Html {
  const rows = list
    .slice(0, MOST_IN_CARD)
    .map(
      (one) =>
        html`<li class="line">
          <code class="cut grow">${ui.text(one.id)}</code><span class="tabular soft nowrap">${say(one.used)}</span>
        </li>`,
    );
  const more = list.length - rows.length;
  return html`<section class="card" aria-labelledby="${id}">
    <header><h2 id="${id}">${title}</h2></header>
    ${
      rows.length === 0
        ? html`<div class="body meta">None in this time.</div>`
        : html`<ul>
            ${rows}
          </ul>`
    }
    ${more > 0 ? html`<footer>and ${count(more)} more</footer>` : ''}
  </section>`;
}

/** What runs used: the sum as the headline, per day, by blueprint, model and action. */
export function footprintsPage(view: FootprintsView, ui: Parts): Html {
  const measure: Measure = MEASURES[view.by];
  const sum = measure.of(view.total);
  const { runs, steps, wallMs } = view.total;
  const isEmpty = runs === 0 && steps === 0;
  // The headline says the measure itself.
  const others = [
    ...(view.by === 'runs' ? [] : [ui.format.plural(runs, 'run')]),
    ui.format.plural(steps, 'step'),
    ...(view.by === 'time' ? [] : [`${about(wallMs)} of steps`]),
  ];
  const head = html`<div class="head">
    <div>
      <h1 data-testid="cost-total">
        ${isEmpty ? 'Nothing was used yet.' : `${measure.headline(sum)} in ${view.days} days`}
      </h1>
      <p class="sub">
        ${isEmpty ? '' : html`<span>${others.join(', ')}</span>`}<span class="meta"
          >Days are those of UTC. No price is known, so no money is shown.</span
        >
      </p>
    </div>
    ${segments(view)}
  </div>`;
  if (isEmpty) {
    return html`${head}
      <section class="card" aria-label="Use">
        ${ui.empty({ title: 'No footprint in this time.', text: 'Each run leaves what it used: steps, time, and the tokens of its agents.', actions: [{ label: 'Launch a blueprint', href: '/ui/runs/new' }] })}
      </section>`;
  }
  const models = [...view.perModel].sort((one, other) => other.used.tokensIn - one.used.tokensIn);
  const actions = [...view.perAction].sort((one, other) => other.used.wallMs - one.used.wallMs);
  return html`${head}${chartCard(view, measure)}
    <div class="columns side-right">
      <div>${blueprintTable(view, measure, ui)}</div>
      <div>
        ${usedCard('By model', 'h-models', models, (used) => `${compact(used.tokensIn)} in · ${compact(used.tokensOut)} out`, ui)}
        ${usedCard('By action', 'h-actions', actions, (used) => `${ui.format.plural(used.steps, 'step')} · ${about(used.wallMs)}`, ui)}
      </div>
    </div>`;
}
