import { isHolder } from '../domain/engine/frames.js';
import { actionNameOf, textOf, type TaskNode } from '../domain/engine/leaves.js';
import type { Tree } from '../domain/expression/tree.js';
import { sortedKeys, type Json, type JsonObject } from '../domain/json.js';
import type { GateNode, Handler, HolderNode, LeafNode, Plan, PlanNode, Scope, Val } from '../domain/plan.js';
import type {
  PreviewFacts,
  PreviewFault,
  PreviewGate,
  PreviewList,
  PreviewStep,
  TargetFields,
  WouldRun,
} from '../domain/plan-preview.js';
import { PreviewValues, type Known, type Locals } from './preview-values.js';

const MAX_TARGETS = 100;

/** Where the walk is. */
interface Place {
  wouldRun: WouldRun;
  /** One for each combination of items of the loops around; undefined where these are not known. */
  items: readonly Locals[] | undefined;
  inLoop: boolean;
}

/**
 * What a run of a plan would do, in its order, as far as its beginning decides it (language §3.1, the rule of gates). Pure:
 * nothing is asked, written or called.
 */
export function previewPlan(plan: Plan, facts: PreviewFacts, targetFields: TargetFields): PreviewList[] {
  return new Walk(plan, new PreviewValues(facts), targetFields).root();
}

class Walk {
  readonly #plan: Plan;
  readonly #values: PreviewValues;
  readonly #targetFields: TargetFields;

  constructor(plan: Plan, values: PreviewValues, targetFields: TargetFields) {
    this.#plan = plan;
    this.#values = values;
    this.#targetFields = targetFields;
  }

  root(): PreviewList[] {
    const { root } = this.#plan;
    const place: Place = { wouldRun: 'yes', items: [{}], inLoop: false };
    return [
      this.#list('body', '', root.do, '', place),
      ...this.#handlers(root.on_error, '', place),
      ...this.#finally(root, '', place),
    ];
  }

  #list(role: PreviewList['role'], name: string, list: readonly number[], holder: string, place: Place): PreviewList {
    const steps = list.map((ix) => this.#step(this.#plan.nodes[ix] as PlanNode, holder, place));
    return { role, name, would_run: place.wouldRun, steps };
  }

  #handlers(handlers: readonly Handler[] = [], path: string, place: Place): PreviewList[] {
    // Whether anything fails is never known before.
    const wouldRun = place.wouldRun === 'no' ? 'no' : 'later';
    return handlers.map((handler, index) => {
      const codes = handler.codes?.join(', ') ?? '*';
      return this.#list('handler', codes, handler.do, `${path}!${index}`, { ...place, wouldRun });
    });
  }

  #finally(scope: Scope, path: string, place: Place): PreviewList[] {
    if (scope.finally === undefined) return [];
    return [this.#list('finally', 'finally', scope.finally, `${path}~finally`, place)];
  }

  #step(node: PlanNode, holder: string, around: Place): PreviewStep {
    const path = holder === '' ? node.id : `${holder}.${node.id}`;
    const faults: PreviewFault[] = [];
    const wouldRun = both(around.wouldRun, node.when === undefined ? 'yes' : this.#holds(node.when, 'when', faults));
    const place = { ...around, wouldRun };
    const step: PreviewStep = {
      path,
      id: node.id,
      name: node.name ?? null,
      kind: node.kind,
      would_run: wouldRun,
      ...(node.timeout_ms === undefined ? {} : { timeout_ms: node.timeout_ms }),
      ...('retry' in node ? { attempts: node.retry.attempts } : {}),
      later: [],
      faults,
    };
    if (isHolder(node)) this.#hold(step, node, place);
    else this.#leaf(step, node, place);
    const handlers = this.#handlers(node.on_error, path, place);
    if (handlers.length > 0) step.lists = [...(step.lists ?? []), ...handlers];
    return step;
  }

  #leaf(step: PreviewStep, node: LeafNode, place: Place): void {
    // What does not run is not rendered: its values may well be ones that cannot be made.
    if (step.would_run === 'no') return;
    if (node.kind === 'action_task' || node.kind === 'agent_task') this.#task(step, node, place);
    else if (node.kind === 'gate') step.gate = this.#gate(step, node);
    else if (node.kind === 'wait') this.#fields(step, { for: node.for, until: node.until });
    else {
      if (step.would_run === 'yes' && !place.inLoop) this.#values.learn(node);
      this.#fields(step, Object.fromEntries(node.set));
    }
  }

  #holds(tree: Tree, field: string, faults: PreviewFault[]): WouldRun {
    const known = this.#values.condition(tree);
    if ('fault' in known) faults.push({ field, ...known.fault });
    if ('value' in known) return known.value ? 'yes' : 'no';
    return 'later';
  }

  /** Puts every field where it belongs: known, later, or not to be made. */
  #fields(step: PreviewStep, fields: Readonly<Record<string, Val | undefined>>): void {
    const input: JsonObject = {};
    for (const [name, val] of Object.entries(fields)) {
      if (val === undefined) continue;
      const value = this.#known(step, name, this.#values.value(val));
      if (value !== undefined) input[name] = value;
    }
    step.input = input;
  }

  #known<T>(step: PreviewStep, field: string, known: Known<T>): T | undefined {
    if ('value' in known) return known.value;
    if ('later' in known) step.later.push(field);
    else step.faults.push({ field, ...known.fault });
    return undefined;
  }

  #task(step: PreviewStep, node: TaskNode, place: Place): void {
    step.action = actionNameOf(node);
    if (node.kind === 'agent_task') {
      step.effect = 'read';
      step.targets = [`${node.provider}/${node.model}`];
      this.#fields(step, { system: node.system, prompt: node.prompt });
      return;
    }
    step.effect = node.effect;
    step.idempotency = node.idempotency;
    this.#fields(step, { ...node.with, ...(node.key === undefined ? {} : { key: node.key }) });
    const fields = this.#targetFields(node.action).filter((name) => Object.hasOwn(node.with, name));
    step.targets = this.#targets(
      fields.map((name) => node.with[name] as Val),
      place,
    );
  }

  #targets(vals: readonly Val[], { items = [{}] }: Place): string[] {
    const found = new Set<string>();
    for (const locals of items) {
      for (const val of vals) {
        const known = this.#values.value(val, locals);
        if ('value' in known && known.value !== null) found.add(textOf(known.value));
        if (found.size >= MAX_TARGETS) return [...found];
      }
    }
    return [...found];
  }

  #gate(step: PreviewStep, node: GateNode): PreviewGate {
    const message = node.message === undefined ? null : this.#known(step, 'message', this.#values.value(node.message));
    const approvers =
      node.approvers === undefined ? [] : this.#known(step, 'approvers', this.#values.value(node.approvers));
    return {
      message: message == null ? null : textOf(message),
      approvers: approvers === undefined ? null : [approvers].flat().map((one) => textOf(one)),
      require: node.require,
      reject: node.reject,
      reason: node.reason,
    };
  }

  #hold(step: PreviewStep, node: HolderNode, place: Place): void {
    const { path } = step;
    switch (node.kind) {
      case 'block':
        step.lists = [
          this.#list('body', '', node.bodies.do.do, path, place),
          ...this.#finally(node.bodies.do, path, place),
        ];
        break;
      case 'switch':
        step.lists = this.#cases(step, node, place);
        break;
      case 'parallel':
        step.concurrency = Math.min(node.concurrency, Object.keys(node.bodies).length);
        step.lists = Object.entries(node.bodies)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, body]) => this.#list('branch', name, body.do, `${path}:${name}`, place));
        break;
      case 'for_each':
        step.concurrency = node.concurrency;
        step.lists = [this.#loop(step, node, place)];
    }
  }

  #cases(step: PreviewStep, node: Extract<HolderNode, { kind: 'switch' }>, place: Place): PreviewList[] {
    let left = place.wouldRun;
    const names = [...node.cases.map(({ name }) => name), ...(node.bodies['default'] === undefined ? [] : ['default'])];
    return names.map((name) => {
      const when = node.cases.find((one) => one.name === name)?.when;
      const answer = left === 'no' || when === undefined ? 'yes' : this.#holds(when, name, step.faults);
      const wouldRun = both(left, answer);
      if (answer === 'yes') left = 'no';
      else if (answer === 'later') left = both(left, 'later');
      const body = node.bodies[name];
      return this.#list('case', name, body?.do ?? [], `${step.path}:${name}`, { ...place, wouldRun });
    });
  }

  #loop(step: PreviewStep, node: Extract<HolderNode, { kind: 'for_each' }>, place: Place): PreviewList {
    const known = this.#known(step, 'in', this.#values.value(node.in));
    const items = known === undefined ? undefined : itemsOf(known);
    step.items = typeof known === 'number' ? known : (items?.length ?? null);
    const combined = items && place.items?.flatMap((around) => items.map((item) => ({ ...around, [node.as]: item })));
    const wouldRun =
      items?.length === 0 ? 'no' : node.while === undefined ? place.wouldRun : both(place.wouldRun, 'later');
    return this.#list('body', '', node.bodies.do.do, step.path, {
      wouldRun,
      items: combined?.slice(0, MAX_TARGETS),
      inLoop: true,
    });
  }
}

/** Items of a loop over a list, a map or a count (language §3.2); undefined for what the loop refuses. */
function itemsOf(value: Json): Json[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value === 'number') return Array.from({ length: Math.min(value, MAX_TARGETS) }, (_, index) => index);
  if (typeof value !== 'object' || value === null) return undefined;
  return sortedKeys(value).map((key) => ({ key, value: value[key] as Json }));
}

function both(a: WouldRun, b: WouldRun): WouldRun {
  if (a === 'no' || b === 'no') return 'no';
  return a === 'later' || b === 'later' ? 'later' : 'yes';
}
