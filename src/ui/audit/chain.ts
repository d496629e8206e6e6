import { count } from '../format.js';
import { html, type Html, type Part } from '../html.js';
import type { Parts } from '../parts/parts.js';
import type { AuditStateView, SignedHead } from './state.js';

/** Entries without a link that are drawn behind the newest one; more are told in words. */
const MOST_WAITING = 3;
/** Squares between two times, so that their words have room. */
const LABEL_ROOM = 6;
/** A phone draws the last half of 24, and words need this many squares before them. */
const PHONE_LINKS = 12;
const LABEL_SQUARES = 4;

/** The heads whose time stands under the drawing: the newest of them, and earlier ones as far as there is room. */
function labelled(links: readonly number[], signed: readonly SignedHead[]): Set<number> {
  const told = new Set<number>();
  let free = links.length;
  for (const { seq } of signed.toReversed()) {
    const at = links.indexOf(seq);
    const hasRoom = (at + PHONE_LINKS * 2 - links.length) % PHONE_LINKS >= LABEL_SQUARES && at >= LABEL_SQUARES;
    if (!hasRoom || at > free - (told.size === 0 ? 0 : LABEL_ROOM)) continue;
    told.add(seq);
    free = at;
  }
  return told;
}

function squares({ shown, signed, head, pending, last }: AuditStateView, ui: Parts): Html[] {
  const problem = last?.report.first_problem?.seq;
  const times = new Map(signed.map(({ seq, at }) => [seq, at]));
  const told = labelled(shown, signed);
  const drawn = shown.map((seq) => {
    const look = seq === problem ? 'bad' : seq === head?.seq ? 'newest' : '';
    const at = times.get(seq);
    const pin = at === undefined ? '' : html`<b>${told.has(seq) ? html`signed ${ui.time(at, true)}` : ''}</b>`;
    return look === '' ? html`<i>${pin}</i>` : html`<i class="${look}">${pin}</i>`;
  });
  const isAtEnd = shown.at(-1) === head?.seq;
  const waiting = Array.from(
    { length: isAtEnd ? Math.min(pending, MOST_WAITING) : 0 },
    () => html`<i class="waits"></i>`,
  );
  return [...drawn, ...waiting];
}

function signature({ signed, head }: AuditStateView, ui: Parts): Part {
  const newest = signed.at(-1);
  if (newest === undefined) return 'No head is signed yet.';
  const which =
    newest.seq === head?.seq && newest.hash === head.hash ? 'It was signed' : `Link ${count(newest.seq)} was signed`;
  return html`${which} at ${ui.time(newest.at, true)}, outside of this database.`;
}

/**
 * Links as squares on a line: the newest 24, or those around the one that does not fit; pins mark the links that a signed
 * head names. Nothing while there is no link.
 */
export function chainDrawing(state: AuditStateView, ui: Parts): Html {
  const { shown, head, signed, last } = state;
  const [first, end] = [shown[0], shown.at(-1)];
  if (head === null || first === undefined || end === undefined) return html``;
  const pins = signed.filter(({ seq }) => seq >= first && seq <= end).length;
  const problem = last?.report.first_problem?.seq;
  const bad = problem !== undefined && shown.includes(problem) ? `, of which ${count(problem)} does not fit` : '';
  const sentence = `Links ${count(first)} to ${count(end)}${bad}; ${ui.format.plural(pins, 'signed head')} among them`;
  return html`<section class="card gap-below" aria-labelledby="h-chain" data-testid="audit-chain">
    <h2 class="sr" id="h-chain">The chain</h2>
    <div class="links" role="img" aria-label="${sentence}">${squares(state, ui)}</div>
    <footer>
      <span>Head</span>${ui.digest(head.hash, true)}<span>${signature(state, ui)}</span><span class="grow"></span
      ><span class="meta">Check it yourself: <code>xynctl audit verify</code></span>
    </footer>
  </section>`;
}
