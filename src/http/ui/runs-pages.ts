import { z } from 'zod';
import { href } from '../../ui/html.js';
import { cancelMain } from '../../ui/runs/cancel.js';
import { parseRunFilter, RUN_FILTER_WORDS } from '../../ui/runs/filter.js';
import { runsPage } from '../../ui/runs/runs.js';
import { decodeCursor, encodeCursor } from '../cursor.js';
import { timestamp, uuid } from '../schemas/common.js';
import { completionsOf } from './completion.js';
import { form, page, type PageAnswer, type UiCall } from './page.js';

const PAGE_SIZE = 50;
const position = z.strictObject({ created_at: timestamp, run_id: uuid });
const listQuery = z.object({ q: z.string().max(300).default(''), cursor: z.string().max(500).optional() });

async function loadRuns(call: UiCall<z.infer<typeof listQuery>>): Promise<PageAnswer> {
  const { services, query, ui, caller, csrf } = call;
  const { terms, problem } = parseRunFilter(query.q);
  const listing = { name: 'ui/runs', filter: { q: query.q } };
  const key = await services.cursors.key();
  const after = query.cursor === undefined ? undefined : decodeCursor(key, listing, position, query.cursor);
  const [{ items, next }, counts, words] = await Promise.all([
    services.overview.runs(terms, PAGE_SIZE, after),
    services.overview.runCounts(),
    completionsOf(call, query.q, RUN_FILTER_WORDS),
  ]);
  const older = next === null ? null : href('/ui/runs', { q: query.q, cursor: encodeCursor(key, listing, next) });
  const view = { q: query.q, problem, words, lines: items, counts, older, isFirstPage: after === undefined };
  const views = call.preferences.savedViews.runs ?? [];
  const { main, fragments } = runsPage({ viewer: caller.actor, views, csrf, ...view }, ui);
  const base = { title: 'Runs', nav: 'runs', crumb: 'Runs', testId: 'page-runs' } as const;
  return { main, live: { topics: ['runs'], fragments }, ...base };
}

const list = page({ path: '/runs', privilege: 'run.read', query: listQuery, load: loadRuns });
/** 001 §44: the list for those that ask for it alone. */
const partial = page({ path: '/runs/_list', privilege: 'run.read', query: listQuery, load: loadRuns });

async function cancelPage(call: UiCall, again: { reason: string; problem: string } | null = null): Promise<PageAnswer> {
  const facts = await call.services.overview.cancelFacts(call.param('run_id'));
  const { reason = '', problem = null } = again ?? {};
  const main = cancelMain({ ...facts, csrf: call.csrf, reason, problem }, call.ui);
  const above = [
    { label: 'Runs', href: '/ui/runs' },
    { label: facts.run.name, href: `/ui/runs/${facts.run.run_id}` },
  ];
  const status = again === null ? {} : { status: 422 };
  return {
    title: `Cancel ${facts.run.name}`,
    nav: 'runs',
    above,
    crumb: 'Cancel',
    testId: 'page-cancel',
    main,
    ...status,
  };
}

const cancelQuestion = page({ path: '/runs/:run_id/cancel', privilege: 'run.read', load: (call) => cancelPage(call) });

const cancel = form({
  path: '/runs/:run_id/cancel',
  privilege: 'run.cancel',
  body: z.strictObject({ reason: z.string().max(500).default('') }),
  handle: async (call) => {
    const reason = call.body.reason.trim();
    if (reason === '') return cancelPage(call, { reason, problem: 'Say why in a few words; it is kept with the run.' });
    const { run_id } = await call.services.runs.cancel(call.caller, call.param('run_id'), reason);
    return { location: `/ui/runs/${run_id}` };
  },
});

export const runsPages = [list, partial, cancelQuestion];
export const runsForms = [cancel];
