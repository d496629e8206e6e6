import type { KnownValueField } from '../../domain/known-values.js';
import { html, type Html } from '../html.js';

/** What may follow each key of a filter: these values, those that a field of the catalog has, or anything (null). */
export type FilterVocabulary = Readonly<Record<string, readonly string[] | KnownValueField | null>>;

/** The term that somebody types: the last word of the text. */
export interface OpenTerm {
  /** All before it. */
  before: string;
  /** Null: only the beginning of a key is there, in `typed`. */
  key: string | null;
  typed: string;
}

/** Completions that a list shows; the browser narrows them as somebody types on. */
const MOST_COMPLETIONS = 12;

/** Takes the last word of a filter's text apart. */
export function openTerm(text: string): OpenTerm {
  const from = text.search(/\S*$/);
  const word = text.slice(from);
  const at = word.indexOf(':');
  const before = text.slice(0, from);
  return at < 0 ? { before, key: null, typed: word } : { before, key: word.slice(0, at), typed: word.slice(at + 1) };
}

/** Whole texts with the last word completed: its key, where that is open, or its value, of those that the key may have. */
export function completions(text: string, vocabulary: FilterVocabulary, values: readonly string[]): string[] {
  const { before, key, typed } = openTerm(text);
  const used = new Set(before.match(/(?<=^|\s)[a-z]+(?=:)/g));
  const words =
    key === null
      ? Object.keys(vocabulary).flatMap((one) => (used.has(one) ? [] : [`${one}:`]))
      : values.filter((value) => !/\s/.test(value)).map((value) => `${key}:${value}`);
  const start = key === null ? typed : `${key}:${typed}`;
  return words
    .filter((word) => word.startsWith(start) && word !== start)
    .slice(0, MOST_COMPLETIONS)
    .map((word) => before + word);
}

/** The list behind a filter's field. It stands in what is renewed while somebody types. */
export function completionList(field: string, options: readonly string[]): Html {
  return html`<datalist id="${field}-words">
    ${options.map((value) => html`<option value="${value}"></option>`)}
  </datalist>`;
}
