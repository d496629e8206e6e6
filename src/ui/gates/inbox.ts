import type { GateDto } from '../../domain/dtos.js';
import { cappedCount, countWord } from '../format.js';
import { html, type Html } from '../html.js';
import type { Fragment } from '../parts/fragment.js';
import type { Parts } from '../parts/parts.js';
import { gateStatus, type Status } from '../status.js';
import { template } from '../template.js';
import { gateQuestion } from './decision.js';
import { effectTags, type Effect } from './effect-tags.js';

interface Subject {
  run_name: string;
  effects: readonly Effect[];
}

export interface GateInboxView {
  status: string;
  gates: readonly GateDto[];
  /** What each lets run, or asks about, and of which run, by its id. */
  subjects: ReadonlyMap<string, Subject>;
  /** Address of the next page; null at the end. */
  older: string | null;
  /** Open gates, those of other pages too; capped. */
  open: number;
}

interface GateRow extends GateDto {
  look: Status;
  question: string;
  run_name: string;
  tags: ReturnType<typeof effectTags>;
}

/** More open gates than these are not counted. */
const MOST_COUNTED = 10_000;

const inboxTemplate = template<GateInboxView & { head: Html; list: Html; isTagged: boolean }>(
  import.meta.url,
  './inbox.eta',
);
const rowTemplate = template<GateRow>(import.meta.url, './inbox-row.eta');

function rowOf(gate: GateDto, { effects = [], run_name = '' }: Partial<Subject> = {}): GateRow {
  const question = gateQuestion(gate, effects);
  return { look: gateStatus(gate), question, run_name, tags: effectTags(effects), ...gate };
}

/** How many decisions are waited for. */
function headOf({ status, open }: GateInboxView): Html {
  const many = open > MOST_COUNTED ? cappedCount(open, MOST_COUNTED) : countWord(open);
  const asked = open === 1 ? 'One gate waits for a decision.' : `${many} gates wait for a decision.`;
  return html`<div id="gate-head">
    <h1>${status !== 'open' ? 'Gates' : open === 0 ? 'No gate is open.' : asked}</h1>
    <p class="sub">Where people decide before a run goes on.</p>
  </div>`;
}

/** The gates inbox, and its headline and list as what is renewed. */
export function gateInbox(view: GateInboxView, ui: Parts): { main: Html; fragments: Fragment[] } {
  const rows = view.gates.map((gate) => ({
    id: `gate-${gate.gate_id}`,
    html: rowTemplate(rowOf(gate, view.subjects.get(gate.gate_id)), ui),
  }));
  const list = html`<tbody id="gate-list" data-list>
    ${rows.map((row) => row.html)}
  </tbody>`;
  // Rows with tags are half as high again.
  const tagged = view.gates.filter(({ gate_id: id }) => (view.subjects.get(id)?.effects.length ?? 0) > 0).length;
  const isTagged = tagged > view.gates.length / 2;
  const head = headOf(view);
  const main = inboxTemplate({ head, list, isTagged, ...view }, ui);
  return {
    main,
    fragments: [
      { id: 'gate-head', html: head },
      { id: 'gate-list', html: list, rows },
    ],
  };
}
