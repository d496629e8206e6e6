import { isJsonObject, type Json } from '../../domain/json.js';
import type {
  BlockNode,
  ForEachNode,
  Handler,
  HolderNode,
  NodeIx,
  ParallelNode,
  PlanNode,
  Scope,
  SwitchNode,
  Val,
} from '../../domain/plan.js';
import { nearestName } from '../suggestion.js';
import { defined } from './defined.js';
import { codesOfList, codesOfStep } from './failure-codes.js';
import type { Fields } from './fields.js';
import { asOf, type BodyDraft, type DraftedPlan, type HandlerDraft, type ListDraft, type StepDraft } from './lists.js';
import { RUN_VARIABLES, scopeAt, type NameScope, type StepList } from './names.js';
import { checkCodes, readRetry } from './retry.js';
import { checkName } from './step-fields.js';
import { StepCompiler, type StepTools } from './steps.js';
import { expressionVal } from './values.js';

const MAX_TIMEOUT_MS = 30 * 86_400_000;
const MAX_BRANCHES = 450;
const MAX_CONCURRENCY = 100;
const MAX_ITEMS = 10_000;
const DEFAULT_ITEMS = 200;
/** Names of variables, which an item must not take. */
const TAKEN: ReadonlySet<string> = new Set([...RUN_VARIABLES, 'error', 'index', 'prev', 'result', 'received']);

type Common = ReturnType<StepCompiler['common']> & { on_error?: Handler[]; timeout_ms?: number };

/** Compiles the lists of a document to the nodes of a plan, those that hold others first. */
export class PlanCompiler {
  readonly nodes: PlanNode[] = [];
  readonly #tools: StepTools;
  readonly #steps: StepCompiler;

  constructor(tools: StepTools) {
    this.#tools = tools;
    this.#steps = new StepCompiler(tools);
  }

  /** The plan's own list, with its handlers and what it does last. */
  root({ root, handlers, last }: DraftedPlan, top: Fields): Scope {
    return {
      do: this.#list(root),
      ...this.#onError(handlers, top, codesOfList(root, this.#tools.actions)),
      ...this.#finally(last),
      rollback: 'manual',
    };
  }

  #list({ steps }: ListDraft): NodeIx[] {
    return steps.map((step) => this.#step(step));
  }

  #step(step: StepDraft): NodeIx {
    const node = this.#nodeOf(step);
    const codes = step.handlers.length === 0 ? undefined : codesOfStep(step, this.#tools.actions);
    const handlers = this.#onError(step.handlers, step.fields, codes);
    if (node !== undefined) this.nodes[step.ix] = { ...node, ...handlers };
    return step.ix;
  }

  #nodeOf(step: StepDraft): PlanNode | undefined {
    switch (step.kind) {
      case 'block':
        return this.#block(step);
      case 'switch':
        return this.#switch(step);
      case 'parallel':
        return this.#parallel(step);
      case 'for_each':
        return this.#forEach(step);
      default:
        return this.#steps.compile(step);
    }
  }

  #common(step: StepDraft): Common {
    const timeout = step.fields.duration('timeout', { min: 1_000, max: MAX_TIMEOUT_MS });
    return { ...this.#steps.common(step), ...defined({ timeout_ms: timeout }) };
  }

  #block(step: StepDraft): BlockNode {
    const common = this.#common(step);
    const [body] = step.bodies as [BodyDraft];
    const retry = readRetry(this.#tools.names.report, step.fields, 1, { mayRepeat: true });
    if (step.fields.oneOf('rollback', ['manual', 'auto']) === 'auto') {
      this.#tools.names.report.add(
        'field_unknown',
        step.fields.at('rollback'),
        '`rollback: auto` is not available yet.',
      );
    }
    const bodies = { do: { ...this.#body(body), ...this.#finally(step.last) } };
    return { ...common, kind: 'block', bodies, ...defined({ retry }) };
  }

  #switch(step: StepDraft): SwitchNode {
    const { values, names } = this.#tools;
    const { fields, bodies, list, at } = step;
    const common = this.#common(step);
    const seen = new Set<string>();
    const cases = bodies.flatMap(({ name, fields: one }) => {
      if (name === 'default' || one === undefined) return [];
      if (seen.has(name)) names.report.add('step_id_duplicate', one.at('name'), `There is a case \`${name}\` already.`);
      seen.add(name);
      return [{ name, when: values.condition(one.get('when') ?? null, one.at('when'), scopeAt(list, at)) }];
    });
    if (!fields.has('default')) {
      const message = 'Where no condition holds, nothing runs.';
      names.report.add('switch_no_default', fields.pointer, message, { suggestion: 'add `default`' });
    }
    return { ...common, kind: 'switch', cases, bodies: this.#bodies(bodies) };
  }

  #parallel(step: StepDraft): ParallelNode {
    const { report } = this.#tools.names;
    const { fields, bodies } = step;
    const common = this.#common(step);
    const count = bodies.length;
    if (fields.has('branches') && (count === 0 || count > MAX_BRANCHES)) {
      report.add('limit_range', fields.at('branches'), `A parallel has 1 to ${MAX_BRANCHES} branches.`);
    }
    const join = fields.get('join') === 'all' ? undefined : fields.number('join', { min: 1, max: MAX_BRANCHES }, true);
    if (join !== undefined && join > count) {
      const message = `There are only ${count} branches.`;
      report.add('join_impossible', fields.at('join'), message, { suggestion: String(count) });
    }
    if (join !== undefined && fields.has('mode')) {
      report.add('field_conflict', fields.at('mode'), '`join` with a number has its own rule.', {
        what: 'key',
        suggestion: 'keep one',
      });
    }
    return {
      ...common,
      kind: 'parallel',
      bodies: this.#bodies(bodies),
      mode: fields.oneOf('mode', ['fail_fast', 'collect']) ?? 'fail_fast',
      ...defined({ join }),
      concurrency: fields.number('concurrency', { min: 1, max: MAX_BRANCHES }, true) ?? MAX_BRANCHES,
    };
  }

  #forEach(step: StepDraft): ForEachNode {
    const { values, names } = this.#tools;
    const { fields, list, at } = step;
    const common = this.#common(step);
    const as = this.#itemName(fields, list);
    const items = fields.require('in') ? this.#items(fields, scopeAt(list, at)) : [];
    const concurrency = fields.number('concurrency', { min: 1, max: MAX_CONCURRENCY }, true) ?? 1;
    const [body] = step.bodies as [BodyDraft];
    const readBefore = names.reads.length;
    const condition = fields.has('while')
      ? values.condition(fields.get('while') as Json, fields.at('while'), scopeAt(body.list, 0))
      : undefined;
    const inside = this.#body(body);
    const readsPrev = names.reads.slice(readBefore).some(([variable]) => variable === 'prev');
    if (concurrency > 1 && (condition !== undefined || readsPrev)) {
      const message = '`while` and `prev` need one iteration after the other.';
      names.report.add('while_concurrent', fields.at('concurrency'), message, { suggestion: 'concurrency: 1' });
    }
    const mode = fields.oneOf('mode', ['fail_fast', 'collect']) ?? 'fail_fast';
    return {
      ...common,
      kind: 'for_each',
      bodies: { do: inside },
      in: items,
      as,
      concurrency,
      mode,
      ...defined({ tolerate: this.#tolerate(fields), while: condition }),
      max_items: fields.number('max_items', { min: 1, max: MAX_ITEMS }, true) ?? DEFAULT_ITEMS,
    };
  }

  /** What a loop goes over: text is an expression; lists, maps and numbers are themselves. */
  #items(fields: Fields, scope: NameScope): Val {
    const { values, names } = this.#tools;
    const written = fields.get('in') as Json;
    if (typeof written === 'number' && (written < 0 || !Number.isInteger(written))) {
      names.report.add('number_range', fields.at('in'), '`in` takes a whole number that is not negative.');
    }
    return typeof written === 'string'
      ? expressionVal(values.expression(written, fields.at('in'), scope))
      : values.value(written, fields.at('in'), scope);
  }

  #itemName(fields: Fields, list: StepList): string {
    const { report } = this.#tools.names;
    const as = fields.text('as', 63) ?? asOf(fields);
    if (!fields.has('as')) return as;
    checkName(report, 'xyn/v1', as, fields.at('as'));
    if (TAKEN.has(as)) report.add('name_reserved', fields.at('as'), `\`${as}\` is a variable already.`);
    else if (scopeAt(list, 0).variables.includes(as)) {
      report.add('name_shadowed', fields.at('as'), `A loop around this one has an item \`${as}\`.`, {
        suggestion: `inner_${as}`,
      });
    }
    return as;
  }

  /** A number of items, or a share of them in percent. */
  #tolerate(fields: Fields): ForEachNode['tolerate'] {
    const written = fields.get('tolerate');
    if (typeof written !== 'string') return fields.number('tolerate', { min: 0, max: MAX_ITEMS }, true);
    const percent = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(written)?.[1];
    if (percent !== undefined && Number(percent) <= 100) return { percent: Number(percent) };
    const { report } = this.#tools.names;
    report.add('type_mismatch', fields.at('tolerate'), '`tolerate` is a number of items or a share such as `5%`.', {
      suggestion: nearestName(written, ['5%']),
    });
    return undefined;
  }

  #bodies(bodies: readonly BodyDraft[]): Record<string, Scope> {
    return Object.fromEntries(bodies.map((body) => [body.name, this.#body(body)]));
  }

  #body(body: BodyDraft): Scope {
    const list = this.#list(body);
    const outputs = body.fields === undefined ? undefined : this.#outputs(body.fields, body.list);
    return { do: list, ...defined({ outputs }), rollback: 'manual' };
  }

  #outputs(fields: Fields, list: StepList): Record<string, Val> | undefined {
    const map = fields.object('outputs');
    return map === undefined ? undefined : this.#steps.record(map, fields.at('outputs'), scopeAt(list, Infinity));
  }

  #finally(last: ListDraft | undefined): Pick<Scope, 'finally'> {
    if (last === undefined) return {};
    this.#refuseGates(last);
    return { finally: this.#list(last) };
  }

  #refuseGates({ steps }: ListDraft): void {
    for (const step of steps) {
      if (step.kind === 'gate') {
        const message = 'Nobody can be waited for in `finally`.';
        this.#tools.names.report.add('finally_blocking', step.fields.at('kind'), message);
      }
      for (const body of step.bodies) this.#refuseGates(body);
    }
  }

  #onError(
    handlers: readonly HandlerDraft[],
    fields: Fields,
    codes: readonly string[] | undefined,
  ): { on_error?: Handler[] } {
    if (handlers.length === 0) return {};
    const compiled = handlers.map((handler) => this.#handler(handler, codes));
    const all = compiled.findIndex(({ codes: only, when }) => only === undefined && when === undefined);
    if (all !== -1 && all < handlers.length - 1) {
      const message = 'The handler before it takes every error.';
      this.#tools.names.report.add('handler_unreachable', `${fields.at('on_error')}/${all + 1}`, message);
    }
    return { on_error: compiled };
  }

  #handler({ fields, list, steps }: HandlerDraft, known: readonly string[] | undefined): Handler {
    if (fields === undefined) return { do: [], then: 'continue' };
    const codes = fields.texts('codes');
    checkCodes(this.#tools.names.report, fields, 'codes', known);
    if (codes?.includes('cancelled') === true) {
      const message = 'A cancel is never caught.';
      this.#tools.names.report.add('handler_unreachable', fields.at('codes'), message);
    }
    const when = fields.has('when')
      ? this.#tools.values.condition(fields.get('when') as Json, fields.at('when'), scopeAt(list, 0))
      : undefined;
    const inner = this.#list({ list, steps });
    const outputs = this.#outputs(fields, list);
    const then = fields.oneOf('then', ['continue', 'fail']) ?? 'continue';
    return { ...defined({ codes, when }), do: inner, ...defined({ outputs }), then };
  }
}

/** Leaves outside of loops on the longest way through a list, as if nothing were skipped or failed (language §9). */
export function straightLength({ steps }: ListDraft): number {
  return steps.reduce((sum, step) => sum + lengthOf(step), 0);
}

function lengthOf({ kind, bodies }: StepDraft): number {
  const lengths = bodies.map(straightLength);
  if (kind === 'for_each') return 0;
  if (kind === 'switch') return Math.max(0, ...lengths);
  if (kind === 'block' || kind === 'parallel') return lengths.reduce((sum, one) => sum + one, 0);
  return 1;
}

/** Whether anything is a holder of lists. */
export function isHolderNode(node: PlanNode): node is HolderNode {
  return isJsonObject((node as unknown as { bodies?: Json }).bodies);
}
