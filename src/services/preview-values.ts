import { isReadOf } from '../domain/expression/access.js';
import { EVALUATION_COST_LIMIT } from '../domain/expression/cost.js';
import { evaluateBool, type EvalScope } from '../domain/expression/evaluate.js';
import { readsOf, readsOfTree, type Read } from '../domain/expression/reads.js';
import { render } from '../domain/expression/render.js';
import type { Tree } from '../domain/expression/tree.js';
import { attempt } from '../domain/engine/attempt.js';
import type { PreviewFacts, PreviewFault } from '../domain/plan-preview.js';
import { jsonLength, type Json, type JsonObject } from '../domain/json.js';
import type { TransformNode, Val } from '../domain/plan.js';

/** A value that the facts decide, one that is decided while the run goes, or one that cannot be made. */
export type Known<T> = { value: T } | { later: true } | { fault: Omit<PreviewFault, 'field'> };

/** What is known of an event before it comes; its id, time and actor are not. */
const EVENT_FIELDS: ReadonlySet<string> = new Set(['event_name', 'data', 'resource', 'env_id']);

/** Variables of loops around a place. */
export type Locals = Readonly<Record<string, Json>>;

/** Bytes of all rendered values of one preview: a small plan must not make a large answer out of one large input. */
const MAX_RENDERED_BYTES = 1_048_576;
/** Cost units of one preview: twenty of the dearest steps (language §7.4). */
const MAX_COST = 20 * EVALUATION_COST_LIMIT;

/**
 * Evaluates what is decided before a run begins: values that read its inputs, event and environment, and what transforms
 * make of these. Anything that reads the run itself, the clock or a later result is decided later, as at a gate.
 */
export class PreviewValues {
  readonly #facts: PreviewFacts;
  /** Outputs of transforms that are known. */
  readonly #outputs = new Map<string, JsonObject>();
  readonly #cost = { left: MAX_COST };
  #bytesLeft = MAX_RENDERED_BYTES;

  constructor(facts: PreviewFacts) {
    this.#facts = facts;
  }

  /** A value with its templates. */
  value(val: Val, locals: Locals = {}): Known<Json> {
    return this.#guarded(readsOf(val), locals, () => {
      const value = render(val, this.#scope(locals));
      const bytes = jsonLength(value, this.#bytesLeft);
      this.#bytesLeft = Math.max(0, this.#bytesLeft - bytes);
      return value;
    });
  }

  /** A condition. */
  condition(tree: Tree, locals: Locals = {}): Known<boolean> {
    return this.#guarded(readsOfTree(tree), locals, () => evaluateBool(tree, this.#scope(locals)));
  }

  /** Remembers what a transform gives, if all of it is known and nothing that it asserts is false. */
  learn(node: TransformNode): void {
    const outputs: JsonObject = {};
    this.#outputs.set(node.id, outputs);
    const isKnown =
      node.outputs === undefined &&
      node.set.every(([name, val]) => {
        const known = this.value(val);
        if ('value' in known) outputs[name] = known.value;
        return 'value' in known;
      }) &&
      (node.assert ?? []).every(({ that }) => {
        const known = this.condition(that);
        return 'value' in known && known.value;
      });
    if (!isKnown) this.#outputs.delete(node.id);
  }

  #areKnown(reads: readonly Read[], locals: Locals): boolean {
    return reads.every(([variable = '', id = '', part]) => {
      if (variable === 'steps') return this.#outputs.has(id) && part === 'outputs';
      if (variable === 'event') return this.#facts.event === null || EVENT_FIELDS.has(id);
      return variable === 'inputs' || variable === 'env' || Object.hasOwn(locals, variable);
    });
  }

  #scope(locals: Locals): EvalScope {
    const { inputs, event, env } = this.#facts;
    return {
      cost: this.#cost,
      variable: (name) => {
        if (Object.hasOwn(locals, name)) return locals[name];
        switch (name) {
          case 'inputs':
            return inputs;
          case 'event':
            return event;
          case 'env':
            return env as unknown as Json;
          case 'steps':
            return Object.fromEntries([...this.#outputs].map(([id, outputs]) => [id, { outputs }]));
          default:
            return undefined;
        }
      },
      // No step has an address before there is a run.
      uid: () => {
        throw new NotYet();
      },
    };
  }

  #guarded<T>(reads: readonly Read[], locals: Locals, work: () => T): Known<T> {
    if (!this.#areKnown(reads, locals) || this.#bytesLeft === 0 || this.#cost.left <= 0) return { later: true };
    try {
      const made = attempt(work);
      if ('value' in made) return made;
      // The preview's own bound is no mistake of the blueprint.
      if (this.#cost.left <= 0) return { later: true };
      const { code, message } = made.fault;
      const isEventless = this.#facts.event === null && isReadOf(message, 'event');
      return { fault: { code, message, ...(isEventless ? { needs_event: true } : {}) } };
    } catch (error) {
      if (error instanceof NotYet) return { later: true };
      throw error;
    }
  }
}

/** A value depends on the run's own id. */
class NotYet extends Error {}
