import { randomUUID } from 'node:crypto';
import type { StoredContent } from '../artifacts/store.js';
import type { DraftChange, LockedDraft } from '../catalog/draft-store.js';
import type { UnitOfWork } from '../catalog/unit-of-work.js';
import { MAX_DEFINITION_BYTES, type DraftKind, type DraftToSave, type SavedDraftDto } from '../domain/drafts.js';
import { XynFault } from '../domain/fault.js';
import { sha256Hex } from '../domain/hash.js';
import { canonicalJson, isJsonObject, type JsonObject } from '../domain/json.js';
import type { Caller } from './caller.js';
import { attachBytes, draftChanged, draftEntry, draftNotFound, keepBytes, type DraftDeps } from './draft-parts.js';
import { engineEvent } from './engine-events.js';
import { answerOnce, earlierAnswer } from './kept-answers.js';
import { isStorableText } from './storable-json.js';

/** A draft to be saved: made by its kind and name, or a known one by its id. */
export type SaveDraft = DraftToSave & {
  draft: { kind: DraftKind; name: string } | { id: string };
  /** The revision that the author saw; 0: none. Absent: whatever there is. */
  expected_revision?: number;
  /** The active version that the author compared with: the work on the draft begins with it anew. */
  base_version?: number | null;
  /** The same key with the same draft makes one revision, for 90 days. */
  idempotencyKey?: string;
};

/** Name under which answers are kept. */
const SAVE = 'draft.save';
/** Ids of blueprints are no longer. */
const MAX_BLUEPRINT_ID = 200;

/** A definition on its way into a revision; its bytes are in the store. */
interface Incoming {
  request: SaveDraft;
  content: StoredContent;
  /** Undefined: the definition cannot be read, or names none. */
  blueprintId: string | undefined;
}

/** See `DraftService.save`. */
export async function saveDraft(deps: DraftDeps, caller: Caller, request: SaveDraft): Promise<SavedDraftDto> {
  const { catalog, language } = deps;
  const { idempotencyKey, ...body } = request;
  const bytes = bytesOf(request.definition);
  const keyed = {
    operation: SAVE,
    // The keys of steps are made by the engine: no caller can take them.
    key: idempotencyKey && `${caller.step === undefined ? 'api' : 'step'}/${idempotencyKey}`,
    bodySha256: sha256Hex(canonicalJson(body)),
  };
  const earlier = await earlierAnswer<SavedDraftDto>(catalog, keyed);
  if (earlier !== undefined) return earlier;
  const { source_run_id: run } = request;
  if (run !== undefined && (await catalog.runs.lineage(run)) === undefined) {
    throw new XynFault('run_not_found', 'No run has the id of `source_run_id`.');
  }
  const named = await language.blueprintIdOf(bytes);
  const blueprintId = named !== undefined && isBlueprintId(named) ? named : undefined;
  const content = await keepBytes(deps, bytes);
  return answerOnce(catalog, keyed, (unit) => saveWithin(deps, unit, caller, { request, content, blueprintId }));
}

async function saveWithin(
  deps: DraftDeps,
  unit: UnitOfWork,
  caller: Caller,
  incoming: Incoming,
): Promise<SavedDraftDto> {
  const { draft: which, expected_revision: expected } = incoming.request;
  const draft =
    'id' in which
      ? await unit.drafts.lock(which.id)
      : await unit.drafts.lockNamed(which.kind, which.name, caller.actor);
  if (draft === undefined) throw draftNotFound();
  const newest = await unit.drafts.revision(draft.draft_id, draft.revision);
  const created = newest?.definition_sha256 !== incoming.content.sha256;
  if (created && expected !== undefined && expected !== draft.revision) throw draftChanged(draft.revision);
  const change = await changeOf(unit, caller, draft, incoming);
  if (created) await addRevision(deps, unit, caller, { draft, change, incoming });
  else await changeOnly(deps, unit, caller, { draft, change });
  const saved = await unit.drafts.current(draft.draft_id);
  if (saved === undefined) throw draftNotFound();
  return { ...saved.draft, created };
}

/** What the draft says of itself afterwards. The work on it begins with the version that is active then. */
async function changeOf(
  unit: UnitOfWork,
  caller: Caller,
  draft: LockedDraft,
  { request, blueprintId }: Incoming,
): Promise<DraftChange> {
  const id = draft.kind === 'blueprint' ? (blueprintId ?? draft.blueprint_id) : null;
  const active = id === null ? null : await unit.blueprints.activeVersion(id);
  const { base_version: compared } = request;
  if (compared !== undefined && compared !== active) {
    throw new XynFault('conflict', `The active version is ${active ?? 'none'}, not ${compared ?? 'none'}.`, {
      details: { active_version: active, base_version: compared },
    });
  }
  const begins = compared !== undefined || id !== draft.blueprint_id;
  return {
    draft_id: draft.draft_id,
    trigger_event_type: request.trigger_event_type ?? draft.trigger_event_type,
    blueprint_id: id,
    base_version: begins ? active : draft.base_version,
    by: caller.actor,
  };
}

interface Change {
  draft: LockedDraft;
  change: DraftChange;
}

async function addRevision(
  deps: DraftDeps,
  unit: UnitOfWork,
  caller: Caller,
  { draft, change, incoming: { request, content } }: Change & { incoming: Incoming },
): Promise<void> {
  const { draft_id, kind, name } = draft;
  const revision = draft.revision + 1;
  const isMap = typeof request.definition !== 'string';
  const form = isMap
    ? { name: 'definition.json', content_type: 'application/json' }
    : { name: 'definition.yaml', content_type: 'text/yaml' };
  const about = { draftId: draft_id, revision, kind: 'draft', ...form };
  await unit.drafts.addRevision({
    ...change,
    revision,
    definition_artifact_id: await attachBytes(deps, unit, caller, content, about),
    definition_sha256: content.sha256,
    notes: request.notes ?? null,
    source_run_id: request.source_run_id ?? null,
  });
  const facts = { revision, blueprint_id: change.blueprint_id, base_version: change.base_version };
  const entry = {
    key: `draft/${draft_id}/${revision}/saved`,
    action: 'draft.save',
    draftId: draft_id,
    after: { ...facts, definition_sha256: content.sha256 },
  };
  await unit.audit([draftEntry(deps, caller, entry)]);
  const data = { draft_id, kind, name, ...facts, trigger_event_type: change.trigger_event_type };
  const resource = { type: 'draft', id: draft_id };
  await unit.events.insert([engineEvent(caller, deps, { event_name: 'xyn.draft.saved', resource, data })]);
}

/** The definition stays, and what is said about it changes perhaps. */
async function changeOnly(deps: DraftDeps, unit: UnitOfWork, caller: Caller, { draft, change }: Change): Promise<void> {
  const before = { trigger_event_type: draft.trigger_event_type, base_version: draft.base_version };
  const after = { trigger_event_type: change.trigger_event_type, base_version: change.base_version };
  if (canonicalJson(before) === canonicalJson(after)) return;
  await unit.drafts.change(change);
  const { draft_id: draftId } = draft;
  const entry = { key: `draft/${draftId}/${randomUUID()}`, action: 'draft.change', draftId, before, after };
  await unit.audit([draftEntry(deps, caller, entry)]);
}

/** @throws XynFault `invalid_definition` */
function bytesOf(definition: string | JsonObject): Uint8Array {
  const isMap = isJsonObject(definition);
  if (!isMap && typeof definition !== 'string') {
    throw new XynFault('invalid_definition', 'A definition is a text, or a map.');
  }
  const bytes = new TextEncoder().encode(isMap ? `${JSON.stringify(definition, null, 2)}\n` : definition);
  if (bytes.length === 0) throw new XynFault('invalid_definition', 'The definition is empty.');
  if (bytes.length <= MAX_DEFINITION_BYTES) return bytes;
  throw new XynFault('invalid_definition', `A definition has at most ${MAX_DEFINITION_BYTES} bytes.`, {
    details: { bytes: bytes.length },
  });
}

function isBlueprintId(id: string): boolean {
  return id.length > 0 && id.length <= MAX_BLUEPRINT_ID && isStorableText(id);
}
