import { html, href, type Html } from '../html.js';
import { completionList } from '../parts/filter-completion.js';
import { filterBar, filterProblem, type FilterChip } from '../parts/filter-bar.js';
import { withTerm } from '../parts/filter-terms.js';
import type { Fragment } from '../parts/fragment.js';
import type { Parts } from '../parts/parts.js';
import { savedViews, type SavedView } from '../parts/saved-views.js';
import { statusOf, type Status } from '../status.js';
import { template, viewOf } from '../template.js';
import { RUN_FILTER_KEYS } from './filter.js';
import { runLineLook, type RunLineView } from './run-line.js';

/** All that the list of runs shows. */
export interface RunsView {
  q: string;
  /** A term of the filter that says nothing; null: none. */
  problem: string | null;
  /** How the text of the filter can go on. */
  words: readonly string[];
  lines: readonly RunLineView[];
  counts: { all: number; waiting: number; running: number; failed: number };
  /** Address of the next page; null at the end. */
  older: string | null;
  isFirstPage: boolean;
  viewer: string;
  /** Filters with names. */
  views: readonly SavedView[];
  csrf: string;
}

const PATH = '/ui/runs';
const pageTemplate = template<Record<string, unknown>>(import.meta.url, './runs.eta');
const rowTemplate = template<Record<string, unknown>>(import.meta.url, './runs-row.eta');

function chips({ q, counts, viewer }: RunsView): FilterChip[] {
  const status = /(?:^|\s)status:(\S+)/.exec(q)?.[1] ?? null;
  const chip = (label: string, value: string | null, n: number, look?: Status): FilterChip => ({
    label,
    n,
    ...(look === undefined ? {} : { look }),
    href: href(PATH, { q: withTerm(q, 'status', value) }),
    isCurrent: status === value,
  });
  return [
    chip('All', null, counts.all),
    chip('Waiting', 'waiting', counts.waiting, statusOf('gate', '')),
    chip('Running', 'open', counts.running, statusOf('run', '')),
    chip('Failed', 'failed', counts.failed, statusOf('fail', '')),
    {
      label: 'Mine',
      href: href(PATH, { q: withTerm(q, 'by', q.includes(`by:${viewer}`) ? null : viewer) }),
      isCurrent: q.split(/\s+/).includes(`by:${viewer}`),
    },
  ];
}

/** The list of runs; new rows come in only on its first page. */
export function runsPage(view: RunsView, ui: Parts): { main: Html; fragments: Fragment[] } {
  const rows = view.lines.map((line) => ({
    id: `run-${line.run.run_id}`,
    html: rowTemplate(viewOf(line, runLineLook(line, view.viewer, ui)), ui),
  }));
  const list = html`<tbody id="run-list" data-testid="run-list" data-list>
    ${rows.map((row) => row.html)}
  </tbody>`;
  const { q, problem } = view;
  const bar = { path: PATH, what: 'runs', section: 'runs', field: 'run-filter', q, keys: RUN_FILTER_KEYS };
  const filters = filterBar({ chips: chips(view), ...bar }, ui);
  const saved = savedViews({ path: PATH, q, isRead: problem === null, views: view.views, csrf: view.csrf }, ui);
  const note = [completionList(bar.field, view.words), filterProblem({ problem, keys: RUN_FILTER_KEYS }, ui), saved];
  const main = pageTemplate({ list, filters, note, none: rows.length === 0, ...view }, ui);
  return { main, fragments: [{ id: 'run-list', html: list, rows }] };
}
