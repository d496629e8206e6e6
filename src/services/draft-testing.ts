import { randomUUID } from 'node:crypto';
import type { DraftTestDto } from '../domain/drafts.js';
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
import { runScenarios, scenarioBytes } from './kept-tests.js';

/** See `DraftService.test`. */
export async function testDraft(deps: DraftDeps, caller: Caller, draftId: string, text: string): Promise<DraftTestDto> {
  const scenarios = scenarioBytes(text);
  const { draft, newest } = await currentDraft(deps, draftId);
  requireBlueprintDraft(draft);
  const { revision } = newest;
  const run = await runScenarios(deps, await definitionOf(deps, newest), scenarios);
  const about = { draft_id: draftId, revision };
  const report = await keepBytes(deps, new TextEncoder().encode(`${JSON.stringify({ ...about, ...run }, null, 2)}\n`));
  const source = await keepBytes(deps, scenarios);
  return deps.catalog.transaction(async (unit) => {
    const locked = await lockAt(unit, draftId, revision);
    const owner = { draftId, revision };
    const kept = {
      report_artifact_id: await attachBytes(deps, unit, caller, report, {
        ...owner,
        name: 'scenarios.json',
        kind: 'report',
        content_type: 'application/json',
      }),
      scenarios_artifact_id: await attachBytes(deps, unit, caller, source, {
        ...owner,
        name: 'scenarios.yaml',
        kind: 'draft',
        content_type: 'text/yaml',
      }),
    };
    const { passed, failed } = run;
    const answer = { ...about, ...run, report_artifact_id: kept.report_artifact_id };
    if (locked.status === 'promoted') return answer;
    await unit.drafts.markTested(draftId, revision, { passed, failed, ...kept });
    const entry = {
      key: `draft/${draftId}/${revision}/tested/${randomUUID()}`,
      action: 'draft.test',
      draftId,
      after: { revision, passed, failed, ...kept },
    };
    await unit.audit([draftEntry(deps, caller, entry)]);
    return answer;
  });
}
