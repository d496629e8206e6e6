import type { UnitOfWork } from '../catalog/unit-of-work.js';
import type { DraftRevisionDto, PromotedDraftDto } from '../domain/drafts.js';
import { XynFault } from '../domain/fault.js';
import type { SavedPlan, NewPlan } from './blueprints.js';
import type { Caller } from './caller.js';
import {
  currentDraft,
  definitionOf,
  draftChanged,
  draftEntry,
  lockAt,
  revisionOf,
  type DraftDeps,
} from './draft-parts.js';
import { engineEvent } from './engine-events.js';

interface Promotion {
  draftId: string;
  newest: DraftRevisionDto;
  document: NewPlan;
  reason: string | undefined;
}

/** See `DraftService.promote`. */
export async function promoteDraft(
  deps: DraftDeps,
  caller: Caller,
  draftId: string,
  { expected_revision: expected, reason }: { expected_revision?: number; reason?: string },
): Promise<PromotedDraftDto> {
  const { draft, newest } = await currentDraft(deps, draftId);
  if (expected !== undefined && expected !== newest.revision) throw draftChanged(newest.revision);
  if (newest.promoted_at !== null) return answerOf(deps, draftId, newest, draft.blueprint_id ?? '');
  requireValid(newest);
  const bytes = await definitionOf(deps, newest);
  const { compiled, problems } = await deps.language.compile(bytes);
  if (compiled === undefined) {
    throw new XynFault('validation_failed', 'The revision was valid once and no longer compiles; validate it again.', {
      details: { issues: problems },
    });
  }
  const document = { ...compiled, source: new TextDecoder().decode(bytes) };
  const promotion = { draftId, newest, document, reason };
  const promoted = await deps.catalog.transaction((unit) => promoteWithin(deps, unit, caller, promotion));
  deps.blueprints.activated();
  return promoted;
}

async function promoteWithin(
  deps: DraftDeps,
  unit: UnitOfWork,
  caller: Caller,
  { draftId, newest: { revision }, document, reason }: Promotion,
): Promise<PromotedDraftDto> {
  const locked = await lockAt(unit, draftId, revision);
  const { plan } = document;
  const now = await revisionOf({ catalog: unit }, draftId, revision);
  // Somebody else was faster with the same revision: both get the same answer.
  if (now.promoted_at !== null) return answerOf({ catalog: unit }, draftId, now, plan.id);
  requireValid(now);
  await requireOwn(unit, caller, draftId, revision);
  if (plan.policy.tests_required && (now.tests === null || now.tests.passed === 0 || now.tests.failed > 0)) {
    throw new XynFault(
      'tests_missing',
      'The blueprint has `policy.tests_required`: run its scenarios, all must pass.',
      {
        details: { tests: now.tests },
      },
    );
  }
  const { active_version: previous } = await unit.blueprints.lock(plan.id, plan.name ?? plan.id);
  const saved = await deps.blueprints.saveWithin(unit, caller, document, {
    base: { version: locked.base_version },
    draft: { draft_id: draftId, revision },
  });
  const { version } = saved;
  const at = await unit.drafts.markPromoted({ draft_id: draftId, revision, version, by: caller.actor });
  await tell(deps, unit, caller, { draftId, revision, saved, previous, reason });
  const { blueprint_id, digest } = saved;
  const promoted_at = at.toISOString();
  return { draft_id: draftId, revision, blueprint_id, version, digest, status: 'active', promoted_at };
}

async function tell(
  deps: DraftDeps,
  unit: UnitOfWork,
  caller: Caller,
  what: {
    draftId: string;
    revision: number;
    saved: SavedPlan;
    previous: number | null;
    reason: string | undefined;
  },
): Promise<void> {
  const { draftId, revision, saved, previous, reason } = what;
  const { blueprint_id, version, digest } = saved;
  const facts = { revision, blueprint_id, version, digest };
  const entry = {
    key: `draft/${draftId}/${revision}/promoted`,
    action: 'draft.promote',
    draftId,
    before: { active_version: previous },
    after: facts,
    ...(reason === undefined ? {} : { reason }),
  };
  await unit.audit([draftEntry(deps, caller, entry)]);
  await unit.events.insert([
    engineEvent(caller, deps, {
      event_name: 'xyn.draft.promoted',
      resource: { type: 'draft', id: draftId },
      data: { draft_id: draftId, ...facts },
    }),
  ]);
}

/** What people approved in a run is what that run made: a revision that somebody else made since then is not promoted by it. */
async function requireOwn(unit: UnitOfWork, { step }: Caller, draftId: string, revision: number): Promise<void> {
  const own = step === undefined ? null : await unit.drafts.newestOfRun(draftId, step.run_id);
  if (own !== null && own !== revision) throw draftChanged(revision);
}

function requireValid({ revision, is_valid: isValid }: DraftRevisionDto): void {
  if (isValid === true) return;
  const what = isValid === null ? 'was not validated' : 'has errors';
  throw new XynFault('validation_failed', `Revision ${revision} ${what}; validate the draft, then promote it.`, {
    details: { revision, is_valid: isValid },
  });
}

/** What the promotion of a revision was answered. */
async function answerOf(
  { catalog }: { catalog: Pick<UnitOfWork, 'blueprints'> },
  draftId: string,
  { revision, promoted_at, promoted_version: version }: DraftRevisionDto,
  blueprintId: string,
): Promise<PromotedDraftDto> {
  const stored = version === null ? undefined : await catalog.blueprints.version(blueprintId, version);
  if (stored === undefined || promoted_at === null) throw new XynFault('internal', 'The promoted version is gone.');
  const { blueprint_id, digest } = stored;
  return { draft_id: draftId, revision, blueprint_id, version: stored.version, digest, status: 'active', promoted_at };
}
