import type { KeptTestsDto, ScenarioRunDto } from '../domain/drafts.js';
import { MAX_DEFINITION_BYTES } from '../domain/drafts.js';
import { XynFault } from '../domain/fault.js';
import type { DraftDeps } from './draft-parts.js';

/** Whose tests: those of a draft, or of the drafts of a blueprint. */
export type TestsOf = { draftId: string } | { blueprintId: string; version: number | null };

/** See `DraftService.lastTested`. */
export async function lastTested({ catalog, store }: DraftDeps, of: TestsOf): Promise<KeptTestsDto | null> {
  const row = await catalog.drafts.lastTested(of);
  if (row === undefined) return null;
  const text = async (sha256: string, bytes: bigint | number): Promise<string> =>
    new TextDecoder().decode(await store.read({ sha256, bytes: Number(bytes) }));
  const [scenarios, report] = await Promise.all([
    text(row.scenarios_sha256, row.scenarios_bytes),
    text(row.report_sha256, row.report_bytes),
  ]);
  const { draft_id, name, revision, promoted_version, tested_at } = row;
  // What was kept is what this program wrote: the store compared its digest.
  const run = JSON.parse(report) as ScenarioRunDto;
  return { draft_id, name, revision, promoted_version, tested_at: tested_at.toISOString(), scenarios, run };
}

/**
 * The bytes of a text of scenarios.
 * @throws XynFault `invalid_definition` when there are too many
 */
export function scenarioBytes(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MAX_DEFINITION_BYTES) return bytes;
  throw new XynFault('invalid_definition', `Scenarios have at most ${MAX_DEFINITION_BYTES} bytes.`);
}

/** Runs scenarios of a document in virtual time. */
export async function runScenarios(
  { language }: Pick<DraftDeps, 'language'>,
  definition: Uint8Array,
  scenarios: Uint8Array,
): Promise<ScenarioRunDto> {
  if (language.runScenarios === undefined) throw new XynFault('internal', 'This process runs no scenarios.');
  return language.runScenarios(definition, scenarios);
}
