import { isJsonObject, type Json } from '../domain/json.js';
import type { Problem } from './problem.js';
import { offsetOfContent } from './source-content.js';

/** A line and a column, both from 1; columns in UTF-16 units. */
export interface Place {
  line: number;
  column: number;
}

/** A document that was read: its value, and where in the text every part of it stands. */
export interface Source {
  /** Maps have no prototype. */
  value: Json;
  /** Without a byte order mark. */
  text: string;
  /**
   * Place of the value (or its key) at a JSON pointer. With `offset`, of that UTF-16 unit of the *content*, mapped back
   * through quotes, escapes, line folding and block indentation; an offset past the content gives its end. A pointer to
   * nothing (a missing field) gives the first key of the nearest map that exists.
   */
  placeOf(pointer: string, what?: 'value' | 'key', offset?: number): Place;
}

/** What reading gives: the document, or why there is none. */
export type ReadResult = { source: Source } | { problems: Problem[] };

/**
 * Numbers of one node in `ReadDocument.spans`: offsets of start and end of its key, of start and end of its value, and of
 * the place that stands for a field it lacks (its first key, or its start); then how many nodes it is with all that it
 * holds. A node without a key (list item, root) has its value there too.
 */
export const SPAN = { keyStart: 0, keyEnd: 1, start: 2, end: 3, first: 4, nodes: 5, length: 6 } as const;

/** What a source is made of; unlike it, this passes between threads. */
export interface ReadDocument {
  value: Json;
  text: string;
  /**
   * `SPAN.length` numbers for every node of the value, a holder before what it holds, in the order of its keys or items:
   * one buffer, since a pointer for each node takes longer to pass between threads than all else.
   */
  spans: Int32Array;
}

/** The part of a pointer that names one member: `~` and `/` escaped. */
export function pointerToken(key: string): string {
  return key.includes('~') || key.includes('/') ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key;
}

/** Turns offsets of a text into lines and columns. */
export function placesIn(text: string): (offset: number) => Place {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] as number) + 1 };
  };
}

/** The source of a document, with places. */
export function sourceOf({ value, text, spans }: ReadDocument): Source {
  const placeAt = placesIn(text);
  const nodes = new Nodes(value, spans);
  return {
    value,
    text,
    placeOf(pointer, what = 'value', offset) {
      const { at, isWhole } = nodes.find(pointer);
      const number = (ix: number): number => spans[at + ix] ?? 0;
      if (!isWhole) return placeAt(number(SPAN.first));
      const start = number(what === 'key' ? SPAN.keyStart : SPAN.start);
      if (offset === undefined) return placeAt(start);
      return placeAt(offsetOfContent(text, start, number(what === 'key' ? SPAN.keyEnd : SPAN.end), offset));
    },
  };
}

/** Where a holder's members stand in the spans, by the part of a pointer that names each of them. */
type Members = ReadonlyMap<string, { at: number; value: Json }>;

/** Finds nodes by JSON pointer. Of most documents few places are asked for, so that holders are looked into on demand. */
class Nodes {
  readonly #root: { at: number; value: Json };
  readonly #spans: Int32Array;
  readonly #members = new Map<number, Members>();

  constructor(value: Json, spans: Int32Array) {
    this.#root = { at: 0, value };
    this.#spans = spans;
  }

  /** The node at a pointer, or the innermost one around where nothing is. */
  find(pointer: string): { at: number; isWhole: boolean } {
    const [before, ...tokens] = pointer.split('/');
    let node = this.#root;
    if (before !== '') return { at: node.at, isWhole: false };
    for (const token of tokens) {
      const member = this.#membersOf(node).get(token);
      if (member === undefined) return { at: node.at, isWhole: false };
      node = member;
    }
    return { at: node.at, isWhole: true };
  }

  #membersOf({ at, value }: { at: number; value: Json }): Members {
    const known = this.#members.get(at);
    if (known !== undefined) return known;
    const members = new Map<string, { at: number; value: Json }>();
    let next = at + SPAN.length;
    const add = (token: string, member: Json): void => {
      members.set(token, { at: next, value: member });
      next += (this.#spans[next + SPAN.nodes] ?? 1) * SPAN.length;
    };
    if (Array.isArray(value)) value.forEach((item, ix) => add(String(ix), item));
    else if (isJsonObject(value)) for (const [key, member] of Object.entries(value)) add(pointerToken(key), member);
    this.#members.set(at, members);
    return members;
  }
}
