import type { RerunStep } from '../catalog/rerun-store.js';
import type { Read } from '../domain/expression/reads.js';
import type { AnewReason } from '../domain/rerun.js';
import type {
  ActionNode,
  AgentNode,
  ForEachNode,
  HolderNode,
  NodeIx,
  ParallelNode,
  Plan,
  PlanNode,
  SwitchNode,
} from '../domain/plan.js';
import { controlReads, isChained, isUnstable, meaningOf, resultReads } from './rerun-reads.js';
import type { RerunRecords } from './rerun-records.js';

export interface RerunWalk {
  /** The plan that runs now, and the one that ran. */
  plan: Plan;
  previous: Plan;
  records: RerunRecords;
  /** A step's id or path: it and all that follows run anew. */
  from?: string;
  /** Whether a value that expressions read was changed. */
  isChanged: (read: Read) => boolean;
  /** Steps whose result is not kept any more, by id. */
  gone?: ReadonlySet<string>;
  /** Nothing is taken over, for this reason. */
  nothing?: AnewReason;
}

/** A result that can be taken over: the step's path in the new run, and its record. */
export interface Take {
  path: string;
  node: ActionNode | AgentNode;
  step: RerunStep;
}

export interface Walked {
  takes: Take[];
  /** Steps that run anew, by path, in the order of the plan; inside loops that have no records, without an index. */
  anew: Map<string, AnewReason>;
}

/** Where a list stands in the new run and in the old one; `settled`: what failed in it did not fail the run. */
interface Place {
  to: string;
  was: string | undefined;
  settled: boolean;
}

/** Why steps run anew from here on; undefined: results are taken over. */
type Mode = AnewReason | undefined;

/**
 * Goes through a plan in its order and finds what a rerun can take over. Once a step of a list runs anew, so does all that
 * follows in the plan, since steps rely on what was done before them without saying so. Branches, and items of a loop, do
 * not follow each other.
 */
export function walkRerun(walk: RerunWalk): Walked {
  const walker = new Walker(walk);
  walker.list(walk.plan.root.do, { to: '', was: '', settled: false }, walk.nothing);
  return walker.walked;
}

class Walker {
  readonly walked: Walked = { takes: [], anew: new Map() };
  readonly #walk: RerunWalk;
  readonly #before: ReadonlyMap<string, PlanNode>;
  readonly #from: string | undefined;
  /** Steps that are decided or computed anew, with results that may be others. */
  readonly #unstable = new Set<string>();

  constructor(walk: RerunWalk) {
    this.#walk = walk;
    this.#before = new Map(walk.previous.nodes.map((node) => [node.path, node]));
    this.#from = walk.from?.replace(/#\d+/g, '');
  }

  list(list: readonly NodeIx[], place: Place, mode: Mode): Mode {
    return list.reduce<Mode>((now, ix) => this.#step(this.#walk.plan.nodes[ix] as PlanNode, place, now), mode);
  }

  #step(node: PlanNode, { to, was, settled }: Place, mode: Mode): Mode {
    const join = (list: string): string => (list === '' ? node.id : `${list}.${node.id}`);
    const place = { to: join(to), was: was === undefined ? undefined : join(was), settled };
    const record = place.was === undefined ? undefined : this.#walk.records.at(place.was);
    const now = mode ?? this.#breakAt(node, place.to);
    switch (node.kind) {
      case 'action_task':
      case 'agent_task':
        return this.#task(node, place, record, now);
      case 'gate':
      case 'wait':
      case 'transform':
        if (node.kind === 'gate' || resultReads(node).some((read) => isUnstable(read, this.#unstable)))
          this.#unstable.add(node.id);
        return this.#handlers(node, place, record, now);
      default:
        return this.#holder(node, place, record, now);
    }
  }

  /** What makes this step, and all behind it, run anew although it has a result. */
  #breakAt(node: PlanNode, path: string): Mode {
    const { plan, previous, isChanged } = this.#walk;
    if (this.#from !== undefined && [node.id, node.path, path].includes(this.#from)) return 'asked';
    const before = this.#before.get(node.path);
    if (before !== undefined && plan !== previous && meaningOf(plan, node) !== meaningOf(previous, before))
      return 'rerun_contract_changed';
    if (resultReads(node).some(isChanged)) return 'inputs_changed';
    return controlReads(node).some((read) => isUnstable(read, this.#unstable)) ? 'decided_anew' : undefined;
  }

  #task(node: ActionNode | AgentNode, place: Place, record: RerunStep | undefined, mode: Mode): Mode {
    const isGone = record !== undefined && this.#walk.gone?.has(record.step_id) === true;
    const reason = mode ?? (isGone ? 'result_gone' : reasonOf(record, place.settled));
    if (reason !== undefined) {
      this.walked.anew.set(place.to, reason);
      return 'after';
    }
    // Skipped by its own condition: that is evaluated again, and gives the same.
    if (record === undefined || record.status === 'skipped') return undefined;
    this.walked.takes.push({ path: place.to, node, step: record });
    return this.#handlers(node, place, record, undefined);
  }

  /** Handlers that ran for a failure which is taken over. */
  #handlers(node: PlanNode, { to, was, settled }: Place, record: RerunStep | undefined, mode: Mode): Mode {
    if (mode !== undefined || record?.status !== 'failed' || !(record.handled || settled)) return mode;
    return (node.on_error ?? []).reduce<Mode>((now, handler, h) => {
      const list = `${was ?? ''}!${h}`;
      if (!this.#walk.records.hasList(list)) return now;
      return this.list(handler.do, { to: `${to}!${h}`, was: list, settled: true }, now);
    }, mode);
  }

  #holder(node: HolderNode, around: Place, record: RerunStep | undefined, mode: Mode): Mode {
    const settled = around.settled || isSettled(record);
    const place = { ...around, settled };
    const unstable = this.#unstable.size;
    let now = this.#bodies(node, place, mode);
    if (this.#unstable.size > unstable) this.#unstable.add(node.id);
    now = this.#handlers(node, place, record, now);
    const { finally: last } = node.kind === 'block' ? node.bodies.do : {};
    // What a scope does last was done when the scope is over; where that goes on, it comes again.
    if (last === undefined || !settled) return now;
    return this.list(last, { to: `${place.to}~finally`, was: listIn(place, '~finally'), settled }, now);
  }

  #bodies(node: HolderNode, place: Place, mode: Mode): Mode {
    switch (node.kind) {
      case 'block': {
        const was = place.was === undefined ? undefined : this.#walk.records.attemptOf(place.was);
        return this.list(node.bodies.do.do, { ...place, was }, mode);
      }
      case 'switch':
      case 'parallel':
        return this.#lanes(node, place, mode);
      case 'for_each':
        return this.#loop(node, place, mode);
    }
  }

  #lanes(node: SwitchNode | ParallelNode, { to, was, settled }: Place, mode: Mode): Mode {
    let after = mode;
    for (const [name, body] of Object.entries(node.bodies)) {
      const place = { to: `${to}:${name}`, was: listIn({ was }, `:${name}`), settled };
      after = this.list(body.do, place, mode) ?? after;
    }
    return after;
  }

  #loop(node: ForEachNode, { to, was, settled }: Place, mode: Mode): Mode {
    const items = mode !== undefined || was === undefined ? [] : this.#walk.records.items(was);
    if (items.length === 0 && !(settled && mode === undefined)) {
      return this.list(node.bodies.do.do, { to: `${to}[]`, was: undefined, settled }, mode ?? 'not_run');
    }
    const chained = isChained(this.#walk.plan, node);
    let after = mode;
    for (const item of items) {
      const place = { to: `${to}[${item}]`, was: listIn({ was }, `[${item}]`), settled };
      after = this.list(node.bodies.do.do, place, chained ? after : mode) ?? after;
    }
    // Items that never began have no records.
    return after ?? (settled ? undefined : 'not_run');
  }
}

/** Whether a holder ended so that the run went on behind it. */
function isSettled(record: RerunStep | undefined): boolean {
  if (record?.status === 'skipped') return isChosen(record);
  return record?.status === 'completed' || (record?.status === 'failed' && record.handled);
}

/** Whether a step was skipped since the plan said so, rather than since the run ended before. */
function isChosen({ skip_reason: reason }: RerunStep): boolean {
  return reason === 'when' || reason === 'not_selected';
}

function listIn({ was }: Pick<Place, 'was'>, suffix: string): string | undefined {
  return was === undefined ? undefined : `${was}${suffix}`;
}

/** Why a step has no result that could be taken over. */
function reasonOf(record: RerunStep | undefined, settled: boolean): AnewReason | undefined {
  switch (record?.status) {
    case 'completed':
      return undefined;
    case 'failed':
      return record.handled || settled ? undefined : 'failed';
    case 'skipped':
      return settled || isChosen(record) ? undefined : 'not_run';
    default:
      return 'not_run';
  }
}
