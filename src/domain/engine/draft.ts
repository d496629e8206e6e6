import { EVALUATION_COST_LIMIT } from '../expression/cost.js';
import type { EvalScope } from '../expression/evaluate.js';
import { timestampOfMs } from '../expression/time.js';
import { jsonLength, type Json, type JsonObject } from '../json.js';
import { idempotencyKeyOf } from '../ids.js';
import type { ForEachNode, Plan, PlanNode } from '../plan.js';
import { isoUtc } from '../time.js';
import type { FailureFacts, XynError } from '../xyn-error.js';
import { sha256Base32 } from '../hash.js';
import type { Command, EngineEvent } from './messages.js';
import type { Frame, Hold, Outcome, Reused, State, StepView, Transition } from './state.js';

/** The frame of the plan's own list. */
export const ROOT = 'root';

/** Bytes of a state's JSON text: well below what a server takes as one value, which is 2 MiB (language §8.4). */
export const MAX_STATE_BYTES = 1_048_576;

type TransitionBody = Transition extends infer T ? (T extends Transition ? Omit<T, 'seq' | 'at'> : never) : never;

/**
 * The next state while one event is applied: a copy of the parts that change, so that the state before stays as it was, the
 * commands so far, and what is still to be brought to its end within this event.
 */
export class Draft {
  readonly plan: Plan;
  readonly state: State;
  readonly commands: Command[] = [];
  /** Frames that may go on, in order. */
  readonly ready: string[] = [];
  /** Frames that ended; what holds them is told in order. */
  readonly ended: { frame: string; outcome: Outcome }[] = [];
  /** Leaf steps that began within this event. */
  entered = 0;
  readonly #costs: { left: number }[] = [];
  readonly #own = new Set<string>();
  readonly #ownHolds = new Set<string>();
  #ownReuse = false;

  constructor(plan: Plan, before: State, event: EngineEvent) {
    this.plan = plan;
    const through = event.recorded ?? 0;
    this.state = {
      ...before,
      now: Math.max(before.now, event.now),
      ran: { ...before.ran },
      frames: { ...before.frames },
      holds: { ...before.holds },
      waits: { ...before.waits },
      tasks: { ...before.tasks },
      timers: { ...before.timers },
      gates: { ...before.gates },
      transitions: before.transitions.filter((transition) => transition.seq > through),
    };
  }

  /** A frame that must be there, to be changed. */
  frame(id: string): Frame {
    const frame = this.state.frames[id];
    if (!frame) throw new Error(`engine: no frame ${id}`);
    if (this.#own.has(id)) return frame;
    this.#own.add(id);
    return (this.state.frames[id] = { ...frame, steps: { ...frame.steps } });
  }

  /** Adds a frame, which goes on at once. */
  addFrame(id: string, frame: Frame): void {
    this.#own.add(id);
    this.state.frames[id] = frame;
    this.ready.push(id);
  }

  /** A hold that must be there, to be changed. */
  hold(path: string): Hold {
    const hold = this.state.holds[path] as Hold;
    if (this.#ownHolds.has(path)) return hold;
    this.#ownHolds.add(path);
    return (this.state.holds[path] = {
      ...hold,
      ...(hold.branches && {
        branches: { ...hold.branches, results: { ...hold.branches.results }, failures: [...hold.branches.failures] },
      }),
      ...(hold.loop && {
        loop: {
          ...hold.loop,
          failures: [...hold.loop.failures],
          results: [...hold.loop.results],
          ...(hold.loop.page && { page: { ...hold.loop.page } }),
        },
      }),
    });
  }

  /** Adds the hold of a step. */
  addHold(path: string, hold: Hold): Hold {
    this.#ownHolds.add(path);
    return (this.state.holds[path] = hold);
  }

  /** The result that an earlier run has for a path, if any; it is given once. */
  takeReused(path: string): Reused | undefined {
    const entry = this.state.reuse?.[path];
    if (entry === undefined) return undefined;
    if (!this.#ownReuse) this.state.reuse = { ...this.state.reuse };
    this.#ownReuse = true;
    delete this.state.reuse?.[path];
    return entry;
  }

  /** A node that must be there. */
  node(ix: number): PlanNode {
    const node = this.plan.nodes[ix];
    if (!node) throw new Error(`engine: no node ${ix}`);
    return node;
  }

  /** The address of a step in a frame. */
  pathOf(frameId: string, node: PlanNode): string {
    return frameId === ROOT ? node.id : `${frameId}.${node.id}`;
  }

  /** Counts a value that the state keeps from now on. */
  grow(value: Json | undefined): void {
    if (value !== undefined) this.growBy(jsonLength(value, MAX_STATE_BYTES));
  }

  /** Counts characters that the state keeps from now on. */
  growBy(characters: number): void {
    const { measured, added } = this.state.size ?? { measured: 0, added: 0 };
    this.state.size = { measured, added: added + characters };
  }

  nowIso(): string {
    return isoUtc(this.state.now);
  }

  /** Notes something for the catalog and numbers it. */
  note(body: TransitionBody): void {
    this.state.seq += 1;
    this.state.transitions.push({ seq: this.state.seq, at: this.state.now, ...body });
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
    const scope = variablesOf(this, frameId, path, extra);
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

/** The variables of a place. Views are plain JSON, so they serve as they are. */
function variablesOf(d: Draft, frameId: string, path: string, extra: Readonly<Record<string, Json>>): EvalScope {
  const { state } = d;
  return {
    cost: { left: EVALUATION_COST_LIMIT },
    variable(name) {
      if (Object.hasOwn(extra, name)) return extra[name];
      switch (name) {
        case 'inputs':
          return state.inputs;
        case 'steps':
          return stepsOf(state, frameId);
        case 'event':
          return state.event;
        case 'run':
          return runOf(state, frameId);
        case 'env':
          return state.env as unknown as Json;
        case 'now':
          return timestampOfMs(state.now);
        default:
          return localOf(d, frameId, name);
      }
    },
    uid: (label) => sha256Base32(`${state.run.id}/${path}/${label}`, 26),
  };
}

/** The steps that a list sees: its own and those of the lists around it; ids are unique in a plan. */
function stepsOf(state: State, frameId: string): Json {
  const frame = state.frames[frameId] as Frame;
  if (frame.parent === undefined) return frame.steps as unknown as Json;
  return { ...(stepsOf(state, frame.parent) as JsonObject), ...(frame.steps as unknown as JsonObject) };
}

/** The nearest frame around and including this one that fits. */
function nearest(state: State, frameId: string, fits: (frame: Frame) => boolean): Frame | undefined {
  for (let id: string | undefined = frameId; id !== undefined;) {
    const frame: Frame = state.frames[id] as Frame;
    if (fits(frame)) return frame;
    id = frame.parent;
  }
  return undefined;
}

function runOf(state: State, frameId: string): Json {
  const outcome = nearest(state, frameId, (frame) => frame.seen?.outcome !== undefined)?.seen?.outcome;
  const run = state.run as unknown as JsonObject;
  return outcome === undefined ? run : { ...run, outcome };
}

/** Variables of iterations, handlers and cleanups. */
function localOf(d: Draft, frameId: string, name: string): Json | undefined {
  if (name === 'error') return nearest(d.state, frameId, (frame) => frame.seen !== undefined)?.seen?.error;
  const isIteration = (frame: Frame): boolean => frame.index !== undefined;
  if (name === 'index') return nearest(d.state, frameId, isIteration)?.index;
  if (name === 'prev') return nearest(d.state, frameId, isIteration)?.prev;
  return nearest(d.state, frameId, (frame) => isIteration(frame) && asOf(d, frame) === name)?.item;
}

function asOf(d: Draft, frame: Frame): string {
  return (d.node(frame.node as number) as ForEachNode).as;
}

/** The view of a step, or that of one that has not begun. */
export function viewOf(frame: Frame, id: string): StepView {
  return frame.steps[id] ?? { status: 'created', attempts: 0 };
}
