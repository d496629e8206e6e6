import { EVALUATION_COST_LIMIT } from '../expression/cost.js';
import type { EvalScope } from '../expression/evaluate.js';
import { timestampOfMs } from '../expression/time.js';
import type { Json } from '../json.js';
import { idempotencyKeyOf } from '../ids.js';
import type { Plan, PlanNode } from '../plan.js';
import { isoUtc } from '../time.js';
import type { FailureFacts, XynError } from '../xyn-error.js';
import { sha256Base32 } from '../hash.js';
import type { Command, EngineEvent } from './messages.js';
import type { Frame, State, StepView, Transition } from './state.js';

/** The frame of the plan's own list. */
export const ROOT = 'root';

type TransitionBody = Transition extends infer T ? (T extends Transition ? Omit<T, 'seq' | 'at'> : never) : never;

/**
 * The next state while one event is applied: a copy of the parts that may change, so that the state before stays as it
 * was, and the commands so far.
 */
export class Draft {
  readonly plan: Plan;
  readonly state: State;
  readonly commands: Command[] = [];
  readonly #costs: { left: number }[] = [];

  constructor(plan: Plan, before: State, event: EngineEvent) {
    this.plan = plan;
    const through = event.recorded ?? 0;
    this.state = {
      ...before,
      now: Math.max(before.now, event.now),
      ran: { ...before.ran },
      frames: Object.fromEntries(Object.entries(before.frames).map(([id, frame]) => [id, copyOf(frame)])),
      tasks: { ...before.tasks },
      timers: { ...before.timers },
      gates: { ...before.gates },
      transitions: before.transitions.filter((transition) => transition.seq > through),
    };
  }

  /** A frame that must be there. */
  frame(id: string): Frame {
    const frame = this.state.frames[id];
    if (!frame) throw new Error(`engine: no frame ${id}`);
    return frame;
  }

  /** A node that must be there. */
  node(ix: number): PlanNode {
    const node = this.plan.nodes[ix];
    if (!node) throw new Error(`engine: no node ${ix}`);
    return node;
  }

  /** The address of a node in a frame. Frames of holders will add their segments; the root adds nothing. */
  pathOf(node: PlanNode): string {
    return node.path;
  }

  nowIso(): string {
    return isoUtc(this.state.now);
  }

  /** Notes something for the catalog and numbers it. */
  note(body: TransitionBody): void {
    this.state.seq += 1;
    this.state.transitions.push({ ...body, seq: this.state.seq, at: this.state.now });
  }

  /** The idempotency key of a step: the author's, hashed, or that of run and path. */
  keyOf(path: string, authorsKey: string | undefined): string {
    return authorsKey === undefined ? idempotencyKeyOf(this.state.run.id, path) : sha256Base32(`key/${authorsKey}`, 26);
  }

  /**
   * What expressions of a step in this frame see (language §5.1, §7.1).
   * @param extra variables of the place, such as `result`.
   */
  scope(frameId: string, path: string, extra: Readonly<Record<string, Json>> = {}): EvalScope {
    const scope = variablesOf(this.state, this.frame(frameId), path, extra);
    this.#costs.push(scope.cost);
    return scope;
  }

  /** Cost units that the expressions of this event have used so far. */
  costUsed(): number {
    return this.#costs.reduce((sum, cost) => sum + EVALUATION_COST_LIMIT - cost.left, 0);
  }

  /** An error at a place, with the time of this event. */
  errorAt(node: PlanNode | undefined, path: string, facts: FailureFacts, attempt = 1): XynError {
    return {
      code: facts.code,
      ...(facts.detail === undefined ? {} : { detail: facts.detail }),
      message: facts.message,
      step: node?.id ?? '',
      path,
      attempt,
      retryable: facts.retryable,
      at: this.nowIso(),
      ...(facts.status === undefined ? {} : { status: facts.status }),
      ...(facts.excerpt === undefined ? {} : { excerpt: facts.excerpt }),
    };
  }
}

function copyOf(frame: Frame): Frame {
  return { ...frame, steps: { ...frame.steps } };
}

/** The variables of a place. Views are plain JSON, so they serve as they are. */
function variablesOf(state: State, frame: Frame, path: string, extra: Readonly<Record<string, Json>>): EvalScope {
  return {
    cost: { left: EVALUATION_COST_LIMIT },
    variable(name) {
      switch (name) {
        case 'inputs':
          return state.inputs;
        case 'steps':
          return frame.steps as unknown as Json;
        case 'event':
          return state.event;
        case 'run':
          return state.run as unknown as Json;
        case 'env':
          return state.env as unknown as Json;
        case 'now':
          return timestampOfMs(state.now);
        default:
          return Object.hasOwn(extra, name) ? extra[name] : undefined;
      }
    },
    uid: (label) => sha256Base32(`${state.run.id}/${path}/${label}`, 26),
  };
}

/** The view of a step, or that of one that has not begun. */
export function viewOf(frame: Frame, id: string): StepView {
  return frame.steps[id] ?? { status: 'created', attempts: 0 };
}
