import { codePieces, type CodeKind } from '../code-line.js';

/** A place in the text that is wrong; line and column from 1. */
export interface Mark {
  line: number;
  column: number;
  isError: boolean;
  message: string;
}

const TAGS: Readonly<Record<CodeKind, string>> = { text: 'span', key: 'b', expression: 'mark', comment: 'i' };

function element(tag: string, className: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

/** The columns that a mark underlines: the word that begins there. */
function wordAt(line: string, from: number): number {
  return from + Math.max(1, /^[^\s,\]}]*/.exec(line.slice(from))?.[0].length ?? 1);
}

function lineElement(text: string, marks: readonly Mark[]): HTMLLIElement {
  const item = document.createElement('li');
  // A character that turns the direction turns it in here only, not what is said about the line.
  const line = element('span', '', '');
  item.append(line);
  const [first] = marks;
  const from = first === undefined ? Infinity : Math.min(first.column - 1, Math.max(0, text.length - 1));
  const to = first === undefined ? Infinity : wordAt(text, from);
  let at = 0;
  for (const { kind, text: piece } of codePieces(text)) {
    const whole = element(TAGS[kind], '', '');
    const cuts = [at, ...[from, to].filter((cut) => cut > at && cut < at + piece.length), at + piece.length];
    cuts.slice(1).forEach((end, ix) => {
      const start = cuts[ix] ?? at;
      const isMarked = start >= from && start < to;
      whole.append(isMarked ? element('u', '', text.slice(start, end)) : text.slice(start, end));
    });
    line.append(whole);
    at += piece.length;
  }
  if (first !== undefined) {
    item.className = first.isError ? 'wrong' : 'doubtful';
    item.append(element('small', '', first.message));
  }
  return item;
}

/** The drawing under the text: one element for each line, of which only those are made anew that changed. */
export class Drawing {
  readonly #list: Element;
  #lines: string[] = [];

  constructor(list: Element) {
    this.#list = list;
  }

  /** Draws a text. Marks stay on their lines until new ones come. */
  draw(text: string): void {
    const now = text.split('\n');
    const old = this.#lines;
    let start = 0;
    while (start < now.length && start < old.length && now[start] === old[start]) start += 1;
    let end = 0;
    while (end < Math.min(now.length, old.length) - start && now.at(-1 - end) === old.at(-1 - end)) end += 1;
    for (let count = old.length - end - start; count > 0; count -= 1) this.line(start + 1)?.remove();
    const made = now.slice(start, now.length - end).map((line) => lineElement(line, []));
    const next = this.line(start + 1);
    if (!next) this.#list.append(...made);
    else next.before(...made);
    this.#lines = now;
  }

  /** Shows what is wrong now. */
  mark(marks: readonly Mark[]): void {
    const byLine = new Map<number, Mark[]>();
    for (const mark of marks) {
      const line = Math.min(mark.line, this.#lines.length);
      byLine.set(line, [...(byLine.get(line) ?? []), mark]);
    }
    [...this.#list.children].forEach((item, ix) => {
      const its = byLine.get(ix + 1) ?? [];
      if (its.length > 0 || item.className !== '') item.replaceWith(lineElement(this.#lines[ix] ?? '', its));
    });
  }

  /** The element of a line, from 1. */
  line(number: number): Element | undefined {
    return this.#list.children[number - 1];
  }
}
