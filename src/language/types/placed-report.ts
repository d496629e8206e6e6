import type { TreeNode } from '../../domain/expression/tree.js';
import type { NodePlace, Places } from '../document/names.js';
import type { Report } from '../document/report.js';
import type { ExpressionReport } from './operands.js';

/** Tells problems of expressions where they were written, each once. */
export class PlacedReport implements ExpressionReport {
  readonly #report: Report;
  readonly #places: Places;
  readonly #told = new Set<string>();
  /** Nothing is told while this is above 0. */
  #silent = 0;

  constructor(report: Report, places: Places) {
    this.#report = report;
    this.#places = places;
  }

  get isSilent(): boolean {
    return this.#silent > 0;
  }

  /** Does work whose problems are told elsewhere. */
  silently<T>(work: () => T): T {
    this.#silent += 1;
    const done = work();
    this.#silent -= 1;
    return done;
  }

  error(code: string, node: TreeNode, part: number | 'key' | undefined, message: string, suggestion?: string): void {
    this.#tell('error', code, [node, part], message, suggestion);
  }

  warn(code: string, node: TreeNode, part: number | 'key' | undefined, message: string, suggestion?: string): void {
    this.#tell('warning', code, [node, part], message, suggestion);
  }

  /** A problem with a value of the document, or with a field as a whole. */
  at(severity: 'error' | 'warning', code: string, pointer: string, message: string, suggestion?: string): void {
    if (this.#silent > 0 || this.#isTold(`${code} ${pointer}`)) return;
    if (severity === 'error') this.#report.add(code, pointer, message, { suggestion });
    else this.#report.warn(code, pointer, message, { suggestion });
  }

  /** JSON pointer of the value that an operation belongs to. */
  pointerOf(node: TreeNode): string | undefined {
    return this.#places.get(node)?.pointer;
  }

  textOf(node: TreeNode, part: number): string | undefined {
    const place = this.#places.get(node);
    const span = place?.span.parts[part];
    return place === undefined || span === undefined ? undefined : place.source.slice(span.start, span.end).trim();
  }

  #isTold(problem: string): boolean {
    if (this.#told.has(problem)) return true;
    this.#told.add(problem);
    return false;
  }

  #tell(
    severity: 'error' | 'warning',
    code: string,
    [node, part]: [TreeNode, number | 'key' | undefined],
    message: string,
    suggestion: string | undefined,
  ): void {
    const place = this.#places.get(node);
    if (this.#silent > 0 || place === undefined) return;
    const { span, pointer } = place;
    const within = offsetOf(node, span, part);
    const offset = place.offset + within + blanksAt(place.source, within);
    if (this.#isTold(`${code} ${pointer} ${offset}`)) return;
    if (severity === 'error') this.#report.add(code, pointer, message, { offset, suggestion });
    else this.#report.warn(code, pointer, message, { offset, suggestion });
  }
}

/** Blanks around a placeholder's expression are not what is wrong with it. */
function blanksAt(source: string, from: number): number {
  const rest = source.slice(from);
  return rest.length - rest.trimStart().length;
}

function offsetOf(node: TreeNode, { start, at, parts }: NodePlace['span'], part: number | 'key' | undefined): number {
  if (part === undefined) return start;
  const isIndex = node[0] === '[]' || node[0] === '[?]';
  if (part === 'key' && !isIndex) return at;
  return parts[part === 'key' ? 1 : part]?.start ?? start;
}
