import type { AuditEntryDto } from '../../domain/dtos.js';
import type { Json } from '../../domain/json.js';
import { html, href, type Html, type Part } from '../html.js';
import { completionList, type FilterVocabulary } from '../parts/filter-completion.js';
import { filterBar, filterProblem, nothingListed, type FilterChip } from '../parts/filter-bar.js';
import { withTerm } from '../parts/filter-terms.js';
import type { Fragment } from '../parts/fragment.js';
import { jsonValue } from '../parts/json-value.js';
import type { Parts } from '../parts/parts.js';
import { savedViews, type SavedView } from '../parts/saved-views.js';
import type { AuditStateView } from './state.js';
import { verdict } from './verdict.js';

/** All that the page about the trail shows. */
export interface AuditView {
  q: string;
  problem: string | null;
  /** How the text of the filter can go on. */
  words: readonly string[];
  entries: readonly AuditEntryDto[];
  /** Hash of the link of each entry that has one. */
  hashes: ReadonlyMap<string, string>;
  /** The opened entry. */
  selected: string | null;
  state: AuditStateView & { counts: ReadonlyMap<string, number> };
  /** Address of the next page; null at the end. */
  older: string | null;
  isFirstPage: boolean;
  /** Filters with names. */
  views: readonly SavedView[];
  csrf: string;
  /** This list at the API. */
  exportHref: string;
  /** Address of this page with another entry opened, or none. */
  entryHref: (auditId: string | null) => string;
}

/** Keys that the filter knows, for its help. */
export const AUDIT_FILTER_KEYS = 'actor: action: type: id: run:';

/** What its terms can be completed with. */
export const AUDIT_FILTER_WORDS: FilterVocabulary = {
  actor: 'audit.actor',
  action: 'audit.action',
  type: 'audit.type',
  id: null,
  run: null,
};
const PATH = '/ui/audit';
const CHIPS = [
  ['Decisions', 'gate.decide'],
  ['Effects', 'step.effect'],
  ['Cancels', 'run.cancel'],
  ['Versions', 'blueprint.activate'],
] as const;
/** More of a reason is in the opened entry. */
const MOST_REASON = 90;

function filters({ q, state }: AuditView, ui: Parts): Html {
  const action = /(?:^|\s)action:(\S+)/.exec(q)?.[1] ?? null;
  const chip = (label: string, value: string | null): FilterChip => ({
    label,
    href: href(PATH, { q: withTerm(q, 'action', value) }),
    isCurrent: action === value,
    ...(value === null ? {} : { n: state.counts.get(value) ?? 0 }),
  });
  const chips = [chip('Everything', null), ...CHIPS.map(([label, value]) => chip(label, value))];
  const ids = { section: 'audit-entries', field: 'audit-filter' };
  return filterBar({ path: PATH, what: 'the trail', ...ids, q, keys: AUDIT_FILTER_KEYS, chips }, ui);
}

function isReasoned<T extends { reason: string | null }>(entry: T): entry is T & { reason: string } {
  return entry.reason !== null && entry.reason !== '';
}

function changeInShort(entry: AuditEntryDto, ui: Parts): Part {
  const { before, after } = entry;
  if (isReasoned(entry)) {
    const { reason } = entry;
    const cut = reason.length > MOST_REASON ? `${reason.slice(0, MOST_REASON)}…` : reason;
    return html`“${ui.text(cut)}”`;
  }
  const fields = after !== null && typeof after === 'object' && !Array.isArray(after) ? Object.keys(after) : [];
  const words = fields.slice(0, 4).join(', ');
  return words === '' ? '' : html`<span class="meta">${before === null ? '' : 'changed '}${ui.text(words)}</span>`;
}

function row(entry: AuditEntryDto, view: AuditView, ui: Parts): Html {
  const { audit_id: id } = entry;
  const hash = view.hashes.get(id);
  const isOpen = view.selected === id;
  const link = view.entryHref(isOpen ? null : id);
  const short = changeInShort(entry, ui);
  // What somebody gave as a reason is read whole; which fields changed is told when the entry is opened.
  const why = isReasoned(entry)
    ? html`<td class="soft"><div class="clamp">${short}</div></td>`
    : html`<td class="soft cut">${short}</td>`;
  return html`<tr id="entry-${id}" ${isOpen ? html`aria-selected="true"` : ''}>
    <td class="num">
      <a data-row class="quiet" href="${link}" aria-label="${`Entry ${id}${isOpen ? ', open' : ''}`}"
        >${ui.format.count(Number(id))}</a
      >
    </td>
    <td data-label="When">${ui.time(entry.at, true)}</td>
    <td>
      <span class="row">${ui.avatar(entry.actor)}<span class="cut">${ui.text(entry.actor)}</span></span>
    </td>
    <td class="lead"><code>${ui.text(entry.action)}</code></td>
    <td class="cut">${target(entry, ui)}</td>
    ${why}
    <td class="least">
      ${hash === undefined ? html`<span class="meta">not linked yet</span>` : ui.digest(hash, true)}
    </td>
  </tr>`;
}

/** What it was done to, and its run; a run is named once. */
function target({ resource_type: type, resource_id: id, run_id: run }: AuditEntryDto, ui: Parts): Html {
  const what = html`<span>${ui.text(type)} ${ui.text(shortId(id))}</span>`;
  if (run === null) return what;
  const link = html`<a href="/ui/runs/${run}">run ${shortId(run)}</a>`;
  return type === 'run' && id === run ? link : html`${what} · ${link}`;
}

function shortId(id: string): string {
  return /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(id) ? id.slice(0, 8) : id;
}

function fieldsOf(value: Json): Readonly<Record<string, Json>> {
  if (value === null) return {};
  return typeof value === 'object' && !Array.isArray(value) ? value : { value };
}

function changes({ before, after }: AuditEntryDto, ui: Parts): Html {
  const was = fieldsOf(before);
  const is = fieldsOf(after);
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  if (names.length === 0) return html`<p class="meta">This entry records no values.</p>`;
  const cell = (fields: Readonly<Record<string, Json>>, name: string): Part =>
    Object.hasOwn(fields, name) ? jsonValue(fields[name] ?? null) : html`<span class="meta">–</span>`;
  return html`<table class="changes">
    <caption class="sr">
      Before and after
    </caption>
    <thead>
      <tr>
        <th scope="col">Field</th>
        ${before === null ? '' : html`<th scope="col">Before</th>`}
        <th scope="col">${before === null ? 'Recorded' : 'After'}</th>
      </tr>
    </thead>
    <tbody>
      ${names.map(
        (name) =>
          html`<tr>
            <th scope="row"><code>${ui.text(name)}</code></th>
            ${before === null ? '' : html`<td>${cell(was, name)}</td>`}
            <td>${cell(is, name)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function opened(entry: AuditEntryDto, view: AuditView, ui: Parts): Html {
  const hash = view.hashes.get(entry.audit_id);
  const fact = (label: string, value: Part): Part =>
    value === null || value === ''
      ? ''
      : html`<dt>${label}</dt>
          <dd>${value}</dd>`;
  const run = entry.run_id;
  return html`<tr class="opened" id="opened-${entry.audit_id}" data-testid="audit-entry">
    <td colspan="6">
      <div class="columns half">
        ${changes(entry, ui)}
        <dl class="facts">
          ${fact('Reason', entry.reason === null ? 'none was given' : html`“${ui.text(entry.reason)}”`)}
          ${fact('Who', ui.text(entry.actor))} ${fact('When', ui.time(entry.at, true))}
          ${fact('To what', html`${ui.text(entry.resource_type)} <code class="wrap">${ui.text(entry.resource_id)}</code>`)}
          ${fact('Run', run === null ? '' : html`<a href="/ui/runs/${run}"><code>${run}</code></a>`)}
          ${fact('Request', entry.correlation_id === null ? '' : html`<code class="wrap">${ui.text(entry.correlation_id)}</code>`)}
          ${fact('Hash', hash === undefined ? 'not linked yet' : html`${ui.digest(hash)} <code class="wrap small">${hash}</code>`)}
        </dl>
      </div>
    </td>
    <td class="least"></td>
  </tr>`;
}

function table(view: AuditView, ui: Parts): { list: Html; rows: Fragment['rows'] } {
  const rows = view.entries.flatMap((entry) => [
    { id: `entry-${entry.audit_id}`, html: row(entry, view, ui) },
    ...(view.selected === entry.audit_id ? [{ id: `opened-${entry.audit_id}`, html: opened(entry, view, ui) }] : []),
  ]);
  const list = html`<tbody id="audit-list" data-testid="audit-list" data-list>
    ${rows.map((one) => one.html)}
  </tbody>`;
  return { list, rows };
}

const NOTHING = { title: 'No entry yet.', text: 'Everything that changes something leaves an entry here.' };

/** The page about the trail: verdict, filter, entries. */
export function auditPage(view: AuditView, ui: Parts): { main: Html; fragments: Fragment[] } {
  const { list, rows = [] } = table(view, ui);
  const none = view.entries.length === 0;
  const head = verdict(view.state, view.csrf, ui);
  const note = filterProblem({ problem: view.problem, keys: AUDIT_FILTER_KEYS }, ui);
  const isRead = view.problem === null;
  const saved = savedViews({ path: PATH, q: view.q, isRead, views: view.views, csrf: view.csrf }, ui);
  const newest = view.isFirstPage ? '' : html`<a href="${href('/ui/audit', { q: view.q })}">Newest</a>`;
  const older = view.older === null ? '' : html`<a href="${view.older}" data-testid="older">Older entries</a>`;
  const main = html`${head}${filters(view, ui)}
    <section class="card" id="audit-entries" aria-label="Entries">
      ${completionList('audit-filter', view.words)}${note}${saved}
      <div class="new-rows" data-new-for="audit-list" data-testid="new-entries" hidden>
        <button type="button">New</button>
      </div>
      ${none ? nothingListed({ q: view.q, path: PATH, first: NOTHING }, ui) : ''}
      <div class="scroll-x" tabindex="0" role="region" aria-label="Entries, table" ${none ? html`hidden` : ''}>
        <table class="cards fixed-audit">
          <thead>
            <tr>
              <th scope="col" class="num">Entry</th>
              <th scope="col">When</th>
              <th scope="col">Who</th>
              <th scope="col">Did</th>
              <th scope="col">To what</th>
              <th scope="col">Reason or change</th>
              <th scope="col" class="least">Hash</th>
            </tr>
          </thead>
          ${list}
        </table>
      </div>
      <footer>
        <span>${view.entries.length} shown</span
        ><a href="${view.exportHref}" data-testid="evidence-export">These entries as JSON</a
        ><span class="grow"></span>${newest}${older}
      </footer>
    </section>`;
  return {
    main,
    fragments: [
      { id: 'audit-verdict', html: head },
      { id: 'audit-list', html: list, rows },
    ],
  };
}
