import type { ArtifactDto } from '../../domain/dtos.js';
import { html, href, type Html } from '../html.js';
import { completionList, type FilterVocabulary } from '../parts/filter-completion.js';
import { filterBar, filterProblem, nothingListed, type FilterChip } from '../parts/filter-bar.js';
import { withTerm } from '../parts/filter-terms.js';
import type { Fragment } from '../parts/fragment.js';
import type { Parts } from '../parts/parts.js';
import { savedViews, type SavedView } from '../parts/saved-views.js';

export interface ArtifactsView {
  q: string;
  /** A word of the filter that says nothing; null: none. */
  problem: string | null;
  /** How the text of the filter can go on. */
  words: readonly string[];
  artifacts: readonly ArtifactDto[];
  /** Address of the next page; null at the end. */
  older: string | null;
  isFirstPage: boolean;
  /** Filters with names. */
  views: readonly SavedView[];
  csrf: string;
}

/** Keys that the filter knows, for its help. */
export const ARTIFACT_FILTER_KEYS = 'kind: run:';

/** What its terms can be completed with. */
export const ARTIFACT_FILTER_WORDS: FilterVocabulary = { kind: 'artifact.kind', run: null };
const PATH = '/ui/artifacts';
const KINDS = ['log', 'agent', 'report', 'file'] as const;

function filters({ q }: ArtifactsView, ui: Parts): Html {
  const kind = /(?:^|\s)kind:(\S+)/.exec(q)?.[1] ?? null;
  const chip = (label: string, value: string | null): FilterChip => ({
    label,
    href: href(PATH, { q: withTerm(q, 'kind', value) }),
    isCurrent: kind === value,
  });
  const chips = [chip('All', null), ...KINDS.map((one) => chip(`${one[0]?.toUpperCase()}${one.slice(1)}s`, one))];
  const ids = { section: 'artifacts', field: 'artifact-filter' };
  return filterBar({ path: PATH, what: 'artifacts', ...ids, q, keys: ARTIFACT_FILTER_KEYS, chips }, ui);
}

function row(artifact: ArtifactDto, ui: Parts): Html {
  const { artifact_id: id, run_id: run, sha256, byte_length: size } = artifact;
  const runLink = run === null ? '' : html`<a href="/ui/runs/${run}">run ${run.slice(0, 8)}</a>`;
  return html`<tr id="artifact-${id}">
    <td class="lead quiet cut">
      <a data-row href="/ui/artifacts/${id}"><b>${ui.text(artifact.name)}</b></a>
    </td>
    <td>${ui.text(artifact.kind)}</td>
    <td class="cut least"><code>${ui.text(artifact.content_type)}</code></td>
    <td class="num">${size === null ? '–' : ui.format.bytes(size)}</td>
    <td class="cut soft less">${ui.text(artifact.created_by)}</td>
    <td class="num">${ui.time(artifact.created_at)}</td>
    <td>${runLink}</td>
    <td class="least">${sha256 === null ? '' : ui.digest(sha256, true)}</td>
  </tr>`;
}

/** The list of artifacts. */
export function artifactsPage(view: ArtifactsView, ui: Parts): { main: Html; fragments: Fragment[] } {
  const rows = view.artifacts.map((one) => ({ id: `artifact-${one.artifact_id}`, html: row(one, ui) }));
  const none = rows.length === 0;
  const list = html`<tbody id="artifact-list" data-testid="artifact-list" data-list>
    ${rows.map((one) => one.html)}
  </tbody>`;
  const first = {
    title: 'No artifact yet.',
    text: 'Logs, prompts, answers and files of runs are kept here.',
    actions: [{ label: 'Launch a blueprint', href: '/ui/runs/new' }],
  };
  const empty = nothingListed({ q: view.q, path: PATH, first }, ui);
  const note = filterProblem({ problem: view.problem, keys: ARTIFACT_FILTER_KEYS }, ui);
  const isRead = view.problem === null;
  const saved = savedViews({ path: PATH, q: view.q, isRead, views: view.views, csrf: view.csrf }, ui);
  const main = html`<div class="head">
      <div>
        <h1>Artifacts</h1>
        <p class="sub">What runs and people kept, each under its digest.</p>
      </div>
    </div>
    ${filters(view, ui)}
    <section class="card" id="artifacts" aria-label="Artifacts">
      ${completionList('artifact-filter', view.words)}${note}${saved}
      <div class="new-rows" data-new-for="artifact-list" data-testid="new-artifacts" hidden>
        <button type="button">New</button>
      </div>
      ${none ? empty : ''}
      <div
        class="scroll-x${ui.firstScreen(rows.length)}"
        tabindex="0"
        role="region"
        aria-label="Artifacts, table"
        ${none ? html`hidden` : ''}
      >
        <table class="cards fixed-artifacts">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Kind</th>
              <th scope="col" class="least">Type</th>
              <th scope="col" class="num">Size</th>
              <th scope="col" class="less">By</th>
              <th scope="col" class="num">Made</th>
              <th scope="col">Run</th>
              <th scope="col" class="least">SHA-256</th>
            </tr>
          </thead>
          ${list}
        </table>
      </div>
      <footer>
        <span>${rows.length} shown</span
        ><span class="grow"></span
        >${view.isFirstPage ? '' : html`<a href="${href('/ui/artifacts', { q: view.q })}">Newest</a>`}${
          view.older === null ? '' : html`<a href="${view.older}" data-testid="older">Older artifacts</a>`
        }
      </footer>
    </section>`;
  return { main, fragments: [{ id: 'artifact-list', html: list, rows }] };
}
