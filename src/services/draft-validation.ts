import type { DraftReportDto } from '../domain/drafts.js';
import type { ProblemDto } from '../domain/dtos.js';
import type { Json } from '../domain/json.js';
import type { Caller } from './caller.js';
import {
  attachBytes,
  currentDraft,
  definitionOf,
  draftEntry,
  keepBytes,
  lockAt,
  requireBlueprintDraft,
  type DraftDeps,
} from './draft-parts.js';

/** See `DraftService.validate`. */
export async function validateDraft(deps: DraftDeps, caller: Caller, draftId: string): Promise<DraftReportDto> {
  const { draft, newest } = await currentDraft(deps, draftId);
  requireBlueprintDraft(draft);
  const { compiled, problems } = await deps.language.compile(await definitionOf(deps, newest));
  const isValid = compiled !== undefined;
  const report = await keepBytes(deps, reportOf({ draft_id: draftId, revision: newest.revision, isValid, problems }));
  return deps.catalog.transaction(async (unit) => {
    const locked = await lockAt(unit, draftId, newest.revision);
    const { revision } = newest;
    const about = { name: 'validation.json', kind: 'report', content_type: 'application/json' };
    const artifact = await attachBytes(deps, unit, caller, report, { ...about, draftId, revision });
    const answer = { draft_id: draftId, revision, is_valid: isValid, issues: problems, report_artifact_id: artifact };
    const kept = await unit.drafts.revision(draftId, revision);
    const isKnown = kept?.is_valid === isValid && kept.report_artifact_id === artifact;
    if (locked.status === 'promoted' || isKnown) return { ...answer, status: locked.status };
    await unit.drafts.markValidated({
      draft_id: draftId,
      revision,
      is_valid: isValid,
      report_artifact_id: artifact,
      by: caller.actor,
    });
    const entry = {
      key: `draft/${draftId}/${revision}/validated/${artifact}/${kept?.validated_at ?? ''}`,
      action: 'draft.validate',
      draftId,
      after: { revision, is_valid: isValid, report_artifact_id: artifact },
    };
    await unit.audit([draftEntry(deps, caller, entry)]);
    return { ...answer, status: isValid ? 'validated' : 'draft' };
  });
}

function reportOf({
  isValid,
  problems,
  ...about
}: {
  draft_id: string;
  revision: number;
  isValid: boolean;
  problems: ProblemDto[];
}): Uint8Array {
  const report = { ...about, is_valid: isValid, issues: problems as unknown as Json };
  return new TextEncoder().encode(`${JSON.stringify(report, null, 2)}\n`);
}
