import { count } from '../format.js';
import { html, type Html, type Part } from '../html.js';
import type { Parts } from '../parts/parts.js';
import type { AuditStateView, SignedHead } from './state.js';

/** Entries without a link that are drawn behind the newest one; more are told in words. */
const MOST_WAITING = 3;
/** A phone draws the last half of 24 squares. */
const PHONE_SQUARES = 12;
/** Squares that a time needs before its own, and between it and the next; twice as many with its day. */
const LABEL_SQUARES = 5;

/** A link, and what is known of it. */
interface Square {
  seq: number;
  /** A head that is signed names it and its hash. */
  signed: SignedHead | undefined;
  /** It does not fit, or a signed head names another hash for it. */
  isBad: boolean;
}

function squaresOf({ shown, signed, last }: AuditStateView): Square[] {
  const problem = last?.report.first_problem;
  // Where links are missing, the next one does not follow.
  const broken =
    problem?.kind === 'head_signature' ? undefined : shown.find(({ seq }) => seq >= (problem?.seq ?? Infinity));
  const heads = new Map(signed.map((head) => [head.seq, head]));
  return shown.map(({ seq, hash }) => {
    const head = heads.get(seq);
    const isOurs = head === undefined || head.hash === hash;
    return { seq, signed: isOurs ? head : undefined, isBad: seq === broken?.seq || !isOurs };
  });
}

/** The links whose time stands under the drawing: the newest that is signed, and earlier ones as far as there is room. */
function labelled(squares: readonly Square[], waiting: number, ui: Parts): Set<number> {
  const told = new Set<number>();
  const all = squares.length + waiting;
  let free = all;
  squares.forEach((_, index) => {
    const at = squares.length - 1 - index;
    const { seq, signed } = squares[at] as Square;
    if (signed === undefined) return;
    const needed = ui.format.moment(signed.at, ui.clock, true).includes(' ') ? 2 * LABEL_SQUARES : LABEL_SQUARES;
    const before = at - Math.max(0, all - PHONE_SQUARES);
    const hasRoom = before >= 0 ? before >= needed : at >= needed;
    if (!hasRoom || (told.size > 0 && free - at < needed)) return;
    told.add(seq);
    free = at;
  });
  return told;
}

function drawn(squares: readonly Square[], waiting: number, newest: number | undefined, ui: Parts): Html[] {
  const told = labelled(squares, waiting, ui);
  const links = squares.map(({ seq, signed, isBad }) => {
    const look = isBad ? 'bad' : seq === newest ? 'newest' : '';
    const time = signed !== undefined && told.has(seq) ? html`signed ${ui.time(signed.at, true)}` : '';
    const pin = signed === undefined ? '' : html`<b>${time}</b>`;
    return look === '' ? html`<i>${pin}</i>` : html`<i class="${look}">${pin}</i>`;
  });
  return [...links, ...Array.from({ length: waiting }, () => html`<i class="waits"></i>`)];
}

function signature({ signed, head, shown }: AuditStateView, ui: Parts): Part {
  const newest = signed.at(-1);
  if (newest === undefined) return 'No head is signed yet.';
  const link = shown.find(({ seq }) => seq === newest.seq);
  if (link !== undefined && link.hash !== newest.hash)
    return html`The head signed at ${ui.time(newest.at, true)} names another hash for link ${count(newest.seq)}: verify.`;
  const which = newest.seq === head?.seq ? 'It was signed' : `Link ${count(newest.seq)} was signed`;
  return html`${which} at ${ui.time(newest.at, true)}, outside of this database.`;
}

/**
 * Links as squares on a line: the newest 24, or those around the one that does not fit; pins mark the links that one of the newest
 * signed heads names. Nothing while there is no link.
 */
export function chainDrawing(state: AuditStateView, ui: Parts): Html {
  const { head, pending } = state;
  const squares = squaresOf(state);
  const [first, end] = [squares[0], squares.at(-1)];
  if (head === null || first === undefined || end === undefined) return html``;
  const waiting = end.seq === head.seq ? Math.min(pending, MOST_WAITING) : 0;
  const pins = squares.filter(({ signed }) => signed !== undefined).length;
  const bad = squares.find(({ isBad }) => isBad);
  const what = [
    ...(bad === undefined ? [] : [`link ${count(bad.seq)} does not fit`]),
    ...(pins === 0 ? [] : [ui.format.plural(pins, 'signed head')]),
  ];
  const sentence = [`Links ${count(first.seq)} to ${count(end.seq)}`, ...what].join(', ');
  return html`<section class="card gap-below" aria-labelledby="h-chain" data-testid="audit-chain">
    <h2 class="sr" id="h-chain">The chain</h2>
    <div class="links" role="img" aria-label="${sentence}">${drawn(squares, waiting, head.seq, ui)}</div>
    <footer>
      <span>Head</span>${ui.digest(head.hash, true)}<span>${signature(state, ui)}</span><span class="grow"></span
      ><span class="meta">Check it yourself: <code>xynctl audit verify</code></span>
    </footer>
  </section>`;
}
