import type { HolderNode, LeafNode, Plan, PlanNode, Scope } from '../../domain/plan.js';
import type { LoopItems } from './loop-cells.js';
import { isSettled, needsAttention, worstMark, type Mark } from './marks.js';
import { childPath, readPaths, type PathFacts } from './paths.js';
import type { GraphNode, Group, Lane, Lanes, Leaf, Seq, Way } from './tree.js';

/** What is known of one step of a run; steps inside loops are told by `LoopItems` instead. Times: ms since 1970. */
export interface StepRecord {
  path: string;
  mark: Mark;
  skipReason: string | null;
  attempts: number;
  startedMs: number | null;
  endedMs: number | null;
  note: string | null;
  /** Of a `switch`: the case that was chosen, null for none. */
  chosen?: string | null;
}

/** What happened so far; without it the plan alone is drawn. */
export interface RunState {
  /** Whether steps without a record may still come. */
  open: boolean;
  records: readonly StepRecord[];
  /** By the path of the loop. */
  loops: ReadonlyMap<string, LoopItems>;
  /** Usual duration in ms by step id. */
  usualMs: ReadonlyMap<string, number>;
}

const NOTHING: RunState = { open: true, records: [], loops: new Map(), usualMs: new Map() };
/** Under these the way leads past the step to the next one; after all others the rest was not reached. */
const PASSING = new Set(['when', 'requirement', 'lock']);

interface Build {
  plan: Plan;
  state: RunState;
  byPath: Map<string, StepRecord>;
  paths: PathFacts;
  loopBodies: boolean;
}

/**
 * The tree of a plan with the states of a run, in time linear in both. Pure.
 * @param options.loopBodies draws what a loop repeats, as on a blueprint's page, in place of one box with its items.
 */
export function buildTree(plan: Plan, state: RunState = NOTHING, options: { loopBodies?: boolean } = {}): Seq {
  const byPath = new Map(state.records.map((record) => [record.path, record]));
  const paths = readPaths(byPath.keys());
  return scopeSeq({ plan, state, byPath, paths, loopBodies: options.loopBodies ?? false }, plan.root, '');
}

function scopeSeq(build: Build, scope: Scope, holder: string): Seq {
  return {
    type: 'seq',
    items: [
      ...stepList(build, scope.do, holder, null),
      ...handlerSteps(build, scope.on_error ?? [], holder),
      ...stepList(build, scope.finally ?? [], `${holder}~finally`, 'finally'),
    ],
  };
}

function stepList(build: Build, list: readonly number[], holder: string, role: Leaf['role']): GraphNode[] {
  return list.flatMap((ix) => {
    const node = build.plan.nodes[ix];
    if (node === undefined) return [];
    const path = childPath(holder, node.id);
    return [nodeOf(build, node, path, role), ...handlerSteps(build, node.on_error ?? [], path)];
  });
}

/** Handlers are drawn only when they ran: they are not the way that a plan means to go. */
function handlerSteps(build: Build, handlers: readonly { do: number[] }[], holder: string): GraphNode[] {
  return handlers.flatMap((handler, index) => {
    const address = `${holder}!${index}`;
    return build.paths.handlers.has(address) ? stepList(build, handler.do, address, 'handler') : [];
  });
}

function nodeOf(build: Build, node: PlanNode, path: string, role: Leaf['role']): GraphNode {
  switch (node.kind) {
    case 'parallel':
    case 'switch':
      return lanesOf(build, node, path);
    case 'block':
      return groupOf(build, node, path);
    case 'for_each':
      return build.loopBodies ? groupOf(build, node, path) : loopOf(build, node, path);
    default:
      return leafOf(build, node, path, role);
  }
}

function leafOf(build: Build, node: LeafNode, path: string, role: Leaf['role']): Leaf {
  const record = build.byPath.get(path);
  const undo = (build.paths.undo.get(path) ?? []).flatMap((at) => {
    const found = build.byPath.get(at);
    return found === undefined
      ? []
      : [{ path: at, title: `Undo ${node.name ?? node.id}`, mark: undoMark(found.mark), ...timesOf(found) }];
  });
  return {
    type: 'leaf',
    kind: node.kind,
    what: whatOf(node),
    note: record?.note ?? null,
    skipReason: record?.skipReason ?? null,
    attempts: record?.attempts ?? 0,
    role,
    undo,
    ...stopOf(build, node, path),
  };
}

/** An undo step that is done looks like what it undid. */
function undoMark(mark: Mark): Mark {
  return mark === 'done' ? 'undone' : mark;
}

function whatOf(node: LeafNode): string {
  if (node.kind === 'action_task') return node.action;
  return node.kind === 'agent_task' ? node.model : node.kind;
}

function loopOf(build: Build, node: Extract<HolderNode, { kind: 'for_each' }>, path: string): GraphNode {
  const items = build.state.loops.get(path) ?? { states: '', total: null, failed: [] };
  const stop = stopOf(build, node, path);
  const started = items.states !== '' && !build.byPath.has(path);
  return {
    ...stop,
    ...(started ? { mark: build.state.open ? ('run' as const) : ('cancelled' as const), way: 'taken' as const } : {}),
    type: 'loop',
    items: { ...items, total: items.total ?? literalSize(node.in) },
    concurrency: node.concurrency,
  };
}

function literalSize(list: unknown): number | null {
  if (typeof list === 'number') return list;
  return Array.isArray(list) ? list.length : null;
}

function groupOf(build: Build, node: Extract<HolderNode, { kind: 'block' | 'for_each' }>, path: string): Group {
  const attempt = build.paths.attempts.get(path);
  const body = scopeSeq(build, node.bodies.do, attempt === undefined ? path : `${path}#${attempt}`);
  return { type: 'group', kind: node.kind, body, ...settleStop(build, stopOf(build, node, path), body.items) };
}

function lanesOf(build: Build, node: Extract<HolderNode, { kind: 'parallel' | 'switch' }>, path: string): Lanes {
  const names = laneNames(node);
  const bodies = names.map((name): Seq => {
    const scope = node.bodies[name];
    return scope === undefined ? { type: 'seq', items: [] } : scopeSeq(build, scope, `${path}:${name}`);
  });
  const stop = settleStop(
    build,
    stopOf(build, node, path),
    bodies.flatMap((body) => body.items),
  );
  const chosen = node.kind === 'switch' ? chosenLane(bodies, names, build.byPath.get(path)) : null;
  const lanes = bodies.map((body, index): Lane => {
    const way = laneWay(body, stop, chosen === null ? undefined : chosen === index, isSettled(stop.mark));
    if (way === 'off') body.items.forEach(switchOff);
    return { name: names[index] ?? '', way, wayOut: wayOut(body, way), body };
  });
  return { type: 'lanes', kind: node.kind, lanes, ...stop };
}

/** Stored plans may have lost the order of keys, so branches come in the order in which they start. */
function laneNames(node: Extract<HolderNode, { kind: 'parallel' | 'switch' }>): string[] {
  if (node.kind === 'parallel') return Object.keys(node.bodies).sort();
  // Without a default there is a way past all cases.
  return [...node.cases.map(({ name }) => name), 'default'];
}

/** -1: a choice was made and it was none of the lanes with steps; null: none is known yet. */
function chosenLane(bodies: readonly Seq[], names: readonly string[], record: StepRecord | undefined): number | null {
  const taken = bodies.findIndex((body) => body.items.some(isTaken));
  if (taken >= 0) return taken;
  if (record?.mark !== 'done') return null;
  return names.indexOf(record.chosen ?? 'default');
}

function laneWay(body: Seq, stop: { way: Way }, chosen: boolean | undefined, settled: boolean): Way {
  if (chosen !== undefined) return chosen ? 'taken' : 'off';
  if (body.items.some(isTaken)) return 'taken';
  if (stop.way === 'off' || (body.items.length > 0 && body.items.every(isOff))) return 'off';
  return body.items.length === 0 && settled ? stop.way : 'todo';
}

function wayOut(body: Seq, way: Way): Way {
  const last = body.items.at(-1);
  if (way === 'off' || last === undefined) return way;
  if (isOff(last)) return 'off';
  return isTaken(last) && !unsettled(last) ? 'taken' : 'todo';
}

function unsettled(node: GraphNode): boolean {
  return node.type === 'seq' ? node.items.some(unsettled) : !isSettled(node.mark);
}

/** Whether a run went through a part of the tree. */
export function isTaken(node: GraphNode): boolean {
  return node.type === 'seq' ? node.items.some(isTaken) : node.way === 'taken';
}

function isOff(node: GraphNode): boolean {
  return node.type === 'seq' ? node.items.every(isOff) : node.way === 'off';
}

function switchOff(node: GraphNode): void {
  if (node.type === 'seq') {
    node.items.forEach(switchOff);
    return;
  }
  if (node.way === 'off') return;
  node.way = 'off';
  if (node.mark === 'todo') node.mark = 'skipped';
  if (node.type === 'group') node.body.items.forEach(switchOff);
  if (node.type !== 'lanes') return;
  for (const lane of node.lanes) {
    lane.way = 'off';
    lane.wayOut = 'off';
    lane.body.items.forEach(switchOff);
  }
}

type Stop = Pick<Leaf, 'path' | 'title' | 'mark' | 'way' | 'startedMs' | 'endedMs' | 'usualMs'>;

function stopOf(build: Build, node: PlanNode, path: string): Stop {
  const record = build.byPath.get(path);
  const mark = record?.mark ?? (build.state.open ? 'todo' : 'skipped');
  return {
    path,
    title: node.name ?? node.id,
    mark,
    way: wayInto(mark, record?.skipReason ?? null),
    startedMs: record?.startedMs ?? null,
    endedMs: record?.endedMs ?? null,
    usualMs: build.state.usualMs.get(node.id) ?? null,
  };
}

function timesOf(record: StepRecord | undefined): { startedMs: number | null; endedMs: number | null } {
  return { startedMs: record?.startedMs ?? null, endedMs: record?.endedMs ?? null };
}

function wayInto(mark: Mark, skipReason: string | null): Way {
  if (mark === 'todo') return 'todo';
  return mark !== 'skipped' || PASSING.has(skipReason ?? '') ? 'taken' : 'off';
}

/** What a holder shows: its own record, and until that is written what its steps say. */
function settleStop(build: Build, stop: Stop, items: readonly GraphNode[]): Stop {
  const own = items.filter((item) => item.type !== 'seq');
  const startedMs = stop.startedMs ?? extreme(own, 'startedMs', Math.min);
  if (build.byPath.has(stop.path) && isSettled(stop.mark)) return { ...stop, startedMs };
  const mark = own.length === 0 ? stop.mark : holderMark(own.map((item) => item.mark));
  const endedMs = isSettled(mark) ? extreme(own, 'endedMs', Math.max) : null;
  return { ...stop, startedMs, endedMs, mark, way: own.some(isTaken) ? 'taken' : stop.way };
}

function extreme(
  own: readonly { startedMs: number | null; endedMs: number | null }[],
  field: 'startedMs' | 'endedMs',
  pick: (a: number, b: number) => number,
): number | null {
  return own.reduce<number | null>((found, item) => {
    const value = item[field];
    return found === null || value === null ? (found ?? value) : pick(found, value);
  }, null);
}

function holderMark(marks: readonly Mark[]): Mark {
  const worst = worstMark(marks);
  if (marks.every(isSettled) || marks.every((mark) => mark === 'todo')) return worst;
  const urgent = marks.filter((mark) => !isSettled(mark) && needsAttention(mark));
  return urgent.length === 0 ? 'run' : worstMark(urgent);
}
