import { z } from 'zod';
import type { DraftDetailDto } from '../../domain/drafts.js';
import { XynFault } from '../../domain/fault.js';
import { draftDiffMain } from '../../ui/drafts/diff.js';
import { draftsMain } from '../../ui/drafts/drafts.js';
import { whyNotPromoted } from '../../ui/drafts/pieces.js';
import { promoteMain } from '../../ui/drafts/promote.js';
import { href } from '../../ui/html.js';
import { timestamp, uuid } from '../schemas/common.js';
import { viewOf, editorPage } from './draft-editor.js';
import { form, page, type PageAnswer, type UiCall } from './page.js';

const PAGE = 50;
const REVISIONS = 50;
const MOST_NAME = 100;
/** Names that are tried for another draft of the same blueprint. */
const MOST_NAMES = 20;

/** What a new draft begins with: it compiles, and does nothing. */
const starter = (id: string): string => `api: xyn/v1
id: ${id}
triggers:
  - manual: {}
plan:
  - kind: gate
    id: approve
    mode: manual
    message: Go on?
`;

const listQuery = z.object({ before: timestamp.optional(), id: uuid.optional() });
type ListQuery = z.infer<typeof listQuery>;

async function listPage(
  call: UiCall,
  query: ListQuery,
  typed: { name: string; problem: string | null } = { name: '', problem: null },
): Promise<PageAnswer> {
  const { before, id } = query;
  const cursor = before === undefined || id === undefined ? {} : { cursor: { updated_at: before, draft_id: id } };
  const { items, next } = await call.services.drafts.list({ limit: PAGE, ...cursor });
  const older = next === null ? null : href('/ui/drafts', { before: next.updated_at, id: next.draft_id });
  const isLater = before !== undefined && id !== undefined;
  const main = draftsMain({ drafts: items, older, isLater, csrf: call.csrf, ...typed }, call.ui);
  return { title: 'Drafts', nav: 'drafts', crumb: 'Drafts', testId: 'page-drafts', main };
}

const list = page<ListQuery>({
  path: '/drafts',
  privilege: 'draft.read',
  query: listQuery,
  load: (call) => listPage(call, call.query),
});

/** Makes a draft under the first name that is free, so that nobody's work is continued unseen. */
async function begin({ services, caller }: UiCall, name: string, definition: string): Promise<string | null> {
  for (let at = 1; at <= MOST_NAMES; at += 1) {
    const numbered = at === 1 ? name : `${name} ${at}`;
    try {
      const draft = { kind: 'blueprint' as const, name: numbered };
      const { draft_id: draftId, created } = await services.drafts.save(caller, {
        draft,
        definition,
        expected_revision: 0,
      });
      if (created) return draftId;
    } catch (error) {
      if (!(error instanceof XynFault) || error.code !== 'draft_changed') throw error;
    }
  }
  return null;
}

const create = form({
  path: '/drafts',
  privilege: 'draft.save',
  body: z.strictObject({
    name: z.string().max(MOST_NAME).default(''),
    blueprint: z.string().max(200).exactOptional(),
    version: z.coerce.number().int().min(1).max(1_000_000_000).exactOptional(),
  }),
  handle: async (call) => {
    const { blueprint, version } = call.body;
    const name = (blueprint ?? call.body.name).trim();
    if (name === '') {
      const problem = 'Give it a name, such as the id that the blueprint will have.';
      return { ...(await listPage(call, {}, { name, problem })), status: 422, here: '/ui/drafts' };
    }
    const slug =
      name
        .toLowerCase()
        .replace(/[^a-z0-9._-]+/g, '_')
        .replace(/^[^a-z]+/, '') || 'bp.new';
    const definition =
      blueprint === undefined || version === undefined
        ? starter(slug)
        : (await call.services.blueprints.version(blueprint, version)).source;
    const draftId = await begin(call, name, definition);
    if (draftId !== null) return { location: `/ui/drafts/${draftId}` };
    const problem = `There are ${MOST_NAMES} drafts of that name. Go on with one of them.`;
    return { ...(await listPage(call, {}, { name, problem })), status: 409, here: '/ui/drafts' };
  },
});

function below(draft: DraftDetailDto): readonly { label: string; href: string }[] {
  return [
    { label: 'Drafts', href: '/ui/drafts' },
    { label: draft.name, href: `/ui/drafts/${draft.draft_id}` },
  ];
}

const diffQuery = z.object({ from: z.coerce.number().int().min(1).max(1_000_000_000).optional() });

/** What the newest revision is compared with: another revision, or the version that is active. */
async function comparedWith({ services }: UiCall, draft: DraftDetailDto, from: number | undefined) {
  if (from !== undefined) {
    const { definition } = await services.drafts.revision(draft.draft_id, from);
    return { from: `revision ${from}`, before: definition };
  }
  const id = draft.blueprint_id ?? '';
  const blueprint = await services.blueprints.get(id).catch((error: unknown) => {
    // The first version of a blueprint has nothing before it.
    if (error instanceof XynFault && error.code === 'blueprint_unknown') return undefined;
    throw error;
  });
  if (blueprint?.source == null) return { from: null, before: '' };
  return { from: `version ${blueprint.active_version ?? ''} of ${id}`, before: blueprint.source };
}

const diff = page<z.infer<typeof diffQuery>>({
  path: '/drafts/:draft_id/diff',
  privilege: 'draft.read',
  query: diffQuery,
  load: async (call) => {
    const { services, param, query, ui } = call;
    const draftId = param('draft_id');
    const [draft, { items }] = await Promise.all([
      services.drafts.get(draftId),
      services.drafts.revisions(draftId, { limit: REVISIONS }),
    ]);
    const compared = await comparedWith(call, draft, query.from);
    const main = draftDiffMain({ draft, revisions: items, ...compared }, ui);
    const title = `${draft.name}, what changes`;
    return { title, nav: 'drafts', above: below(draft), crumb: 'What changes', testId: 'page-draft-diff', main };
  },
});

/** @param over the version that became active since the work on the draft began. */
async function promotePage(call: UiCall, over: number | null = null): Promise<PageAnswer> {
  const draft = await call.services.drafts.get(call.param('draft_id'));
  const why = whyNotPromoted(viewOf(draft));
  const main = promoteMain({ draft, why, over, csrf: call.csrf }, call.ui);
  const title = `Promote ${draft.name}`;
  return { title, nav: 'drafts', above: below(draft), crumb: 'Promote', testId: 'page-promote', main };
}

const question = page({
  path: '/drafts/:draft_id/promote',
  privilege: 'draft.read',
  load: (call) => promotePage(call),
});

const promote = form({
  path: '/drafts/:draft_id/promote',
  privilege: 'draft.promote',
  body: z.strictObject({
    revision: z.coerce.number().int().min(1).max(1_000_000_000),
    reason: z.string().max(500).default(''),
    /** The version that a person compared with and decided to replace. */
    over: z.coerce.number().int().min(1).max(1_000_000_000).exactOptional(),
  }),
  handle: async (call) => {
    const { revision, reason, over } = call.body;
    const draftId = call.param('draft_id');
    const { drafts } = call.services;
    const said = reason.trim() === '' ? {} : { reason: reason.trim() };
    if (over !== undefined) {
      const { definition } = (await drafts.get(draftId)).content;
      const begins = { base_version: over, expected_revision: revision };
      await drafts.save(call.caller, { draft: { id: draftId }, definition, ...begins });
    }
    try {
      const { blueprint_id: id } = await drafts.promote(call.caller, draftId, { expected_revision: revision, ...said });
      return { location: `/ui/blueprints/${encodeURIComponent(id)}/versions` };
    } catch (error) {
      if (!(error instanceof XynFault) || error.code !== 'conflict') throw error;
      const { blueprint_id: id } = await drafts.get(draftId);
      const { active_version: active } = await call.services.blueprints.get(id ?? '');
      return { ...(await promotePage(call, active)), status: 409, here: `/ui/drafts/${draftId}/promote` };
    }
  },
});

export const draftPages = [list, question, diff, editorPage];
export const draftForms = [create, promote];
