import { z } from 'zod';
import type { DraftDetailDto, KeptTestsDto } from '../../domain/drafts.js';
import { XynFault } from '../../domain/fault.js';
import { isJsonObject, type JsonObject } from '../../domain/json.js';
import { asset } from '../../ui/assets.js';
import { editorMain } from '../../ui/drafts/editor.js';
import { applyFix } from '../../ui/drafts/fix.js';
import { checkPieces, savePieces, type Conflict, type DraftView, type TextCheck } from '../../ui/drafts/pieces.js';
import { formText, lastTested } from './scenario-texts.js';
import { form, page, type FormAnswer, type PageAnswer, type UiCall, type UiForm } from './page.js';

const editorBody = z.strictObject({
  source: formText,
  revision: z.coerce.number().int().min(1).max(1_000_000_000),
  scenarios: formText.default(''),
  /** What a suggestion replaces. */
  fix: z.string().max(300).exactOptional(),
  /** The revision that a person decided to write over. */
  over: z.coerce.number().int().min(1).max(1_000_000_000).exactOptional(),
});
type EditorBody = z.infer<typeof editorBody>;
type EditorCall = UiCall & { body: EditorBody };

/** A draft as it is saved, not looked at yet. */
export function viewOf(draft: DraftDetailDto, over: Partial<DraftView> = {}): DraftView {
  // What an editor sends back has plain line ends.
  const definition = draft.content.definition.replace(/\r\n?/g, '\n');
  return {
    draft: { ...draft, content: { ...draft.content, definition } },
    text: definition,
    base: draft.revision,
    check: null,
    conflict: null,
    scenarios: over.kept?.scenarios ?? '',
    tested: null,
    kept: null,
    glyphs: `${asset('glyphs').url}#`,
    ...over,
  };
}

function answerPage(call: UiCall, view: DraftView): PageAnswer {
  const { draft } = view;
  return {
    title: `Draft ${draft.name}`,
    nav: 'drafts',
    above: [{ label: 'Drafts', href: '/ui/drafts' }],
    crumb: draft.name,
    testId: 'page-editor',
    here: `/ui/drafts/${draft.draft_id}`,
    isEditor: true,
    main: editorMain({ ...view, csrf: call.csrf }, call.ui),
  };
}

/** The page on which a draft is written. */
export const editorPage = page({
  path: '/drafts/:draft_id',
  privilege: 'draft.read',
  load: async (call) => {
    const draft = await call.services.drafts.get(call.param('draft_id'));
    return answerPage(call, viewOf(draft, { kept: await keptOf(call, draft) }));
  },
});

/** How the scenarios last went. What its retention took away is as if it had never been. */
async function keptOf(
  { services }: UiCall,
  { draft_id: draftId, newest }: DraftDetailDto,
): Promise<KeptTestsDto | null> {
  // A first revision that was not tested has nothing before it.
  if (newest.revision === 1 && newest.tests === null) return null;
  return lastTested(services.drafts, { draftId });
}

/** Lines of steps as the compiler keeps them beside a plan. */
function linesOf(debug: JsonObject | undefined): Map<string, number> {
  const nodes = debug?.['nodes'];
  const known = Array.isArray(nodes) ? nodes.filter(isJsonObject) : [];
  return new Map(
    known.flatMap(({ path, line }) => (typeof path === 'string' && typeof line === 'number' ? [[path, line]] : [])),
  );
}

async function check({ services }: UiCall, text: string): Promise<TextCheck> {
  const began = performance.now();
  const { compiled, problems } = await services.blueprints.compile(new TextEncoder().encode(text));
  return { problems, plan: compiled?.plan ?? null, lines: linesOf(compiled?.debug), ms: performance.now() - began };
}

/** Saves what was sent, unless somebody else saved another revision meanwhile. */
async function save(call: EditorCall): Promise<Conflict | null> {
  const { services, caller, body } = call;
  const draftId = call.param('draft_id');
  try {
    const request = { draft: { id: draftId }, definition: body.source };
    await services.drafts.save(caller, { ...request, expected_revision: body.over ?? body.revision });
    return null;
  } catch (error) {
    if (!(error instanceof XynFault) || error.code !== 'draft_changed') throw error;
    const { revision, updated_by: by, updated_at: at, content } = await services.drafts.get(draftId);
    return { revision, by, at, theirs: content.definition };
  }
}

type Work = (call: EditorCall, view: DraftView) => Promise<FormAnswer>;

/** A form of the editor: what was typed is in its answer, whatever becomes of it. */
function editorForm(path: string, privilege: 'draft.save' | 'draft.validate', work: Work): UiForm {
  return form({
    path: `/drafts/:draft_id${path}`,
    isBelow: path !== '',
    privilege,
    body: editorBody,
    handle: async (call) => {
      const draft = await call.services.drafts.get(call.param('draft_id'));
      const { source, revision, scenarios } = call.body;
      return work(call, viewOf(draft, { text: source, base: revision, scenarios }));
    },
  });
}

/** The page with what was sent, or the pieces of it that changed. */
function shown(call: UiCall, view: DraftView, status?: number): PageAnswer {
  const answer = { ...answerPage(call, view), ...(status === undefined ? {} : { status }) };
  return call.isPart ? { ...answer, main: savePieces(view, call.ui) } : answer;
}

const validateText = editorForm('/_validate', 'draft.validate', async (call, view) => {
  const checked = { ...view, check: await check(call, view.text) };
  if (!call.isPart) return answerPage(call, checked);
  return { ...answerPage(call, checked), main: checkPieces(checked, call.ui) };
});

/** Applies a suggestion to what was typed; nothing is saved. */
const fixText = editorForm('/_fix', 'draft.validate', async (call, view) => {
  const text = applyFix(view.text, call.body.fix ?? '');
  return answerPage(call, { ...view, text, check: await check(call, text) });
});

/** Saves, then does something with the revision; a conflict comes first. */
function afterSave(next: (call: EditorCall, draft: DraftDetailDto) => Promise<FormAnswer>): Work {
  return async (call, view) => {
    const conflict = await save(call);
    if (conflict !== null) return shown(call, { ...view, conflict, check: await check(call, view.text) }, 409);
    return next(call, await call.services.drafts.get(view.draft.draft_id));
  };
}

async function savedPage(call: EditorCall, draft: DraftDetailDto, over: Partial<DraftView> = {}): Promise<PageAnswer> {
  const { source, scenarios } = call.body;
  const kept = over.tested === undefined ? await keptOf(call, draft) : null;
  return shown(call, viewOf(draft, { scenarios, check: await check(call, source), kept, ...over }));
}

const saveText = editorForm(
  '',
  'draft.save',
  afterSave(async (call, draft) =>
    call.isPart ? savedPage(call, draft) : { location: `/ui/drafts/${draft.draft_id}` },
  ),
);

const validateRevision = editorForm(
  '/validate',
  'draft.validate',
  afterSave(async (call, { draft_id: draftId }) => {
    await call.services.drafts.validate(call.caller, draftId);
    return savedPage(call, await call.services.drafts.get(draftId));
  }),
);

const compare = editorForm(
  '/compare',
  'draft.save',
  afterSave(async (_, { draft_id: draftId }) => Promise.resolve({ location: `/ui/drafts/${draftId}/diff` })),
);

const test = editorForm(
  '/_test',
  'draft.validate',
  afterSave(async (call, { draft_id: draftId }) => {
    const tested = await call.services.drafts.test(call.caller, draftId, call.body.scenarios);
    return savedPage(call, await call.services.drafts.get(draftId), { tested });
  }),
);

export const editorForms = [saveText, validateText, fixText, validateRevision, compare, test];
