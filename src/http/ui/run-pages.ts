import { z } from 'zod';
import type { StepPanelRow } from '../../domain/run-page.js';
import { XynFault } from '../../domain/fault.js';
import { asset } from '../../ui/assets.js';
import { previewKind } from '../../ui/artifacts/artifact-text.js';
import { buildTree } from '../../ui/graph/build-tree.js';
import { stopsOf, type Seq } from '../../ui/graph/tree.js';
import { needsAttention, worstMark } from '../../ui/graph/marks.js';
import { join as joined } from '../../ui/html.js';
import { moreRows, runPage } from '../../ui/run/run-page.js';
import { runLog } from '../../ui/run/run-panel.js';
import { runState } from '../../ui/run/step-records.js';
import { PANEL_TABS, type PanelTab, type RunQuery, type RunView } from '../../ui/run/view.js';
import type { Fragment } from '../../ui/parts/fragment.js';
import { faultOf } from '../errors.js';
import { API_PREFIX } from '../route.js';
import { uuid } from '../schemas/common.js';
import { page, type PageAnswer, type UiCall } from './page.js';

const number = z.coerce.number().int();
const query = z.object({
  step: z.string().min(1).max(2_000).optional(),
  tab: z.enum(PANEL_TABS).optional(),
  steps: z.enum(['fit', 'all']).optional(),
  time: z.enum(['clock', 'working']).optional(),
  from: number.min(1).max(1_000_000_000).optional(),
  find: z
    .string()
    .max(200)
    .transform((text) => (text === '' ? undefined : text))
    .optional(),
  row: number.min(0).max(1_000_000).optional(),
  artifact: uuid.optional(),
});

async function viewOf(call: UiCall<RunQuery>): Promise<RunView> {
  const { services, query: asked, clock, preferences } = call;
  const runId = call.param('run_id');
  const data = await services.runPage.load(runId);
  const tree = data.plan === null ? null : buildTree(data.plan, runState(data, clock.now));
  const selected = asked.step ?? firstSight(tree) ?? data.steps.at(-1)?.path ?? null;
  const panel = selected === null ? null : await services.runPage.step(runId, selected);
  const tab = asked.tab ?? defaultTab(panel);
  const log = await logOf(call, tab === 'log' ? (panel?.logs_artifact_id ?? null) : null);
  return {
    data,
    query: asked,
    tree,
    selected,
    panel,
    tab,
    ...log,
    artifact: await artifactOf(call, tab === 'artifacts' ? panel : null),
    mapWidth: preferences.mapWidth,
    glyphs: `${asset('glyphs').url}#`,
  };
}

/** The step that a reader wants first: the worst one that asks for attention, else the one that ended last. */
function firstSight(tree: Seq | null): string | null {
  if (tree === null) return null;
  const stops = [...stopsOf(tree)].filter(({ type }) => type === 'leaf' || type === 'loop');
  const worst = worstMark(stops.map(({ mark }) => mark));
  if (needsAttention(worst)) return stops.find(({ mark }) => mark === worst)?.path ?? null;
  const ended = stops.filter(({ endedMs }) => endedMs !== null).sort((a, b) => (b.endedMs ?? 0) - (a.endedMs ?? 0));
  return (ended[0] ?? stops[0])?.path ?? null;
}

function defaultTab(panel: StepPanelRow | null): PanelTab {
  if (panel === null) return 'log';
  const { logs_artifact_id: log, status, outputs, attempt_log: attempts } = panel;
  if (log !== null || status === 'running') return 'log';
  if (outputs !== null) return 'outputs';
  return attempts.length > 0 ? 'attempts' : 'inputs';
}

/** A log that cannot be read leaves the rest of the page as it is. */
async function logOf(
  { services, query: { from, find } }: UiCall<RunQuery>,
  artifactId: string | null,
): Promise<Pick<RunView, 'log' | 'logProblem'>> {
  if (artifactId === null) return { log: null, logProblem: null };
  try {
    const request = { ...(from === undefined ? {} : { from }), ...(find === undefined ? {} : { find }) };
    return { log: await services.runPage.log(artifactId, request), logProblem: null };
  } catch (error) {
    const { code, message } = faultOf(error);
    return { log: null, logProblem: { code, message } };
  }
}

/** The chosen artifact of the step; others are not shown here. */
async function artifactOf(
  { services, query: { artifact: id } }: UiCall<RunQuery>,
  panel: StepPanelRow | null,
): Promise<RunView['artifact']> {
  if (id === undefined || !panel?.artifacts.some(({ artifact_id: one }) => one === id)) return null;
  const isText = (type: string): boolean => ['json', 'lines'].includes(previewKind(type));
  return {
    ...(await services.artifacts.preview(id, isText)),
    download: `${API_PREFIX}/artifacts/${id}/download`,
  };
}

/** The end of a run is shown too, and the records that are written behind it. */
const SETTLING_MS = 60_000;

const BELOW_RUNS = [{ label: 'Runs', href: '/ui/runs' }];

async function answer(call: UiCall<RunQuery>, part?: readonly string[]): Promise<PageAnswer> {
  const view = await viewOf(call);
  const { main, fragments } = runPage(view, call.ui);
  const { run } = view.data;
  const isChanging = run.completed_at === null || call.clock.now - Date.parse(run.completed_at) < SETTLING_MS;
  const shown = part === undefined ? main : partOf(fragments, part);
  return {
    title: run.name,
    nav: 'runs',
    above: BELOW_RUNS,
    crumb: run.name,
    testId: 'page-run',
    main: shown,
    ...(isChanging ? { live: { topics: [`run/${run.run_id}` as const], fragments } } : {}),
    ...(part === undefined ? {} : { isPart: true as const }),
  };
}

function partOf(fragments: readonly Fragment[], ids: readonly string[]): PageAnswer['main'] {
  const [first, ...rest] = fragments.filter(({ id }) => ids.includes(id)).map(({ html }) => html);
  if (first === undefined) throw nothingToDraw();
  return joined([first, ...rest]);
}

function nothingToDraw(): XynFault {
  return new XynFault('not_found', 'The plan of the run is not known, so there is nothing to draw.');
}

const whole = page<RunQuery>({ path: '/runs/:run_id', privilege: 'run.read', query, load: (call) => answer(call) });

/** Pieces of the page, for those who fetch them by themselves. */
const PARTS: readonly [path: string, ids: readonly string[]][] = [
  ['_status', ['run-head', 'run-banner']],
  ['_map', ['run-map']],
  ['_steps', ['run-rows']],
];
const parts = PARTS.map(([name, ids]) =>
  page<RunQuery>({ path: `/runs/:run_id/${name}`, privilege: 'run.read', query, load: (call) => answer(call, ids) }),
);

/** The rows from `row` on, which a page fetches when its last row is scrolled to. */
const more = page<RunQuery>({
  path: '/runs/:run_id/_more',
  privilege: 'run.read',
  query,
  load: async (call) => {
    const view = await viewOf(call);
    const main = moreRows(view, call.ui);
    if (main === undefined) throw nothingToDraw();
    const { name } = view.data.run;
    return { title: name, nav: 'runs', crumb: name, testId: 'page-run', main, isPart: true };
  },
});

/** The page with the step of an id selected, as the API names steps. */
const step = page<RunQuery>({
  path: '/runs/:run_id/steps/:step_id',
  privilege: 'run.read',
  query,
  load: async (call) => answer(await withStep(call)),
});

const log = page<RunQuery>({
  path: '/runs/:run_id/steps/:step_id/_log',
  privilege: 'run.read',
  query,
  load: async (call) => {
    const found = await withStep(call);
    const view = await viewOf({ ...found, query: { ...found.query, tab: 'log' } });
    if (view.panel === null) throw new XynFault('step_not_found', 'The run has no such step.');
    const { name } = view.panel;
    const main = runLog(view, view.panel, call.ui);
    return { title: name, nav: 'runs', crumb: name, testId: 'page-run', main, isPart: true };
  },
});

async function withStep(call: UiCall<RunQuery>): Promise<UiCall<RunQuery>> {
  const { path } = await call.services.runs.step(call.param('run_id'), call.param('step_id'));
  return { ...call, query: { ...call.query, step: path } };
}

export const runPages = [whole, step, log, more, ...parts];
