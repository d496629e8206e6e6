import { hash } from 'node:crypto';
import type { Html } from '../html.js';

/** A piece of a page that is renewed by itself: one element with an id. */
export interface Fragment {
  id: string;
  html: Html;
  /** Rows inside it, each one element with an id: while the same rows stay in the same order, only those that changed are sent. */
  rows?: readonly { id: string; html: Html }[];
}

/** Running times and the bars beside them change with every look and count on in the browser: they are no news. */
function withoutTimes(markup: string): string {
  if (!markup.includes(' data-count=') && !markup.includes(' data-moves ')) return markup;
  return markup.replace(/(<time [^>]*data-count[^>]*>)[^<]*/g, '$1').replace(/( data-moves) width="[^"]*"/g, '$1');
}

/**
 * The markup with a short mark in place of each row. One pass: replacing row by row would copy the whole for every row. A row
 * that stands before an earlier one stays as it is, and is then compared with the frame.
 */
function frameOf(markup: string, rows: readonly { id: string; html: Html }[]): string {
  let frame = '';
  let at = 0;
  for (const { id, html } of rows) {
    const row = html.toString();
    const from = markup.indexOf(row, at);
    if (from < 0) continue;
    frame += `${markup.slice(at, from)}\u0000${id}`;
    at = from + row.length;
  }
  return frame + markup.slice(at);
}

/**
 * Fragments as they were sent, for comparing: digests of each frame and row. The markup itself, kept for every page that somebody
 * looks at, would be half a megabyte for a list, and most of what the garbage collector has to move.
 */
export type FragmentState = ReadonlyMap<string, { frame: string; rows: ReadonlyMap<string, string> }>;

const digestOf = (markup: string): string => hash('sha1', withoutTimes(markup), 'base64');

/** What fragments look like apart from running times. */
export function fragmentState(fragments: readonly Fragment[]): FragmentState {
  return new Map(
    fragments.map(({ id, html, rows = [] }) => {
      const frame = digestOf(frameOf(html.toString(), rows));
      return [id, { frame, rows: new Map(rows.map((row) => [row.id, digestOf(row.html.toString())])) }];
    }),
  );
}

/** A short name of a state: the same state, the same name. */
export function stateName(state: FragmentState): string {
  const all = [...state].map(([id, { frame, rows }]) => [id, frame, ...[...rows].flat()].join('\u0000'));
  return hash('sha256', all.join('\u0000')).slice(0, 16);
}

/**
 * The elements to send so that a page in state `before` shows `fragments`; empty when nothing changed. Each one is parsed by
 * itself in the browser: a table's row after a section would be dropped.
 */
export function changedMarkup(before: FragmentState, fragments: readonly Fragment[], after: FragmentState): string[] {
  return fragments.flatMap(({ id, html, rows = [] }) => {
    const was = before.get(id);
    const is = after.get(id);
    if (is === undefined || was?.frame !== is.frame) return [html.toString()];
    return rows.filter((row) => was.rows.get(row.id) !== is.rows.get(row.id)).map((row) => row.html.toString());
  });
}
