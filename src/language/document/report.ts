import { sortedProblems, type Problem } from '../problem.js';
import type { Source } from '../source.js';

/** Where in a value a problem stands, and what may help. */
export interface Details {
  /** `key`: the place of the key, not of its value. */
  what?: 'value' | 'key';
  /** UTF-16 units into the text. */
  offset?: number;
  suggestion?: string | undefined;
}

/** Codes that are hints in every dialect (language §10.2, "W"). */
const WARNINGS: ReadonlySet<string> = new Set([
  'model_unknown',
  'unused_input',
  'output_unbound',
  'looks_like_expression',
  'error_code_unknown',
  'handler_unreachable',
  'switch_no_default',
]);

/** Collects all problems of one document. */
export class Report {
  readonly #source: Source;
  readonly #problems: Problem[] = [];
  #errors = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  /** @param pointer JSON pointer of the value. */
  add(code: string, pointer: string, message: string, details: Details = {}): void {
    this.#push(WARNINGS.has(code) ? 'warning' : 'error', code, pointer, message, details);
  }

  /** A problem that is a hint in this document only. */
  warn(code: string, pointer: string, message: string, details: Details = {}): void {
    this.#push('warning', code, pointer, message, details);
  }

  #push(severity: Problem['severity'], code: string, pointer: string, message: string, details: Details): void {
    const { what, offset, suggestion } = details;
    const place = this.#source.placeOf(pointer, what ?? 'value', offset);
    if (severity === 'error') this.#errors += 1;
    const hint = suggestion === undefined ? {} : { suggestion };
    this.#problems.push({ code, severity, path: pointer, line: place.line, column: place.column, message, ...hint });
  }

  /** Whether nothing but warnings was found. */
  get isClean(): boolean {
    return this.#errors === 0;
  }

  /** In the order of the text, at most 50, errors kept before warnings. */
  problems(): Problem[] {
    return sortedProblems(this.#problems);
  }

  /** Where a value stands. */
  placeOf(pointer: string): { line: number; column: number } {
    return this.#source.placeOf(pointer);
  }
}
