import { Readable } from 'node:stream';
import type { ArtifactStore, StoredContent } from '../artifacts/store.js';
import type { NewArtifact } from '../catalog/artifact-records.js';
import type { AuditEntry } from '../catalog/audit.js';
import type { LockedDraft } from '../catalog/draft-store.js';
import type { CatalogAccess, UnitOfWork } from '../catalog/unit-of-work.js';
import type { DraftDto, DraftRevisionDto, ScenarioRunDto } from '../domain/drafts.js';
import { XynFault } from '../domain/fault.js';
import { uuidV5 } from '../domain/hash.js';
import type { JsonObject } from '../domain/json.js';
import type { BlueprintService, Compilation } from './blueprints.js';
import { auditedCaller, type Caller } from './caller.js';

/** What is known about the language of definitions; never rejects for what an author wrote. */
export interface DraftLanguage {
  compile(bytes: Uint8Array): Promise<Compilation>;
  /** The id that a document names; undefined: it cannot be read, or names none. */
  blueprintIdOf(bytes: Uint8Array): Promise<string | undefined>;
  /** Runs scenarios of a document in virtual time. Absent: this process runs none. */
  runScenarios?(definition: Uint8Array, scenarios: Uint8Array): Promise<ScenarioRunDto>;
}

export interface DraftDeps {
  catalog: CatalogAccess;
  /** Where definitions and reports are kept. */
  store: ArtifactStore;
  blueprints: Pick<BlueprintService, 'saveWithin' | 'activated'>;
  language: DraftLanguage;
  /** Milliseconds since the epoch. */
  clock: () => number;
  envId: string;
}

/** A draft with its newest revision. */
export interface CurrentDraft {
  draft: DraftDto;
  newest: DraftRevisionDto;
}

/** @throws XynFault `draft_not_found` */
export async function currentDraft({ catalog }: DraftDeps, draftId: string): Promise<CurrentDraft> {
  const current = await catalog.drafts.current(draftId);
  if (current === undefined) throw draftNotFound();
  return current;
}

/** @throws XynFault `draft_not_found` */
export async function revisionOf(
  { catalog }: { catalog: Pick<CatalogAccess, 'drafts'> },
  draftId: string,
  revision: number,
): Promise<DraftRevisionDto> {
  const found = await catalog.drafts.revision(draftId, revision);
  if (found !== undefined) return found;
  throw new XynFault('draft_not_found', `The draft has no revision ${revision}.`);
}

/** No draft has an id. */
export function draftNotFound(): XynFault {
  return new XynFault('draft_not_found', 'No draft has that id.');
}

/** Somebody was faster. @param revision the newest one. */
export function draftChanged(revision: number): XynFault {
  return new XynFault('draft_changed', `The draft is at revision ${revision} now; read it and go on from there.`, {
    details: { revision },
  });
}

/** @throws XynFault `invalid_schema` */
export function requireBlueprintDraft({ kind }: DraftDto): void {
  if (kind === 'blueprint') return;
  throw new XynFault('invalid_schema', 'The draft is one of a pack: only blueprints are validated and promoted.');
}

/**
 * The bytes of a revision's definition.
 * @throws XynFault `artifact_damaged`, `artifact_not_found`
 */
export async function definitionOf({ catalog, store }: DraftDeps, revision: DraftRevisionDto): Promise<Uint8Array> {
  const artifact = await catalog.artifacts.get(revision.definition_artifact_id);
  const content = { sha256: revision.definition_sha256, bytes: artifact?.byte_length ?? 0 };
  return store.read(content);
}

/**
 * Keeps bytes. Nobody sees them before `attachBytes`, so a crash in between leaves bytes that nothing names, and never a
 * row without bytes.
 */
export function keepBytes({ store }: DraftDeps, bytes: Uint8Array): Promise<StoredContent> {
  return store.write(Readable.from([bytes]), { expected: { bytes: bytes.length } });
}

/**
 * Records kept bytes as an artifact of a revision, in the transaction of what they belong to. The same bytes of the same
 * kind are the same artifact.
 * @returns its id.
 */
export async function attachBytes(
  { envId }: DraftDeps,
  unit: UnitOfWork,
  caller: Caller,
  content: StoredContent,
  about: { draftId: string; revision: number; name: string; kind: string; content_type: string },
): Promise<string> {
  const { draftId, revision, ...named } = about;
  const artifact: NewArtifact = {
    ...named,
    artifact_id: uuidV5(draftId, `artifact/${revision}/${about.kind}/${content.sha256}`),
    byte_length: content.bytes,
    sha256: content.sha256,
    created_by: caller.actor,
    run_id: caller.step?.run_id ?? null,
    step_id: caller.step?.step_id ?? null,
    metadata: { draft_id: draftId, revision },
    correlation_id: caller.correlationId,
    env_id: envId,
  };
  await unit.artifacts.insert(artifact);
  return artifact.artifact_id;
}

/**
 * Locks a draft whose newest revision was worked on outside of the transaction.
 * @throws XynFault `draft_not_found`, `draft_changed` when there is a newer one now.
 */
export async function lockAt(unit: UnitOfWork, draftId: string, revision: number): Promise<LockedDraft> {
  const locked = await unit.drafts.lock(draftId);
  if (locked === undefined) throw draftNotFound();
  if (locked.revision !== revision) throw draftChanged(locked.revision);
  return locked;
}

/** An audit entry about a draft. */
export function draftEntry(
  { clock, envId }: DraftDeps,
  caller: Caller,
  entry: { key: string; action: string; draftId: string; after: JsonObject; before?: JsonObject; reason?: string },
): AuditEntry {
  const { draftId, ...rest } = entry;
  return {
    ...rest,
    at: new Date(clock()),
    resource_type: 'draft',
    resource_id: draftId,
    ...auditedCaller(caller),
    env_id: envId,
  };
}
