import type { GateDto } from '../../domain/dtos.js';
import { html, type Html } from '../html.js';
import type { Fragment } from '../parts/fragment.js';
import type { Parts } from '../parts/parts.js';
import { gateStatus } from '../status.js';
import { template } from '../template.js';

export interface GateInboxView {
  status: string;
  gates: readonly GateDto[];
  /** Address of the next page; null at the end. */
  older: string | null;
}

const inboxTemplate = template<GateInboxView & { list: Html }>(import.meta.url, './inbox.eta');
const rowTemplate = template<GateDto & { look: ReturnType<typeof gateStatus> }>(import.meta.url, './inbox-row.eta');

/** The gates inbox, and its list as what is renewed. */
export function gateInbox(view: GateInboxView, ui: Parts): { main: Html; fragments: Fragment[] } {
  const rows = view.gates.map((gate) => ({
    id: `gate-${gate.gate_id}`,
    html: rowTemplate({ look: gateStatus(gate.status), ...gate }, ui),
  }));
  const list = html`<tbody id="gate-list" data-list>
    ${rows.map((row) => row.html)}
  </tbody>`;
  return { main: inboxTemplate({ list, ...view }, ui), fragments: [{ id: 'gate-list', html: list, rows }] };
}
