import { z } from 'zod';
import { previewKind } from '../../ui/artifacts/artifact-text.js';
import { artifactPage } from '../../ui/artifacts/artifact.js';
import { ARTIFACT_FILTER_WORDS, artifactsPage } from '../../ui/artifacts/artifacts.js';
import { href } from '../../ui/html.js';
import { readTerms } from '../../ui/parts/filter-terms.js';
import { decodeCursor, encodeCursor } from '../cursor.js';
import { API_PREFIX } from '../route.js';
import { timestamp, uuid } from '../schemas/common.js';
import { completionsOf } from './completion.js';
import { page, type PageAnswer, type UiCall } from './page.js';

const PAGE_SIZE = 50;
const position = z.strictObject({ created_at: timestamp, artifact_id: uuid });
const listQuery = z.object({
  q: z.string().max(300).default(''),
  /** Pages about one run lead here. */
  run_id: uuid.optional(),
  cursor: z.string().max(500).optional(),
});

async function loadList(call: UiCall<z.infer<typeof listQuery>>): Promise<PageAnswer> {
  const { services, query, ui, csrf } = call;
  const q = query.run_id === undefined ? query.q : `run:${query.run_id} ${query.q}`.trim();
  const { terms, problem } = readTerms(q, {
    kind: (value) => value.length <= 32,
    run: (value) => uuid.safeParse(value).success,
  });
  const filter = {
    ...(terms.kind === undefined ? {} : { kind: terms.kind }),
    ...(terms.run === undefined ? {} : { run_id: terms.run }),
  };
  const listing = { name: 'ui/artifacts', filter: { q } };
  const key = await services.cursors.key();
  const after = query.cursor === undefined ? {} : { cursor: decodeCursor(key, listing, position, query.cursor) };
  const [{ items, next }, words] = await Promise.all([
    services.artifacts.list({ ...filter, ...after, limit: PAGE_SIZE }),
    completionsOf(call, q, ARTIFACT_FILTER_WORDS),
  ]);
  const older = next === null ? null : href('/ui/artifacts', { q, cursor: encodeCursor(key, listing, next) });
  const isFirstPage = query.cursor === undefined;
  const views = call.preferences.savedViews.artifacts ?? [];
  const list = { q, problem, words, artifacts: items, older, isFirstPage, views, csrf };
  const { main, fragments } = artifactsPage(list, ui);
  const base = { title: 'Artifacts', nav: 'artifacts', crumb: 'Artifacts', testId: 'page-artifacts' } as const;
  return { ...base, main, live: { topics: ['events'], fragments } };
}

async function loadOne({ services, param, ui }: UiCall): Promise<PageAnswer> {
  const { artifact, preview } = await services.artifacts.preview(param('artifact_id'), (type) =>
    ['json', 'lines'].includes(previewKind(type)),
  );
  const { run_id: runId, step_id: stepId } = artifact;
  const [run, step] = await Promise.all([
    // The run may be gone; its artifact is still shown.
    runId === null ? null : services.runs.get(runId).catch(() => null),
    runId === null || stepId === null ? null : services.runs.step(runId, stepId).catch(() => null),
  ]);
  const address = `${API_PREFIX}/artifacts/${artifact.artifact_id}/download`;
  const view = { artifact, preview, stepPath: step?.path ?? null, runName: run?.name ?? null, download: address };
  return {
    title: artifact.name,
    nav: 'artifacts',
    above: [{ label: 'Artifacts', href: '/ui/artifacts' }],
    crumb: artifact.name,
    testId: 'page-artifact',
    main: artifactPage(view, ui),
  };
}

export const artifactPages = [
  page({ path: '/artifacts', privilege: 'artifact.read', query: listQuery, load: loadList }),
  /** 001 §44: the list for those that ask for it alone. */
  page({
    path: '/artifacts/_list',
    privilege: 'artifact.read',
    query: listQuery,
    load: async (call) => ({ ...(await loadList(call)), isPart: true }),
  }),
  page({ path: '/artifacts/:artifact_id', privilege: 'artifact.read', load: loadOne }),
];
