import type { DiffSide, DraftDiffDto } from '../domain/drafts.js';
import { lineDiff } from '../domain/line-diff.js';
import { currentDraft, definitionOf, revisionOf, type CurrentDraft, type DraftDeps } from './draft-parts.js';

/** What can be compared: a revision by its number, or the active version of the blueprint. */
export type DiffPoint = number | 'active';

/** Lines of a text that are compared; no document that people read has more. */
const MAX_LINES = 20_000;
/** Lines of the answer. */
const MAX_SHOWN = 5_000;

/** See `DraftService.diff`. */
export async function diffDraft(
  deps: DraftDeps,
  draftId: string,
  { from = 'active', to }: { from?: DiffPoint; to?: DiffPoint },
): Promise<DraftDiffDto> {
  const current = await currentDraft(deps, draftId);
  const [before, after] = await Promise.all([
    textAt(deps, current, from),
    textAt(deps, current, to ?? current.newest.revision),
  ]);
  const [a, b] = [firstLines(before.text), firstLines(after.text)];
  const lines = lineDiff(a, b);
  return {
    draft_id: draftId,
    from: before.side,
    to: after.side,
    added: lines.filter(({ kind }) => kind === 'added').length,
    removed: lines.filter(({ kind }) => kind === 'removed').length,
    lines: lines.slice(0, MAX_SHOWN),
    is_whole: lines.length <= MAX_SHOWN && a.length === before.text.length && b.length === after.text.length,
  };
}

async function textAt(
  deps: DraftDeps,
  { draft, newest }: CurrentDraft,
  point: DiffPoint,
): Promise<{ side: DiffSide; text: string }> {
  if (point !== 'active') {
    const revision = point === newest.revision ? newest : await revisionOf(deps, draft.draft_id, point);
    return { side: { revision: point }, text: new TextDecoder().decode(await definitionOf(deps, revision)) };
  }
  const { blueprints } = deps.catalog;
  const version = draft.blueprint_id === null ? null : await blueprints.activeVersion(draft.blueprint_id);
  const found = version === null ? undefined : await blueprints.versionDetail(draft.blueprint_id ?? '', version);
  return { side: { version }, text: found?.source ?? '' };
}

function firstLines(text: string): string {
  let at = -1;
  for (let line = 0; line < MAX_LINES; line += 1) {
    at = text.indexOf('\n', at + 1);
    if (at === -1) return text;
  }
  return text.slice(0, at);
}
