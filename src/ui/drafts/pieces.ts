import type { DraftDetailDto, DraftTestDto, KeptTestsDto } from '../../domain/drafts.js';
import type { ProblemDto } from '../../domain/dtos.js';
import type { Plan } from '../../domain/plan.js';
import { buildTree } from '../graph/build-tree.js';
import { layout } from '../graph/layout.js';
import { mapSvg } from '../graph/map-svg.js';
import { countSteps } from '../graph/tree.js';
import { html, type Html } from '../html.js';
import { changedLines } from '../parts/changed-lines.js';
import { hiddenCharacters } from '../parts/hidden-characters.js';
import type { Parts } from '../parts/parts.js';
import { statusOf, type Status } from '../status.js';
import { template } from '../template.js';
import { fixOf, fixText } from './fix.js';
import { scenarioResult } from './scenarios.js';

/** What the compiler says about a text as it stands. */
export interface TextCheck {
  problems: readonly ProblemDto[];
  plan: Plan | null;
  /** The line of each step by its address. */
  lines: ReadonlyMap<string, number>;
  /** How long the compiler took. */
  ms: number;
}

/** Somebody saved another revision while this text was written. */
export interface Conflict {
  revision: number;
  by: string;
  at: string;
  theirs: string;
}

/** A draft in the editor: pieces of the page are made of this alone, so that each can be renewed by itself. */
export interface DraftView {
  draft: DraftDetailDto;
  /** What stands in the editor. */
  text: string;
  /** The revision that the text began with. */
  base: number;
  /** Absent: nobody looked yet. */
  check: TextCheck | null;
  conflict: Conflict | null;
  /** Scenarios as they were written, and what they gave just now. */
  scenarios: string;
  tested: DraftTestDto | null;
  /** What they gave when they last ran; null: they never did. */
  kept: KeptTestsDto | null;
  /** Where the silhouettes are. */
  glyphs: string;
}

/** A line of a list of problems. */
interface Problem {
  code: string;
  severity: 'error' | 'warning';
  line: number;
  column: number;
  message: string;
  suggestion?: string;
}

const MOST_HIDDEN = 20;
const problemsTemplate = template<Record<string, unknown>>(import.meta.url, './problems.eta');
const conflictTemplate = template<Record<string, unknown>>(import.meta.url, './conflict.eta');

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

/** Characters that nobody sees are told beside what the compiler says. */
function problemsOf({ text, check }: DraftView): Problem[] {
  const hidden = hiddenCharacters(text, MOST_HIDDEN).map(({ line, column, name }): Problem => {
    const message = `A character stands here that cannot be seen: ${name}.`;
    return { code: 'hidden_character', severity: 'warning', line, column, message };
  });
  return [...(check?.problems ?? []), ...hidden].sort((a, b) => a.line - b.line || a.column - b.column);
}

function verdict(view: DraftView): Status {
  if (view.check === null) {
    const { is_valid: isValid } = view.draft;
    if (isValid === null) return statusOf('todo', 'Not validated');
    return isValid ? statusOf('done', 'Valid') : statusOf('fail', 'Has errors');
  }
  const problems = problemsOf(view);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  const words = [errors > 0 ? plural(errors, 'error') : '', warnings > 0 ? plural(warnings, 'warning') : ''];
  if (problems.length === 0) return statusOf('done', 'No problems');
  return statusOf(errors > 0 ? 'fail' : 'warn', words.filter(Boolean).join(', '));
}

/** How many problems there are. */
export function checkState(view: DraftView, ui: Parts): Html {
  const { check } = view;
  const took =
    check === null ? '' : html`<span class="meta nowrap">checked as you type · ${Math.round(check.ms)} ms</span>`;
  return html`<span class="row tight wrapping" id="check-state" data-piece data-testid="check-state" role="status"
    >${ui.status(verdict(view))}${took}</span
  >`;
}

/** The revision that the text began with, for the form to say. */
export function baseField({ base }: DraftView): Html {
  return html`<input type="hidden" name="revision" value="${base}" id="draft-revision" data-piece />`;
}

/** Which revision this is. */
export function draftState({ draft }: DraftView, ui: Parts): Html {
  const from = draft.base_version === null ? '' : html`, from version ${draft.base_version}`;
  return html`<span class="row tight wrapping" id="draft-state" data-piece data-testid="draft-state"
    ><span class="meta"
      >revision ${draft.revision}, saved ${ui.time(draft.updated_at)} by ${ui.text(draft.updated_by)}${from}</span
    ></span
  >`;
}

/** The problems, each with its place. */
export function problemList(view: DraftView, ui: Parts): Html {
  const problems = problemsOf(view).map((one) => {
    const fix = fixOf(view.text, one);
    return { ...one, fix: fix === null ? null : fixText(fix) };
  });
  return problemsTemplate(
    { draft: view.draft, problems, isChecked: view.check !== null, why: whyNotPromoted(view) },
    ui,
  );
}

/** The steps of the text, each linked to its line. Absent while the text has errors: the last drawing stays. */
export function draftGraph({ check, glyphs }: DraftView, ui: Parts): Html | null {
  if (check?.plan == null) return null;
  const tree = buildTree(check.plan, undefined, { loopBodies: true });
  const svg = mapSvg(layout(tree, { vertical: true }), {
    now: ui.clock.now,
    selected: null,
    isPlan: true,
    glyphs,
    linkOf: (path) => `#L${check.lines.get(path.replace(/\[\d*\]|#\d+/g, '')) ?? 1}`,
    unfoldLink: '#source',
    label: `Graph: ${countSteps(tree)} steps`,
  });
  return graphSection(
    html`<div class="map follows" tabindex="0" role="region" aria-label="Graph of the steps">${svg}</div>`,
  );
}

/** The place of the drawing. */
export function graphSection(content: Html): Html {
  return html`<section class="card" id="draft-graph" data-piece aria-labelledby="h-graph">
    <header>
      <h2 id="h-graph">Graph</h2>
      <span class="meta script-only">follows the cursor</span>
    </header>
    ${content}
  </section>`;
}

/** What became of the text of somebody else; empty while nobody else saved. */
export function conflictNote({ conflict, draft, text }: DraftView, ui: Parts): Html {
  if (conflict === null) return html`<div id="draft-conflict" data-piece></div>`;
  const lines = changedLines(conflict.theirs, text, ui);
  return conflictTemplate({ conflict, draft, lines }, ui);
}

/** Why the draft cannot be promoted now; null when it can. */
export function whyNotPromoted({ draft, text, check, conflict }: DraftView): string | null {
  const { newest, revision, content } = draft;
  if (draft.kind !== 'blueprint') return 'Only drafts of blueprints can be promoted.';
  if (conflict !== null) return 'Somebody saved another revision: settle that first.';
  if (check !== null && check.plan === null) return 'There are errors.';
  if (text !== content.definition) return 'Your text is not saved: what is promoted is a revision.';
  if (newest.promoted_at !== null) return `Revision ${revision} is version ${newest.promoted_version ?? ''} already.`;
  if (newest.is_valid === null) return `Validate revision ${revision} first.`;
  return newest.is_valid ? null : `Revision ${revision} has errors.`;
}

/** The way to promotion, or why it is closed. */
export function promotion(view: DraftView): Html {
  const why = whyNotPromoted(view);
  const button =
    why === null
      ? html`<a
          class="button primary"
          href="/ui/drafts/${view.draft.draft_id}/promote"
          data-confirm
          data-testid="draft-promote"
          >Promote</a
        >`
      : html`<button
          class="button"
          type="button"
          aria-disabled="true"
          aria-describedby="why-not"
          title="${why}"
          data-testid="draft-promote"
        >
          Promote
        </button>`;
  return html`<span id="draft-promotion" class="row tight" data-piece>${button}</span>`;
}

/** All pieces that a check of the text renews. */
export function checkPieces(view: DraftView, ui: Parts): Html {
  return html`${checkState(view, ui)}${problemList(view, ui)}${draftGraph(view, ui)}${promotion(view)}`;
}

/** All pieces that a new revision renews. */
export function savePieces(view: DraftView, ui: Parts): Html {
  return html`${baseField(view)}${draftState(view, ui)}${conflictNote(view, ui)}${scenarioResult(view, ui)}${checkPieces(view, ui)}`;
}
