import type { Json } from '../domain/json.js';
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
 * Offsets of one node: start and end of its key, start and end of its value, and the place that stands for a field it
 * lacks (its first key, or its start). A node without a key (list item, root) has its value there too.
 */
export type Span = readonly [keyStart: number, keyEnd: number, start: number, end: number, first: number];

/** What a source is made of; unlike it, this passes between threads. */
export interface ReadDocument {
  value: Json;
  text: string;
  /** By JSON pointer. */
  spans: ReadonlyMap<string, Span>;
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
  return {
    value,
    text,
    placeOf(pointer, what = 'value', offset) {
      const span = spans.get(pointer);
      if (span === undefined) return placeAt(nearestSpan(spans, pointer)?.[4] ?? 0);
      const [start, end] = what === 'key' ? [span[0], span[1]] : [span[2], span[3]];
      return placeAt(offset === undefined ? start : offsetOfContent(text, start, end, offset));
    },
  };
}

function nearestSpan(spans: ReadonlyMap<string, Span>, pointer: string): Span | undefined {
  let parent = pointer;
  while (parent !== '') {
    parent = parent.slice(0, Math.max(0, parent.lastIndexOf('/')));
    const span = spans.get(parent);
    if (span !== undefined) return span;
  }
  return undefined;
}
