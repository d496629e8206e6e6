import { readsOf, type Read } from '../domain/expression/reads.js';
import { matchesPattern } from '../domain/event-name.js';
import type { Plan, PlanNode, Val } from '../domain/plan.js';

/** Who outside wrote a value: the sender of the event, or a model. */
export type Origin = 'event' | 'agent';

/** What of an event its sender writes. */
const SENT: ReadonlySet<string> = new Set(['data', 'resource', 'actor']);

/** How a run was started, as far as it decides who wrote its inputs. */
export interface StartFacts {
  trigger: string;
  event_id: string | null;
}

/**
 * Says where values of a run come from, by what its plan reads: followed through inputs that a trigger fills, computed
 * values, lists of loops and results of holders. What an action answered is not followed further: it is not text that
 * somebody outside wrote for this run.
 */
export class Origins {
  readonly #plan: Plan;
  readonly #start: StartFacts;

  constructor(plan: Plan, start: StartFacts) {
    this.#plan = plan;
    this.#start = start;
  }

  /** Those who wrote parts of what the value becomes; empty: nobody outside. */
  of(val: Val): Origin[] {
    const found = new Set<Origin>();
    this.#follow(val, found, new Set());
    return [...found].sort();
  }

  #follow(val: Val, found: Set<Origin>, seen: Set<string>): void {
    for (const read of readsOf(val)) {
      // A value may be reached on many ways, and by a loop's own.
      const key = read.join('\0');
      if (seen.has(key)) continue;
      seen.add(key);
      this.#read(read, found, seen);
    }
  }

  #read([variable = '', id, , part]: Read, found: Set<Origin>, seen: Set<string>): void {
    if (variable === 'event') {
      if (id === undefined || SENT.has(id)) found.add('event');
    } else if (variable === 'inputs') this.#input(id, found, seen);
    else if (variable === 'steps') {
      const node = this.#plan.nodes.find((one) => one.id === id);
      if (node !== undefined) this.#result(node, part, found, seen);
    } else {
      for (const node of this.#plan.nodes) {
        if (node.kind === 'for_each' && node.as === variable) this.#follow(node.in, found, seen);
      }
    }
  }

  #input(name: string | undefined, found: Set<Origin>, seen: Set<string>): void {
    const { event_id: eventId, trigger: eventName } = this.#start;
    if (eventId === null) return;
    for (const trigger of this.#plan.triggers) {
      // What a schedule says of itself, nobody outside wrote.
      if (trigger.kind !== 'event' || !matchesPattern(trigger.event, eventName)) continue;
      // Without a list of its own a trigger hands the fields of the event on under their names.
      if (trigger.inputs === undefined) found.add('event');
      else this.#named(Object.entries(trigger.inputs), name, found, seen);
    }
  }

  #result(node: PlanNode, part: string | undefined, found: Set<Origin>, seen: Set<string>): void {
    if (node.kind === 'agent_task') found.add('agent');
    else if (node.outputs !== undefined) this.#named(Object.entries(node.outputs), part, found, seen);
    else if (node.kind === 'transform') this.#named(node.set, part, found, seen);
    else if ('bodies' in node) {
      for (const { outputs = {} } of Object.values(node.bodies)) {
        this.#named(Object.entries(outputs), node.kind === 'block' ? part : undefined, found, seen);
      }
    }
  }

  /** Follows the entry of that name, or all of them where none is named. */
  #named(entries: readonly [string, Val][], name: string | undefined, found: Set<Origin>, seen: Set<string>): void {
    for (const [key, val] of entries) if (name === undefined || key === name) this.#follow(val, found, seen);
  }
}
