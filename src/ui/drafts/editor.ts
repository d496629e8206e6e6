import { sourceCode } from '../blueprints/source.js';
import { html, type Html } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { template } from '../template.js';
import {
  baseField,
  checkState,
  conflictNote,
  draftGraph,
  draftState,
  graphSection,
  problemList,
  promotion,
  type DraftView,
} from './pieces.js';
import { scenarioCard } from './scenarios.js';

const editorTemplate = template<Record<string, unknown>>(import.meta.url, './editor.eta');

/** The page on which a draft is written. */
export function editorMain(view: DraftView & { csrf: string }, ui: Parts): Html {
  const { draft, text, check } = view;
  const wrong = new Set(check?.problems.map(({ line }) => line));
  const parts = {
    draft,
    csrf: view.csrf,
    text,
    isUnsaved: text !== draft.content.definition,
    checkState: checkState(view, ui),
    baseField: baseField(view),
    draftState: draftState(view, ui),
    promotion: promotion(view),
    conflictNote: conflictNote(view, ui),
    problemList: problemList(view, ui),
    graph:
      draftGraph(view, ui) ?? graphSection(html`<p class="body soft">It is drawn when the text has no errors.</p>`),
    scenarioCard: scenarioCard(view, ui),
    // Links of problems lead to its lines where no script moves the cursor.
    plainSource: wrong.size === 0 ? null : sourceCode(text, wrong),
  };
  return editorTemplate(parts, ui);
}
