import { matchesCode } from '../domain/engine/retry.js';
import type { Transition } from '../domain/engine/state.js';
import type { Handler, Plan, PlanNode } from '../domain/plan.js';
import type { XynError } from '../domain/xyn-error.js';
import type { SimulatedRun } from './simulation.js';
import { stepIdOf, withoutAttempts } from './step-pattern.js';

/** What scenarios reached of one plan. */
export interface Coverage {
  /** Things that can be reached: steps, cases, handlers. */
  total: number;
  /** Those that no scenario reached, in document order: `step deploy`, `case route:full`, `handler probe!0`. */
  missed: string[];
}

/** Collects what runs of one plan reached. */
export class CoverageCollector {
  readonly #plan: Plan;
  readonly #reached = new Set<string>();

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  add({ path, transitions }: SimulatedRun): void {
    for (const one of path) this.#addPath(one);
    for (const one of transitions) {
      if (one.t !== 'step' || one.status === 'skipped') continue;
      this.#addPath(one.path);
      this.#addChoice(one);
      if (one.error !== undefined) this.#addSilentHandler(this.#nodeOf(one.id)?.on_error, one.path, one.error);
    }
    const end = transitions.at(-1);
    if (end?.t === 'end' && end.error !== undefined) this.#addSilentHandler(this.#plan.root.on_error, '', end.error);
  }

  coverage(): Coverage {
    const all = this.#plan.nodes.flatMap((node) => [`step ${node.id}`, ...partsOf(node)]);
    all.push(...handlersOf('', this.#plan.root.on_error));
    return { total: all.length, missed: all.filter((one) => !this.#reached.has(one)) };
  }

  #nodeOf(id: string): PlanNode | undefined {
    return this.#plan.nodes.find((node) => node.id === id);
  }

  /** A step ran, and so did the cases and handlers that it stands in. */
  #addPath(address: string): void {
    const segments = withoutAttempts(address).replaceAll('!', '.!').split('.');
    let above = '';
    for (const segment of segments) {
      if (segment.startsWith('!')) this.#reached.add(`handler ${above}${segment}`);
      else {
        above = stepIdOf(segment);
        const body = /:([^[#]+)/.exec(segment)?.[1];
        if (body !== undefined) this.#reached.add(`case ${above}:${body}`);
      }
    }
    this.#reached.add(`step ${stepIdOf(address)}`);
  }

  /** A chosen case may have run nothing. */
  #addChoice({ id, kind, outputs }: Extract<Transition, { t: 'step' }>): void {
    if (kind !== 'switch' || typeof outputs !== 'object' || outputs === null || Array.isArray(outputs)) return;
    if (typeof outputs['case'] === 'string') this.#reached.add(`case ${id}:${outputs['case']}`);
  }

  /** A handler without steps leaves nothing but the mark on the error. */
  #addSilentHandler(handlers: readonly Handler[] | undefined, path: string, error: XynError): void {
    if (error.handled !== true) return;
    const at = (handlers ?? []).findIndex(
      ({ codes }) => codes === undefined || codes.some((code) => isOf(error, code)),
    );
    if (handlers?.[at]?.do.length === 0) this.#reached.add(`handler ${path === '' ? '' : stepIdOf(path)}!${at}`);
  }
}

function isOf(error: XynError, pattern: string): boolean {
  for (let one: XynError | undefined = error; one; one = one.cause) if (matchesCode(pattern, one.code)) return true;
  return false;
}

function partsOf(node: PlanNode): string[] {
  const cases = node.kind === 'switch' ? Object.keys(node.bodies).map((name) => `case ${node.id}:${name}`) : [];
  return [...cases, ...handlersOf(node.id, node.on_error)];
}

function handlersOf(id: string, handlers: readonly Handler[] | undefined): string[] {
  return (handlers ?? []).map((_, ix) => `handler ${id}!${ix}`);
}
